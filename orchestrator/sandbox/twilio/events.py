"""Which webhooks an act causes, and their fields; three families with three subscriptions.

Field names: Conversations webhooks, Interactions webhooks and TaskRouter event callbacks of Twilio's
reference, plus RetryCount and ChatServiceSid as seen in live traffic.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from orchestrator.sandbox.twilio.account import Account
from orchestrator.sandbox.twilio.records import (
    Cause,
    Conversation,
    GlobalWebhook,
    Interaction,
    InteractionParticipant,
    Message,
    Participant,
    Reservation,
    Task,
)
from orchestrator.sandbox.twilio.webhook import Family, Webhook, event_time

Fields = Mapping[str, str | None]


def conversation_event(
    account: Account, conversation: Conversation, event: str, fields: Fields, cause: Cause
) -> None:
    """Tell the conversation's own webhooks and the account's, as their filters ask."""
    if not cause.fires:
        return
    common: dict[str, str | None] = {
        "AccountSid": account.account_sid,
        "EventType": event,
        "Source": cause.source,
        "ClientIdentity": cause.identity,
        "RetryCount": "0",
        "ChatServiceSid": account.chat_service_sid,
        "ConversationSid": conversation.sid,
    }
    for hook in conversation.webhooks:
        if hook.target == "webhook" and hook.url and event in hook.filters:
            _send(
                account, "conversations", conversation.sid, hook.url, {**common, **fields}, method=hook.method
            )
    shared = _shared_webhook(account)
    if shared.post_url and event in shared.filters:
        _send(
            account,
            "conversations",
            conversation.sid,
            shared.post_url,
            {**common, **fields},
            method=shared.method,
        )


def _shared_webhook(account: Account) -> GlobalWebhook:
    """A webhook on the chat service silences the one on the account."""
    return account.service_webhook if account.service_webhook.post_url else account.global_webhook


def conversation_fields(account: Account, conversation: Conversation) -> dict[str, str | None]:
    return {
        "DateCreated": event_time(conversation.created),
        "DateUpdated": event_time(conversation.updated),
        "FriendlyName": conversation.friendly_name,
        "UniqueName": conversation.unique_name,
        "Attributes": conversation.attributes,
        "MessagingServiceSid": account.messaging_service_sid,
        "State": conversation.state,
    }


def message_fields(account: Account, message: Message) -> dict[str, str | None]:
    media = [
        {"Sid": m.sid, "ContentType": m.content_type, "Filename": m.filename, "Size": len(m.content)}
        for m in message.media
    ]
    return {
        "MessageSid": message.sid,
        "MessagingServiceSid": account.messaging_service_sid,
        "Index": str(message.index),
        "DateCreated": event_time(message.created),
        "Body": message.body or "",
        "Author": message.author,
        "ParticipantSid": message.participant_sid,
        "Attributes": message.attributes,
        "Media": json.dumps(media) if media else None,
    }


def participant_fields(account: Account, participant: Participant) -> dict[str, str | None]:
    binding = participant.binding or {}
    return {
        "ParticipantSid": participant.sid,
        "DateCreated": event_time(participant.created),
        "Identity": participant.identity,
        "RoleSid": account.guest_role_sid,
        "Attributes": participant.attributes,
        "MessagingBinding.Address": binding.get("address"),
        "MessagingBinding.ProxyAddress": binding.get("proxy_address"),
        "MessagingBinding.Type": "SMS" if binding else "CHAT",
    }


def interaction_event(account: Account, interaction: Interaction, event: str, fields: Fields) -> None:
    """Tell the global interaction webhooks, and the one this interaction was created with."""
    common: dict[str, str | None] = {
        "AccountSid": account.account_sid,
        "EventType": event,
        "InteractionSid": interaction.sid,
        "MediaChannelSid": interaction.channel.conversation_sid,
        "MediaChannelType": interaction.channel.type,
    }
    for hook in account.interaction_webhooks.values():
        heard = hook.type == "global" or hook.ttid == interaction.webhook_ttid
        if heard and event in hook.events:
            _send(
                account, "interactions", interaction.sid, hook.url, {**common, **fields}, method=hook.method
            )


def channel_event(account: Account, interaction: Interaction, event: str) -> None:
    channel = interaction.channel
    fields: dict[str, str | None] = {"InstanceSid": account.instance_sid, "ChannelSid": channel.sid}
    if event == "onChannelStatusUpdated":
        fields["ChannelStatus"] = channel.status
    if event == "onChannelCreateFailed":
        fields |= {"ErrorCode": str(channel.error_code), "ErrorMessage": channel.error_message}
    interaction_event(account, interaction, event, fields)


def interaction_participant_event(
    account: Account, interaction: Interaction, event: str, participant: InteractionParticipant
) -> None:
    task = participant.task or next((i.task for i in interaction.channel.invites), None)
    fields = {
        "ChannelSid": interaction.channel.sid,
        "ParticipantSid": participant.sid,
        "ParticipantType": participant.kind,
        "TaskSid": task.sid if task else None,
    }
    interaction_event(account, interaction, event, fields)


def task_event(account: Account, task: Task, event: str, reservation: Reservation | None = None) -> None:
    """Call the workspace's event callback if it is set and its filter lets the event pass."""
    wanted = [name.strip() for name in (account.events_filter or "").split(",") if name.strip()]
    if not account.event_callback_url or (wanted and event not in wanted):
        return
    now = account.now()
    fields: dict[str, str | None] = {
        "EventType": event,
        "Sid": account.sid("EV"),
        "AccountSid": account.account_sid,
        "WorkspaceSid": account.workspace_sid,
        "WorkspaceName": "Flex Task Assignment",
        "EventDescription": event.replace(".", " "),
        "ResourceType": "reservation" if reservation else "task",
        "ResourceSid": reservation.sid if reservation else task.sid,
        "Timestamp": str(int(now.timestamp())),
        "TimestampMs": str(int(now.timestamp() * 1000)),
        "TaskSid": task.sid,
        "TaskAttributes": json.dumps(task.attributes),
        "TaskAge": str(int((now - task.created).total_seconds())),
        "TaskPriority": str(task.priority),
        "TaskAssignmentStatus": task.status,
        "TaskCanceledReason": task.reason if task.status == "canceled" else None,
        "TaskCompletedReason": task.reason if task.status == "completed" else None,
        "TaskChannelSid": account.task_channels[task.channel],
        "TaskChannelName": task.channel,
        "TaskChannelUniqueName": task.channel,
        "TaskQueueSid": account.queue_sid,
        "TaskQueueName": "Everyone",
        "WorkflowSid": account.workflow_sid,
        "WorkflowName": "Assign to Anyone",
    }
    if reservation:
        fields |= {
            "ReservationSid": reservation.sid,
            "WorkerSid": reservation.worker.sid,
            "WorkerName": reservation.worker.name,
            "WorkerAttributes": reservation.worker.attributes,
            "WorkerActivitySid": account.available_sid,
            "WorkerActivityName": "Available",
        }
    _send(account, "taskrouter", task.sid, account.event_callback_url, fields)


def _send(
    account: Account, family: Family, lane: str, url: str, fields: Fields, *, method: str = "POST"
) -> None:
    account.outgoing.append(
        Webhook(
            url=url,
            fields=[(name, value) for name, value in fields.items() if value is not None],
            family=family,
            at=account.now(),
            lane=lane,
            token=account.sid(""),
            method=method.upper(),
        )
    )
