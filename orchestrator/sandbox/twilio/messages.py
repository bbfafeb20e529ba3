"""What is written in a Twilio Conversation."""

from __future__ import annotations

from orchestrator.sandbox.twilio import limits
from orchestrator.sandbox.twilio.account import Account
from orchestrator.sandbox.twilio.conversations import set_state
from orchestrator.sandbox.twilio.errors import invalid
from orchestrator.sandbox.twilio.events import conversation_event, message_fields
from orchestrator.sandbox.twilio.records import Cause, Conversation, Media, Message
from orchestrator.sandbox.twilio.webhook import event_time


def add(
    account: Account,
    conversation: Conversation,
    cause: Cause,
    *,
    author: str,
    body: str | None,
    attributes: str | None = None,
    media: list[Media] | None = None,
) -> Message:
    """Append; an inactive conversation becomes active again. Raises 400/50377, 400/50504, 400/50303."""
    limits.check_open(conversation)
    if not body and not media:
        raise invalid("A message needs a Body or a MediaSid")
    member = conversation.member(author)
    message = Message(
        **account.fresh("IM"),
        index=len(conversation.messages),
        author=author,
        participant_sid=member.sid if member else None,
        body=limits.body(body),
        attributes=limits.attributes(attributes or "{}", limits.MESSAGE_ATTRIBUTES_BYTES),
        media=media or [],
    )
    for item in message.media:
        item.message_sid, item.conversation_sid = message.sid, conversation.sid
    conversation.messages.append(message)
    conversation.active_at = message.created
    fields = message_fields(account, message)
    conversation_event(account, conversation, "onMessageAdded", fields, cause)
    if conversation.state == "inactive":
        set_state(account, conversation, "active", "EVENT", Cause(cause.source, cause.identity))
    return message


def edit(
    account: Account,
    conversation: Conversation,
    message: Message,
    cause: Cause,
    *,
    body: str | None = None,
    author: str | None = None,
    attributes: str | None = None,
) -> None:
    limits.check_open(conversation)
    if body is not None:
        message.body = limits.body(body)
        message.edited = account.now()
    if author is not None:
        message.author = author
    if attributes is not None:
        message.attributes = limits.attributes(attributes, limits.MESSAGE_ATTRIBUTES_BYTES)
    fields = message_fields(account, message)
    fields["DateUpdated"] = event_time(account.touch(message))
    conversation_event(account, conversation, "onMessageUpdated", fields, cause)


def remove(account: Account, conversation: Conversation, message: Message, cause: Cause) -> None:
    limits.check_open(conversation)
    message.deleted = account.touch(message)
    now = event_time(message.deleted)
    fields = {**message_fields(account, message), "DateUpdated": now, "DateRemoved": now}
    conversation_event(account, conversation, "onMessageRemoved", fields, cause)
