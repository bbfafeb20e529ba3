"""flex-api.twilio.com: interactions, their channels, invites and participants, as REST."""

from __future__ import annotations

import json
from typing import Any, Literal, cast

from orchestrator.sandbox.twilio import interactions, tasks
from orchestrator.sandbox.twilio.account import Account
from orchestrator.sandbox.twilio.errors import invalid, not_found
from orchestrator.sandbox.twilio.records import (
    Interaction,
    InteractionParticipant,
    Invite,
    Task,
)
from orchestrator.sandbox.twilio.request import Request, links, page
from orchestrator.sandbox.wire import Answer

BASE = "https://flex-api.twilio.com/v1"


def create(request: Request) -> Answer:
    request.required("Channel")
    made = interactions.create(
        request.account, request.json("Channel"), request.json("Routing"), request.text("WebhookTtid")
    )
    return Answer(body=interaction_payload(request.account, made))


def fetch(request: Request) -> Answer:
    return Answer(body=interaction_payload(request.account, _interaction(request)))


def update(request: Request) -> Answer:
    interaction = _interaction(request)
    interaction.webhook_ttid = request.text("WebhookTtid") or interaction.webhook_ttid
    request.account.touch(interaction)
    return Answer(body=interaction_payload(request.account, interaction))


def list_channels(request: Request) -> Answer:
    return page(request, "channels", [_interaction(request)], channel_payload)


def fetch_channel(request: Request) -> Answer:
    return Answer(body=channel_payload(_channel(request)))


def update_channel(request: Request) -> Answer:
    """Status=closed|inactive. Raises 400 for inactive without Routing.status=closed, and once it is over."""
    interaction = _channel(request)
    status = request.required("Status")
    finish = request.json("Routing").get("status") == "closed"
    if status not in ("closed", "inactive"):
        raise invalid(f"Status {status!r} must be closed or inactive")
    if status == "inactive" and not finish:
        raise invalid("Status=inactive requires Routing.status=closed")
    if interaction.channel.status in ("closed", "failed"):
        raise invalid(f"Channel {interaction.channel.sid} is {interaction.channel.status}")
    wanted = cast("Literal['closed', 'inactive']", status)
    interactions.end(request.account, interaction, wanted, finish=finish)
    return Answer(body=channel_payload(interaction))


def create_invite(request: Request) -> Answer:
    interaction = _channel(request)
    request.required("Routing")
    made = interactions.invite(request.account, interaction, request.json("Routing"))
    return Answer(body=invite_payload(request.account, interaction, made))


def list_invites(request: Request) -> Answer:
    interaction = _channel(request)
    rows = interaction.channel.invites
    return page(request, "invites", rows, lambda i: invite_payload(request.account, interaction, i))


def list_participants(request: Request) -> Answer:
    interaction = _channel(request)
    rows = [p for p in interaction.channel.participants if not p.left]
    return page(request, "participants", rows, lambda p: participant_payload(interaction, p))


def update_participant(request: Request) -> Answer:
    """Status=closed|wrapup sends an agent out; closed also completes the agent's task."""
    interaction = _channel(request)
    status = request.required("Status")
    if status not in ("closed", "wrapup"):
        raise invalid(f"Status {status!r} must be closed or wrapup")
    for participant in interactions.agents_in(interaction):
        if participant.sid == request.args[2]:
            interactions.agent_leaves(request.account, interaction, participant)
            if participant.task:
                settle = tasks.complete if status == "closed" else tasks.wrap
                settle(request.account, participant.task)
            return Answer(body=participant_payload(interaction, participant))
    raise not_found(f"/Participants/{request.args[2]}")


def _interaction(request: Request) -> Interaction:
    found = request.account.interactions.get(request.args[0])
    if found is None:
        raise not_found(f"/Interactions/{request.args[0]}")
    return found


def _channel(request: Request) -> Interaction:
    interaction = _interaction(request)
    if interaction.channel.sid != request.args[1]:
        raise not_found(f"/Channels/{request.args[1]}")
    return interaction


def interaction_payload(account: Account, interaction: Interaction) -> dict[str, Any]:
    url = f"{BASE}/Interactions/{interaction.sid}"
    task = next((made.task for made in interaction.channel.invites), None)
    return {
        "sid": interaction.sid,
        "channel": {"type": interaction.channel.type, "sid": interaction.channel.sid},
        "routing": routing_payload(account, task) if task else None,
        "interaction_context_sid": None,
        "webhook_ttid": interaction.webhook_ttid,
        "url": url,
        "links": links(url, ("channels",)),
    }


def routing_payload(account: Account, task: Task) -> dict[str, Any]:
    """The task as Flex quotes it: TaskRouter's fields under older names, times as Unix seconds."""
    age = int((account.now() - task.created).total_seconds())
    return {
        "reservation": None,
        "properties": {
            "account_sid": account.account_sid,
            "workspace_sid": account.workspace_sid,
            "sid": task.sid,
            "date_created": int(task.created.timestamp()),
            "date_updated": int(task.updated.timestamp()),
            "task_queue_entered_date": int(task.created.timestamp()),
            "attributes": json.dumps(task.attributes),
            "assignment_status": task.status,
            "workflow_sid": account.workflow_sid,
            "workflow_name": "Assign to Anyone",
            "queue_sid": account.queue_sid,
            "queue_name": "Everyone",
            "priority": task.priority,
            "age": age,
            "age_in_queue": age,
            "reason": task.reason or "",
            "timeout": task.timeout,
            "assignmentCounter": len(task.reservations),
            "task_channel_sid": account.task_channels[task.channel],
            "task_channel_unique_name": task.channel,
            "routing_target": task.target,
        },
    }


def channel_payload(interaction: Interaction) -> dict[str, Any]:
    channel = interaction.channel
    url = f"{BASE}/Interactions/{interaction.sid}/Channels/{channel.sid}"
    return {
        "sid": channel.sid,
        "interaction_sid": interaction.sid,
        "type": channel.type,
        "status": channel.status,
        "error_code": channel.error_code,
        "error_message": channel.error_message,
        "url": url,
        "links": links(url, ("participants", "invites", "transfers")),
    }


def invite_payload(account: Account, interaction: Interaction, made: Invite) -> dict[str, Any]:
    channel_url = f"{BASE}/Interactions/{interaction.sid}/Channels/{interaction.channel.sid}"
    return {
        "sid": made.sid,
        "channel_sid": interaction.channel.sid,
        "interaction_sid": interaction.sid,
        "routing": routing_payload(account, made.task),
        "url": f"{channel_url}/Invites/{made.sid}",
    }


def participant_payload(interaction: Interaction, participant: InteractionParticipant) -> dict[str, Any]:
    channel_url = f"{BASE}/Interactions/{interaction.sid}/Channels/{interaction.channel.sid}"
    held = participant.task.held() if participant.task else None
    routing = None
    if participant.task and held:
        routing = {
            "task_sid": participant.task.sid,
            "worker_sid": held.worker.sid,
            "reservation_sid": held.sid,
        }
    return {
        "sid": participant.sid,
        "channel_sid": interaction.channel.sid,
        "interaction_sid": interaction.sid,
        "type": participant.kind,
        "routing_properties": routing,
        "url": f"{channel_url}/Participants/{participant.sid}",
    }
