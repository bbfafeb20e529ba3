"""A real discord.py client against the sandbox, and a member's hands, for the tests beside this file."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import aiohttp
import discord
import pytest
import yarl
from discord.gateway import DiscordWebSocket

from orchestrator.sandbox.server import Sandbox, start

INTENTS = discord.Intents(guilds=True, dm_messages=True, dm_typing=True, dm_reactions=True)


class Clock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.at = datetime(2026, 11, 22, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.at

    def move(self, **by: float) -> None:
        self.at += timedelta(**by)


class Member:
    """Drives the control API over HTTP."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self._session = session
        self._url = url

    async def __call__(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        async with self._session.request(method, f"{self._url}/control{path}", json=body) as response:
            return response.status, await response.json()

    async def get(self, path: str) -> Any:
        status, answer = await self("GET", path)
        assert status == 200, answer
        return answer

    async def post(self, path: str, body: Any = None) -> Any:
        status, answer = await self("POST", path, body)
        assert status == 201, answer
        return answer


class Bot(discord.Client):
    """Notes what it hears, in order."""

    def __init__(self) -> None:
        super().__init__(intents=INTENTS, guild_ready_timeout=0.1)
        self.tree = discord.app_commands.CommandTree(self)
        self.heard: list[tuple[str, Any]] = []
        self.errors: list[str] = []

    async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:
        """discord.py would wait five seconds between two IDENTIFYs."""

    async def on_ready(self) -> None:
        self.heard.append(("ready", None))

    async def on_resumed(self) -> None:
        self.heard.append(("resumed", None))

    async def on_message(self, message: discord.Message) -> None:
        if message.author.id != self.user.id:
            self.heard.append(("message", message))

    async def on_raw_message_edit(self, event: discord.RawMessageUpdateEvent) -> None:
        self.heard.append(("edit", event))

    async def on_raw_message_delete(self, event: discord.RawMessageDeleteEvent) -> None:
        self.heard.append(("delete", event))

    async def on_raw_typing(self, event: discord.RawTypingEvent) -> None:
        self.heard.append(("typing", event))

    async def on_raw_reaction_add(self, event: discord.RawReactionActionEvent) -> None:
        self.heard.append(("reaction", event))

    async def next(self, kind: str) -> Any:
        """The first event of that kind not taken yet."""
        await until(lambda: any(heard == kind for heard, _ in self.heard))
        index = next(i for i, (heard, _) in enumerate(self.heard) if heard == kind)
        return self.heard.pop(index)[1]

    def all(self, kind: str) -> list[Any]:
        return [event for heard, event in self.heard if heard == kind]


async def until(holds: Callable[[], object], seconds: float = 8.0) -> None:
    """Wait until something holds; fail when it does not in time."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + seconds
    while not holds():
        assert loop.time() < deadline, "it did not happen in time"
        await asyncio.sleep(0.01)


@asynccontextmanager
async def sandboxed(**options: Any) -> AsyncIterator[tuple[Sandbox, Member]]:
    """A sandbox on a free port, and a member's hands."""
    sandbox = await start(random=Random(7), environ={}, **options)
    try:
        async with aiohttp.ClientSession() as session:
            yield sandbox, Member(session, sandbox.url)
    finally:
        await sandbox.close()


@asynccontextmanager
async def connected(sandbox: Sandbox, bot: Bot | None = None) -> AsyncIterator[Bot]:
    """A bot that is logged in and ready."""
    bot = bot or Bot()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(discord.http.Route, "BASE", f"{sandbox.url}/discord/api/v10")
        gateway = yarl.URL(sandbox.account()["DISCORD_GATEWAY_URL"])
        patch.setattr(DiscordWebSocket, "DEFAULT_GATEWAY", gateway)
        running = asyncio.create_task(bot.start("any-token"))
        try:
            await until(lambda: running.done() or ("ready", None) in bot.heard)
            if running.done():
                running.result()
            yield bot
        finally:
            await bot.close()
            await asyncio.gather(running, return_exceptions=True)
