"""The supervisor: connects, connects again, and gives up only where no attempt can help."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest

from machines.events import Event
from orchestrator.clock import SystemClock
from orchestrator.discord.client import Supervisor
from orchestrator.discord.commands import COMMANDS
from orchestrator.discord.intake import Intake
from orchestrator.discord.rest import DiscordRest
from orchestrator.errors import ConfigurationError
from orchestrator.sandbox import server
from orchestrator.sandbox.faults import Fault
from orchestrator.sandbox.wire import Call
from storage.values import Receipt
from tests.acceptance.playing import until
from tests.discord.serving import pointed


class Listening:
    """A supervisor, and what it heard."""

    def __init__(self) -> None:
        self.heard: list[str] = []
        self.ready = 0
        self.storing = asyncio.Event()  #: clear while the store takes its time
        self.storing.set()
        clock = SystemClock()
        self.intake = Intake(self.submit, clock)
        self.rest = DiscordRest()
        self.supervisor = Supervisor("any-token", self.intake, self.rest, clock, on_ready=self.on_ready)

    async def submit(self, events: Sequence[Event]) -> list[Receipt]:
        await self.storing.wait()
        self.heard += [str(event.data.get("body", event.trigger)) for event in events]
        return [Receipt(None) for _ in events]

    async def on_ready(self) -> None:
        self.ready += 1

    async def became_ready(self, times: int = 1) -> None:
        async def look() -> bool:
            return self.ready >= times and self.supervisor.connected

        await until(f"ready x{times}", look, within=15)

    async def hears(self, *texts: str) -> None:
        async def look() -> bool:
            return len(self.heard) >= len(texts)

        await until(f"{texts}", look)
        assert self.heard == list(texts)


@asynccontextmanager
async def listening() -> AsyncIterator[tuple[Listening, asyncio.Task[None]]]:
    found = Listening()
    found.intake.start()
    running = asyncio.create_task(found.supervisor.run())
    try:
        yield found, running
    finally:
        running.cancel()
        await found.supervisor.close()
        await found.intake.stop()
        await asyncio.gather(running, return_exceptions=True)


@pytest.fixture
async def sandbox() -> AsyncIterator[server.Sandbox]:
    async with pointed() as found:
        yield found


async def test_what_members_write_is_heard_in_order_and_our_own_words_are_not(
    sandbox: server.Sandbox,
) -> None:
    async with listening() as (found, _):
        await found.became_ready()
        for n in range(3):
            sandbox.discord.members.post("mia", f"message {n}")
        channel = await found.rest.open_dm(str(sandbox.discord.members.named("mia").id))
        await found.rest.send(channel, "of ours", nonce="n1")
        sandbox.discord.members.post("mia", "last")
        await found.hears("message 0", "message 1", "message 2", "last")


@pytest.mark.parametrize("slow", [False, True], ids=["once it is stored", "before, if that takes too long"])
async def test_a_command_is_acknowledged_in_time(sandbox: server.Sandbox, slow: bool) -> None:
    register = f"/applications/{sandbox.discord.world.application_id}/commands"
    sandbox.discord.rest(
        Call("PUT", register, headers={"authorization": "Bot any-token"}, json=list(COMMANDS))
    )
    async with listening() as (found, _):
        await found.became_ready()
        if slow:
            found.storing.clear()
        asked = sandbox.discord.members.command("mia", "helpme", {}, "customer-service")

        async def acknowledged() -> bool:
            return asked.acknowledged_at is not None

        await until("it is acknowledged", acknowledged, within=5)
        assert found.heard == ([] if slow else ["help_requested"])
        found.storing.set()
        await found.hears("help_requested")


async def test_a_discord_that_is_away_is_waited_for(sandbox: server.Sandbox) -> None:
    sandbox.faults.plant(Fault("discord", "GET", "/users/@me$", times=2, abort=True))
    async with listening() as (found, running):
        await found.became_ready()
        assert not running.done()


async def test_a_token_that_is_refused_ends_it_with_one_line(sandbox: server.Sandbox) -> None:
    sandbox.faults.plant(Fault("discord", "GET", "/users/@me$", times=-1, status=401))
    async with listening() as (_, running):
        with pytest.raises(ConfigurationError, match="DISCORD_TOKEN is refused"):
            await asyncio.wait_for(running, 5)


@pytest.mark.parametrize("code", [4004, 4010, 4011, 4012, 4013, 4014])
async def test_a_close_that_nothing_mends_ends_it_with_one_line(sandbox: server.Sandbox, code: int) -> None:
    async with listening() as (found, running):
        await found.became_ready()
        sandbox.discord_shell.gateway.close_all(code)
        with pytest.raises(ConfigurationError):
            await asyncio.wait_for(running, 5)


@pytest.mark.parametrize("code", [4000, 4001, 4009])
async def test_any_other_close_is_followed_by_a_new_connection(sandbox: server.Sandbox, code: int) -> None:
    async with listening() as (found, running):
        await found.became_ready()
        sandbox.discord_shell.gateway.close_all(code)
        sandbox.discord.members.post("mia", "meanwhile")

        async def connected() -> bool:
            return sandbox.discord_shell.gateway.connected > 0 and (
                "meanwhile" in found.heard or found.ready > 1
            )

        await until("it is connected again", connected, within=12)
        assert not running.done()
