"""The web over a real socket with a store that records, and a Twilio that signs what it posts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import count
from typing import Any
from urllib.parse import urlencode

import aiohttp
from aiohttp import web
from twilio.request_validator import RequestValidator

from machines.events import Event
from orchestrator.twilio import intake
from storage.values import Receipt
from web.app import create, serve
from web.services import Services

PUBLIC_URL = "https://help.example.org"
ACCOUNT = "AC" + "a" * 32
TOKEN = "token-of-the-account"
FORM = "application/x-www-form-urlencoded"
CONVERSATIONS = "/webhooks/twilio/conversations?c=conversation-1&r=1"
INTERACTIONS = "/webhooks/twilio/interactions"
OURS = "CH" + "1" * 32

MESSAGE = {
    "AccountSid": ACCOUNT,
    "EventType": "onMessageAdded",
    "Source": "SDK",
    "RetryCount": "0",
    "ConversationSid": OURS,
    "MessageSid": "IM" + "5" * 32,
    "Index": "3",
    "DateCreated": "2026-11-22T10:00:00.250Z",
    "Body": "Hello",
    "Author": "ada",
    "Attributes": "{}",
}
CHANNEL_CLOSED = {
    "AccountSid": ACCOUNT,
    "EventType": "onChannelStatusUpdated",
    "InteractionSid": "KD" + "2" * 32,
    "MediaChannelSid": OURS,
    "ChannelStatus": "closed",
    "MediaChannelType": "web",
}


@dataclass
class Recorder:
    """A store that keeps every event it has not seen, as the ledger does."""

    events: dict[str, Event] = field(default_factory=dict)
    submits: int = 0
    trouble: Exception | None = None  #: raised instead of storing
    health: dict[str, Any] = field(default_factory=dict)
    ready: tuple[bool, dict[str, Any]] = (True, {"database": "ok"})
    asked: list[tuple[str, str]] = field(default_factory=list)

    async def submit(self, events: Sequence[Event]) -> list[Receipt]:
        self.submits += 1
        if self.trouble:
            raise self.trouble
        await asyncio.sleep(0)
        for event in events:
            self.events.setdefault(event.id, event)
        return [Receipt(None) for _ in events]

    async def is_ours(self, kind: str, ref: str) -> bool:
        self.asked.append((kind, ref))
        if self.trouble:
            raise self.trouble
        return (kind, ref) == ("conversation_sid", OURS)

    async def is_ready(self) -> tuple[bool, dict[str, Any]]:
        return self.ready


def services(store: Recorder, **changes: Any) -> Services:
    numbers = count(1)

    def fresh() -> str:
        return f"fresh-{next(numbers)}"

    given = Services(
        public_url=PUBLIC_URL,
        account_sid=ACCOUNT,
        auth_tokens=(TOKEN,),
        submit=store.submit,
        is_ours=store.is_ours,
        conversations=lambda fields, query, at: intake.conversations(
            fields, intake.Mark.read(query), at, fresh
        ),
        interactions=lambda fields, _, at: intake.interactions(fields, at, fresh),
        health=lambda: store.health,
        ready=store.is_ready,
        now=lambda: datetime(2026, 11, 22, 10, 0, 1, tzinfo=UTC),
    )
    return replace(given, **changes)


def sign(path: str, fields: Mapping[str, str], *, token: str = TOKEN, origin: str = PUBLIC_URL) -> str:
    return str(RequestValidator(token).compute_signature(origin + path, fields))


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: Any  #: parsed JSON; None where there is none


@dataclass
class Web:
    """The running application and one client."""

    url: str
    port: int
    store: Recorder
    session: aiohttp.ClientSession

    async def post(
        self,
        path: str = CONVERSATIONS,
        fields: Mapping[str, str] = MESSAGE,
        *,
        signature: str | None = None,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Post as Twilio does; what is given replaces what Twilio would send."""
        sent = {
            "Content-Type": f"{FORM}; charset=utf-8",
            "X-Twilio-Signature": sign(path, fields) if signature is None else signature,
            **(headers or {}),
        }
        data = urlencode(fields).encode() if body is None else body
        return await self.request("POST", path, data=data, headers=sent)

    async def request(self, method: str, path: str, **kwargs: Any) -> Answer:
        async with self.session.request(method, self.url + path, **kwargs) as response:
            body = await response.json() if response.content_type == "application/json" else None
            return Answer(response.status, response.headers, body)

    async def raw(self, head: str, body: bytes = b"") -> bytes:
        """Everything that comes back on a socket of its own until the server closes it."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            writer.write(head.replace("\n", "\r\n").encode("utf-8", "surrogateescape") + body)
            await writer.drain()
            async with asyncio.timeout(10):
                return await reader.read()
        except ConnectionError:
            return b""
        finally:
            writer.close()


async def until(holds: Callable[[], bool], *, seconds: float = 5) -> None:
    """Return as soon as it holds; fail when it does not come to hold in time."""
    async with asyncio.timeout(seconds):
        while not holds():
            await asyncio.sleep(0.005)


@asynccontextmanager
async def running(
    app: web.Application | None = None, *, store: Recorder | None = None, **changes: Any
) -> AsyncIterator[Web]:
    """The application on a free port. Without `app`, the real one with these changes to its services."""
    recorder = store or Recorder()
    server = await serve(app or create(services(recorder, **changes)), "127.0.0.1", 0)
    async with aiohttp.ClientSession() as session:
        try:
            yield Web(server.url, server.port, recorder, session)
        finally:
            await session.close()
            await server.close()
