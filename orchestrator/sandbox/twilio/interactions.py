"""What happens to Flex interactions: creating, inviting agents, who joins and leaves, closing.

Creating is asynchronous at Twilio: 200 says only that the request was understood. A conversation that cannot
be used shows later, as a cancelled task and `onChannelCreateFailed`; a conversation that already has a
channel shows nowhere but in the debugger (45353).
"""

from __future__ import annotations

import json
from typing import Any, Literal

from orchestrator.sandbox.twilio import conversations, errors, participants, tasks
from orchestrator.sandbox.twilio.account import Account
from orchestrator.sandbox.twilio.errors import invalid, not_found
from orchestrator.sandbox.twilio.events import (
    channel_event,
    interaction_event,
    interaction_participant_event,
)
from orchestrator.sandbox.twilio.records import (
    Cause,
    ChannelStatus,
    Conversation,
    Interaction,
    InteractionChannel,
    InteractionParticipant,
    Invite,
    Participant,
    Task,
    Worker,
)

Json = dict[str, Any]

CHANNEL_TYPES = frozenset({"voice", "sms", "email", "web", "whatsapp", "chat", "messenger", "gbm"})
MAPPED = "The Conversation already has a mapped Channel"

_SYSTEM = Cause("API")  # Flex itself acts on conversations; such acts are told to every webhook


def create(account: Account, channel: Json, routing: Json, webhook_ttid: str | None) -> Interaction:
    """Map a channel to a conversation and put a task in front of the agents. Raises 400 for a bad request."""
    properties = channel.get("properties") or {}
    initiated_by = channel.get("initiated_by")
    if channel.get("type") not in CHANNEL_TYPES:
        raise invalid(
            f"Channel.type {channel.get('type')!r} must be one of {', '.join(sorted(CHANNEL_TYPES))}"
        )
    if initiated_by not in ("customer", "agent", "api"):
        raise invalid("Channel.initiated_by must be customer, agent or api")
    conversation_sid = properties.get("media_channel_sid")
    if initiated_by == "customer" and not conversation_sid:
        raise invalid("Channel.properties.media_channel_sid is required when initiated_by is customer")
    wanted = _routing(account, routing)

    if not conversation_sid:
        conversation_sid = _conversation_for(account, channel).sid
    mapped = account.interaction_of(conversation_sid) is not None
    interaction = Interaction(
        **account.fresh("KD"),
        channel=InteractionChannel(
            **account.fresh("UO"), type=channel["type"], conversation_sid=conversation_sid, status="setup"
        ),
        webhook_ttid=webhook_ttid,
        initiated_by=initiated_by,
    )
    account.interactions[interaction.sid] = interaction
    if mapped:
        _fail(account, interaction, errors.ALREADY_MAPPED, MAPPED)
        return interaction
    interaction_event(account, interaction, "onInteractionCreated", {"InstanceSid": account.instance_sid})
    problem = _problem(account, conversation_sid)
    task = _invite(account, interaction, wanted).task
    if problem:
        _fail(account, interaction, *problem)
        tasks.cancel(account, task, problem[1])
        channel_event(account, interaction, "onChannelCreateFailed")
        return interaction
    channel_event(account, interaction, "onChannelCreated")
    customer = _customer_in(account, account.conversation(conversation_sid))
    _join(account, interaction, "customer", (customer and customer.identity) or "", None)
    _set_status(account, interaction, "active")
    return interaction


def invite(account: Account, interaction: Interaction, routing: Json) -> Invite:
    """Another task for the same conversation. Raises 400 when the channel is closed."""
    if interaction.channel.status not in ("active", "inactive"):
        raise invalid(f"Channel {interaction.channel.sid} is {interaction.channel.status}")
    made = _invite(account, interaction, _routing(account, routing))
    if interaction.channel.status == "inactive":
        _set_status(account, interaction, "active")
    return made


def end(
    account: Account,
    interaction: Interaction,
    status: Literal["closed", "inactive"],
    *,
    finish: bool,
    cause: Cause = _SYSTEM,
) -> None:
    """Close or park the channel; `finish` completes the agents' tasks instead of leaving them wrapping.

    Waiting tasks are cancelled. Closing closes the conversation for good, parking keeps it active.
    """
    conversation = account.conversations.get(interaction.channel.conversation_sid or "")
    for agent in agents_in(interaction):
        if conversation and (member := conversation.member(agent.identity)):
            participants.remove(account, conversation, member, cause)
    if status == "closed" and conversation and conversation.state != "closed":
        conversations.set_state(account, conversation, "closed", "API", cause)
    for participant in interaction.channel.participants:
        if not participant.left and (status == "closed" or participant.kind == "agent"):
            _leave(account, interaction, participant)
    _set_status(account, interaction, status)
    for task in [made.task for made in interaction.channel.invites]:
        if task.status in ("pending", "reserved"):
            tasks.cancel(account, task, f"Channel {status}")
        elif finish and task.status in ("assigned", "wrapping"):
            tasks.complete(account, task)
        elif task.status == "assigned":
            tasks.wrap(account, task)


def agent_joins(account: Account, interaction: Interaction, task: Task, worker: Worker) -> Participant:
    """What Flex does when a reservation is accepted: the agent enters the conversation as a chat user."""
    conversation = account.conversation(interaction.channel.conversation_sid or "")
    member = conversation.member(worker.name) or participants.add(
        account,
        conversation,
        Cause("SDK", worker.name),
        identity=worker.name,
        attributes='{"member_type":"agent"}',
    )
    _join(account, interaction, "agent", worker.name, task)
    return member


def agent_leaves(account: Account, interaction: Interaction, participant: InteractionParticipant) -> None:
    """The agent's participants leave; channel and task are the caller's to settle."""
    conversation = account.conversation(interaction.channel.conversation_sid or "")
    if member := conversation.member(participant.identity):
        cause = Cause("SDK", participant.identity)
        participants.remove(account, conversation, member, cause)
    _leave(account, interaction, participant)


def agents_in(interaction: Interaction) -> list[InteractionParticipant]:
    return [p for p in interaction.channel.participants if p.kind == "agent" and not p.left]


def by_task(account: Account, task: Task) -> Interaction:
    """The interaction a task belongs to. Raises 404/20404 for a task made without one."""
    found = account.interactions.get(task.attributes.get("flexInteractionSid", ""))
    if found is None:
        raise not_found(f"/Interactions of task {task.sid}")
    return found


def _routing(account: Account, routing: Json) -> Json:
    properties: Json = dict(routing.get("properties") or {})
    if properties.get("workspace_sid") != account.workspace_sid:
        raise invalid(f"Routing.properties.workspace_sid {properties.get('workspace_sid')!r} does not exist")
    if properties.get("workflow_sid") not in (None, account.workflow_sid):
        raise invalid(f"Routing.properties.workflow_sid {properties['workflow_sid']!r} does not exist")
    attributes = properties.get("attributes") or {}
    if isinstance(attributes, str):
        try:
            attributes = json.loads(attributes)
        except ValueError:
            raise invalid("Routing.properties.attributes must be JSON") from None
    if not isinstance(attributes, dict):
        raise invalid("Routing.properties.attributes must be a JSON object")
    return {**properties, "attributes": attributes}


def _conversation_for(account: Account, channel: Json) -> Conversation:
    made = conversations.create(account, _SYSTEM)
    for participant in channel.get("participants") or []:
        participants.add(account, made, _SYSTEM, identity=participant.get("identity"))
    return made


def _problem(account: Account, conversation_sid: str) -> tuple[int, str] | None:
    conversation = account.conversations.get(conversation_sid)
    if conversation is None or conversation.state == "closed":
        return errors.CONVERSATION_FETCH_FAILED, f"Conversation {conversation_sid} cannot be used"
    if _customer_in(account, conversation) is None:
        return errors.CUSTOMER_MISSING, f"Conversation {conversation_sid} has no customer participant"
    return None


def _customer_in(account: Account, conversation: Conversation) -> Participant | None:
    return next((p for p in conversation.participants if p.identity not in account.workers), None)


def _invite(account: Account, interaction: Interaction, wanted: Json) -> Invite:
    """A task whose interaction sids appear only after `task.created`, as they do at Twilio."""
    channel = interaction.channel
    record = account.fresh("KG")
    inbound = interaction.initiated_by != "agent"
    given: Json = wanted["attributes"]
    name = given.get("customerName") or given.get("from") or _display_name(account, channel)
    attributes: Json = {
        "channelType": channel.type,
        "conversationSid": channel.conversation_sid,
        "customerName": name,
        "from": name,
        "initiatedBy": interaction.initiated_by,
        "direction": "inbound" if inbound else "outbound",
        "customers": {"name": name},
        **given,
        "conversations": {
            "conversation_id": interaction.sid,
            "initiated_by": interaction.initiated_by,
            "media": [{"type": "ChatTranscript", "sid": channel.conversation_sid}],
            **(given.get("conversations") or {}),
        },
    }
    task = tasks.create(account, attributes, wanted)
    made = Invite(**record, task=task)
    channel.invites.append(made)
    flex = {
        "flexInteractionSid": interaction.sid,
        "flexInteractionChannelSid": channel.sid,
        "flexChannelInviteSid": made.sid,
    }
    tasks.set_attributes(account, task, {**attributes, **flex})
    return made


def _display_name(account: Account, channel: InteractionChannel) -> str:
    conversation = account.conversations.get(channel.conversation_sid or "")
    customer = _customer_in(account, conversation) if conversation else None
    identity = (customer and customer.identity) or ""
    user = account.users.get(identity)
    return (user.friendly_name if user else None) or identity


def _join(
    account: Account,
    interaction: Interaction,
    kind: Literal["customer", "agent"],
    identity: str,
    task: Task | None,
) -> None:
    joined = InteractionParticipant(**account.fresh("UT"), kind=kind, identity=identity, task=task)
    interaction.channel.participants.append(joined)
    interaction_participant_event(account, interaction, "onParticipantJoined", joined)


def _leave(account: Account, interaction: Interaction, participant: InteractionParticipant) -> None:
    participant.left = True
    account.touch(participant)
    interaction_participant_event(account, interaction, "onParticipantLeft", participant)


def _set_status(account: Account, interaction: Interaction, status: ChannelStatus) -> None:
    if interaction.channel.status == status:
        return
    interaction.channel.status = status
    account.touch(interaction.channel)
    channel_event(account, interaction, "onChannelStatusUpdated")


def _fail(account: Account, interaction: Interaction, code: int, message: str) -> None:
    channel = interaction.channel
    channel.status, channel.error_code, channel.error_message = "failed", code, message
    account.touch(channel)
    account.warn(code, message, channel.conversation_sid)


def park(account: Account, interaction: Interaction) -> None:
    """No agent is left, the conversation stays open."""
    _set_status(account, interaction, "inactive")
