"""Posting, editing, deleting, reacting, typing: what changes a channel and which events that causes."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from orchestrator.sandbox.discord import errors, limits, payloads
from orchestrator.sandbox.discord.draft import Draft
from orchestrator.sandbox.discord.sessions import Intent, Sessions
from orchestrator.sandbox.discord.state import (
    Attachment,
    Channel,
    ChannelType,
    Flag,
    Message,
    MessageType,
    User,
)
from orchestrator.sandbox.discord.world import World


class Messages:
    """The one place that touches messages; REST, interactions and members all come through here."""

    def __init__(self, world: World, sessions: Sessions) -> None:
        self._world = world
        self._sessions = sessions
        self._nonces: dict[tuple[int, int, str], tuple[int, datetime]] = {}

    def create_by_bot(self, channel: Channel, draft: Draft) -> Message:
        """POST /channels/{id}/messages. A repeated enforced nonce returns the earlier message."""
        self._check_reachable(channel)
        author = self._world.bot
        earlier = self._earlier(author, channel, draft)
        if earlier is not None:
            return earlier
        message = self.draft_message(channel, draft)
        if message.is_empty():
            raise errors.empty_message()
        if draft.reply_to is not None:
            replied = self._world.find(channel, draft.reply_to)
            if replied is not None and replied.deleted_at is None:
                message.reply_to, message.type = replied.id, MessageType.REPLY
            elif draft.reply_must_exist:
                code, text = "REPLIES_UNKNOWN_MESSAGE", "Unknown message"
                raise errors.invalid("message_reference", code, text)
        message.flags &= ~Flag.EPHEMERAL
        channel.bot_typing_until = None
        self.publish(message)
        if draft.nonce is not None:
            self._remember((author.id, channel.id, str(draft.nonce)), message)
        return message

    def draft_message(self, channel: Channel, draft: Draft) -> Message:
        """A message of the bot's, not yet in the channel."""
        return Message(
            id=self._world.new_id(),
            channel_id=channel.id,
            author_id=self._world.bot.id,
            at=self._world.now(),
            content=draft.content or "",
            embeds=draft.embeds or [],
            components=draft.components or [],
            attachments=draft.files,
            flags=draft.flags,
            nonce=draft.nonce,
        )

    def publish(self, message: Message) -> None:
        """Put a new message into its channel and tell the gateway."""
        channel = self._world.channel(message.channel_id)
        channel.messages.append(message)
        self._announce("MESSAGE_CREATE", message)

    def edit(self, message: Message, draft: Draft) -> None:
        """Apply the mentioned fields. The first edit of a deferred answer leaves no edit mark."""
        attachments = _kept(message.attachments, draft) + draft.files
        content = message.content if draft.content is None else draft.content
        embeds = message.embeds if draft.embeds is None else draft.embeds
        components = message.components if draft.components is None else draft.components
        if not (content or embeds or components or attachments or message.stickers):
            raise errors.empty_message()
        message.content, message.embeds, message.components = content, embeds, components
        message.attachments = attachments
        message.flags |= draft.flags & Flag.COMPONENTS_V2
        self.touch(message)

    def touch(self, message: Message) -> None:
        """Mark a changed message as edited and tell the gateway."""
        if message.loading:
            message.flags &= ~Flag.LOADING
        else:
            message.edited_at = self._world.now()
        self._announce("MESSAGE_UPDATE", message)

    def edit_by_bot(self, message: Message, draft: Draft) -> None:
        if message.author_id != self._world.bot.id:
            raise errors.not_the_author()
        self.edit(message, draft)

    def delete_by_bot(self, channel: Channel, message: Message) -> None:
        """The bot deletes its own messages anywhere, those of others in the guild only."""
        if channel.type is ChannelType.DM and message.author_id != self._world.bot.id:
            raise errors.dm_action()
        self.delete(message)

    def delete(self, message: Message) -> None:
        message.deleted_at = self._world.now()
        data = {"id": str(message.id), "channel_id": str(message.channel_id)}
        channel = self._world.channel(message.channel_id)
        in_guild = channel.type is ChannelType.TEXT and not message.ephemeral
        intent = Intent.GUILD_MESSAGES if in_guild else Intent.DIRECT_MESSAGES
        self._sessions.dispatch("MESSAGE_DELETE", data | self._place(guild=in_guild), intent)

    def react(self, user: User, message: Message, emoji: str, *, add: bool) -> None:
        """Add or take back one reaction; a repeat changes nothing and causes no event."""
        users = message.reactions.setdefault(emoji, [])
        changed = (user.id in users) != add
        if changed and add:
            users.append(user.id)
        elif changed:
            users.remove(user.id)
        if not users:
            del message.reactions[emoji]
        if not changed:
            return
        channel = self._world.channel(message.channel_id)
        data: dict[str, Any] = {
            "user_id": str(user.id),
            "channel_id": str(channel.id),
            "message_id": str(message.id),
            "emoji": {"id": None, "name": emoji},
            "burst": False,
            "type": 0,
        }
        if add:
            data["message_author_id"] = str(message.author_id)
        dm = channel.type is ChannelType.DM
        intent = Intent.DIRECT_MESSAGE_REACTIONS if dm else Intent.GUILD_MESSAGE_REACTIONS
        event = "MESSAGE_REACTION_ADD" if add else "MESSAGE_REACTION_REMOVE"
        self._sessions.dispatch(event, data | self._place(guild=not dm), intent)

    def type(self, user: User, channel: Channel) -> None:
        """Show the typing indicator for ten seconds."""
        now = self._world.now()
        if user.bot:
            channel.bot_typing_until = now + limits.TYPING
        data = {
            "channel_id": str(channel.id),
            "user_id": str(user.id),
            "timestamp": int(now.timestamp()),
        }
        dm = channel.type is ChannelType.DM
        intent = Intent.DIRECT_MESSAGE_TYPING if dm else Intent.GUILD_MESSAGE_TYPING
        self._sessions.dispatch("TYPING_START", data | self._place(guild=not dm), intent)

    def page(self, channel: Channel, limit: int, **bounds: int | None) -> list[Message]:
        """History, newest first. `after` takes the oldest messages above its bound, as Discord does."""
        shown = [m for m in channel.messages if m.deleted_at is None and not m.ephemeral]
        before, after, around = bounds.get("before"), bounds.get("after"), bounds.get("around")
        if around is not None:
            older = [m for m in shown if m.id < around][-(limit // 2) :] if limit > 1 else []
            newer = [m for m in shown if m.id >= around][: limit - len(older)]
            chosen = older + newer
        elif before is not None:
            chosen = [m for m in shown if m.id < before][-limit:]
        elif after is not None:
            chosen = [m for m in shown if m.id > after][:limit]
        else:
            chosen = shown[-limit:]
        return chosen[::-1]

    def _check_reachable(self, channel: Channel) -> None:
        if channel.recipient_id is None:
            return
        recipient = self._world.users[channel.recipient_id]
        if not recipient.in_guild:
            raise errors.no_mutual_guild()
        if not recipient.dms_open:
            raise errors.closed_dms()

    def _earlier(self, author: User, channel: Channel, draft: Draft) -> Message | None:
        if draft.nonce is None or not draft.enforce_nonce:
            return None
        message_id, at = self._nonces.get((author.id, channel.id, str(draft.nonce)), (0, None))
        if at is None or self._world.now() - at > limits.NONCE_WINDOW:
            return None
        return self._world.message(channel, message_id)

    def _remember(self, key: tuple[int, int, str], message: Message) -> None:
        self._nonces.pop(key, None)
        self._nonces[key] = (message.id, self._world.now())
        oldest = next(iter(self._nonces))
        if self._world.now() - self._nonces[oldest][1] > limits.NONCE_WINDOW:
            del self._nonces[oldest]

    def _announce(self, event: str, message: Message) -> None:
        channel = self._world.channel(message.channel_id)
        in_guild = channel.type is ChannelType.TEXT and not message.ephemeral
        intent = Intent.GUILD_MESSAGES if in_guild else Intent.DIRECT_MESSAGES
        self._sessions.dispatch(event, payloads.message_event(self._world, message), intent)

    def _place(self, *, guild: bool) -> dict[str, Any]:
        return {"guild_id": str(self._world.guild_id)} if guild else {}


def _kept(attachments: list[Attachment], draft: Draft) -> list[Attachment]:
    if draft.kept is None:
        return attachments
    return [attachment for attachment in attachments if attachment.id in draft.kept]
