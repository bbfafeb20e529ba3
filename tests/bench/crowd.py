"""Members who talk with agents in a sandbox of this process, and what of their talk arrived at the other side."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from itertools import chain, count
from time import perf_counter
from typing import TypeVar

from orchestrator.discord.commands import COMMANDS
from orchestrator.sandbox.discord.state import Message
from orchestrator.sandbox.log import Entry
from orchestrator.sandbox.server import Sandbox
from orchestrator.sandbox.twilio.errors import ApiError
from tests.bench.talks import BODY

T = TypeVar("T")

#: Who is stalled for 5 s loses webhooks for good; what they said is read up three minutes later.
PATIENCE_S = 400.0
POLL_S = 0.005
#: Every message begins with a number of its own; a name may stand before it.
_NUMBER = re.compile(r"(?:^|\*\* )#(\d+) ")


class Way(StrEnum):
    """The direction of a message."""

    TO_DESK = "member -> Twilio"
    TO_MEMBER = "agent -> Discord"


@dataclass(frozen=True, slots=True)
class Said:
    """A message that somebody wrote."""

    number: int
    way: Way
    at: float  #: when, seconds since 1970
    member: str  #: who wrote it, or whose agent


@dataclass(eq=False, slots=True)
class Member:
    """One of the crowd."""

    name: str
    id: int
    tasks: list[str] = field(default_factory=list)  #: sids of those that an agent took, the last one now
    under_way: set[int] = field(default_factory=set)  #: numbers said that have not arrived yet


@dataclass(slots=True)
class Crowd:
    """Acts are done to the sandbox's models directly: the other processor is the service's alone.

    The sandbox's log is emptied as it is read: hours of it would fill the memory.
    """

    sandbox: Sandbox
    said: dict[int, Said] = field(default_factory=dict)
    #: number -> when it arrived for the first time, seconds since 1970
    arrived: dict[int, float] = field(default_factory=dict)
    talking: list[Member] = field(default_factory=list)  #: those who have an agent now
    _members: dict[str, Member] = field(default_factory=dict)
    _numbers: count[int] = field(default_factory=count)

    def __post_init__(self) -> None:
        self.sandbox.discord.commands.overwrite(None, list(COMMANDS))

    async def gather(self, members: int) -> None:
        """Bring so many members to agents; both sides have spoken once when it returns."""
        await asyncio.gather(*(self.bring(f"member{n}") for n in range(members)))
        self.all_write(Way.TO_DESK)
        self.all_write(Way.TO_MEMBER)
        await self.heard_out()

    async def bring(self, name: str, question: str = "", agent: str = "ada") -> Member:
        """To an agent, by asking the bot that question or by `/helpme`. Raises TimeoutError."""
        discord, twilio = self.sandbox.discord, self.sandbox.twilio
        member = self._members.setdefault(name, Member(name, discord.members.named(name).id))
        if question:
            since = discord.members.post(name, question).id
        else:
            since = discord.members.command(name, "helpme", {}, "customer-service").id
        message, button = await until("the bot", lambda: self._button(member, since, "agent_requested:"))
        discord.members.click(name, message, button)
        conversation = button.partition(":")[2]
        task = await until("a task", lambda: self._task(conversation))
        twilio.accept(task, agent)
        self.sandbox.twilio_shell.flush()
        await until("an agent", lambda: any("joined" in m.content for m in self._told(member, message)))
        member.tasks.append(task)
        self.talking.append(member)
        return member

    async def part(self, member: Member) -> None:
        """The agent ends it once both have heard each other out; the member rates it. Raises TimeoutError."""
        self.talking.remove(member)
        await until("the last words", lambda: self.all_arrived() or not member.under_way)
        since = self.sandbox.discord.world.new_id()
        self.sandbox.twilio.complete(member.tasks[-1])
        self.sandbox.twilio_shell.flush()
        message, button = await until("the goodbye", lambda: self._button(member, since, "rating:"))
        since = self.sandbox.discord.members.click(member.name, message, button).id
        await until("thanks", lambda: next(self._told(member, since), None))

    def all_write(self, way: Way, times: int = 1) -> None:
        """Every one of that side writes so many messages, all at once."""
        for _ in range(times):
            for n in range(len(self.talking)):
                self.write(way, n)

    def write(self, way: Way, who: int) -> None:
        """One message of the `who`-th member who talks, or of the agent who talks with that member."""
        member, number = self.talking[who % len(self.talking)], next(self._numbers)
        self.said[number] = Said(number, way, self.now(), member.name)
        member.under_way.add(number)
        text = f"#{number} {BODY}"
        if way is Way.TO_DESK:
            self.sandbox.discord.members.post(member.name, text)
        else:
            self.sandbox.twilio.agent_message(member.tasks[-1], text)
            self.sandbox.twilio_shell.flush()

    async def talk(self, rate: float, enough: Callable[[], bool]) -> None:
        """Both sides write by turns, `rate` messages per second altogether, whatever becomes of them."""
        start = perf_counter()
        for n in count():
            await asyncio.sleep(max(0.0, start + n / rate - perf_counter()))
            if enough():
                return
            if self.talking:
                self.write(Way.TO_MEMBER if n % 2 else Way.TO_DESK, n // 2)

    def now(self) -> float:
        return self.sandbox.log.now().timestamp()

    async def heard_out(self, within: float = PATIENCE_S) -> bool:
        """Wait until all that was said has arrived; False if some of it has not by then."""
        try:
            await until("the last messages", self.all_arrived, within)
        except TimeoutError:
            return False
        return True

    def all_arrived(self) -> bool:
        entries = self.sandbox.log.entries
        for entry in entries:
            if (number := _posted(entry)) is not None and number not in self.arrived:
                self.arrived[number] = datetime.fromisoformat(entry.at).timestamp()
                self._members[self.said[number].member].under_way.discard(number)
        entries.clear()
        return len(self.arrived) == len(self.said)

    def standing(self) -> Iterator[tuple[Way, str, list[int]]]:
        """Way, member, and the numbers of the messages that stand at the other side now, in their order there."""
        for name, member in self._members.items():
            yield Way.TO_MEMBER, name, _numbers(m.content for m in self._inbox(name))
            tasks = (self.sandbox.twilio.task(sid)["messages"] for sid in member.tasks)
            ours = (m for m in chain.from_iterable(tasks) if m["author"] == f"discord_{member.id}")
            yield Way.TO_DESK, name, _numbers(str(m["body"]) for m in ours if not m["deleted_at"])

    def copies(self) -> Counter[int]:
        """Number -> how often that message stands at the other side now."""
        return Counter(number for _, _, numbers in self.standing() for number in numbers)

    def _inbox(self, name: str) -> list[Message]:
        """What the bot wrote to a member."""
        bot = self.sandbox.discord.world.bot.id
        found = self.sandbox.discord.members.inbox(name)
        return [m for m in found if m.author_id == bot and m.deleted_at is None]

    def _told(self, member: Member, since: int) -> Iterator[Message]:
        """What the bot wrote in the direct message after that id, newest first. Reads no more of it than that."""
        world = self.sandbox.discord.world
        for message in reversed(world.dm(world.user(member.id)).messages):
            if message.id <= since:
                return
            if message.author_id == world.bot.id:
                yield message

    def _button(self, member: Member, since: int, action: str) -> tuple[int, str] | None:
        """The newest message with a button for that, and the button's custom id."""
        for message in self._told(member, since):
            for row in message.components:
                for button in row["components"]:
                    if button["custom_id"].startswith(action):
                        return message.id, button["custom_id"]
        return None

    def _task(self, conversation: str) -> str | None:
        """Sid of the task that the first request of that conversation made."""
        try:
            found = self.sandbox.twilio.conversation(f"orchestrator-{conversation}-1")
        except ApiError:
            return None
        return next(iter(found["tasks"]), None)


def _posted(entry: Entry) -> int | None:
    """The number of the message that the service posted with this call."""
    if entry.from_ != "app" or entry.method != "POST" or entry.status not in (200, 201):
        return None
    if entry.to == "twilio" and entry.path.endswith("/Messages"):
        return _number(str(entry.request["form"].get("Body", "")))
    if entry.to == "discord" and entry.path.endswith("/messages"):
        return _number(str(entry.request.get("content", "")))
    return None


def _numbers(texts: Iterator[str]) -> list[int]:
    return [number for text in texts if (number := _number(text)) is not None]


def _number(text: str) -> int | None:
    found = _NUMBER.search(text)
    return int(found[1]) if found else None


async def until(what: str, look: Callable[[], T | None], within: float = PATIENCE_S) -> T:
    """Look until there is something to see, and give it. Raises TimeoutError."""
    deadline = perf_counter() + within
    while not (seen := look()):
        if perf_counter() > deadline:
            raise TimeoutError(f"waited {within:g} s for: {what}")
        await asyncio.sleep(POLL_S)
    return seen
