"""Slash commands, clicks and modals: their events, their callbacks, and the life of their tokens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from typing import Any

from orchestrator.sandbox.discord import draft as drafts
from orchestrator.sandbox.discord import errors, limits, modals, payloads
from orchestrator.sandbox.discord.draft import Draft
from orchestrator.sandbox.discord.messages import Messages
from orchestrator.sandbox.discord.sessions import Sessions
from orchestrator.sandbox.discord.state import Channel, ChannelType, Flag, Message, MessageType, User
from orchestrator.sandbox.discord.world import World
from orchestrator.sandbox.refusal import Refusal
from orchestrator.sandbox.wire import Upload


class Kind(IntEnum):
    """Interaction types (Interactions, Receiving and Responding)."""

    COMMAND = 2
    COMPONENT = 3
    MODAL_SUBMIT = 5


class Callback(IntEnum):
    """Interaction callback types that the sandbox grants."""

    MESSAGE = 4
    DEFERRED_MESSAGE = 5
    DEFERRED_UPDATE = 6
    UPDATE = 7
    MODAL = 9


@dataclass(slots=True)
class Interaction:
    """One act of a member that waits for the bot's answer."""

    id: int
    token: str
    kind: Kind
    user_id: int
    channel_id: int
    at: datetime
    data: dict[str, Any]
    source: Message | None = None  #: the message whose component was used
    trigger: Interaction | None = None  #: what opened the modal that was submitted
    acknowledged_at: datetime | None = None
    callback: Callback | None = None
    original: Message | None = None  #: what `@original` names
    modal: dict[str, Any] | None = None  #: the modal it opened, until what was submitted is acknowledged
    submission: Interaction | None = None  #: of that modal, the latest


class Interactions:
    """All interactions of a world, by id and by token."""

    def __init__(self, world: World, sessions: Sessions, messages: Messages) -> None:
        self._world = world
        self._sessions = sessions
        self._messages = messages
        self._by_id: dict[int, Interaction] = {}
        self._by_token: dict[str, Interaction] = {}

    def begin(
        self,
        kind: Kind,
        user: User,
        channel: Channel,
        data: dict[str, Any],
        *,
        source: Message | None = None,
        trigger: Interaction | None = None,
    ) -> Interaction:
        """Send INTERACTION_CREATE. Raises Refusal when no gateway session is there to answer."""
        if not self._sessions.any_connected():
            raise Refusal(409, "no_answer", "The application did not respond: it is not connected.")
        interaction_id = self._world.new_id()
        token = f"sandbox.{self._world.random.randbytes(24).hex()}"
        now = self._world.now()
        interaction = Interaction(
            interaction_id, token, kind, user.id, channel.id, now, data, source, trigger
        )
        self._by_id[interaction.id] = interaction
        self._by_token[token] = interaction
        if trigger is not None:
            trigger.submission = interaction
        self._sessions.dispatch("INTERACTION_CREATE", self._event(interaction, user, channel), None)
        return interaction

    def get(self, interaction_id: int) -> Interaction | None:
        return self._by_id.get(interaction_id)

    def all(self) -> list[Interaction]:
        """Every interaction that ever began, oldest first."""
        return list(self._by_id.values())

    def failed(self, interaction: Interaction) -> bool:
        """The member was told that the application did not respond."""
        late = self._world.now() - interaction.at > limits.ACKNOWLEDGE
        return interaction.acknowledged_at is None and late

    def open_modal(self, user: User, custom_id: str) -> Interaction | None:
        """The latest interaction of this member whose modal can be sent off.

        While a submission is under way it cannot; one that the application did not respond to leaves it open.
        """
        for interaction in reversed(self._by_id.values()):
            modal, submission = interaction.modal, interaction.submission
            if interaction.user_id != user.id or modal is None or modal["custom_id"] != custom_id:
                continue
            if submission is None or self.failed(submission):
                return interaction
        return None

    def respond(self, interaction_id: int, token: str, body: Any, files: Sequence[Upload]) -> dict[str, Any]:
        """POST /interactions/{id}/{token}/callback; the answer to `with_response`.

        Raises 404/10062 for an unknown token or after three seconds, 400/40060 for a second answer.
        """
        interaction = self._by_id.get(interaction_id)
        if interaction is None or interaction.token != token:
            raise errors.unknown_interaction()
        if interaction.acknowledged_at is not None:
            raise errors.already_acknowledged()
        if self.failed(interaction):
            raise errors.unknown_interaction()
        body = body if isinstance(body, dict) else {}
        callback = self._callback(interaction, body.get("type"))
        data = body.get("data") or {}
        match callback:
            case Callback.MESSAGE | Callback.DEFERRED_MESSAGE:
                loading = callback is Callback.DEFERRED_MESSAGE
                draft = drafts.read(self._world, data, files)
                interaction.original = self._post(interaction, draft, loading=loading)
            case Callback.UPDATE if interaction.source is not None:
                self._messages.edit(interaction.source, drafts.read(self._world, data, files))
                interaction.original = interaction.source
            case Callback.MODAL:
                interaction.modal = _modal(data)
            case _:
                interaction.original = interaction.source
        interaction.acknowledged_at = self._world.now()
        interaction.callback = callback
        if interaction.trigger is not None:
            interaction.trigger.modal = None
        return self._response(interaction, callback)

    def by_webhook(self, application_id: int, token: str) -> Interaction:
        """Raises 404/10015 for an unknown or unanswered token, 401/50027 after fifteen minutes."""
        interaction = self._by_token.get(token)
        if interaction is None or application_id != self._world.application_id:
            raise errors.unknown_webhook()
        if self._world.now() - interaction.at > limits.TOKEN_LIFE:
            raise errors.invalid_token()
        if interaction.acknowledged_at is None:
            raise errors.unknown_webhook()
        return interaction

    def webhook_message(self, interaction: Interaction, message_id: int | None) -> Message:
        """`@original` (None) or a follow-up of this interaction. Raises 404/10008."""
        message = interaction.original
        if message_id is not None and (message is None or message.id != message_id):
            message = self._world.find(self._world.channel(interaction.channel_id), message_id)
            made_by = (message.interaction or {}).get("id") if message else None
            if made_by != str(interaction.id):
                message = None
        if message is None or message.deleted_at is not None:
            raise errors.unknown_message()
        return message

    def follow_up(self, interaction: Interaction, draft: Draft) -> Message:
        """POST /webhooks/{app}/{token}; while the answer is deferred this fills it in, as on Discord."""
        original = interaction.original
        if original is not None and original.loading and original.deleted_at is None:
            self._messages.edit(original, draft)
            return original
        return self._post(interaction, draft, loading=False)

    def _post(self, interaction: Interaction, draft: Draft, *, loading: bool) -> Message:
        message = self._messages.draft_message(self._world.channel(interaction.channel_id), draft)
        message.nonce = None
        if loading:
            message.flags |= Flag.LOADING
        elif message.is_empty():
            raise errors.empty_message()
        if message.ephemeral:
            message.visible_to = interaction.user_id
        if interaction.original is None and interaction.kind is Kind.COMMAND:
            message.type = MessageType.COMMAND
        elif interaction.source is not None:
            message.type, message.reply_to = MessageType.REPLY, interaction.source.id
        message.interaction = self._metadata(interaction)
        self._messages.publish(message)
        return message

    def _callback(self, interaction: Interaction, kind: Any) -> Callback:
        granted = {Callback.MESSAGE, Callback.DEFERRED_MESSAGE}
        if interaction.source is not None:
            granted |= {Callback.DEFERRED_UPDATE, Callback.UPDATE}
        if interaction.kind is not Kind.MODAL_SUBMIT:
            granted.add(Callback.MODAL)
        if kind not in granted:
            choices = ", ".join(str(int(callback)) for callback in sorted(granted))
            raise errors.invalid("type", "BASE_TYPE_CHOICES", f"Value must be one of {{{choices}}}.")
        return Callback(kind)

    def _response(self, interaction: Interaction, callback: Callback) -> dict[str, Any]:
        shape: dict[str, Any] = {
            "id": str(interaction.id),
            "type": int(interaction.kind),
            "channel_id": str(interaction.channel_id),
        }
        answer: dict[str, Any] = {"interaction": shape}
        if interaction.original is not None:
            message = interaction.original
            shape["response_message_id"] = str(message.id)
            shape["response_message_loading"] = message.loading
            shape["response_message_ephemeral"] = message.ephemeral
            if callback in (Callback.MESSAGE, Callback.UPDATE):
                shown = payloads.message(self._world, message)
                answer["resource"] = {"type": int(callback), "message": shown}
        return answer

    def _metadata(self, interaction: Interaction) -> dict[str, Any]:
        shape: dict[str, Any] = {
            "id": str(interaction.id),
            "type": int(interaction.kind),
            "user": payloads.user(self._world.users[interaction.user_id]),
            "authorizing_integration_owners": self._owners(interaction.channel_id),
        }
        if interaction.kind is Kind.COMPONENT and interaction.source is not None:
            shape["interacted_message_id"] = str(interaction.source.id)
        if interaction.trigger is not None:
            shape["triggering_interaction_metadata"] = self._metadata(interaction.trigger)
        return shape

    def _owners(self, channel_id: int) -> dict[str, str]:
        in_guild = self._world.channel(channel_id).type is ChannelType.TEXT
        return {"0": str(self._world.guild_id) if in_guild else "0"}

    def _event(self, interaction: Interaction, user: User, channel: Channel) -> dict[str, Any]:
        world = self._world
        shape: dict[str, Any] = {
            "id": str(interaction.id),
            "application_id": str(world.application_id),
            "type": int(interaction.kind),
            "token": interaction.token,
            "version": 1,
            "data": interaction.data,
            "channel_id": str(channel.id),
            "channel": payloads.channel(world, channel),
            "attachment_size_limit": limits.FILE_BYTES,
            "authorizing_integration_owners": self._owners(channel.id),
            "locale": user.locale,
            "entitlements": [],
            "entitlement_sku_ids": [],
            "app_permissions": str(world.permissions(world.bot)),
        }
        if interaction.source is not None:
            shape["message"] = payloads.message(world, interaction.source)
        if channel.type is ChannelType.DM:
            return shape | {"context": 1, "user": payloads.user(user)}
        granted = str(world.permissions(user))
        return shape | {
            "context": 0,
            "guild_id": str(world.guild_id),
            "guild": {"id": str(world.guild_id), "locale": "en-US", "features": []},
            "guild_locale": "en-US",
            "member": payloads.member(user) | {"permissions": granted},
        }


def _modal(data: Any) -> dict[str, Any]:
    if not isinstance(data, dict):
        raise errors.invalid("data", "BASE_TYPE_REQUIRED", "This field is required")
    title, custom_id = str(data.get("title") or ""), str(data.get("custom_id") or "")
    for field, text, most in (
        ("title", title, limits.MODAL_TITLE),
        ("custom_id", custom_id, limits.CUSTOM_ID),
    ):
        if not 1 <= len(text) <= most:
            message = f"Must be between 1 and {most} in length."
            raise errors.invalid(f"data.{field}", "BASE_TYPE_BAD_LENGTH", message)
    components = drafts.component_list(data) or []
    if not 1 <= len(components) <= limits.ROWS:
        message = f"Must be between 1 and {limits.ROWS} in length."
        raise errors.invalid("data.components", "BASE_TYPE_BAD_LENGTH", message)
    drafts.check_custom_ids(components)
    modals.check(components)
    return {"title": title, "custom_id": custom_id, "components": components}
