"""What happens to Twilio Conversations, their participants, messages and timers (Conversations v1, classic)."""

from __future__ import annotations

import re
from datetime import datetime
from typing import cast

from orchestrator.sandbox.twilio import errors, limits
from orchestrator.sandbox.twilio.account import Account
from orchestrator.sandbox.twilio.errors import ApiError, invalid
from orchestrator.sandbox.twilio.events import (
    conversation_event,
    conversation_fields,
)
from orchestrator.sandbox.twilio.records import (
    Cause,
    Conversation,
    ScopedWebhook,
    State,
)
from orchestrator.sandbox.twilio.webhook import event_time

_SID = re.compile(r"CH[0-9a-fA-F]{32}")
_STATES = ("initializing", "active", "inactive", "closed")


def create(
    account: Account,
    cause: Cause,
    *,
    unique_name: str | None = None,
    friendly_name: str | None = None,
    attributes: str | None = None,
    state: str | None = None,
    inactive: str | None = None,
    closed: str | None = None,
) -> Conversation:
    """A new one. Raises 409/50353, 400/50390, 400/50382 and 400 for what is too long or malformed."""
    if (inactive or closed) and not state:
        raise ApiError(400, errors.TIMERS_WITHOUT_STATE, "Timers can be set only together with State")
    _check_unique_name(account, unique_name, own=None)
    conversation = Conversation(
        **account.fresh("CH"),
        unique_name=unique_name or None,
        friendly_name=_name(friendly_name),
        attributes=limits.attributes(attributes or "{}", limits.CONVERSATION_ATTRIBUTES_BYTES),
        state=_state(state or "active"),
        inactive_after=limits.duration(
            inactive or account.default_timers["inactive"], limits.SHORTEST_INACTIVE
        ),
        closed_after=limits.duration(closed or account.default_timers["closed"], limits.SHORTEST_CLOSED),
        state_since=account.now(),
        active_at=account.now(),
    )
    account.conversations[conversation.sid] = conversation
    fields = conversation_fields(account, conversation)
    conversation_event(account, conversation, "onConversationAdded", fields, cause)
    return conversation


def update(
    account: Account,
    conversation: Conversation,
    cause: Cause,
    *,
    unique_name: str | None = None,
    friendly_name: str | None = None,
    attributes: str | None = None,
    state: str | None = None,
    inactive: str | None = None,
    closed: str | None = None,
) -> None:
    """None leaves a property as it is; attributes are replaced whole. Raises 400/50377 once closed."""
    limits.check_open(conversation)
    wanted = _state(state) if state else None
    if unique_name:
        _check_unique_name(account, unique_name, own=conversation)
        conversation.unique_name = unique_name
    if friendly_name is not None:
        conversation.friendly_name = _name(friendly_name)
    if attributes is not None:
        conversation.attributes = limits.attributes(attributes, limits.CONVERSATION_ATTRIBUTES_BYTES)
    if inactive is not None:
        conversation.inactive_after = limits.duration(inactive, limits.SHORTEST_INACTIVE)
    if closed is not None:
        conversation.closed_after = limits.duration(closed, limits.SHORTEST_CLOSED)
    account.touch(conversation)
    fields = conversation_fields(account, conversation)
    conversation_event(account, conversation, "onConversationUpdated", fields, cause)
    if wanted:
        set_state(account, conversation, wanted, "API", cause)


def set_state(account: Account, conversation: Conversation, state: State, reason: str, cause: Cause) -> None:
    """Move and tell. The same state again only restarts its timer."""
    before, conversation.state = conversation.state, state
    conversation.state_since = account.touch(conversation)
    if before == state:
        return
    fields = {
        "MessagingServiceSid": account.messaging_service_sid,
        "StateUpdated": event_time(conversation.state_since),
        "StateFrom": before,
        "StateTo": state,
        "Reason": reason,
    }
    conversation_event(account, conversation, "onConversationStateUpdated", fields, cause)


def remove(account: Account, conversation: Conversation, cause: Cause) -> None:
    del account.conversations[conversation.sid]
    fields = {**conversation_fields(account, conversation), "DateRemoved": event_time(account.now())}
    conversation_event(account, conversation, "onConversationRemoved", fields, cause)


def tick(account: Account) -> None:
    """Apply the timers that are due."""
    now = account.now()
    for conversation in account.conversations.values():
        if (due := conversation.inactive_at()) and due <= now:
            set_state(account, conversation, "inactive", "TIMER", Cause("API"))
        if (due := conversation.closed_at()) and due <= now:
            set_state(account, conversation, "closed", "TIMER", Cause("API"))


def due_at(conversation: Conversation) -> datetime | None:
    """The next moment a timer of this conversation fires."""
    return min((at for at in (conversation.inactive_at(), conversation.closed_at()) if at), default=None)


def add_webhook(
    account: Account,
    conversation: Conversation,
    *,
    target: str,
    url: str | None,
    method: str,
    filters: list[str],
    triggers: list[str],
    flow_sid: str | None,
) -> ScopedWebhook:
    """Raises 400/50361 for the sixth, 400/50372 for a URL of more than 512 characters."""
    limits.check_open(conversation)
    if target not in ("webhook", "studio", "trigger"):
        raise invalid(f"Target {target!r} must be webhook, studio or trigger")
    if target != "studio" and not url:
        raise invalid("Configuration.Url is required")
    if url and len(url) > limits.WEBHOOK_URL_CHARACTERS:
        raise ApiError(400, errors.WEBHOOK_URL_TOO_LONG, "Webhook url is longer than 512 characters")
    if len(conversation.webhooks) >= limits.WEBHOOKS_PER_CONVERSATION:
        raise ApiError(400, errors.TOO_MANY_WEBHOOKS, "Conversation has reached its limit of 5 webhooks")
    webhook = ScopedWebhook(
        **account.fresh("WH"),
        target=target,
        url=url,
        method=method,
        filters=filters,
        triggers=triggers,
        flow_sid=flow_sid,
    )
    conversation.webhooks.append(webhook)
    return webhook


def _check_unique_name(account: Account, unique_name: str | None, own: Conversation | None) -> None:
    if not unique_name:
        return
    if _SID.fullmatch(unique_name):
        raise ApiError(400, errors.UNIQUE_NAME_IS_A_SID, "Unique name must not look like a sid")
    if any(c.unique_name == unique_name and c is not own for c in account.conversations.values()):
        raise ApiError(
            409, errors.UNIQUE_NAME_EXISTS, "Conversation with provided unique name already exists"
        )


def _state(state: str) -> State:
    if state not in _STATES:
        raise invalid(f"State {state!r} must be one of {', '.join(_STATES)}")
    return cast("State", state)


def _name(friendly_name: str | None) -> str | None:
    if friendly_name and len(friendly_name) > limits.NAME_CHARACTERS:
        raise invalid("FriendlyName is longer than 256 characters")
    return friendly_name or None
