"""The stage that every story plays on."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from random import Random

import aiohttp
import discord
import pytest
from discord.gateway import DiscordWebSocket

from orchestrator.sandbox import server
from tests.acceptance.playing import Stage


@pytest.fixture
async def bare(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Stage]:
    """A sandbox, and a service that is not started yet: over Flex, unless a story is marked `either_desk`."""
    for name in ("BASE",):
        monkeypatch.setattr(discord.http.Route, name, discord.http.Route.BASE)
    monkeypatch.setattr(discord.asset.Asset, "BASE", discord.asset.Asset.BASE)
    monkeypatch.setattr(DiscordWebSocket, "DEFAULT_GATEWAY", DiscordWebSocket.DEFAULT_GATEWAY)
    sandbox = await server.start(random=Random(7), environ={})
    try:
        async with aiohttp.ClientSession() as session:
            stage = Stage(sandbox, session, tmp_path, getattr(request, "param", "flex"))
            yield stage
            await stage.stop()
    finally:
        await sandbox.close()


@pytest.fixture
async def stage(bare: Stage) -> Stage:
    """The service runs in this process."""
    await bare.start()
    return bare
