"""The ports: how engine and adapters meet, and how the service sees Discord and Twilio.

The two providers have two implementations each: the SDK over sockets, and in-process over the sandbox's models.

Every call raises `Retry` or `Reject` (orchestrator.errors) and nothing else for what the far side does.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from machines.events import Event, Trigger
from storage.values import Link, Pending

# --- what the engine asks of the adapters


@dataclass(frozen=True, slots=True)
class Job:
    """An effect handed to its handler."""

    effect: Pending
    in_doubt: bool  #: it may have been carried out already: look before doing it again
    first_ago: float  #: how long ago that may have been for the first time, at most. Seconds
    last_ago: float  #: and for the last time, at least; since start-up, where it is not known. Seconds


@dataclass(frozen=True, slots=True)
class Done:
    """What a handler made of it."""

    ref: str | None = None  #: the provider's id of what was made
    links: tuple[Link, ...] = ()
    message: str | None = None  #: the message row that got its counterpart
    refs: tuple[str, ...] = ()
    dm_channel: tuple[str, str] | None = None
    trigger: Trigger | None = None  #: the event that follows, for the conversation of the effect
    data: Mapping[str, Any] = field(default_factory=dict)
    request: int | None = None


Handler = Callable[[Job], Awaitable[Done]]


@dataclass(frozen=True, slots=True)
class Made:
    """A message on the far side that bears the key of an effect of ours."""

    key: str
    ref: str
    healed: bool = False  #: it stood there twice, and the later copy was removed


def _always(_event: Event) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Read:
    """What one side told when it was read again, and how to remember that it was read."""

    events: tuple[Event, ...]
    remember: Callable[[], Awaitable[None]]  #: called once the events are committed
    rest: Callable[[], Awaitable[Read]] | None = (
        None  #: reads what could not be read now; None: nothing is left
    )
    made: tuple[Made, ...] = ()  #: what of ours was found there
    still: Callable[[Event], bool] = _always  #: asked at the last moment: is a level report of it news yet?


#: Told after a call to a provider whether it was served: False for no answer, an error of the provider's own, or
#: a login that it refuses. A limit or a refusal of what was asked is an answer.
Answered = Callable[[bool], None]


def unnoticed(_answered: bool) -> None:
    """Nobody asks whether the provider answers."""


# --- desks


class Desk(Protocol):
    """Where agents work: it carries out what is meant for them, by kinds of `machines.effects`."""

    def handlers(self) -> dict[str, Handler]: ...


# --- who follows cases


@dataclass(frozen=True, slots=True)
class Response:
    """As much of an answer as tells whether a webhook was taken."""

    status: int
    retry_after: str = ""  #: the header, as it came


class Outbound(Protocol):
    """The address to which changes of cases are posted."""

    async def post(self, headers: Mapping[str, str], body: bytes) -> Response:
        """POST this JSON. Raises `Retry` where no answer comes; a repeat bears the same id, so nothing is in doubt."""
        ...


# --- Discord


@dataclass(frozen=True, slots=True)
class Button:
    custom_id: str  #: `action:conversation[:detail]`, at most 100 characters
    label: str  #: at most 80 characters
    primary: bool = False


@dataclass(frozen=True, slots=True)
class File:
    filename: str
    content: bytes


@dataclass(frozen=True, slots=True)
class DiscordMessage:
    """A message as Discord tells it."""

    id: str
    channel: str
    author: str  #: Discord user id
    author_name: str
    own: bool  #: the bot wrote it
    body: str  #: rendered to plain text: stickers, forwards and polls become words
    attachments: tuple[Mapping[str, Any], ...]
    at: datetime
    edited_at: datetime | None = None
    reply_to: str | None = None
    nonce: str | None = None
    content: bool = True  #: False for pins, joins and other notices of Discord's own


class Discord(Protocol):
    """What we ask of Discord's REST API."""

    async def open_dm(self, member: str) -> str:
        """The id of the DM channel with that user; the same one every time."""
        ...

    async def send(
        self,
        channel: str,
        text: str,
        *,
        nonce: str,
        buttons: Sequence[Sequence[Button]] = (),
        files: Sequence[File] = (),
        reply_to: str | None = None,
    ) -> str:
        """Post a message and return its id. The same nonce within minutes returns the earlier message."""
        ...

    async def edit(
        self, channel: str, message: str, text: str, *, buttons: Sequence[Sequence[Button]] = ()
    ) -> None: ...

    async def delete(self, channel: str, message: str) -> None:
        """Deleting what is gone already is not an error."""
        ...

    async def react(self, channel: str, message: str, emoji: str) -> None: ...

    async def history(self, channel: str, *, after: str, limit: int = 100) -> list[DiscordMessage]:
        """Messages newer than `after` (an id; `0`: from the beginning), oldest first, at most 100."""
        ...

    async def answer(self, application: str, token: str, text: str) -> None:
        """Replace the answer of a deferred interaction."""
        ...

    async def typing(self, channel: str) -> None: ...


# --- Twilio


@dataclass(frozen=True, slots=True)
class TwilioConversation:
    sid: str
    state: str  #: active, inactive or closed
    attributes: Mapping[str, Any]
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class TwilioMessage:
    sid: str
    index: int
    author: str
    body: str
    attributes: Mapping[str, Any]
    media: tuple[Mapping[str, Any], ...]
    at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class Interaction:
    sid: str
    channel: str | None  #: UO..., where the answer names it
    task: str | None  #: WT...


@dataclass(frozen=True, slots=True)
class Task:
    sid: str
    status: str  #: pending, reserved, assigned, wrapping, completed or canceled
    attributes: Mapping[str, Any] = field(default_factory=dict)


class Twilio(Protocol):
    """What we ask of Twilio's REST APIs: Conversations, Flex Interactions, TaskRouter."""

    async def create_conversation(
        self, unique_name: str, friendly_name: str, attributes: Mapping[str, Any]
    ) -> TwilioConversation:
        """Raises `Conflict` when the name is taken."""
        ...

    async def conversation(self, sid: str) -> TwilioConversation | None:
        """By sid or unique name."""
        ...

    async def close_conversation(self, sid: str) -> None:
        """Closing what is closed or gone already is not an error."""
        ...

    async def add_participant(self, sid: str, identity: str, attributes: Mapping[str, Any]) -> None:
        """Adding who is there already is not an error."""
        ...

    async def participants(self, sid: str) -> list[str]:
        """Identities."""
        ...

    async def webhooks(self, sid: str) -> list[str]:
        """URLs of the conversation's own webhooks."""
        ...

    async def add_webhook(self, sid: str, url: str, filters: Sequence[str]) -> None: ...

    async def post(self, sid: str, *, author: str, body: str, attributes: Mapping[str, Any]) -> str:
        """Post a message and return its sid. Nothing protects against a repeat: look first when in doubt."""
        ...

    async def edit(self, sid: str, message: str, body: str) -> None: ...

    async def delete(self, sid: str, message: str) -> None:
        """Deleting what is gone already is not an error."""
        ...

    async def messages(
        self, sid: str, *, newest_first: bool = False, limit: int = 100
    ) -> list[TwilioMessage]:
        """In order of Index, or from the newest back."""
        ...

    async def create_interaction(
        self, channel: Mapping[str, Any], routing: Mapping[str, Any]
    ) -> Interaction: ...

    async def channel_of(self, interaction: str) -> str | None:
        """UO... of an interaction."""
        ...

    async def find_tasks(self, workspace: str, expression: str) -> list[Task]:
        """Tasks whose attributes match, e.g. `orchestrator_request == 'abc-1'`."""
        ...

    async def worker(self, workspace: str, name: str) -> str | None:
        """The sid of the worker of that name, WK...; None: there is none."""
        ...

    async def close_channel(self, interaction: str, channel: str) -> None:
        """Close the channel and complete or cancel its tasks. Closed or gone already is not an error."""
        ...

    async def invite(self, interaction: str, channel: str, routing: Mapping[str, Any]) -> None: ...


#: Sid of a Twilio Conversation, Index of a message in it.
Posted = Callable[[str, int], None]


def unheard(_sid: str, _index: int) -> None:
    """Nobody asks which messages are ours."""


class Conflict(Exception):
    """A Twilio Conversation of that unique name exists."""
