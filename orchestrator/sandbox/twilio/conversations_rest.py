"""conversations.twilio.com: conversations, participants, messages and their webhooks, as REST."""

from __future__ import annotations

from typing import Any

from orchestrator.sandbox.twilio import conversations, media, messages, participants
from orchestrator.sandbox.twilio.account import Account
from orchestrator.sandbox.twilio.errors import not_found
from orchestrator.sandbox.twilio.records import Conversation, Message, Participant, ScopedWebhook
from orchestrator.sandbox.twilio.request import Request, links, page
from orchestrator.sandbox.twilio.webhook import rest_time
from orchestrator.sandbox.wire import Answer

BASE = "https://conversations.twilio.com/v1"
WEBHOOK_PAGE = 5


def create(request: Request) -> Answer:
    made = conversations.create(request.account, request.cause, **_properties(request))
    return Answer(201, conversation_payload(request.account, made))


def index(request: Request) -> Answer:
    rows = list(request.account.conversations.values())
    if state := request.call.query.get("State"):
        rows = [c for c in rows if c.state == state]
    return page(request, "conversations", rows, lambda c: conversation_payload(request.account, c))


def fetch(request: Request) -> Answer:
    return Answer(body=conversation_payload(request.account, _conversation(request)))


def update(request: Request) -> Answer:
    conversation = _conversation(request)
    conversations.update(request.account, conversation, request.cause, **_properties(request))
    return Answer(body=conversation_payload(request.account, conversation))


def delete(request: Request) -> Answer:
    conversations.remove(request.account, _conversation(request), request.cause)
    return Answer(204)


def create_participant(request: Request) -> Answer:
    binding = {
        name: value
        for name, field in (("address", "Address"), ("proxy_address", "ProxyAddress"))
        if (value := request.text(f"MessagingBinding.{field}"))
    }
    conversation = _conversation(request)
    made = participants.add(
        request.account,
        conversation,
        request.cause,
        identity=request.text("Identity"),
        attributes=request.text("Attributes"),
        binding={"type": "sms", **binding} if binding else None,
    )
    return Answer(201, participant_payload(request.account, conversation, made))


def list_participants(request: Request) -> Answer:
    conversation = _conversation(request)
    return page(
        request,
        "participants",
        conversation.participants,
        lambda p: participant_payload(request.account, conversation, p),
    )


def fetch_participant(request: Request) -> Answer:
    conversation, participant = _participant(request)
    return Answer(body=participant_payload(request.account, conversation, participant))


def update_participant(request: Request) -> Answer:
    conversation, participant = _participant(request)
    last_read = request.text("LastReadMessageIndex")
    participants.update(
        request.account,
        conversation,
        participant,
        request.cause,
        attributes=request.text("Attributes"),
        last_read=int(last_read) if last_read else None,
    )
    return Answer(body=participant_payload(request.account, conversation, participant))


def delete_participant(request: Request) -> Answer:
    participants.remove(request.account, *_participant(request), request.cause)
    return Answer(204)


def create_message(request: Request) -> Answer:
    conversation = _conversation(request)
    media_sid = request.text("MediaSid")
    made = messages.add(
        request.account,
        conversation,
        request.cause,
        author=request.text("Author") or "system",
        body=request.text("Body"),
        attributes=request.text("Attributes"),
        media=[media.found(request.account, media_sid)] if media_sid else None,
    )
    return Answer(201, message_payload(request.account, conversation, made))


def list_messages(request: Request) -> Answer:
    conversation = _conversation(request)
    rows = conversation.standing()
    if request.call.query.get("Order") == "desc":
        rows.reverse()
    return page(
        request,
        "messages",
        rows,
        lambda m: message_payload(request.account, conversation, m),
        anchor=lambda m: m.index,
    )


def fetch_message(request: Request) -> Answer:
    conversation, message = _message(request)
    return Answer(body=message_payload(request.account, conversation, message))


def update_message(request: Request) -> Answer:
    conversation, message = _message(request)
    messages.edit(
        request.account,
        conversation,
        message,
        request.cause,
        body=request.text("Body"),
        author=request.text("Author"),
        attributes=request.text("Attributes"),
    )
    return Answer(body=message_payload(request.account, conversation, message))


def delete_message(request: Request) -> Answer:
    messages.remove(request.account, *_message(request), request.cause)
    return Answer(204)


def create_webhook(request: Request) -> Answer:
    conversation = _conversation(request)
    made = conversations.add_webhook(
        request.account,
        conversation,
        target=request.required("Target"),
        url=request.text("Configuration.Url"),
        method=(request.text("Configuration.Method") or "get").lower(),
        filters=request.texts("Configuration.Filters"),
        triggers=request.texts("Configuration.Triggers"),
        flow_sid=request.text("Configuration.FlowSid"),
    )
    return Answer(201, webhook_payload(request.account, conversation, made))


def list_webhooks(request: Request) -> Answer:
    conversation = _conversation(request)
    return page(
        request,
        "webhooks",
        conversation.webhooks,
        lambda w: webhook_payload(request.account, conversation, w),
        size=WEBHOOK_PAGE,
    )


def fetch_webhook(request: Request) -> Answer:
    conversation, webhook = _webhook(request)
    return Answer(body=webhook_payload(request.account, conversation, webhook))


def update_webhook(request: Request) -> Answer:
    conversation, webhook = _webhook(request)
    webhook.url = request.text("Configuration.Url") or webhook.url
    webhook.method = (request.text("Configuration.Method") or webhook.method).lower()
    webhook.filters = request.texts("Configuration.Filters") or webhook.filters
    request.account.touch(webhook)
    return Answer(body=webhook_payload(request.account, conversation, webhook))


def delete_webhook(request: Request) -> Answer:
    conversation, webhook = _webhook(request)
    conversation.webhooks.remove(webhook)
    return Answer(204)


def _properties(request: Request) -> dict[str, str | None]:
    return {
        "unique_name": request.text("UniqueName"),
        "friendly_name": request.text("FriendlyName"),
        "attributes": request.text("Attributes"),
        "state": request.text("State"),
        "inactive": request.text("Timers.Inactive"),
        "closed": request.text("Timers.Closed"),
    }


def _conversation(request: Request) -> Conversation:
    return request.account.conversation(request.args[0])


def _participant(request: Request) -> tuple[Conversation, Participant]:
    conversation, key = _conversation(request), request.args[1]
    for participant in conversation.participants:
        if key in (participant.sid, participant.identity):
            return conversation, participant
    raise not_found(f"/Participants/{key}")


def _message(request: Request) -> tuple[Conversation, Message]:
    conversation, sid = _conversation(request), request.args[1]
    for message in conversation.standing():
        if message.sid == sid:
            return conversation, message
    raise not_found(f"/Messages/{sid}")


def _webhook(request: Request) -> tuple[Conversation, ScopedWebhook]:
    conversation, sid = _conversation(request), request.args[1]
    for webhook in conversation.webhooks:
        if webhook.sid == sid:
            return conversation, webhook
    raise not_found(f"/Webhooks/{sid}")


def timers_payload(conversation: Conversation) -> dict[str, str]:
    due = {"date_inactive": conversation.inactive_at(), "date_closed": conversation.closed_at()}
    return {name: rest_time(at) for name, at in due.items() if at}


def conversation_payload(account: Account, conversation: Conversation) -> dict[str, Any]:
    url = f"{BASE}/Conversations/{conversation.sid}"
    return {
        "sid": conversation.sid,
        "account_sid": account.account_sid,
        "chat_service_sid": account.chat_service_sid,
        "messaging_service_sid": account.messaging_service_sid,
        "friendly_name": conversation.friendly_name,
        "unique_name": conversation.unique_name,
        "attributes": conversation.attributes,
        "date_created": rest_time(conversation.created),
        "date_updated": rest_time(conversation.updated),
        "state": conversation.state,
        "timers": timers_payload(conversation),
        "bindings": {},
        "url": url,
        "links": links(url, ("participants", "messages", "webhooks", "export")),
    }


def participant_payload(
    account: Account, conversation: Conversation, participant: Participant
) -> dict[str, Any]:
    return {
        "account_sid": account.account_sid,
        "conversation_sid": conversation.sid,
        "sid": participant.sid,
        "identity": participant.identity,
        "attributes": participant.attributes,
        "messaging_binding": participant.binding,
        "role_sid": account.guest_role_sid,
        "date_created": rest_time(participant.created),
        "date_updated": rest_time(participant.updated),
        "url": f"{BASE}/Conversations/{conversation.sid}/Participants/{participant.sid}",
        "last_read_message_index": participant.last_read,
        "last_read_timestamp": None,
    }


def message_payload(account: Account, conversation: Conversation, message: Message) -> dict[str, Any]:
    url = f"{BASE}/Conversations/{conversation.sid}/Messages/{message.sid}"
    attached = [
        {
            "sid": m.sid,
            "category": "media",
            "content_type": m.content_type,
            "filename": m.filename,
            "size": len(m.content),
        }
        for m in message.media
    ]
    return {
        "sid": message.sid,
        "account_sid": account.account_sid,
        "conversation_sid": conversation.sid,
        "body": message.body,
        "media": attached or None,
        "author": message.author,
        "participant_sid": message.participant_sid,
        "attributes": message.attributes,
        "date_created": rest_time(message.created),
        "date_updated": rest_time(message.updated),
        "index": message.index,
        "delivery": None,
        "content_sid": None,
        "url": url,
        "links": {"delivery_receipts": f"{url}/Receipts", "channel_metadata": f"{url}/ChannelMetadata"},
    }


def webhook_payload(account: Account, conversation: Conversation, webhook: ScopedWebhook) -> dict[str, Any]:
    configuration: dict[str, Any] = {
        "url": webhook.url,
        "method": webhook.method,
        "filters": webhook.filters or None,
        "triggers": webhook.triggers or None,
        "flow_sid": webhook.flow_sid,
    }
    return {
        "account_sid": account.account_sid,
        "conversation_sid": conversation.sid,
        "sid": webhook.sid,
        "target": webhook.target,
        "configuration": {name: value for name, value in configuration.items() if value is not None},
        "date_created": rest_time(webhook.created),
        "date_updated": rest_time(webhook.updated),
        "url": f"{BASE}/Conversations/{conversation.sid}/Webhooks/{webhook.sid}",
    }
