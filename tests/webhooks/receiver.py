"""The CRM behind a socket of its own, on this machine."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import web

from orchestrator.sandbox.wire import Answer
from tests.inprocess.crm import Crm


@dataclass(frozen=True, slots=True)
class Mood:
    """What becomes of one post."""

    status: int = 0  #: it is answered so instead of by the CRM; 0: as the CRM says
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    takes: bool = False  #: the CRM takes it before anything goes wrong
    hangs: bool = False  #: no answer ever comes
    cut: bool = False  #: the line is cut


@dataclass
class Receiver:
    """`url` takes posts; `moods` are what the next ones meet."""

    crm: Crm = field(default_factory=Crm)
    moods: list[Mood] = field(default_factory=list)
    posts: list[tuple[dict[str, str], bytes]] = field(default_factory=list)  #: headers and body, as they came
    url: str = ""

    async def take(self, request: web.Request) -> web.StreamResponse:
        headers, body = dict(request.headers), await request.read()
        self.posts.append((headers, body))
        mood = self.moods.pop(0) if self.moods else Mood(takes=True)
        answer = self.crm.receive(headers, body) if mood.takes else Answer(204)
        if mood.hangs:
            await asyncio.Event().wait()
        if mood.cut:
            assert request.transport is not None
            request.transport.abort()
        return web.Response(
            status=mood.status or answer.status, headers=dict(mood.headers), body=mood.body or None
        )


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    receiver = Receiver()
    app = web.Application()
    app.router.add_post("/cases", receiver.take)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    receiver.url = f"http://127.0.0.1:{runner.addresses[0][1]}/cases"
    try:
        yield receiver
    finally:
        await runner.cleanup()
