"""Discord's JSON of a message as the port tells it, which over sockets discord.py reads."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from orchestrator.ports import DiscordMessage
from orchestrator.sandbox.discord.limits import EPOCH

Json = Mapping[str, Any]

#: Message types that a person writes (Discord: Message, Message Types: default, reply).
WRITTEN = (0, 19)
EPHEMERAL = 1 << 6
FORWARD = 1
EPOCH_MS = int(EPOCH.timestamp() * 1000)


def read(message: Json, me: str, clean: Callable[[str], str]) -> DiscordMessage:
    """`me`: the bot's user id. `clean` replaces what no database holds. Raises KeyError for what is no message."""
    author = message["author"]
    reference = message.get("message_reference") or {}
    replies_to = reference.get("message_id") if reference.get("type", 0) != FORWARD else None
    nonce = message.get("nonce")
    edited = message.get("edited_timestamp")
    return DiscordMessage(
        id=str(message["id"]),
        channel=str(message["channel_id"]),
        author=str(author["id"]),
        author_name=clean(display_name(author)),
        own=str(author["id"]) == me,
        body=clean("\n".join(_lines(message))),
        attachments=tuple(_attachment(entry, clean) for entry in _attachments(message)),
        at=made_at(message["id"]),
        edited_at=datetime.fromisoformat(edited) if edited else None,
        reply_to=str(replies_to) if replies_to else None,
        nonce=None if nonce is None else str(nonce),
        content=message["type"] in WRITTEN,
    )


def display_name(user: Json) -> str:
    return str(user.get("global_name") or user["username"])


def made_at(snowflake: str) -> datetime:
    """The time that stands in an id, in milliseconds (Discord: Reference, Snowflakes)."""
    return datetime.fromtimestamp(((int(snowflake) >> 22) + EPOCH_MS) / 1000, UTC)


def is_dm(message: Json) -> bool:
    """An ephemeral answer in a server arrives without a server as well: it is no direct message."""
    return "guild_id" not in message and not message.get("flags", 0) & EPHEMERAL


def _lines(message: Json) -> Iterator[str]:
    if message.get("content"):
        yield str(message["content"])
    for sticker in message.get("sticker_items", ()):
        yield f"[sticker: {sticker['name']}]"
    for snapshot in _snapshots(message):
        yield f"[forwarded] {snapshot.get('content', '')}".rstrip()


def _snapshots(message: Json) -> list[Json]:
    return [entry["message"] for entry in message.get("message_snapshots", ())]


def _attachments(message: Json) -> list[Json]:
    forwarded = [entry for snapshot in _snapshots(message) for entry in snapshot.get("attachments", ())]
    return [*message.get("attachments", ()), *forwarded]


def _attachment(entry: Json, clean: Callable[[str], str]) -> Mapping[str, Any]:
    return {
        "id": str(entry["id"]),
        "filename": clean(entry["filename"]),
        "size": int(entry["size"]),
        "content_type": entry.get("content_type") or "",
    }
