"""A local Twilio, our port on the real SDK, and rows that the adapters read."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from machines.effects import Kind
from machines.events import Address
from orchestrator.ports import Job
from orchestrator.sandbox import server
from orchestrator.sandbox.faults import Fault
from orchestrator.twilio.client import TwilioRest
from storage.reads.rows import CaseRow, DeskRow, MemberRow, MessageRow
from storage.values import Pending

CONVERSATION = "c" * 32
NAME = f"orchestrator-{CONVERSATION}-1"
HOOK = "https://example.org/webhooks/twilio/conversations"


@dataclass
class Rows:
    """As much of the reader as the adapters ask."""

    messages: dict[str, MessageRow] = field(default_factory=dict)
    links: dict[str, str] = field(default_factory=dict)
    found: list[DeskRow] = field(default_factory=list)
    held: dict[str, tuple[Address, dict[str, Any]]] = field(default_factory=dict)  #: what agents said
    elsewhere: set[str] = field(default_factory=set)  #: copies that an earlier request made

    async def member(self, member: str) -> MemberRow:
        return MemberRow(member, None, "Mia", "en", None)

    async def case(self, case: str) -> CaseRow | None:
        return CaseRow(case, 7, "33", "help", "open") if case else None

    async def message(self, message: str) -> MessageRow | None:
        return self.messages.get(message)

    async def transcript(self, _conversation: str, _upto: Any, since: int = 0) -> list[MessageRow]:
        return [row for row in self.messages.values() if row.version > since]

    async def refs(self, _conversation: str, _request: int) -> dict[str, str]:
        return dict(self.links)

    async def desks(self) -> list[DeskRow]:
        return self.found

    async def desk(self, sid: str) -> DeskRow | None:
        return next((row for row in self.found if row.sid == sid), None)

    async def made_in(self, _subject: str, _lane: str, ref: str) -> bool:
        return ref not in self.elsewhere

    async def standing(self, _member: str, _author: str) -> list[str]:
        return list(self.held)

    async def origins(self, _source: Any, ids: list[str]) -> dict[str, tuple[Address, dict[str, Any]]]:
        return {sid: self.held[sid] for sid in ids if sid in self.held}

    def say(self, text: str, *, id_: str = "discord:1", refs: tuple[str, ...] = (), **more: Any) -> str:
        shape: dict[str, Any] = {
            "author": "member",
            "name": "",
            "version": 1,
            "at": 0.0,
            "deleted": False,
            "withheld": False,
        }
        shape |= {"attachments": (), **more}
        self.messages[id_] = MessageRow(id=id_, conversation=CONVERSATION, body=text, refs=refs, **shape)
        return id_


def job(kind: Kind, *, in_doubt: bool = False, ago: float = 3600.0, key: str = "k", **payload: Any) -> Job:
    """An effect of the first request, handed to its handler."""
    subject, shape = f"conversation:{CONVERSATION}", {"request": 1, **payload}
    return Job(Pending(key, subject, "33", "desk", str(kind), shape, 0.0), in_doubt, ago, ago)


@dataclass
class Clock:
    """The local Twilio's clock, which can be moved on."""

    ahead: timedelta = timedelta()

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


@dataclass
class Served:
    sandbox: server.Sandbox
    twilio: TwilioRest
    clock: Clock

    def fault(self, method: str, path: str, **how: Any) -> None:
        self.sandbox.faults.plant(Fault("twilio", method, path, **how))

    def asked(self, method: str, path: str) -> int:
        """How often the application made such a call."""
        entries = self.sandbox.log.entries
        return len([e for e in entries if e.from_ == "app" and e.method == method and e.path.endswith(path)])

    async def conversation(self, name: str = NAME) -> str:
        """A Twilio Conversation with a member in it; its sid."""
        made = await self.twilio.create_conversation(name, "Mia", {"orchestrator": {"request": name}})
        await self.twilio.add_participant(made.sid, "discord_33", {})
        return made.sid


@asynccontextmanager
async def serving() -> AsyncIterator[Served]:
    clock = Clock()
    sandbox = await server.start(now=clock, random=Random(7), environ={})
    account = sandbox.account()
    sid, token = account["TWILIO_ACCOUNT_SID"], account["TWILIO_AUTH_TOKEN"]
    twilio = TwilioRest(sid, sid, token, account["TWILIO_API_URL"])
    try:
        yield Served(sandbox, twilio, clock)
    finally:
        await twilio.close()
        await sandbox.close()
