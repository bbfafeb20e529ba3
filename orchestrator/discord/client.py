"""The gateway: a supervisor that starts a new client per attempt, and the client that feeds the intake."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

import aiohttp
import discord
import yarl
from discord.gateway import DiscordWebSocket

from machines.events import Event
from orchestrator.clock import Clock
from orchestrator.discord import events, forms
from orchestrator.discord.intake import Intake
from orchestrator.discord.limits import ACK_PATIENCE_S, FATAL_CLOSE
from orchestrator.discord.modals import FormModal, TextModal
from orchestrator.discord.render import from_message
from orchestrator.discord.rest import DiscordRest
from orchestrator.errors import ConfigurationError, Fatal
from orchestrator.texts.plain import storable
from orchestrator.texts.say import words

log = logging.getLogger(__name__)

# nobody speaks here, so a missing voice library is no news
discord.VoiceClient.warn_nacl = discord.VoiceClient.warn_dave = False

#: None of them is privileged: texts of direct messages and slash commands need no more.
INTENTS = discord.Intents(guilds=True, dm_messages=True, dm_typing=True, dm_reactions=True)
#: Longest wait between two attempts to connect, seconds.
BACKOFF_CAP_S = 30.0


def redirect(api_url: str | None, gateway_url: str | None) -> None:
    """Point discord.py elsewhere. Process-wide, once, before the first client is made."""
    if api_url:
        discord.http.Route.BASE = api_url.rstrip("/")
        discord.asset.Asset.BASE = api_url.rstrip("/").removesuffix("/api/v10") + "/cdn"
    if gateway_url:
        DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(gateway_url)


class Gateway(discord.Client):
    """One connection attempt. Everything it hears goes to the intake at once; nothing is decided here."""

    def __init__(self, intake: Intake, clock: Clock, heard: Callable[[str], None]) -> None:
        super().__init__(
            intents=INTENTS,
            max_messages=None,
            allowed_mentions=discord.AllowedMentions.none(),
            guild_ready_timeout=0.3,
            max_ratelimit_timeout=30.0,
        )
        self.intake = intake
        self.clock = clock
        self._heard = heard  # told `connect`, `ready`, `disconnect` and `resumed`

    async def on_connect(self) -> None:
        """A new session: what was missed is read before anything live. A resumed one missed nothing."""
        self._heard("connect")

    async def on_ready(self) -> None:
        self._heard("ready")

    async def on_disconnect(self) -> None:
        self._heard("disconnect")

    async def on_resumed(self) -> None:
        self._heard("resumed")

    async def on_message(self, message: discord.Message) -> None:
        if self._is_dm(message):
            told = from_message(message, self.user.id if self.user else 0)
            if told.content and not told.own and not message.author.bot:
                for event in events.said(told):
                    self.intake.put(event)

    async def on_raw_message_edit(self, payload: discord.RawMessageUpdateEvent) -> None:
        """Link previews arrive as edits as well: they have no time of editing."""
        message = payload.message
        if payload.guild_id is None and self._is_dm(message) and message.edited_at is not None:
            told = from_message(message, self.user.id if self.user else 0)
            if told.content and not told.own and not message.author.bot:
                self.intake.put(events.edited(told))

    async def on_raw_message_delete(self, payload: discord.RawMessageDeleteEvent) -> None:
        if payload.guild_id is None:
            self.intake.put(events.deleted(str(payload.message_id), self.clock.now()))

    async def on_raw_reaction_add(self, payload: discord.RawReactionActionEvent) -> None:
        if payload.guild_id is None and self.user and payload.user_id != self.user.id:
            self.intake.put(
                events.reacted(
                    str(payload.message_id),
                    str(payload.user_id),
                    str(payload.emoji),
                    self.clock.now(),
                    secrets.token_hex(12),
                )
            )

    async def on_interaction(self, interaction: discord.Interaction[Any]) -> None:
        """Committed, then acknowledged within 3 seconds; answered by an effect."""
        try:
            await self._take(interaction)
        except discord.HTTPException as error:
            log.warning("interaction not acknowledged", extra={"status": error.status, "code": error.code})

    async def _take(self, interaction: discord.Interaction[Any]) -> None:
        data: dict[str, Any] = dict(interaction.data or {})
        at = discord.utils.snowflake_time(interaction.id)
        member, name = str(interaction.user.id), str(interaction.id)
        custom_id = str(data.get("custom_id", ""))
        if interaction.type is discord.InteractionType.application_command:
            await self._command(interaction, data, at)
        elif interaction.type is discord.InteractionType.component:
            action, _, conversation = custom_id.partition(":")
            if action in events.MODALS:
                title = words(_language(interaction)).button[action]
                await interaction.response.send_modal(TextModal(title, action, conversation))
                return
            await self._committed(events.pressed(name, member, at, custom_id, _language(interaction)))
            await interaction.response.defer()
        elif interaction.type is discord.InteractionType.modal_submit:
            asked = {**_asked(interaction), **_asked_in(interaction)}
            fields = forms.filled_in(data)
            if (report := events.reported(name, member, at, custom_id, fields, asked)) is not None:
                await self._committed(report)
                await interaction.response.defer(ephemeral=True, thinking=True)
                return
            await self._committed(
                events.filled_in(name, member, at, custom_id, _text_of(data), _language(interaction))
            )
            await interaction.response.defer()

    async def _committed(self, event: Event | None) -> None:
        """Acknowledge nothing that a crash could still lose, unless the commit takes too long for that."""
        if event is not None:
            await asyncio.wait({self.intake.put(event)}, timeout=ACK_PATIENCE_S)

    async def _command(
        self, interaction: discord.Interaction[Any], data: dict[str, Any], at: datetime
    ) -> None:
        if (form := forms.report(str(data.get("name")), _language(interaction))) is not None:
            await interaction.response.send_modal(
                FormModal(form)
            )  # at once, or never: docs, Interaction Callback
            return
        if data.get("name") != "helpme":
            told = words(_language(interaction)).command["guild_only"]
            await interaction.response.send_message(told, ephemeral=True)
            return
        options = {o["name"]: o.get("value") for o in data.get("options", ())}
        await self._committed(
            events.helped(
                str(interaction.id),
                str(interaction.user.id),
                at,
                _asked(interaction),
                str(options.get("question") or ""),
            )
        )
        await interaction.response.defer(ephemeral=True)

    @staticmethod
    def _is_dm(message: discord.Message) -> bool:
        """An ephemeral answer in a server arrives without a server as well: it is no direct message."""
        return isinstance(message.channel, discord.DMChannel) and not message.flags.ephemeral

    async def on_error(self, event_method: str, /, *_args: Any, **_kwargs: Any) -> None:
        log.exception("handler of a Discord event failed", extra={"event": event_method})


def _asked(interaction: discord.Interaction[Any]) -> dict[str, Any]:
    """Who asks, in which language, and how to answer."""
    return {
        "name": storable(interaction.user.display_name),
        "locale": _language(interaction),
        "interaction": {
            "id": str(interaction.id),
            "application": str(interaction.application_id),
            "token": interaction.token,
        },
    }


def _asked_in(interaction: discord.Interaction[Any]) -> dict[str, Any]:
    """The channel of the server; nothing in a direct message."""
    return {"asked_in": str(interaction.channel_id)} if interaction.guild_id else {}


def _language(interaction: discord.Interaction) -> str:
    """Of who pressed it."""
    return str(interaction.locale.value).split("-", maxsplit=1)[0]


def _text_of(data: dict[str, Any]) -> str:
    """The first text field of a submitted form."""
    for row in data.get("components", ()):
        for field in row.get("components", ()) or [row.get("component", {})]:
            if value := field.get("value"):
                return str(value)
    return ""


class Supervisor:
    """Keeps a gateway connected. `run` ends only by being cancelled, or by raising what no attempt can mend."""

    def __init__(
        self,
        token: str,
        intake: Intake,
        rest: DiscordRest,
        clock: Clock,
        *,
        on_ready: Callable[[], Awaitable[None]],
    ) -> None:
        self._token = token
        self._intake = intake
        self._rest = rest
        self._clock = clock
        self._on_ready = on_ready
        self._client: Gateway | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._session = 0  # number of the newest session; what an older one still reads releases nothing
        self.connected = False  #: a session is there, and what was missed before it was read

    async def run(self) -> None:
        """Connect, and connect again. Raises `Fatal` where no attempt can help."""
        attempt = 0
        while True:
            started = self._clock.monotonic()
            try:
                await self._attempt()
            except Fatal:
                raise
            except Exception as error:
                log.warning("Discord connection lost", extra={"error": type(error).__name__})
            attempt = 0 if self._clock.monotonic() - started > 60 else attempt + 1
            await self._clock.sleep(min(BACKOFF_CAP_S, 0.5 * 2.0 ** min(attempt, 8)))

    async def _attempt(self) -> None:
        client = Gateway(self._intake, self._clock, self._heard)
        self._client = client
        try:
            await client.login(self._token)
            self._rest.use(client)
            await client.connect(reconnect=True)
        except discord.LoginFailure as error:
            raise ConfigurationError(
                "DISCORD_TOKEN is refused by Discord", "copy the bot's token again from the developer portal"
            ) from error
        except discord.PrivilegedIntentsRequired as error:
            raise ConfigurationError(*FATAL_CLOSE[4014]) from error
        except discord.ConnectionClosed as error:
            if error.code in FATAL_CLOSE:
                raise ConfigurationError(*FATAL_CLOSE[error.code]) from error
            raise
        except aiohttp.ClientError as error:
            raise ConnectionError(str(error)) from error
        finally:
            self._heard("connect")
            self._rest.use(None)
            await client.close()

    def _heard(self, what: str) -> None:
        """A new session is held until it was read up; a resumed one goes on where it was."""
        if what == "connect":
            self._session += 1
            self._intake.hold()
        if what in ("connect", "disconnect"):
            self.connected = False
        elif what == "resumed":
            self.connected = self._intake.released
        elif what == "ready":
            task = asyncio.create_task(self._read_up(self._session), name="read up")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _read_up(self, session: int) -> None:
        try:
            await self._on_ready()
        except Exception:
            log.exception("reading up failed")
        if session == self._session:
            self._intake.release()
            self.connected = True

    async def close(self) -> None:
        for task in list(self._tasks):
            task.cancel()
        if self._client is not None:
            await self._client.close()
