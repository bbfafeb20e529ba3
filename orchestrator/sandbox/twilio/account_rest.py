"""What belongs to the whole account: its own page, configuration, chat services, users, media uploads."""

from __future__ import annotations

from typing import Any

from orchestrator.sandbox.twilio import errors, limits, media, participants
from orchestrator.sandbox.twilio.account import Account
from orchestrator.sandbox.twilio.conversations_rest import BASE, timers_payload
from orchestrator.sandbox.twilio.errors import ApiError, not_found
from orchestrator.sandbox.twilio.records import Conversation, GlobalWebhook, Participant, User
from orchestrator.sandbox.twilio.request import Request, links, page
from orchestrator.sandbox.twilio.webhook import rest_time
from orchestrator.sandbox.wire import Answer, Upload

SERVICE_LINKS = (
    "conversations",
    "users",
    "roles",
    "bindings",
    "configuration",
    "participant_conversations",
    "conversation_with_participants",
)


def fetch_account(request: Request) -> Answer:
    sid = request.args[0]
    return Answer(
        body={
            "sid": sid,
            "owner_account_sid": sid,
            "friendly_name": "Sandbox",
            "status": "active",
            "type": "Full",
            "date_created": request.account.created.strftime("%a, %d %b %Y %H:%M:%S +0000"),
            "date_updated": request.account.created.strftime("%a, %d %b %Y %H:%M:%S +0000"),
            "uri": f"/2010-04-01/Accounts/{sid}.json",
            "subresource_uris": {},
        }
    )


def fetch_configuration(request: Request) -> Answer:
    account = request.account
    return Answer(
        body={
            "account_sid": account.account_sid,
            "default_chat_service_sid": account.chat_service_sid,
            "default_messaging_service_sid": account.messaging_service_sid,
            "default_inactive_timer": account.default_timers["inactive"],
            "default_closed_timer": account.default_timers["closed"],
            "url": f"{BASE}/Configuration",
            "links": {
                "service": f"{BASE}/Services/{account.chat_service_sid}/Configuration",
                "webhooks": f"{BASE}/Configuration/Webhooks",
            },
        }
    )


def update_configuration(request: Request) -> Answer:
    account = request.account
    wanted = request.text("DefaultChatServiceSid")
    if wanted and wanted != account.chat_service_sid:
        raise not_found(f"/Services/{wanted}")
    shortest = {"inactive": limits.SHORTEST_INACTIVE, "closed": limits.SHORTEST_CLOSED}
    for name, least in shortest.items():
        timer = request.text(f"Default{name.title()}Timer")
        if timer is not None:
            limits.duration(timer, least)
            account.default_timers[name] = timer or None
    return fetch_configuration(request)


def fetch_global_webhook(request: Request) -> Answer:
    hook = request.account.global_webhook
    body = {**_global_webhook(request.account, hook), "target": "webhook"}
    return Answer(body={**body, "url": f"{BASE}/Configuration/Webhooks"})


def update_global_webhook(request: Request) -> Answer:
    _change(request, request.account.global_webhook)
    return fetch_global_webhook(request)


def fetch_service_webhook(request: Request) -> Answer:
    _check_service(request)
    account = request.account
    return Answer(
        body={
            **_global_webhook(account, account.service_webhook),
            "chat_service_sid": account.chat_service_sid,
            "url": f"{BASE}/Services/{account.chat_service_sid}/Configuration/Webhooks",
        }
    )


def update_service_webhook(request: Request) -> Answer:
    _check_service(request)
    _change(request, request.account.service_webhook)
    return fetch_service_webhook(request)


def list_services(request: Request) -> Answer:
    return page(request, "services", [request.account], _service)


def fetch_service(request: Request) -> Answer:
    _check_service(request)
    return Answer(body=_service(request.account))


def create_user(request: Request) -> Answer:
    identity = request.required("Identity")
    if identity in request.account.users:
        raise ApiError(409, errors.USER_EXISTS, "User already exists")
    user = participants.ensure_user(request.account, identity)
    _change_user(request, user)
    return Answer(201, user_payload(request.account, user))


def list_users(request: Request) -> Answer:
    rows = list(request.account.users.values())
    return page(request, "users", rows, lambda u: user_payload(request.account, u))


def fetch_user(request: Request) -> Answer:
    return Answer(body=user_payload(request.account, _user(request)))


def update_user(request: Request) -> Answer:
    user = _user(request)
    _change_user(request, user)
    return Answer(body=user_payload(request.account, user))


def participant_conversations(request: Request) -> Answer:
    identity = request.call.query.get("Identity")
    rows = [
        (conversation, participant)
        for conversation in request.account.conversations.values()
        for participant in conversation.participants
        if identity is not None and participant.identity == identity
    ]
    return page(request, "conversations", rows, lambda row: _participation(request.account, *row))


def upload_media(request: Request) -> Answer:
    _check_service(request)
    upload = Upload(
        filename=request.call.query.get("Filename", ""),
        content_type=request.call.headers.get("content-type", "application/octet-stream"),
        content=request.call.raw,
    )
    return Answer(201, media.payload(request.account, media.store(request.account, upload)))


def fetch_media(request: Request) -> Answer:
    _check_service(request)
    item = media.found(request.account, request.args[1])
    return Answer(body=media.payload(request.account, item))


def user_payload(account: Account, user: User) -> dict[str, Any]:
    url = f"{BASE}/Users/{user.sid}"
    return {
        "sid": user.sid,
        "account_sid": account.account_sid,
        "chat_service_sid": account.chat_service_sid,
        "role_sid": account.agent_role_sid if user.identity in account.workers else account.guest_role_sid,
        "identity": user.identity,
        "friendly_name": user.friendly_name,
        "attributes": user.attributes,
        "is_online": None,
        "is_notifiable": None,
        "date_created": rest_time(user.created),
        "date_updated": rest_time(user.updated),
        "url": url,
        "links": {"user_conversations": f"{url}/Conversations"},
    }


def _check_service(request: Request) -> None:
    if request.args[0] != request.account.chat_service_sid:
        raise not_found(f"/Services/{request.args[0]}")


def _service(account: Account) -> dict[str, Any]:
    url = f"{BASE}/Services/{account.chat_service_sid}"
    return {
        "sid": account.chat_service_sid,
        "account_sid": account.account_sid,
        "friendly_name": "Flex Chat Service",
        "date_created": rest_time(account.created),
        "date_updated": rest_time(account.created),
        "url": url,
        "links": links(url, SERVICE_LINKS),
    }


def _global_webhook(account: Account, hook: GlobalWebhook) -> dict[str, Any]:
    return {
        "account_sid": account.account_sid,
        "method": hook.method,
        "filters": hook.filters,
        "pre_webhook_url": hook.pre_url,
        "post_webhook_url": hook.post_url,
    }


def _change(request: Request, hook: GlobalWebhook) -> None:
    hook.method = request.text("Method") or hook.method
    hook.filters = request.texts("Filters") or hook.filters
    for name, attribute in (("PreWebhookUrl", "pre_url"), ("PostWebhookUrl", "post_url")):
        url = request.text(name)
        if url is not None:
            setattr(hook, attribute, url or None)


def _user(request: Request) -> User:
    key = request.args[0]
    for user in request.account.users.values():
        if key in (user.sid, user.identity):
            return user
    raise not_found(f"/Users/{key}")


def _change_user(request: Request, user: User) -> None:
    friendly_name, attributes = request.text("FriendlyName"), request.text("Attributes")
    if friendly_name is not None:
        user.friendly_name = friendly_name
    if attributes is not None:
        user.attributes = limits.attributes(attributes, limits.MESSAGE_ATTRIBUTES_BYTES)
    request.account.touch(user)


def _participation(account: Account, conversation: Conversation, participant: Participant) -> dict[str, Any]:
    user = account.users.get(participant.identity or "")
    url = f"{BASE}/Conversations/{conversation.sid}"
    return {
        "account_sid": account.account_sid,
        "chat_service_sid": account.chat_service_sid,
        "participant_sid": participant.sid,
        "participant_user_sid": user.sid if user else None,
        "participant_identity": participant.identity,
        "participant_messaging_binding": participant.binding,
        "conversation_sid": conversation.sid,
        "conversation_unique_name": conversation.unique_name,
        "conversation_friendly_name": conversation.friendly_name,
        "conversation_attributes": conversation.attributes,
        "conversation_date_created": rest_time(conversation.created),
        "conversation_date_updated": rest_time(conversation.updated),
        "conversation_created_by": "system",
        "conversation_state": conversation.state,
        "conversation_timers": timers_payload(conversation),
        "links": {"participant": f"{url}/Participants/{participant.sid}", "conversation": url},
    }
