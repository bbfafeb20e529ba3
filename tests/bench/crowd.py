"""Members who talk with agents in a sandbox of this process, and what of their talk arrived at the other side."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from itertools import count
from time import perf_counter
from typing import Any

from orchestrator.discord.commands import COMMANDS
from orchestrator.sandbox.discord.state import Message
from orchestrator.sandbox.log import Entry
from orchestrator.sandbox.server import Sandbox
from tests.bench.talks import BODY

PATIENCE_S = 60.0
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


@dataclass(frozen=True, slots=True)
class _Member:
    name: str
    id: int
    task: str = ""  #: sid of the task that an agent has taken


@dataclass(slots=True)
class Crowd:
    """Acts are done to the sandbox's models directly: the other processor is the service's alone."""

    sandbox: Sandbox
    said: dict[int, Said] = field(default_factory=dict)
    #: number -> when it arrived for the first time, seconds since 1970
    arrived: dict[int, float] = field(default_factory=dict)
    _members: list[_Member] = field(default_factory=list)
    _numbers: count[int] = field(default_factory=count)
    _read: int = 0  #: entries of the log that were looked at

    async def gather(self, members: int) -> None:
        """Bring so many members to agents; both sides have spoken once when it returns."""
        discord, twilio = self.sandbox.discord, self.sandbox.twilio
        discord.commands.overwrite(None, list(COMMANDS))
        names = [f"member{n}" for n in range(members)]
        for name in names:
            discord.members.command(name, "helpme", {}, "customer-service")
        await until("greetings", lambda: all(self._button(name) for name in names))
        for name in names:
            button = self._button(name)
            assert button is not None
            discord.members.click(name, *button)
        await until("tasks", lambda: len(twilio.tasks()) == members)
        tasks = {task["attributes"]["customerAddress"]: str(task["sid"]) for task in twilio.tasks()}
        for name in names:
            user = discord.members.named(name)
            self._members.append(_Member(name, user.id, tasks[f"discord_{user.id}"]))
            twilio.accept(tasks[f"discord_{user.id}"], "ada")
        self.sandbox.twilio_shell.flush()
        await until("agents", lambda: all("ada" in self._last_line(name).lower() for name in names))
        self.all_write(Way.TO_DESK)
        self.all_write(Way.TO_MEMBER)
        await self.heard_out()

    def all_write(self, way: Way, times: int = 1) -> None:
        """Every one of that side writes so many messages, all at once."""
        for _ in range(times):
            for n in range(len(self._members)):
                self.write(way, n)

    def write(self, way: Way, who: int) -> None:
        """One message of the `who`-th member, or of the agent who talks with that member."""
        member, number = self._members[who % len(self._members)], next(self._numbers)
        self.said[number] = Said(number, way, self.now())
        text = f"#{number} {BODY}"
        if way is Way.TO_DESK:
            self.sandbox.discord.members.post(member.name, text)
        else:
            self.sandbox.twilio.agent_message(member.task, text)
            self.sandbox.twilio_shell.flush()

    async def talk(self, rate: float, enough: Callable[[], bool]) -> None:
        """Both sides write by turns, `rate` messages per second altogether, whatever becomes of them."""
        start = perf_counter()
        for n in count():
            await asyncio.sleep(max(0.0, start + n / rate - perf_counter()))
            if enough():
                return
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
        for entry in self.sandbox.log.entries[self._read :]:
            if (number := _posted(entry)) is not None:
                self.arrived.setdefault(number, datetime.fromisoformat(entry.at).timestamp())
        self._read = len(self.sandbox.log.entries)
        return len(self.arrived) == len(self.said)

    def copies(self) -> Counter[int]:
        """Number -> how often that message stands at the other side now."""
        texts = [m.content for member in self._members for m in self._inbox(member.name)]
        texts += [
            str(m["body"])
            for member in self._members
            for m in self.sandbox.twilio.task(member.task)["messages"]
            if m["author"] == f"discord_{member.id}" and not m["deleted_at"]
        ]
        return Counter(number for text in texts if (number := _number(text)) is not None)

    def _inbox(self, name: str) -> list[Message]:
        """What the bot wrote to a member."""
        bot = self.sandbox.discord.world.bot.id
        found = self.sandbox.discord.members.inbox(name)
        return [m for m in found if m.author_id == bot and m.deleted_at is None]

    def _last_line(self, name: str) -> str:
        return self._inbox(name)[-1].content

    def _button(self, name: str) -> tuple[int, str] | None:
        """The message with the button that asks for an agent, and its custom id."""
        for message in self._inbox(name):
            for row in message.components:
                for button in row["components"]:
                    if button["custom_id"].startswith("agent_requested"):
                        return message.id, button["custom_id"]
        return None


def _posted(entry: Entry) -> int | None:
    """The number of the message that the service posted with this call."""
    if entry.from_ != "app" or entry.method != "POST" or entry.status not in (200, 201):
        return None
    if entry.to == "twilio" and entry.path.endswith("/Messages"):
        return _number(str(entry.request["form"].get("Body", "")))
    if entry.to == "discord" and entry.path.endswith("/messages"):
        return _number(str(entry.request.get("content", "")))
    return None


def _number(text: str) -> int | None:
    found = _NUMBER.search(text)
    return int(found[1]) if found else None


async def until(what: str, look: Callable[[], Any], within: float = PATIENCE_S) -> None:
    """Look until there is something to see. Raises TimeoutError."""
    deadline = perf_counter() + within
    while not look():
        if perf_counter() > deadline:
            raise TimeoutError(f"waited {within:g} s for: {what}")
        await asyncio.sleep(POLL_S)
