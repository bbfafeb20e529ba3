"""The sandbox as one server on one port: local Discord, local Twilio and the control API."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random

from aiohttp import web

from orchestrator.sandbox.control import Control, refusals_as_json
from orchestrator.sandbox.discord.model import DiscordModel
from orchestrator.sandbox.discord.shell import DiscordShell
from orchestrator.sandbox.faults import Faults
from orchestrator.sandbox.log import Log
from orchestrator.sandbox.twilio.model import TwilioModel
from orchestrator.sandbox.twilio.shell import TwilioShell

#: A Discord request has at most 25 MiB (Reference, Uploading Files); the rest is room for its frame.
REQUEST_BYTES = 26 * 1024 * 1024
#: Seconds that open requests get when the sandbox stops.
GRACE = 0.2


def utcnow() -> datetime:
    return datetime.now(UTC)


@dataclass(slots=True)
class Sandbox:
    """A running sandbox."""

    url: str  #: `http://host:port`, without a slash at the end
    discord: DiscordModel
    twilio: TwilioModel
    log: Log
    faults: Faults
    discord_shell: DiscordShell
    twilio_shell: TwilioShell
    runner: web.AppRunner

    def account(self) -> dict[str, str]:
        """The settings that point an application at this sandbox."""
        addresses = {
            "DISCORD_API_URL": f"{self.url}/discord/api/v10",
            "DISCORD_GATEWAY_URL": f"{self.url.replace('http', 'ws', 1)}/discord/gateway",
            "TWILIO_API_URL": f"{self.url}/twilio",
        }
        return self.discord.account() | self.twilio_shell.account() | addresses

    async def close(self) -> None:
        """Stop within a second, whatever is still connected."""
        self.discord_shell.close()
        await self.twilio_shell.close()
        await self.runner.cleanup()


async def start(
    host: str = "127.0.0.1",
    port: int = 0,
    *,
    now: Callable[[], datetime] = utcnow,
    random: Random | None = None,
    heartbeat_ms: int = 41_250,
    environ: Mapping[str, str] = os.environ,
    extra_routes: Callable[[web.Application], None] | None = None,
) -> Sandbox:
    """Serve on `host:port`; port 0 takes a free one. `extra_routes` adds pages to the same application.

    Raises OSError when the port is taken. Twilio's webhooks are signed with `TWILIO_AUTH_TOKEN` of
    `environ`, and the sids found there are adopted.
    """
    chance = random or Random()
    discord, twilio = DiscordModel(now, chance), TwilioModel(now, chance)
    log, faults = Log(now), Faults()
    discord_shell = DiscordShell(discord, log, faults, heartbeat_ms=heartbeat_ms)
    twilio_shell = TwilioShell(twilio, log, faults, environ=environ)
    runner = web.AppRunner(
        web.Application(middlewares=[refusals_as_json], client_max_size=REQUEST_BYTES),
        access_log=None,
        shutdown_timeout=GRACE,
    )
    sandbox = Sandbox("", discord, twilio, log, faults, discord_shell, twilio_shell, runner)
    control = Control(log, faults, sandbox.account, twilio_shell.set_account)
    for part in (discord_shell.add_routes, twilio_shell.add_routes, control.add_routes, extra_routes):
        if part is not None:
            part(runner.app)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
    except OSError:
        await runner.cleanup()
        raise
    sandbox.url = f"http://{host}:{runner.addresses[0][1]}"
    discord_shell.publish_at(sandbox.url)
    await twilio_shell.start()
    return sandbox
