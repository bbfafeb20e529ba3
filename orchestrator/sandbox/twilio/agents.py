"""What agents do in the Flex UI: take a task, write, edit, delete, hand over, leave, finish.

Every act is the agent's own (`Source=SDK`), so webhooks always tell of it. Refusals are ApiErrors: 404 for
what does not exist, 409 for what comes too late.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from orchestrator.sandbox.twilio import interactions, media, messages, tasks
from orchestrator.sandbox.twilio.account import Account
from orchestrator.sandbox.twilio.errors import conflict, not_found
from orchestrator.sandbox.twilio.records import (
    Cause,
    Conversation,
    Interaction,
    InteractionParticipant,
    Message,
    Task,
)
from orchestrator.sandbox.wire import Upload

REASON_WITHDRAWN = "Canceled in Flex"
#: attributes of one invitation that a handed-over task does not inherit
OF_ONE_INVITE = ("flexChannelInviteSid", "flexInteractionSid", "flexInteractionChannelSid", "originalRouting")


def accept(account: Account, task_sid: str, agent: str) -> Task:
    """Take a waiting task; the first agent wins, the second gets 409."""
    task, worker = account.task(task_sid), account.worker(agent)
    interaction = interactions.by_task(account, task)
    if interaction.channel.status not in ("active", "inactive"):
        raise conflict(f"Channel {interaction.channel.sid} is {interaction.channel.status}")
    tasks.accept(account, task, worker)
    interactions.agent_joins(account, interaction, task, worker)
    return task


def reject(account: Account, task_sid: str, agent: str) -> Task:
    task = account.task(task_sid)
    tasks.reject(account, task, account.worker(agent))
    return task


def write(account: Account, task_sid: str, body: str, uploads: Sequence[Upload] = ()) -> Message:
    conversation, cause = _desk(account, task_sid)
    attached = [media.store(account, upload, author=cause.identity) for upload in uploads]
    return messages.add(account, conversation, cause, author=cause.identity or "", body=body, media=attached)


def edit(account: Account, task_sid: str, message_sid: str, body: str) -> Message:
    conversation, cause = _desk(account, task_sid)
    message = _own_message(conversation, message_sid, cause)
    messages.edit(account, conversation, message, cause, body=body)
    return message


def delete(account: Account, task_sid: str, message_sid: str) -> Message:
    conversation, cause = _desk(account, task_sid)
    message = _own_message(conversation, message_sid, cause)
    messages.remove(account, conversation, message, cause)
    return message


def leave(account: Account, task_sid: str) -> Task:
    """Go, and let the conversation wait for the customer: channel inactive, task completed."""
    task, interaction, participant = _present(account, task_sid)
    interactions.agent_leaves(account, interaction, participant)
    if not interactions.agents_in(interaction):
        interactions.park(account, interaction)
    tasks.complete(account, task)
    return task


def complete(account: Account, task_sid: str) -> Task:
    """End the chat for everybody, then finish the paperwork. After End elsewhere, only the paperwork."""
    task = account.task(task_sid)
    if task.status == "wrapping":
        tasks.complete(account, task)
        return task
    task, interaction, participant = _present(account, task_sid)
    cause = Cause("SDK", participant.identity)
    interactions.end(account, interaction, "closed", finish=True, cause=cause)
    return task


def cancel(account: Account, task_sid: str, reason: str = REASON_WITHDRAWN) -> Task:
    """Take a waiting task off the queue. The conversation stays as it is, orphaned, as at Twilio."""
    task = account.task(task_sid)
    tasks.cancel(account, task, reason)
    return task


def transfer(account: Account, task_sid: str, agent: str) -> Task:
    """Hand over: a new task waits for the named agent, this agent goes. Returns the new task."""
    task, interaction, participant = _present(account, task_sid)
    worker = account.worker(agent)
    copied = {k: v for k, v in task.attributes.items() if k not in OF_ONE_INVITE}
    routing: dict[str, Any] = {
        "properties": {
            "workspace_sid": account.workspace_sid,
            "task_channel_unique_name": task.channel,
            "priority": task.priority,
            "worker_sid": worker.sid,
            "attributes": copied,
        }
    }
    invite = interactions.invite(account, interaction, routing)
    interactions.agent_leaves(account, interaction, participant)
    tasks.complete(account, task, reason="transferred")
    return invite.task


def _present(account: Account, task_sid: str) -> tuple[Task, Interaction, InteractionParticipant]:
    """The task, and the agent who is in its conversation. Raises 409 when nobody is."""
    task = account.task(task_sid)
    interaction = interactions.by_task(account, task)
    for participant in interactions.agents_in(interaction):
        if participant.task is task:
            return task, interaction, participant
    raise conflict(f"Task {task_sid} is {task.status}: no agent is in its conversation")


def _desk(account: Account, task_sid: str) -> tuple[Conversation, Cause]:
    _, interaction, participant = _present(account, task_sid)
    conversation = account.conversation(interaction.channel.conversation_sid or "")
    return conversation, Cause("SDK", participant.identity)


def _own_message(conversation: Conversation, message_sid: str, cause: Cause) -> Message:
    for message in conversation.standing():
        if message.sid == message_sid:
            if message.author != cause.identity:
                raise conflict(f"Message {message_sid} was written by {message.author}")
            return message
    raise not_found(f"/Messages/{message_sid}")
