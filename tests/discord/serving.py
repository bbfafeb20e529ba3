"""A local Discord, our REST port on a real discord.py client, and a member's DM."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from random import Random
from typing import Any

import discord
import pytest
from discord.gateway import DiscordWebSocket

from orchestrator.discord.client import redirect
from orchestrator.discord.rest import DiscordRest
from orchestrator.sandbox import server
from orchestrator.sandbox.faults import Fault

NONCE = "nonce-of-one"


@dataclass
class Served:
    sandbox: server.Sandbox
    rest: DiscordRest
    client: discord.Client
    member: str  #: user id
    channel: str  #: DM channel

    def fault(self, method: str, path: str, **how: Any) -> None:
        self.sandbox.faults.plant(Fault("discord", method, path, **how))

    def write(self, text: str) -> str:
        """The member writes; the id of the message."""
        return str(self.sandbox.discord.members.post("mia", text).id)

    def texts(self) -> list[str]:
        """What the bot wrote and what still stands there."""
        inbox = self.sandbox.discord.members.inbox("mia")
        bot = self.client.user.id if self.client.user else 0
        return [m.content for m in inbox if m.author_id == bot and m.deleted_at is None]


@asynccontextmanager
async def pointed() -> AsyncIterator[server.Sandbox]:
    """A sandbox that discord.py is pointed at."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(discord.http.Route, "BASE", discord.http.Route.BASE)
        patch.setattr(discord.asset.Asset, "BASE", discord.asset.Asset.BASE)
        patch.setattr(DiscordWebSocket, "DEFAULT_GATEWAY", DiscordWebSocket.DEFAULT_GATEWAY)
        sandbox = await server.start(random=Random(7), environ={})
        account = sandbox.account()
        redirect(account["DISCORD_API_URL"], account["DISCORD_GATEWAY_URL"])
        try:
            yield sandbox
        finally:
            await sandbox.close()


@asynccontextmanager
async def serving() -> AsyncIterator[Served]:
    async with pointed() as sandbox:
        client = discord.Client(intents=discord.Intents.none(), max_ratelimit_timeout=30.0)
        await client.login("any-token")
        rest = DiscordRest()
        rest.use(client)
        mia = sandbox.discord.members.named("mia")
        channel = await rest.open_dm(str(mia.id))
        try:
            yield Served(sandbox, rest, client, str(mia.id), channel)
        finally:
            await client.close()
