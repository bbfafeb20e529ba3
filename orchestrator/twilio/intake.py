"""What Twilio's webhooks tell, as events. Pure: signed form fields in, events out; nothing is looked up.

Field names: Twilio, Conversations Webhooks and Interactions Webhooks. An event name that is not listed
here tells us nothing and gives no event: Twilio adds names without notice.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from machines.events import Address, Event, Source, Trigger, message_id
from orchestrator.texts.plain import storable

#: Every identity of ours in a Twilio Conversation begins so; the member's Discord id follows.
OUR_IDENTITY = "discord_"
#: The key in a message's attributes that says we posted it: `{"orchestrator": {"effect": key}}`.
OUR_ATTRIBUTE = "orchestrator"

_MARK = re.compile(r"[A-Za-z0-9_-]{1,64}")
_COUNT = re.compile(r"[0-9]{1,15}")
_ENCODED = re.compile(r"(?:_[0-9A-F]{2})+")

Fields = Mapping[str, str]


class BadField(ValueError):
    """A field of a webhook is missing or is not what Twilio documents. The message names it, never its value."""

    def __init__(self, name: str, why: str) -> None:
        super().__init__(f"{name}: {why}")
        self.name = name
        self.why = why


@dataclass(frozen=True, slots=True)
class Mark:
    """Our own mark in a webhook's address, `?c=<conversation>&r=<request>`: whom its events concern."""

    conversation: str | None = None
    request: int | None = None

    @classmethod
    def read(cls, query: Mapping[str, str]) -> Mark:
        """Of an address without a mark: an empty one. Raises BadField."""
        conversation, request = query.get("c"), query.get("r")
        if conversation is not None and not _MARK.fullmatch(conversation):
            raise BadField("c", "not an id of a conversation")
        return cls(conversation, None if request is None else _count(query, "r"))


def conversations(
    fields: Fields, mark: Mark, received_at: datetime, fresh: Callable[[], str]
) -> tuple[Event, ...]:
    """Events of one Conversations webhook. Raises BadField.

    Without a mark an event carries only its link; whether that is one of ours is for the caller to ask.
    `fresh` makes ids for level reports, which may be told twice because they change nothing the second time.
    """
    read = _CONVERSATIONS.get(_required(fields, "EventType"))
    if read is None:
        return ()
    link = ("conversation_sid", _sid(fields, "ConversationSid", "CH"))
    to = Address(conversation=mark.conversation, request=mark.request, link=link)
    event = read(fields, to, received_at, fresh)
    return () if event is None else (event,)


def interactions(fields: Fields, received_at: datetime, fresh: Callable[[], str]) -> tuple[Event, ...]:
    """Events of one Interactions webhook, addressed by link only. Raises BadField.

    It is one webhook for the whole Flex instance, so much of what it tells is foreign. Who is there is told
    by the Conversation's participants alone; here only the ends of a channel are taken.
    """
    name = _required(fields, "EventType")
    if name == "onChannelCreateFailed":
        trigger, reason = Trigger.DESK_FAILED, fields.get("ErrorMessage") or fields.get("ErrorCode") or ""
    elif name == "onChannelStatusUpdated" and _required(fields, "ChannelStatus").lower() == "closed":
        trigger, reason = Trigger.DESK_CLOSED, "channel_closed"
    else:
        return ()
    if fields.get("MediaChannelSid"):
        link = ("conversation_sid", _sid(fields, "MediaChannelSid", "CH"))
    elif fields.get("InteractionSid"):
        link = ("interaction_sid", _sid(fields, "InteractionSid", "KD"))
    else:
        return ()  # it names nothing that could be ours
    data = {"reason": storable(reason)}
    return (Event(Source.TWILIO, fresh(), trigger, received_at, Address(link=link), data),)


def effect_of(attributes: str) -> str | None:
    """The key of the effect that posted a message, by the message's attributes; None: it is not ours."""
    try:
        mark = json.loads(attributes)[OUR_ATTRIBUTE]["effect"]
    except (ValueError, LookupError, TypeError, RecursionError):
        return None
    return mark if isinstance(mark, str) else None


def display_name(identity: str) -> str:
    """What to call an agent. Flex encodes an identity's special characters: `jane_40example_2Ecom`."""
    return _ENCODED.sub(lambda run: _decoded(run.group()), identity)


def _message_added(fields: Fields, to: Address, _: datetime, __: object) -> Event | None:
    if _is_ours(fields):
        return None
    sid = _sid(fields, "MessageSid", "IM")
    data = _said(fields, sid) | {
        "index": _count(fields, "Index"),
        "attributes": storable(_required(fields, "Attributes")),
    }
    return Event(Source.TWILIO, sid, Trigger.AGENT_MESSAGE, _time(fields, "DateCreated"), to, data)


def _message_updated(fields: Fields, to: Address, _: datetime, __: object) -> Event | None:
    if _is_ours(fields):
        return None
    sid = _sid(fields, "MessageSid", "IM")
    at = _time(fields, "DateUpdated")
    data = _said(fields, sid) | {"edited_at": at.timestamp()}
    # never the message's own id: the ledger holds that since the message arrived
    name = f"{sid}:{at.isoformat(timespec='milliseconds')}"
    return Event(Source.TWILIO, name, Trigger.AGENT_EDITED, at, _about(to, sid), data)


def _message_removed(fields: Fields, to: Address, received_at: datetime, _: object) -> Event | None:
    if _is_ours(fields):
        return None
    sid = _sid(fields, "MessageSid", "IM")
    at = _first_time(fields, ("DateRemoved", "DateUpdated"), received_at)
    data = _author(fields) | {"message": message_id(Source.TWILIO, sid), "ref": sid}
    return Event(Source.TWILIO, f"{sid}:delete", Trigger.AGENT_DELETED, at, _about(to, sid), data)


def _participant_added(
    fields: Fields, to: Address, received_at: datetime, fresh: Callable[[], str]
) -> Event | None:
    at = _first_time(fields, ("DateCreated",), received_at)
    return _membership(Trigger.AGENT_JOINED, fields, to, at, fresh)


def _participant_removed(
    fields: Fields, to: Address, received_at: datetime, fresh: Callable[[], str]
) -> Event | None:
    at = _first_time(fields, ("DateRemoved", "DateUpdated"), received_at)
    return _membership(Trigger.AGENT_LEFT, fields, to, at, fresh)


def _membership(
    trigger: Trigger, fields: Fields, to: Address, at: datetime, fresh: Callable[[], str]
) -> Event | None:
    identity = storable(fields.get("Identity", ""))
    if not identity or identity.startswith(OUR_IDENTITY):  # without one: somebody on a telephone
        return None
    data = {"agent": identity, "name": display_name(identity)}
    return Event(Source.TWILIO, fresh(), trigger, at, to, data)


def _state_updated(
    fields: Fields, to: Address, received_at: datetime, fresh: Callable[[], str]
) -> Event | None:
    if _required(fields, "StateTo").lower() != "closed":
        return None
    at = _first_time(fields, ("StateUpdated", "DateUpdated"), received_at)
    data = {"reason": storable(fields.get("Reason", ""))}
    return Event(Source.TWILIO, fresh(), Trigger.DESK_CLOSED, at, to, data)


_Reader = Callable[[Fields, Address, datetime, Callable[[], str]], Event | None]
_CONVERSATIONS: Mapping[str, _Reader] = {
    "onMessageAdded": _message_added,
    "onMessageUpdated": _message_updated,
    "onMessageRemoved": _message_removed,
    "onParticipantAdded": _participant_added,
    "onParticipantRemoved": _participant_removed,
    "onConversationStateUpdated": _state_updated,
}


def _is_ours(fields: Fields) -> bool:
    """Did we post it? Then it says nothing new, whoever it names as its author."""
    author = _required(fields, "Author")
    return author.startswith(OUR_IDENTITY) or effect_of(fields.get("Attributes", "")) is not None


def _said(fields: Fields, sid: str) -> dict[str, Any]:
    return _author(fields) | {
        "message": message_id(Source.TWILIO, sid),
        "ref": sid,
        "body": storable(_present(fields, "Body")),
        "attachments": _attachments(fields),
    }


def _author(fields: Fields) -> dict[str, Any]:
    author = storable(_required(fields, "Author"))
    return {"agent": author, "name": display_name(author)}


def _about(to: Address, sid: str) -> Address:
    return Address(
        conversation=to.conversation,
        request=to.request,
        link=to.link,
        message=message_id(Source.TWILIO, sid),
    )


def _attachments(fields: Fields) -> list[dict[str, Any]]:
    text = fields.get("Media")
    if not text:
        return []
    try:
        entries = json.loads(text)
    except (ValueError, RecursionError):
        raise BadField("Media", "not JSON") from None
    if not isinstance(entries, list):
        raise BadField("Media", "not a list")
    return [_attachment(entry) for entry in entries]


def _attachment(entry: object) -> dict[str, Any]:
    if not isinstance(entry, dict):
        raise BadField("Media", "an entry is not an object")
    texts = {name: entry.get(name) or "" for name in ("Sid", "ContentType", "Filename")}
    if not all(isinstance(text, str) for text in texts.values()):
        raise BadField("Media", "Sid, ContentType and Filename are texts")
    size = str(entry.get("Size", ""))
    if not _COUNT.fullmatch(size):
        raise BadField("Media", "Size is a number of bytes")
    return {
        "sid": _sid(texts, "Sid", "ME"),
        "content_type": storable(texts["ContentType"]),
        "filename": storable(texts["Filename"]),
        "size": int(size),
    }


def _present(fields: Fields, name: str) -> str:
    if name not in fields:
        raise BadField(name, "missing")
    return fields[name]


def _required(fields: Fields, name: str) -> str:
    value = _present(fields, name)
    if not value:
        raise BadField(name, "empty")
    return value


def _sid(fields: Fields, name: str, prefix: str) -> str:
    value = _required(fields, name)
    if not re.fullmatch(f"{prefix}[0-9a-fA-F]{{32}}", value):
        raise BadField(name, f"not a sid of kind {prefix}")
    return value


def _count(fields: Fields, name: str) -> int:
    value = _required(fields, name)
    if not _COUNT.fullmatch(value):
        raise BadField(name, "not a whole number")
    return int(value)


def _time(fields: Fields, name: str) -> datetime:
    value = _required(fields, name)
    try:
        at = datetime.fromisoformat(value)
        in_utc = at.astimezone(UTC)
    except (ValueError, OverflowError):
        raise BadField(name, "not an ISO 8601 time") from None
    if at.tzinfo is None:
        raise BadField(name, "a time without a zone")
    return in_utc


def _first_time(fields: Fields, names: tuple[str, ...], otherwise: datetime) -> datetime:
    for name in names:
        if fields.get(name):
            return _time(fields, name)
    return otherwise


def _decoded(run: str) -> str:
    """A run of `_XX` as the characters it stands for, if it does stand for any that can be shown."""
    try:
        text = bytes.fromhex(run.replace("_", "")).decode()
    except UnicodeDecodeError:
        return run
    return text if text.isprintable() else run
