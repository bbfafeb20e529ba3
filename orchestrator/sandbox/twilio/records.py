"""What a Twilio account remembers: one dataclass per resource. No rules here."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal

State = Literal["initializing", "active", "inactive", "closed"]
ChannelStatus = Literal["setup", "active", "inactive", "closed", "failed"]
TaskStatus = Literal["pending", "reserved", "assigned", "wrapping", "completed", "canceled"]
ReservationStatus = Literal[
    "pending", "accepted", "rejected", "timeout", "canceled", "rescinded", "wrapping", "completed"
]


@dataclass(slots=True, kw_only=True)
class Record:
    """What every resource has."""

    sid: str
    created: datetime
    updated: datetime


@dataclass(slots=True, kw_only=True)
class Media(Record):
    """An uploaded file. Not attached to a message within five minutes, it is forgotten."""

    content: bytes
    content_type: str
    filename: str | None
    author: str | None = None
    message_sid: str | None = None
    conversation_sid: str | None = None


@dataclass(slots=True, kw_only=True)
class Participant(Record):
    identity: str | None
    attributes: str  #: JSON text, as in every Twilio resource
    binding: dict[str, str] | None = None  #: address of a participant that is not a chat user
    last_read: int | None = None


@dataclass(slots=True, kw_only=True)
class Message(Record):
    index: int
    author: str
    participant_sid: str | None
    body: str | None
    attributes: str
    media: list[Media] = field(default_factory=list)
    edited: datetime | None = None
    deleted: datetime | None = None  #: deleted messages stay on record, REST no longer shows them


@dataclass(slots=True, kw_only=True)
class ScopedWebhook(Record):
    target: str  #: webhook, studio or trigger
    url: str | None
    method: str
    filters: list[str]
    triggers: list[str]
    flow_sid: str | None


@dataclass(slots=True, kw_only=True)
class Conversation(Record):
    unique_name: str | None
    friendly_name: str | None
    attributes: str
    state: State
    inactive_after: timedelta | None
    closed_after: timedelta | None
    state_since: datetime
    active_at: datetime  #: last message, or creation
    participants: list[Participant] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    webhooks: list[ScopedWebhook] = field(default_factory=list)

    def standing(self) -> list[Message]:
        """The messages not deleted, oldest first."""
        return [m for m in self.messages if m.deleted is None]

    def member(self, identity: str) -> Participant | None:
        return next((p for p in self.participants if p.identity == identity), None)

    def inactive_at(self) -> datetime | None:
        """When silence turns `active` into `inactive`; None when nothing is due."""
        if self.state != "active" or not self.inactive_after:
            return None
        return max(self.active_at, self.state_since) + self.inactive_after

    def closed_at(self) -> datetime | None:
        """When silence closes it. Counts from `inactive`; from the last activity if there is no such timer."""
        if not self.closed_after or self.state not in ("active", "inactive"):
            return None
        if self.state == "active" and self.inactive_after:
            return None
        start = self.state_since if self.state == "inactive" else max(self.active_at, self.state_since)
        return start + self.closed_after


@dataclass(slots=True, kw_only=True)
class User(Record):
    identity: str
    friendly_name: str | None
    attributes: str


@dataclass(slots=True, kw_only=True)
class GlobalWebhook:
    """The one post-action URL of the account or of the chat service."""

    method: str = "POST"
    filters: list[str] = field(default_factory=list)
    pre_url: str | None = None
    post_url: str | None = None


@dataclass(slots=True, kw_only=True)
class Worker(Record):
    name: str  #: also the agent's chat identity
    attributes: str


@dataclass(slots=True, kw_only=True)
class Reservation(Record):
    worker: Worker
    status: ReservationStatus


@dataclass(slots=True, kw_only=True)
class Task(Record):
    attributes: dict[str, Any]
    status: TaskStatus
    priority: int
    timeout: int  #: seconds a task waits before the workflow gives up
    channel: str  #: unique name of the task channel, e.g. `chat`
    target: str | None  #: worker sid it is routed to, None for anybody
    reason: str | None = None
    reservations: list[Reservation] = field(default_factory=list)

    def held(self) -> Reservation | None:
        """The reservation of the agent who has or had this task."""
        held = ("accepted", "wrapping", "completed")
        return next((r for r in self.reservations if r.status in held), None)


@dataclass(slots=True, kw_only=True)
class InteractionParticipant(Record):
    kind: Literal["customer", "agent"]
    identity: str
    task: Task | None = None  #: the agent's
    left: bool = False


@dataclass(slots=True, kw_only=True)
class Invite(Record):
    task: Task


@dataclass(slots=True, kw_only=True)
class InteractionChannel(Record):
    type: str
    conversation_sid: str | None
    status: ChannelStatus
    error_code: int | None = None
    error_message: str | None = None
    participants: list[InteractionParticipant] = field(default_factory=list)
    invites: list[Invite] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class Interaction(Record):
    channel: InteractionChannel
    webhook_ttid: str | None
    initiated_by: str


@dataclass(slots=True, kw_only=True)
class InteractionWebhook:
    ttid: str
    created: datetime
    updated: datetime
    url: str
    method: str
    events: list[str]
    type: str  #: global: every interaction; interaction: those created with this ttid
    friendly_name: str | None


@dataclass(frozen=True, slots=True)
class Cause:
    """Who acted, and whether webhooks tell of it."""

    source: Literal["API", "SDK"]
    identity: str | None = None  #: the acting chat user, SDK only
    fires: bool = True  #: a REST act is silent without `X-Twilio-Webhook-Enabled: true`
