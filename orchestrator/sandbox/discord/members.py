"""What members of the community do and see: the human side of the model."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from orchestrator.sandbox.discord import draft as drafts
from orchestrator.sandbox.discord.commands import Commands, fill
from orchestrator.sandbox.discord.interactions import Interaction, Interactions, Kind
from orchestrator.sandbox.discord.messages import Messages
from orchestrator.sandbox.discord.state import Attachment, Channel, Flag, Message, MessageType, User
from orchestrator.sandbox.discord.world import BOT_NAME, World
from orchestrator.sandbox.refusal import Refusal
from orchestrator.sandbox.wire import Upload

#: Code points a member may write; Nitro doubles the usual 2000 (Message, Create Message).
MEMBER_CONTENT = 4000
TEXT_INPUT, LABEL, ACTION_ROW = 4, 18, 1


class Members:
    """Acts by name. Each raises Refusal where Discord's own client would not let the member do it."""

    def __init__(
        self, world: World, messages: Messages, commands: Commands, interactions: Interactions
    ) -> None:
        self._world = world
        self._messages = messages
        self._commands = commands
        self._interactions = interactions

    def named(self, name: str) -> User:
        """The member, who comes into being on first use."""
        if name == BOT_NAME or not re.fullmatch(r"[A-Za-z0-9_.-]{1,32}", name):
            raise Refusal(400, "bad_name", f"{name!r} cannot be a member's name.")
        return self._world.member(name)

    def change(
        self,
        name: str,
        *,
        dms_open: bool | None = None,
        in_guild: bool | None = None,
        locale: str | None = None,
        roles: Sequence[str] | None = None,
    ) -> User:
        """Set what is given; None leaves as it is."""
        user = self.named(name)
        if roles is not None:
            found = [self._world.role(role) for role in roles]
            if None in found:
                known = ", ".join(role.name for role in self._world.roles)
                raise Refusal(400, "unknown_role", f"Roles are: {known}.")
            user.role_ids = [role.id for role in found if role is not None]
        user.dms_open = user.dms_open if dms_open is None else dms_open
        user.in_guild = user.in_guild if in_guild is None else in_guild
        user.locale = locale or user.locale
        return user

    def post(
        self,
        name: str,
        content: str = "",
        *,
        files: Sequence[Upload] = (),
        reply_to: int | None = None,
        stickers: Sequence[str] = (),
        forward: int | None = None,
    ) -> Message:
        """Write to the bot. `forward` names a message of the DM that is passed on instead of text."""
        user = self.named(name)
        channel = self._world.dm(user)
        message = Message(
            id=self._world.new_id(),
            channel_id=channel.id,
            author_id=user.id,
            at=self._world.now(),
            content=_content(content),
            attachments=[
                Attachment(self._world.new_id(), f.filename, f.content_type, f.content) for f in files
            ],
            stickers=list(stickers),
        )
        if forward is not None:
            message.forwarded = self._seen(user, forward)
            message.flags |= Flag.HAS_SNAPSHOT
        elif message.is_empty():
            raise Refusal(400, "empty_message", "A message needs content, an attachment or a sticker.")
        if reply_to is not None:
            message.reply_to, message.type = self._seen(user, reply_to).id, MessageType.REPLY
        self._messages.publish(message)
        return message

    def edit(self, name: str, message_id: int, content: str) -> Message:
        message = self._own(self.named(name), message_id)
        text = _content(content)
        if not (text or message.attachments):
            raise Refusal(400, "empty_message", "An edit cannot leave a message empty; delete it instead.")
        message.content = text
        self._messages.touch(message)
        return message

    def delete(self, name: str, message_id: int) -> Message:
        message = self._own(self.named(name), message_id)
        self._messages.delete(message)
        return message

    def react(self, name: str, message_id: int, emoji: str, *, add: bool = True) -> Message:
        user = self.named(name)
        message = self._seen(user, message_id)
        self._messages.react(user, message, emoji, add=add)
        return message

    def type(self, name: str) -> Channel:
        user = self.named(name)
        channel = self._world.dm(user)
        self._messages.type(user, channel)
        return channel

    def command(
        self, name: str, command: str, options: Mapping[str, Any], channel: str | None = None
    ) -> Interaction:
        """Use a slash command, in a DM or in the named channel; `a b` is subcommand b of a."""
        user = self.named(name)
        place = self._world.dm(user) if channel is None else self._in_guild(user, channel)
        word, *path = command.removeprefix("/").split() or [""]
        permissions = self._world.permissions(user)
        found = self._commands.find(word, in_guild=channel is not None, permissions=permissions)
        data: dict[str, Any] = {"id": found["id"], "name": found["name"], "type": found["type"]}
        options_data = fill(found, options, path)
        if options_data:
            data["options"] = options_data
        if "guild_id" in found:
            data["guild_id"] = found["guild_id"]
        return self._interactions.begin(Kind.COMMAND, user, place, data)

    def click(self, name: str, message_id: int, custom_id: str, values: Sequence[str] = ()) -> Interaction:
        """Press a button, or choose `values` in a select, on any message the member sees."""
        user = self.named(name)
        message = self._seen(user, message_id)
        components = drafts.walk(message.components)
        component = next((c for c in components if c.get("custom_id") == custom_id), None)
        if component is None:
            raise Refusal(404, "unknown_component", f"Message {message_id} has no component {custom_id!r}.")
        if component.get("disabled"):
            raise Refusal(409, "disabled", f"Component {custom_id!r} is disabled.")
        data = {"custom_id": custom_id, "component_type": component["type"], "id": component["id"]}
        if component["type"] != drafts.BUTTON:
            data["values"] = list(values)
        channel = self._world.channel(message.channel_id)
        return self._interactions.begin(Kind.COMPONENT, user, channel, data, source=message)

    def submit(self, name: str, custom_id: str, fields: Mapping[str, str]) -> Interaction:
        """Send off the modal that is open before the member."""
        user = self.named(name)
        trigger = self._interactions.open_modal(user, custom_id)
        if trigger is None or trigger.modal is None:
            raise Refusal(404, "unknown_modal", f"No modal {custom_id!r} is open before {name}.")
        components = trigger.modal["components"]
        data = {"custom_id": custom_id, "components": _submitted(components, fields)}
        channel = self._world.channel(trigger.channel_id)
        kind = Kind.MODAL_SUBMIT
        return self._interactions.begin(kind, user, channel, data, source=trigger.source, trigger=trigger)

    def inbox(self, name: str) -> list[Message]:
        """The DM with the bot and the ephemeral answers elsewhere, oldest first, deleted ones kept."""
        user = self.named(name)
        shown = [m for channel in self._world.text_channels() for m in channel.messages]
        shown = [m for m in shown if m.visible_to == user.id]
        shown += self._world.dm(user).messages
        return sorted((m for m in shown if not m.loading), key=lambda m: m.id)

    def channel_messages(self, name: str) -> list[Message]:
        """What everyone sees in a text channel, oldest first, deleted ones kept."""
        return [m for m in self._text_channel(name).messages if not (m.ephemeral or m.loading)]

    def _text_channel(self, name: str) -> Channel:
        channel = self._world.text_channel(name)
        if channel is None:
            known = ", ".join(str(c.name) for c in self._world.text_channels())
            raise Refusal(404, "unknown_channel", f"Channels are: {known}.")
        return channel

    def _in_guild(self, user: User, channel: str) -> Channel:
        if not user.in_guild:
            raise Refusal(409, "not_in_guild", f"{user.name} is not in the guild.")
        return self._text_channel(channel)

    def _seen(self, user: User, message_id: int) -> Message:
        """A message this member can see and use now."""
        for channel in (self._world.dm(user), *self._world.text_channels()):
            message = self._world.find(channel, message_id)
            if message is None or message.deleted_at is not None:
                continue
            if message.visible_to in (None, user.id):
                return message
        raise Refusal(404, "unknown_message", f"{user.name} sees no message {message_id}.")

    def _own(self, user: User, message_id: int) -> Message:
        message = self._seen(user, message_id)
        if message.author_id != user.id:
            raise Refusal(403, "not_the_author", f"Message {message_id} is not {user.name}'s.")
        return message


def _content(content: str) -> str:
    if len(content) > MEMBER_CONTENT:
        raise Refusal(400, "too_long", f"A message has at most {MEMBER_CONTENT} characters.")
    return content.strip()


def _submitted(components: Sequence[dict[str, Any]], fields: Mapping[str, Any]) -> list[dict[str, Any]]:
    """The modal's components as a submit sends them: values instead of labels."""
    inputs = {c["custom_id"]: c for c in drafts.walk(components) if c.get("custom_id")}
    unknown = set(fields) - set(inputs)
    if unknown:
        raise Refusal(400, "bad_fields", f"The modal has no fields {sorted(unknown)}.")
    sent: list[dict[str, Any]] = []
    for number, component in enumerate(components, 1):
        shape: dict[str, Any] = {"type": component["type"], "id": component.get("id") or number}
        if component["type"] == LABEL:
            shape["component"] = _value(component["component"], fields)
        elif component["type"] == ACTION_ROW:
            shape["components"] = [_value(child, fields) for child in component["components"]]
        sent.append(shape)
    return sent


def _value(component: Mapping[str, Any], fields: Mapping[str, Any]) -> dict[str, Any]:
    custom_id = component["custom_id"]
    value = fields.get(custom_id)
    required = component.get("required", True)
    shape = {"type": component["type"], "id": component.get("id") or 100, "custom_id": custom_id}
    if component["type"] != TEXT_INPUT:
        chosen = [value] if isinstance(value, str) else list(value or [])
        if required and not chosen:
            raise Refusal(400, "bad_fields", f"Field {custom_id!r} is required.")
        return shape | {"values": chosen}
    text = component.get("value") or "" if value is None else str(value)
    least, most = component.get("min_length") or (1 if required else 0), component.get("max_length") or 4000
    if (text or required) and not least <= len(text) <= most:
        raise Refusal(400, "bad_fields", f"Field {custom_id!r} takes {least} to {most} characters.")
    return shape | {"value": text}
