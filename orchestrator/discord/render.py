"""Rendering, both ways, pure: Discord's messages to plain words, our words to what Discord takes."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

import discord

from orchestrator.discord.limits import CONTENT, EPOCH_MS
from orchestrator.ports import DiscordMessage
from orchestrator.texts.plain import storable

_FENCE = "```"


def nonce(key: str, part: int) -> str:
    """The same for every attempt of one part of one effect; 24 characters."""
    digest = hashlib.blake2b(f"{key}/{part}".encode(), digest_size=15).digest()
    return base64.b32encode(digest).decode().lower()


def snowflake(seconds: float) -> str:
    """The lowest id that a message made at that time may have."""
    return str(max(0, int(seconds * 1000) - EPOCH_MS) << 22)


def made_at(snowflake_: str) -> float:
    """When an id was made, seconds since the epoch."""
    return ((int(snowflake_) >> 22) + EPOCH_MS) / 1000


def split(text: str, limit: int = CONTENT) -> list[str]:
    """Parts of at most `limit` characters, cut at a line, else at a space. A code block is closed and reopened.

    Nothing but whitespace at the cuts is lost; a part that would hold nothing else is left out, for Discord
    refuses it.
    """
    parts: list[str] = []
    rest, reopened = text, ""
    while len(reopened) + len(rest) > limit:
        cut = _cut(rest, limit - len(reopened) - len(_FENCE) - 1)
        head, rest = reopened + rest[:cut], rest[cut:]
        if rest[0] in "\n ":
            rest = rest[1:]
        reopened = ""
        if head.count(_FENCE) % 2:
            head, reopened = f"{head}\n{_FENCE}", f"{_FENCE}\n"
        parts.append(head)
    parts.append(reopened + rest)
    return [part for part in parts if part.strip()] or [text]


def _cut(text: str, room: int) -> int:
    """Where to cut: before whitespace if there is some late enough, and not inside a row of backticks.

    Cutting early would leave short parts, and one that only opens a code block would come again for ever.
    """
    early = room // 2
    for space in "\n ":
        if (cut := text.rfind(space, early, room + 1)) > 0:
            return cut
    before = len(text[:room].rstrip("`"))
    return before if before and text[room : room + 1] == "`" else room


def from_message(message: discord.Message, me: int) -> DiscordMessage:
    """A message of Discord's as plain words and facts."""
    reference = message.reference
    forwards = reference is not None and reference.type is discord.MessageReferenceType.forward
    return DiscordMessage(
        id=str(message.id),
        channel=str(message.channel.id),
        author=str(message.author.id),
        author_name=storable(message.author.display_name),
        own=message.author.id == me,
        body=storable(_body(message)),
        attachments=tuple(_attachment(a) for a in _attachments(message)),
        at=message.created_at,
        edited_at=message.edited_at,
        reply_to=str(reference.message_id) if reference and not forwards and reference.message_id else None,
        nonce=str(message.nonce) if message.nonce is not None else None,
        content=message.type in (discord.MessageType.default, discord.MessageType.reply),
    )


def _body(message: discord.Message) -> str:
    """Nothing that a member sends is an empty message for the agent."""
    lines = [message.content] if message.content else []
    lines += [f"[sticker: {sticker.name}]" for sticker in message.stickers]
    for snapshot in message.message_snapshots:
        lines.append(f"[forwarded] {snapshot.content}".rstrip())
    if message.poll is not None:
        options = ", ".join(answer.text or "" for answer in message.poll.answers)
        lines.append(f"[poll: {message.poll.question} ({options})]")
    return "\n".join(lines)


def _attachments(message: discord.Message) -> list[discord.Attachment]:
    found = list(message.attachments)
    for snapshot in message.message_snapshots:
        found += snapshot.attachments
    return found


def _attachment(attachment: discord.Attachment) -> dict[str, Any]:
    """The link is left out: it expires. The message is read again when a fresh one is needed."""
    return {
        "id": str(attachment.id),
        "filename": storable(attachment.filename),
        "size": attachment.size,
        "content_type": attachment.content_type or "",
    }
