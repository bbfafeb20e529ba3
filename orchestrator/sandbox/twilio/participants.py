"""Who is in a Twilio Conversation, and the chat users behind them."""

from __future__ import annotations

from orchestrator.sandbox.twilio import errors, limits
from orchestrator.sandbox.twilio.account import Account
from orchestrator.sandbox.twilio.errors import ApiError, invalid
from orchestrator.sandbox.twilio.events import conversation_event, participant_fields
from orchestrator.sandbox.twilio.records import Cause, Conversation, Participant, User
from orchestrator.sandbox.twilio.webhook import event_time


def add(
    account: Account,
    conversation: Conversation,
    cause: Cause,
    *,
    identity: str | None,
    attributes: str | None = None,
    binding: dict[str, str] | None = None,
) -> Participant:
    """Join; makes the chat user on first use. Raises 409/50433 when the identity is already in."""
    limits.check_open(conversation)
    if not identity and not binding:
        raise invalid("Either Identity or MessagingBinding.Address must be given")
    if identity and len(identity) > limits.NAME_CHARACTERS:
        raise invalid("Identity is longer than 256 characters")
    if identity and conversation.member(identity):
        raise ApiError(409, errors.PARTICIPANT_EXISTS, "Participant already exists")
    participant = Participant(
        **account.fresh("MB"),
        identity=identity or None,
        attributes=limits.attributes(attributes or "{}", limits.MESSAGE_ATTRIBUTES_BYTES),
        binding=binding,
    )
    if identity:
        ensure_user(account, identity)
    conversation.participants.append(participant)
    fields = participant_fields(account, participant)
    conversation_event(account, conversation, "onParticipantAdded", fields, cause)
    return participant


def update(
    account: Account,
    conversation: Conversation,
    participant: Participant,
    cause: Cause,
    *,
    attributes: str | None = None,
    last_read: int | None = None,
) -> None:
    limits.check_open(conversation)
    if attributes is not None:
        participant.attributes = limits.attributes(attributes, limits.MESSAGE_ATTRIBUTES_BYTES)
    if last_read is not None:
        participant.last_read = last_read
    fields = participant_fields(account, participant)
    fields["DateUpdated"] = event_time(account.touch(participant))
    fields["LastReadMessageIndex"] = None if participant.last_read is None else str(participant.last_read)
    conversation_event(account, conversation, "onParticipantUpdated", fields, cause)


def remove(account: Account, conversation: Conversation, participant: Participant, cause: Cause) -> None:
    conversation.participants.remove(participant)
    now = event_time(account.now())
    fields = {**participant_fields(account, participant), "DateUpdated": now, "DateRemoved": now}
    conversation_event(account, conversation, "onParticipantRemoved", fields, cause)


def ensure_user(account: Account, identity: str) -> User:
    if identity not in account.users:
        account.users[identity] = User(
            **account.fresh("US"), identity=identity, friendly_name=None, attributes="{}"
        )
    return account.users[identity]
