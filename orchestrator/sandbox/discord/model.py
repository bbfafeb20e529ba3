"""Discord as one pure object: calls and acts of members go in, answers and gateway events come out.

No sockets and no asyncio; time and chance are given. A shell, an in-process port or a simulation
drives it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from random import Random

from orchestrator.sandbox.discord import payloads
from orchestrator.sandbox.discord.commands import Commands
from orchestrator.sandbox.discord.errors import GatewayClosed
from orchestrator.sandbox.discord.interactions import Interactions
from orchestrator.sandbox.discord.members import Members
from orchestrator.sandbox.discord.messages import Messages
from orchestrator.sandbox.discord.rest import Rest
from orchestrator.sandbox.discord.sessions import Dispatch, Intent, Session, Sessions
from orchestrator.sandbox.discord.state import Attachment
from orchestrator.sandbox.discord.world import World
from orchestrator.sandbox.wire import Answer, Call

#: Channels by the setting that names them.
CHANNEL_SETTINGS = {
    "DISCORD_ANNOUNCEMENT_CHANNEL_ID": "announcements",
    "DISCORD_BUG_CHANNEL_ID": "bug-report",
    "DISCORD_FEATURE_CHANNEL_ID": "feature-request",
    "DISCORD_HELP_CHANNEL_ID": "customer-service",
}


class DiscordModel:
    """One guild, one application, any number of members."""

    def __init__(self, now: Callable[[], datetime], random: Random) -> None:
        self.now = now
        self.world = World(now, random)
        self.sessions = Sessions(now, random)
        self.messages = Messages(self.world, self.sessions)
        self.commands = Commands(self.world)
        self.interactions = Interactions(self.world, self.sessions, self.messages)
        self._rest = Rest(self.world, self.messages, self.commands, self.interactions)
        self.members = Members(self.world, self.messages, self.commands, self.interactions)
        self.buckets = self._rest.buckets
        #: Tokens that Discord has reset: REST answers 401, the gateway closes with 4004.
        self.revoked_tokens = self._rest.revoked_tokens
        self.offline_until: datetime | None = None

    def publish_at(self, *, gateway_url: str, cdn_url: str) -> None:
        """Tell clients these addresses from now on."""
        self._rest.gateway_url = gateway_url
        self.world.cdn_url = cdn_url

    def rest(self, call: Call) -> Answer:
        """Answer one REST call; its path stands below `/api/v10`."""
        return self._rest.answer(call)

    def download(self, path: str, query: dict[str, str]) -> Attachment | None:
        """The file behind a signed CDN address (`/attachments/...`); None when it no longer works."""
        return self.world.download(path, query)

    def identify(self, token: str, intents: int, shard: list[int] | None = None) -> Session:
        """Begin a session; READY and GUILD_CREATE are its first events.

        Raises GatewayClosed 4004 for a bad token, 4014 for an intent that was not granted.
        """
        if not token.strip() or token in self.revoked_tokens:
            raise GatewayClosed(4004, "Authentication failed.")
        session = self.sessions.identify(intents)
        world = self.world
        ready = {
            "v": 10,
            "user": payloads.me(world),
            "guilds": [{"id": str(world.guild_id), "unavailable": True}],
            "session_id": session.id,
            "resume_gateway_url": self._rest.gateway_url,
            "application": {"id": str(world.application_id), "flags": 0},
            "private_channels": [],
            "relationships": [],
            "presences": [],
        }
        self.sessions.tell(session, "READY", ready | ({"shard": shard} if shard else {}))
        if intents & Intent.GUILDS:
            self.sessions.tell(session, "GUILD_CREATE", payloads.guild_create(world))
        return session

    def resume(self, token: str, session_id: str, seq: int) -> list[Dispatch] | None:
        """Events missed after `seq`, also pending for `drain` with RESUMED behind them; None: invalid."""
        if not token.strip() or token in self.revoked_tokens:
            raise GatewayClosed(4004, "Authentication failed.")
        return self.sessions.resume(session_id, seq)

    def drain(self, session_id: str) -> list[Dispatch]:
        """The events that session has not been handed yet, in order."""
        return self.sessions.drain(session_id)

    def go_offline(self, seconds: float) -> None:
        """Lose every session; the gateway accepts nobody for that long."""
        self.offline_until = self.now() + timedelta(seconds=seconds)
        self.sessions.end_all()

    @property
    def offline(self) -> bool:
        return self.offline_until is not None and self.now() < self.offline_until

    def account(self) -> dict[str, str]:
        """The settings an application of this Discord needs, addresses apart."""
        ids = {"DISCORD_TOKEN": self.world.token, "DISCORD_GUILD_ID": str(self.world.guild_id)}
        for setting, name in CHANNEL_SETTINGS.items():
            channel = self.world.text_channel(name)
            if channel is not None:
                ids[setting] = str(channel.id)
        return ids
