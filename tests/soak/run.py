"""One run: the sandbox in this process, the service as its child, members who come, talk, rate and go."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from random import Random
from time import perf_counter

from orchestrator.sandbox.server import start
from storage.engines import writer
from tests.bench.crowd import Crowd
from tests.bench.service import Service
from tests.soak.judge import astray, left_undone
from tests.soak.vitals import Vitals, growth, look

HOUR_S = 3600.0
QUESTION = "My payment was declined, what can I do?"
AGENTS = ("ada", "ben")
#: How many members share a seat. The service keeps rows of up to 2,000 members in memory: all of ours are known
#: before the memory of a full hour is judged, and their conversations go on changing.
TAKEN_BY = 4


@dataclass(frozen=True)
class Load:
    """How long, how much, and how soon everything turns over."""

    seconds: float = HOUR_S
    rate: float = 50.0  #: messages per second, both ways together
    seats: int = 50  #: who talk at once, about
    stay: float = 100.0  #: seconds that a member talks with an agent, on average
    every: float = 10.0  #: seconds between two samples


@dataclass(slots=True)
class Outcome:
    """What a run leaves."""

    said: int = 0
    conversations: int = 0
    samples: list[Vitals] = field(default_factory=list)
    #: In words; nothing: all arrived once and in order, and all is done.
    wrong: list[str] = field(default_factory=list)

    @property
    def grown(self) -> list[str]:
        """What the service holds more and more of, in words."""
        return list(growth(self.samples))


async def run(load: Load, folder: Path, say: Callable[[str], None] = print) -> Outcome:
    """`say` is given a line per sample. Raises an ExceptionGroup where somebody waits for more than a minute."""
    sandbox = await start(environ={})
    service = Service(sandbox.account(), folder)
    outcome = Outcome()
    try:
        await service.start()
        await service.ready()
        crowd = Crowd(sandbox)
        await _talks(crowd, service, load, outcome, say)
        if not await crowd.heard_out():
            outcome.wrong.append(f"{len(crowd.said) - len(crowd.arrived)} messages did not arrive")
        settled_at = await service.settled()  # what would come twice has come by then
        outcome.said = len(crowd.said)
        if outcome.said < load.rate * load.seconds / 2:
            outcome.wrong.append(f"only {outcome.said} messages were said: members wait for agents")
        standing = {(way, name): numbers for way, name, numbers in crowd.standing()}
        outcome.wrong += astray(crowd.said.values(), standing)
    finally:
        await service.stop()
        await sandbox.close()
    engine = writer(service.database)
    outcome.wrong += left_undone(engine, settled_at)
    engine.dispose()
    return outcome


async def _talks(
    crowd: Crowd, service: Service, load: Load, outcome: Outcome, say: Callable[[str], None]
) -> None:
    begun = perf_counter()

    def passed() -> float:
        return perf_counter() - begun

    async def sample() -> None:
        for n in count(1):
            await asyncio.sleep(max(0.0, n * load.every - passed()))
            outcome.samples.append(await look(service, passed()))
            crowd.all_arrived()
            talk = f"{len(crowd.said)} said, {len(crowd.arrived)} arrived"
            say(f"{passed():5.0f} s: {talk}, {outcome.samples[-1]}")

    async with asyncio.TaskGroup() as group:
        others = [group.create_task(_seat(crowd, n, load, outcome)) for n in range(load.seats)]
        others.append(group.create_task(sample()))
        await crowd.talk(load.rate, lambda: passed() >= load.seconds)
        for other in others:
            other.cancel()


async def _seat(crowd: Crowd, number: int, load: Load, outcome: Outcome) -> None:
    """One after the other, and all of them again and again: by a question or by `/helpme`."""
    chance = Random(number)
    for visit in count():
        name, question = f"seat{number}.{visit % TAKEN_BY}", chance.choice(("", QUESTION))
        member = await crowd.bring(name, question, AGENTS[visit % len(AGENTS)])
        outcome.conversations += 1
        await asyncio.sleep(load.stay * chance.uniform(0.5, 1.5))
        await crowd.part(member)
