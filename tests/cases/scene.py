"""Agents who work on cases, and a hand on what happens between a look and a commit."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count
from typing import Any

from machines.events import Event, Trigger
from machines.sla import Targets
from orchestrator.cases.counter import CaseCounter
from orchestrator.counters import Agent, CaseReply
from storage import codec, schema
from storage.reads.cases import CaseReader
from storage.reads.rows import CaseQuery
from storage.values import Receipt
from tests.storage.facts import ANN, pressed, wrote
from tests.storage.house import House, HouseClock

ADA, BEN = Agent("ada", "Ada"), Agent("ben", "Ben")
#: A second member.
TOM = "4002"


class Scene:
    """`meanwhile` is stepped after a case was looked at, and before the command is."""

    def __init__(self, house: House, reader: CaseReader, *, present: bool = True) -> None:
        self.house = house
        self.reader = reader
        self.cases = CaseCounter(
            reader, self.submit, HouseClock(house), Targets(60.0, 600.0), present=present
        )
        self.meanwhile: list[Event] = []
        self.trouble: Exception | None = None  #: raised after the commit: its answer is lost
        self.step: Any = None  #: instead of the machines' own
        self._names = count(1)

    async def submit(self, events: Sequence[Event]) -> list[Receipt]:
        if self.meanwhile:
            first, self.meanwhile = self.meanwhile, []
            self.house.arrives(*first)
        more = {"step": self.step} if self.step else {}
        receipts = self.house.arrives(*events, **more).receipts
        if self.trouble:
            trouble, self.trouble = self.trouble, None
            raise trouble
        return receipts

    def minted(self) -> str:
        return f"minted-by-a-client-{next(self._names)}"

    async def opened(
        self, member: str = ANN, kind: str = "help", title: str = "No sound", **more: str
    ) -> int:
        """The number of a case that an agent opened for a member who has written before."""
        self.house.arrives(wrote(member, f"first-{next(self._names)}"))
        texts = {"title": title, "summary": "", **more}
        reply = await self.cases.open(ADA, self.minted(), member, kind, texts, 0)
        assert not reply.error, reply
        return reply.number

    async def talked(self, member: str = ANN) -> tuple[int, str]:
        """A resolved case, and the conversation that ended with it."""
        talk = self.house.talks(member)
        self.house.arrives(pressed(member, Trigger.MEMBER_CLOSED, talk))
        row = (await self.reader.cases(CaseQuery(member=member)))[0]
        return row.number, talk

    async def shown(self, number: int) -> dict[str, Any]:
        found = await self.cases.case(number)
        assert found is not None
        return dict(found)

    async def told(self, number: int) -> list[tuple[str, str | None, str]]:
        """What the history of a case says: what, by whom, to which state."""
        history = (await self.shown(number))["history"]
        return [(line["what"], line["by"] and line["by"]["id"], line["to"]) for line in history]

    async def listed(self, **wanted: Any) -> list[int]:
        return [case["number"] for case in (await self.cases.cases(CaseQuery(**wanted)))["cases"]]

    def says(self) -> list[str]:
        """Texts of cases for members, in their order."""
        rows = sorted(self.house.rows(schema.effect), key=lambda row: row.seq)
        return [codec.load(row.payload)["text"] for row in rows if row.subject.startswith("case:")]


def refused(reply: CaseReply) -> tuple[str, str]:
    return reply.error, reply.state
