"""The gateway's half of Discord in process: a session with the model, whose dispatches become events."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from typing import Any, Protocol

from machines.events import Event
from orchestrator.clock import Clock
from orchestrator.errors import ConfigurationError, Reject, Retry
from orchestrator.inprocess import payload
from orchestrator.inprocess.discord import TOKEN, Codes, InProcessDiscord
from orchestrator.ports import DiscordMessage
from orchestrator.sandbox.discord.errors import GatewayClosed
from orchestrator.sandbox.discord.model import DiscordModel
from orchestrator.sandbox.discord.sessions import Dispatch, Intent
from orchestrator.texts.say import words

log = logging.getLogger(__name__)

INTENTS = int(
    Intent.GUILDS | Intent.DIRECT_MESSAGES | Intent.DIRECT_MESSAGE_REACTIONS | Intent.DIRECT_MESSAGE_TYPING
)
#: Interaction types and answers (Discord: Interactions, Receiving and Responding).
COMMAND_TYPE, COMPONENT, MODAL_SUBMIT = 2, 3, 5
MESSAGE, DEFERRED_MESSAGE, DEFERRED_UPDATE, MODAL = 4, 5, 6, 9


class Telling(Protocol):
    """How Discord's facts become events; the adapter's module `events` is one, so both ways in give the same."""

    @property
    def MODALS(self) -> Collection[str]: ...  # noqa: N802

    def said(self, message: DiscordMessage, /) -> list[Event]: ...
    def edited(self, message: DiscordMessage, /) -> Event: ...
    def deleted(self, message: str, at: datetime, /) -> Event: ...
    def reacted(self, message: str, member: str, emoji: str, at: datetime, name: str, /) -> Event: ...
    def helped(
        self, interaction: str, member: str, at: datetime, asked: Mapping[str, Any], question: str, /
    ) -> Event: ...
    def pressed(
        self, interaction: str, member: str, at: datetime, custom_id: str, locale: str, /
    ) -> Event | None: ...
    def filled_in(
        self, interaction: str, member: str, at: datetime, custom_id: str, text: str, locale: str, /
    ) -> Event | None: ...
    def reported(
        self,
        interaction: str,
        member: str,
        at: datetime,
        custom_id: str,
        fields: Mapping[str, str],
        asked: Mapping[str, Any],
        /,
    ) -> Event | None: ...


class Form(Protocol):
    """A modal."""

    def as_json(self) -> Mapping[str, Any]: ...


class Forms(Protocol):
    """What commands open, and what is read back from it; the adapter's module `forms` is one."""

    def report(self, command: str, locale: str, /) -> Form | None: ...
    def filled_in(self, data: Mapping[str, Any], /) -> Mapping[str, str]: ...


class Taking(Protocol):
    """What takes the events in: one line, which can be held while what was missed is read."""

    def put(self, event: Event) -> asyncio.Future[None]: ...
    def hold(self) -> None: ...


class InProcessGateway:
    """One session after another. `connect`, then `run`; the wiring calls `news` whenever the model has some."""

    def __init__(
        self,
        model: DiscordModel,
        discord: InProcessDiscord,
        telling: Telling,
        forms: Forms,
        intake: Taking,
        clock: Clock,
        *,
        codes: Codes,
        clean: Callable[[str], str],
        fresh: Callable[[], str],
        on_ready: Callable[[], None],
    ) -> None:
        self._model = model
        self._discord = discord
        self._telling = telling
        self._forms = forms
        self._intake = intake
        self._clock = clock
        self._codes = codes
        self._clean = clean
        self._fresh = fresh
        self._on_ready = on_ready
        self._news = asyncio.Event()
        self._session: str | None = None
        self._seq = 0
        self._acknowledging: dict[asyncio.Task[None], None] = {}
        self.connected = False

    async def connect(self) -> None:
        """Resume the session if it still stands, else begin one.

        Raises `Retry` where a later attempt may help, `Fatal` where none can.
        """
        if self._model.offline:
            raise Retry("Discord's gateway is away")
        try:
            if self._session is None or self._model.resume(TOKEN, self._session, self._seq) is None:
                self._session, self._seq = self._model.identify(TOKEN, INTENTS).id, 0
        except GatewayClosed as closed:
            raise ConfigurationError(*self._codes.FATAL_CLOSE[closed.code]) from closed
        if self._discord.me is None:
            await self._discord.login()
        self.connected = True
        self._news.set()

    def drop(self) -> None:
        """The line is cut. The session can be resumed for a few minutes; calls go through as before."""
        if self._session is not None:
            self._model.sessions.disconnect(self._session)
        self.connected = False

    def close(self) -> None:
        """The end of this connection: nothing is heard or said until the next `connect`."""
        self.drop()
        for task in self._acknowledging:
            task.cancel()
        self._discord.logout()
        self._intake.hold()

    def news(self) -> None:
        """Sync and loop-safe."""
        self._news.set()

    async def run(self) -> None:
        """Hear whatever comes, for ever."""
        while True:
            await self._news.wait()
            self._news.clear()
            self._hear_all()

    async def take(self) -> None:
        """Hear what has come until now, in order. Returns when every interaction of it is acknowledged."""
        self._hear_all()
        await asyncio.gather(*self._acknowledging)

    def _hear_all(self) -> None:
        if self._session is None or not self.connected:
            return
        for dispatch in self._model.drain(self._session):
            self.hear(dispatch)

    def hear(self, dispatch: Dispatch) -> None:
        """One dispatch. It goes to the intake at once; nothing is decided here."""
        self._seq = dispatch.seq
        data = dispatch.data
        match dispatch.event:
            case "READY":
                self._intake.hold()
                self._on_ready()
            case "MESSAGE_CREATE":
                if (told := self._from_member(data)) is not None:
                    for event in self._telling.said(told):
                        self._intake.put(event)
            case "MESSAGE_UPDATE":
                told = self._from_member(data)
                if told is not None and told.edited_at is not None:
                    self._intake.put(self._telling.edited(told))
            case "MESSAGE_DELETE" if "guild_id" not in data:
                self._intake.put(self._telling.deleted(str(data["id"]), self._clock.now()))
            case "MESSAGE_REACTION_ADD" if "guild_id" not in data and data["user_id"] != self._discord.me:
                about = str(data["message_id"]), str(data["user_id"]), str(data["emoji"]["name"])
                self._intake.put(self._telling.reacted(*about, self._clock.now(), self._fresh()))
            case "INTERACTION_CREATE":
                answer, committed = self._taken(data)
                work = self._acknowledge(str(data["id"]), str(data["token"]), answer, committed)
                task = asyncio.get_running_loop().create_task(work, name="acknowledge")
                self._acknowledging[task] = None
                task.add_done_callback(self._acknowledging.pop)

    def _from_member(self, data: Mapping[str, Any]) -> DiscordMessage | None:
        """A message that a person wrote to us; None for every other."""
        if not payload.is_dm(data) or data["author"].get("bot"):
            return None
        told = payload.read(data, self._discord.me or "", self._clean)
        return told if told.content and not told.own else None

    async def _acknowledge(
        self,
        interaction: str,
        token: str,
        answer: Mapping[str, Any],
        committed: asyncio.Future[None] | None,
    ) -> None:
        """Committed, then acknowledged; answered by an effect. Nobody waits for anybody else's."""
        if committed is not None:
            await asyncio.wait({committed}, timeout=self._codes.ACK_PATIENCE_S)
        with contextlib.suppress(Retry, Reject):
            await self._discord.acknowledge(interaction, token, answer)

    def _taken(self, data: Mapping[str, Any]) -> tuple[Mapping[str, Any], asyncio.Future[None] | None]:
        """Put what an interaction tells; how it is acknowledged, and what to wait for before."""
        name, at = str(data["id"]), payload.made_at(data["id"])
        member = str(_user(data)["id"])
        given = data["data"]
        custom_id = str(given.get("custom_id", ""))
        event: Event | None = None
        if data["type"] == COMMAND_TYPE:
            if (form := self._forms.report(str(given.get("name")), _language(data))) is not None:
                return {"type": MODAL, "data": form.as_json()}, None
            if given.get("name") != "helpme":
                return {
                    "type": MESSAGE,
                    "data": {
                        "content": words(_language(data)).command["guild_only"],
                        "flags": payload.EPHEMERAL,
                    },
                }, None
            options = {option["name"]: option.get("value") for option in given.get("options", ())}
            question = str(options.get("question") or "")
            committed = self._intake.put(self._telling.helped(name, member, at, self._asked(data), question))
            return {"type": DEFERRED_MESSAGE, "data": {"flags": payload.EPHEMERAL}}, committed
        if data["type"] == COMPONENT:
            action, _, conversation = custom_id.partition(":")
            if action in self._telling.MODALS:
                return _form(words(_language(data)).button[action], action, conversation), None
            event = self._telling.pressed(name, member, at, custom_id, _language(data))
        elif data["type"] == MODAL_SUBMIT:
            asked = {**self._asked(data), **_asked_in(data)}
            fields = self._forms.filled_in(given)
            if (report := self._telling.reported(name, member, at, custom_id, fields, asked)) is not None:
                deferred = {"type": DEFERRED_MESSAGE, "data": {"flags": payload.EPHEMERAL}}
                return deferred, self._intake.put(report)
            event = self._telling.filled_in(name, member, at, custom_id, _text_of(given), _language(data))
        return {"type": DEFERRED_UPDATE}, self._intake.put(event) if event is not None else None

    def _asked(self, data: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "name": self._clean(payload.display_name(_user(data))),
            "locale": _language(data),
            "interaction": {
                "id": str(data["id"]),
                "application": str(data["application_id"]),
                "token": str(data["token"]),
            },
        }


def _asked_in(data: Mapping[str, Any]) -> dict[str, str]:
    """The channel of the server; nothing in a direct message."""
    return {"asked_in": str(data["channel_id"])} if "guild_id" in data else {}


def _language(data: Mapping[str, Any]) -> str:
    """Of who did it."""
    return str(data["locale"]).split("-", maxsplit=1)[0]


def _user(data: Mapping[str, Any]) -> Mapping[str, Any]:
    """Who did it: in a server it is a member, in a DM a user."""
    found: Mapping[str, Any] = data["member"]["user"] if "member" in data else data["user"]
    return found


def _form(title: str, action: str, conversation: str) -> Mapping[str, Any]:
    """One long text field. The answer arrives as an interaction of its own."""
    field = {"type": 4, "custom_id": "text", "label": title, "style": 2, "max_length": 1500, "required": True}
    shape = {"title": title, "custom_id": f"{action}:{conversation}"}
    return {"type": MODAL, "data": {**shape, "components": [{"type": 1, "components": [field]}]}}


def _text_of(data: Mapping[str, Any]) -> str:
    """The first text field of a submitted form."""
    for row in data.get("components", ()):
        for field in row.get("components", ()) or [row.get("component", {})]:
            if value := field.get("value"):
                return str(value)
    return ""
