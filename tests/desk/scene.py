"""Agents at a counter, and a hand on what happens between a look and a commit."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count
from typing import Any

from machines.effects import Kind
from machines.events import Address, Event, Source, Trigger, message_id
from orchestrator.counters import Agent
from orchestrator.desk.counter import Counter
from storage import codec, schema
from storage.reads.desk import DeskReader
from storage.values import Receipt, Result, Status, moment
from tests.english import ENGLISH
from tests.storage.facts import ANN, START, fired, pressed, wrote
from tests.storage.house import House, HouseClock

ADA, BEN = Agent("ada", "Ada"), Agent("ben", "Ben")
#: What the member wrote when they came.
SAID = "3999"
#: A second member.
TOM = "4002"


def reacted(member: str, ref: str, emoji: str) -> Event:
    """A member to a message of their own."""
    row = message_id(Source.DISCORD, ref)
    to = Address(member=member, message=row)
    told = {"message": row, "emoji": emoji}
    return Event(Source.DISCORD, f"react-{ref}", Trigger.MEMBER_REACTED, moment(START), to, told)


class Scene:
    """`meanwhile` is stepped after an agent's request was looked at, and before their command is."""

    def __init__(self, house: House, reader: DeskReader) -> None:
        self.house = house
        self.reader = reader
        self.counter = Counter(reader, self.submit, HouseClock(house), ENGLISH, self.shows_typing)
        self.typing: list[str] = []  #: channels in which somebody typed
        self.meanwhile: list[Event] = []
        self.trouble: Exception | None = None  #: raised after the commit: its answer is lost
        self.submits = 0
        self._names = count(1)

    async def submit(self, events: Sequence[Event]) -> list[Receipt]:
        self.submits += 1
        if self.meanwhile:
            first, self.meanwhile = self.meanwhile, []
            self.house.arrives(*first)
        receipts = self.house.arrives(*events).receipts
        if self.trouble:
            trouble, self.trouble = self.trouble, None
            raise trouble
        return receipts

    async def shows_typing(self, channel: str) -> None:
        self.typing.append(channel)
        if self.trouble:
            raise self.trouble

    def minted(self) -> str:
        return f"minted-by-a-client-{next(self._names)}"

    def waits(self) -> str:
        talk = self.house.waits(ANN)
        self.house.arrives(wrote(ANN, SAID))
        return talk

    async def talks(self, *agents: Agent) -> str:
        """In the hands of these agents."""
        talk = self.waits()
        for agent in agents or (ADA,):
            assert not (await self.counter.claim(talk, agent, self.minted(), join=True)).error
        return talk

    def fires(self, talk: str, name: Trigger) -> None:
        """It becomes time for a timer of this conversation."""
        timer = self.house.timer(talk, name)
        self.house.now = timer.due_at
        self.house.arrives(fired(timer))

    def arrived(self, minted: str, ref: str) -> None:
        """An agent's message stands in the DM, under the id that Discord gave it."""
        message = message_id(Source.PAGE, minted)
        (relay,) = (
            row for row in self.house.rows(schema.effect, kind=Kind.RELAY_TO_MEMBER) if message in row.payload
        )
        self.house.arrives(Result(relay.key, 0, Status.DONE, 1, ref=ref, message=message, refs=(ref,)))

    def said(self) -> list[tuple[str, dict[str, Any]]]:
        """What members are told, with what stands in it."""
        payloads = [codec.load(row.payload) for row in self.house.rows(schema.effect, kind=Kind.SAY)]
        return [(payload["text"], payload.get("args", {})) for payload in payloads]

    def cancels(self, talk: str) -> Event:
        return pressed(ANN, Trigger.AGENT_REQUEST_CANCELLED, talk)

    def ends(self, talk: str) -> Event:
        return pressed(ANN, Trigger.MEMBER_CLOSED, talk)
