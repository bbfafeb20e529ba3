"""A story with a call to spoil in it, and what must hold when it is over."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from sqlalchemy import select

from machines.snapshot import DEFAULT_LIMITS, Limits
from machines.testing.checker import Violation, check
from storage import schema
from tests.acceptance.playing import says
from tests.crash.seen import recorded
from tests.english import ENGLISH
from tests.faults.outcomes import Outcome, Spoiler
from tests.inprocess.house import House
from tests.inprocess.world import Member, Task, World

#: Nobody understands this: the chatbot neither.
UNKNOWN_WORDS = "zzgrbl qwrk vvnn"
#: After this long nothing is under way any more, and no idle timer has fired. Seconds.
QUIET_S = 150.0
#: A call in doubt may take a while until it is settled. Seconds.
PATIENCE_S = 300.0
#: Twilio's word about a second interaction on one conversation, which it drops.
MAPPED_ALREADY = 45353


@dataclass
class Stage:
    """A world and its service. What was said is written down, to be compared at the end."""

    world: World
    url: str
    house: House
    call: str
    outcomes: tuple[Outcome, ...]
    spoiler: Spoiler
    mia: Member
    said: list[str] = field(default_factory=list)  #: by the member to the desk
    replied: list[str] = field(default_factory=list)  #: by agents to the member
    limits: Limits = DEFAULT_LIMITS
    tasks: int = 1
    dead: tuple[str, ...] = ()  #: kinds of effects that may have died
    unanswered: int = (
        0  #: interactions that Discord may have seen no acknowledgement of, because it was spoiled
    )
    down: list[tuple[float, float]] = field(default_factory=list)  #: when nobody served

    def spoil(self) -> None:
        """From here on the call meets what is to become of it."""
        self.spoiler.plant(self.call, *self.outcomes)

    def says(self, text: str) -> str:
        self.said.append(text)
        return self.mia.write(text)

    def replies(self, task: Task, text: str) -> str:
        self.replied.append(text)
        return task.write(text)

    async def heard(self) -> None:
        """Everything that was said has arrived."""
        await self.mia.gets(*self.replied)
        for task in self.world.tasks():
            await task.gets(*self.said)

    async def dies(self) -> None:
        """The service is killed. What it left undone stays so until `comes_back`."""
        self.down.append((self.world.time.time(), float("inf")))
        await self.house.kill()

    async def ends(self) -> list[str]:
        """The service stops politely. The names of the tasks that it left behind."""
        self.down.append((self.world.time.time(), float("inf")))
        await self.house.stop()
        return sorted(task.get_name() for task in asyncio.all_tasks() - {asyncio.current_task()})

    async def comes_back(self) -> None:
        """Its next life has begun, and read up what it missed."""
        self.house = House(self.world, self.url, limits=self.limits)
        await self.house.start()
        self.down[-1] = (self.down[-1][0], self.world.time.time())

    async def problems(self) -> list[str]:
        """When all is quiet, and the service has stopped: what was lost, doubled or left over, in words."""
        await self.heard()
        await self.world.time.sleep(QUIET_S)
        await self.heard()
        return [*self._doubled(), *await self.broken()]

    async def broken(self) -> list[str]:
        """What is left over when the service has stopped, and every promise that it broke, in words."""
        leaks = await self.ends()
        history = recorded(self.world, self.house.engine, self.down, leaks)
        return [*self._left_over(), *map(str, self._unforgiven(check(history)))]

    def _unforgiven(self, broken: Sequence[Violation]) -> Iterator[Violation]:
        """Every broken promise but this: what Discord waited for in vain, because we spoiled that very answer."""
        left = self.unanswered
        for violation in broken:
            if violation.invariant == "I9" and violation.what.startswith("interaction ") and left:
                left -= 1
            else:
                yield violation

    def _doubled(self) -> Iterator[str]:
        yield from (f"the member read twice: {text}" for text in _twice(self.mia.texts()))
        if len(self.world.tasks()) != self.tasks:
            yield f"{len(self.world.tasks())} tasks"
        conversations = {task.show()["conversation_sid"]: task for task in self.world.tasks()}
        if len(conversations) != len(self.world.twilio._account.conversations):
            yield "a Twilio Conversation without a task"
        for sid, task in conversations.items():
            yield from (f"the agent read twice: {note}" for note in _twice(task.notes()))
            transcripts = [
                note for note in task.notes() if any(says(k, note, ENGLISH.desk) for k in TRANSCRIPTS)
            ]
            if len(transcripts) != 1:
                yield f"transcripts: {transcripts}"
            shown = self.world.twilio.conversation(sid)
            late = any(outcome.late for outcome in self.outcomes)
            # what is done when we gave it up stands there twice: the ledger drops what the second webhook tells,
            # and Twilio the second interaction, with a warning
            if len({hook["url"] for hook in shown["webhooks"]}) != 1 or (
                len(shown["webhooks"]) > 1 and not late
            ):
                yield f"webhooks: {shown['webhooks']}"
            yield from (
                f"Twilio warns: {warning}"
                for warning in shown["warnings"]
                if not (late and warning["code"] == MAPPED_ALREADY)
            )

    def _left_over(self) -> Iterator[str]:
        with self.house.engine.connect() as connection:
            rows = connection.execute(select(schema.effect)).all()
        yield from (f"{row.kind} is still to be done" for row in rows if row.status == "pending")
        yield from (
            f"{row.kind} is dead: {row.last_error}"
            for row in rows
            if row.status == "dead" and row.kind not in self.dead
        )
        yield from (f"the operator was told: {text}" for text in self.house.alerts)


async def staged(
    world: World,
    url: str,
    call: str = "",
    outcomes: tuple[Outcome, ...] = (),
    limits: Limits = DEFAULT_LIMITS,
) -> Stage:
    """A stage whose service has started."""
    spoiler = Spoiler(world)  # first: a house calls what it found when it was built
    house = House(world, url, limits=limits)
    stage = Stage(world, url, house, call, outcomes, spoiler, world.member(), limits=limits)
    await house.start()
    return stage


TRANSCRIPTS = ("transcript", "transcript_empty")


def _twice(texts: list[str]) -> list[str]:
    return [text for text, times in Counter(texts).items() if times > 1]
