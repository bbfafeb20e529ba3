"""What a Discord world consists of. These objects change; the model alone changes them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntEnum, IntFlag
from typing import Any


class MessageType(IntEnum):
    """The kinds of message that the sandbox makes (Message, Message Types)."""

    DEFAULT = 0
    REPLY = 19
    COMMAND = 20


class Flag(IntFlag):
    """Message flags (Message, Message Flags)."""

    EPHEMERAL = 1 << 6
    LOADING = 1 << 7
    HAS_SNAPSHOT = 1 << 14
    COMPONENTS_V2 = 1 << 15


class ChannelType(IntEnum):
    """The kinds of channel that the sandbox has (Channel, Channel Types)."""

    TEXT = 0
    DM = 1


@dataclass(slots=True)
class User:
    """A person, or the bot."""

    id: int
    name: str
    bot: bool = False
    locale: str = "en-US"
    dms_open: bool = True  #: False: the bot's messages are refused with 50007
    in_guild: bool = True  #: False: the bot's messages are refused with 50278
    role_ids: list[int] = field(default_factory=list)
    joined_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Role:
    id: int
    name: str
    permissions: int
    position: int


@dataclass(frozen=True, slots=True)
class Attachment:
    """A file on the CDN."""

    id: int
    filename: str
    content_type: str
    content: bytes
    description: str | None = None

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()


@dataclass(slots=True)
class Message:
    """A message, kept after its deletion so that the control API can show it."""

    id: int
    channel_id: int
    author_id: int
    at: datetime
    content: str = ""
    type: MessageType = MessageType.DEFAULT
    embeds: list[dict[str, Any]] = field(default_factory=list)
    components: list[dict[str, Any]] = field(default_factory=list)
    attachments: list[Attachment] = field(default_factory=list)
    stickers: list[str] = field(default_factory=list)
    flags: int = 0
    nonce: str | int | None = None
    reply_to: int | None = None
    forwarded: Message | None = None  #: the message this one forwards, as it was at that moment
    edited_at: datetime | None = None
    deleted_at: datetime | None = None
    visible_to: int | None = None  #: the only member who sees it (ephemeral); None: the whole channel
    interaction: dict[str, Any] | None = None  #: metadata of the interaction it answers
    reactions: dict[str, list[int]] = field(default_factory=dict)  #: emoji -> users, in order

    @property
    def ephemeral(self) -> bool:
        return bool(self.flags & Flag.EPHEMERAL)

    @property
    def loading(self) -> bool:
        """A deferred answer that shows "thinking" until its first edit."""
        return bool(self.flags & Flag.LOADING)

    def is_empty(self) -> bool:
        return not (self.content or self.embeds or self.components or self.attachments or self.stickers)


@dataclass(slots=True)
class Channel:
    """A text channel of the guild, or the DM of one member with the bot."""

    id: int
    type: ChannelType
    name: str | None = None  #: None for a DM
    recipient_id: int | None = None  #: the member of a DM
    position: int = 0
    messages: list[Message] = field(default_factory=list)  #: ids ascending
    bot_typing_until: datetime | None = None
