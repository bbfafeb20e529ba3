"""SIGKILL under load: what was lost and what came twice, as the two providers saw it in the end."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from orchestrator.sandbox.server import start
from tests.bench.crowd import Crowd, Said, Way
from tests.bench.relay import SLOW_S, delay_calls
from tests.bench.report import Line
from tests.bench.service import Service
from tests.bench.size import Size

GROUP = "Killed while both sides talk, started again 5 s later (every REST call after 50 ms)"
DOWN_S = 5.0
#: A message in doubt is looked for at once and repeated 20 s after the start; its lane waits. Seconds.
SETTLED_WITHIN_S = 60.0
PEERS = "measured peers lose 15 to 233 of about 100 to 830"


@dataclass(frozen=True, slots=True)
class Outage:
    """From the kill until the service was ready again, seconds since 1970."""

    began: float
    ended: float

    def phase(self, at: float) -> str:
        return "before" if at < self.began else "during" if at < self.ended else "after"


def measure(size: Size, folder: Path) -> list[Line]:
    lines: list[Line] = []
    for rate in size.kill_rates:
        lines += asyncio.run(_measure(rate, size, folder / f"{rate:g}"))
    return lines


async def _measure(rate: float, size: Size, folder: Path) -> list[Line]:
    sandbox = await start(environ={})
    service = Service(sandbox.account(), folder)
    try:
        await service.start()
        await service.ready()
        crowd = Crowd(sandbox)
        await crowd.gather(size.relay_members)
        delay_calls(sandbox, SLOW_S)
        first = len(crowd.said)
        outage = await _kill_in_the_middle(crowd, service, rate, size.kill_seconds)
        await crowd.heard_out(SETTLED_WITHIN_S)
        settled = crowd.now()
        await service.settled()  # what would come twice has come by then
        said = {number: message for number, message in crowd.said.items() if number >= first}
        return [
            *verdict(rate, said, crowd.copies(), outage),
            Line(GROUP, f"{rate:g} msg/s: ready, after the start", outage.ended - outage.began - DOWN_S, "s"),
            Line(GROUP, f"{rate:g} msg/s: all there, after that", settled - outage.ended, "s"),
        ]
    finally:
        await service.stop()
        await sandbox.close()


async def _kill_in_the_middle(crowd: Crowd, service: Service, rate: float, seconds: float) -> Outage:
    """They talk on throughout."""
    enough = asyncio.Event()
    talk = asyncio.create_task(crowd.talk(rate, enough.is_set))
    await asyncio.sleep(seconds)
    began = crowd.now()
    await service.kill()
    await asyncio.sleep(DOWN_S)
    await service.start()
    await service.ready()
    ended = crowd.now()
    await asyncio.sleep(seconds)
    enough.set()
    await talk
    return Outage(began, ended)


def verdict(
    rate: float, said: Mapping[int, Said], copies: Mapping[int, int], outage: Outage
) -> Iterator[Line]:
    """Per direction: how many messages stand nowhere, and how many stand there more than once."""
    for way in Way:
        some = [message for message in said.values() if message.way is way]
        total = Counter(outage.phase(message.at) for message in some)
        for what, wrong in (
            ("lost", [message for message in some if copies.get(message.number, 0) == 0]),
            ("doubled", [message for message in some if copies.get(message.number, 0) > 1]),
        ):
            found = Counter(outage.phase(message.at) for message in wrong)
            note = ", ".join(
                f"{found[phase]} of {total[phase]} {phase}" for phase in ("before", "during", "after")
            )
            name = f"{rate:g} msg/s, {way}: {what}"
            peers = f"; {PEERS}" if what == "lost" else ""
            yield Line(GROUP, name, len(wrong), "messages", at_most=0, note=note + peers)
