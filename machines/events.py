"""Events: facts that arrived, named so that a repeat of the same fact has the same name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


class Source(StrEnum):
    """Who told us. Together with the event's id it is the key of the ledger."""

    DISCORD = "discord"
    TWILIO = "twilio"
    TIMER = "timer"
    EFFECT = "effect"  #: the result of an effect of ours
    TELL = "tell"  #: a conversation told its case
    OPERATOR = "operator"  #: the command line
    PAGE = "page"  #: a desk or case page


class Trigger(StrEnum):
    """An event's name as the machines see it. `docs/transitions.md` lists what each one does in each state."""

    # the member
    MEMBER_MESSAGE = "member_message"
    MEMBER_EDITED = "member_edited"
    MEMBER_DELETED = "member_deleted"
    MEMBER_REACTED = "member_reacted"
    MEMBER_CLOSED = "member_closed"
    AGENT_REQUESTED = "agent_requested"
    AGENT_REQUEST_CANCELLED = "agent_request_cancelled"
    HELP_REQUESTED = "help_requested"
    MESSAGE_LEFT = "message_left"
    NOT_HELPFUL = "not_helpful"
    SOLVED = "solved"
    OTHER_CASE = "other_case"
    RATING = "rating"
    COMMENT = "comment"
    TRANSCRIPT_REQUESTED = "transcript_requested"
    # the chatbot
    BOT_ANSWERED = "bot_answered"
    BOT_FAILED = "bot_failed"
    # the agent and the desk
    AGENT_JOINED = "agent_joined"
    AGENT_LEFT = "agent_left"
    AGENT_MESSAGE = "agent_message"
    AGENT_EDITED = "agent_edited"
    AGENT_DELETED = "agent_deleted"
    AGENT_REACTED = "agent_reacted"
    AGENT_CONTACTS = "agent_contacts"
    TRANSFER_STARTED = "transfer_started"
    DESK_OPENED = "desk_opened"
    DESK_CLOSED = "desk_closed"
    DESK_FAILED = "desk_failed"
    CASE_MERGED = "case_merged"  #: the case of the conversation goes on as another one
    # delivery and the operator
    DELIVERY_FAILED = "delivery_failed"
    UNREACHABLE = "unreachable"
    MEMBER_BLOCKED = "member_blocked"
    # timers of a conversation
    ASK = "ask"
    ANSWER_OVERDUE = "answer_overdue"
    BOT_IDLE_WARN = "bot_idle_warn"
    BOT_IDLE = "bot_idle"
    DESK_OPEN_OVERDUE = "desk_open_overdue"
    PLACE = "place"
    WAIT_REMINDER = "wait_reminder"
    WAIT = "wait"
    ALONE = "alone"
    MEMBER_IDLE_WARN = "member_idle_warn"
    MEMBER_IDLE = "member_idle"
    AGENT_IDLE_WARN = "agent_idle_warn"
    AGENT_IDLE = "agent_idle"


class CaseTrigger(StrEnum):
    """What a case can be told. Most of it comes from a conversation, in the same transaction; the rest from agents."""

    OPENED = "opened"
    CONVERSATION_LINKED = "conversation_linked"
    ASSIGNED = "assigned"
    UNASSIGNED = "unassigned"
    AGENT_JOINED = "agent_joined"
    ASKED_MEMBER = "asked_member"
    MEMBER_REPLIED = "member_replied"
    RESOLVED = "resolved"
    REOPENED = "reopened"
    MERGED_INTO = "merged_into"
    MERGED_FROM = "merged_from"  #: another case goes on as this one
    NOTE_ADDED = "note_added"
    EDITED = "edited"
    DELIVERY_FAILED = "delivery_failed"
    AGENT_CONTACTS = "agent_contacts"
    FEEDBACK = "feedback"
    CASE_CLOSE = "case_close"  #: timer


#: Triggers that are timers of a conversation.
TIMERS = frozenset(
    {
        Trigger.ASK,
        Trigger.ANSWER_OVERDUE,
        Trigger.BOT_IDLE_WARN,
        Trigger.BOT_IDLE,
        Trigger.DESK_OPEN_OVERDUE,
        Trigger.PLACE,
        Trigger.WAIT_REMINDER,
        Trigger.WAIT,
        Trigger.ALONE,
        Trigger.MEMBER_IDLE_WARN,
        Trigger.MEMBER_IDLE,
        Trigger.AGENT_IDLE_WARN,
        Trigger.AGENT_IDLE,
    }
)

#: For a member without an open conversation these start a new one.
OPENERS = frozenset(
    {
        Trigger.MEMBER_MESSAGE,
        Trigger.AGENT_REQUESTED,
        Trigger.HELP_REQUESTED,
        Trigger.AGENT_CONTACTS,
    }
)

#: Presses of a button: they go to the conversation they name while it is open, else to the open one.
PRESSES = frozenset(
    {
        Trigger.AGENT_REQUESTED,
        Trigger.AGENT_REQUEST_CANCELLED,
        Trigger.MEMBER_CLOSED,
        Trigger.MESSAGE_LEFT,
        Trigger.NOT_HELPFUL,
        Trigger.OTHER_CASE,
        Trigger.SOLVED,
    }
)

#: These belong to the conversation of the message they speak of, open or closed.
ABOUT_A_MESSAGE = frozenset(
    {
        Trigger.MEMBER_EDITED,
        Trigger.MEMBER_DELETED,
        Trigger.MEMBER_REACTED,
        Trigger.AGENT_EDITED,
        Trigger.AGENT_DELETED,
        Trigger.AGENT_REACTED,
    }
)

#: These belong to the conversation they name, open or closed.
NAMED = (
    frozenset(
        {
            Trigger.BOT_ANSWERED,
            Trigger.BOT_FAILED,
            Trigger.AGENT_JOINED,
            Trigger.AGENT_LEFT,
            Trigger.AGENT_MESSAGE,
            Trigger.TRANSFER_STARTED,
            Trigger.DESK_OPENED,
            Trigger.DESK_CLOSED,
            Trigger.DESK_FAILED,
            Trigger.DELIVERY_FAILED,
            Trigger.UNREACHABLE,
            Trigger.CASE_MERGED,
            Trigger.RATING,
            Trigger.COMMENT,
            Trigger.TRANSCRIPT_REQUESTED,
        }
    )
    | TIMERS
)


@dataclass(frozen=True, slots=True)
class Address:
    """Whom an event concerns, as far as the one who reports it knows.

    The store resolves it to a member and a subject, in this order: our own mark (`conversation`), then
    `link`, then `message`, then `member`.
    """

    member: str | None = None  #: Discord user id
    conversation: str | None = None  #: our id, from our own mark (button, webhook URL, task attributes)
    request: int | None = None  #: number of the request the mark names
    link: tuple[str, str] | None = None  #: (kind, reference), e.g. ("conversation_sid", "CH...")
    message: str | None = None  #: id of a message row, see `message_id`
    case: str | None = None  #: our id of a case


@dataclass(frozen=True, slots=True)
class Event:
    """One fact. `source` and `id` name the fact, not its delivery: every repeat has the same name."""

    source: Source
    id: str
    trigger: Trigger | CaseTrigger
    at: datetime  #: when it happened by the provider's clock, aware UTC
    to: Address
    data: Mapping[str, Any] = field(default_factory=dict)  #: JSON values only


def message_id(source: Source, ref: str) -> str:
    """The id of a message row: the provider's own id, marked with the provider."""
    return f"{source}:{ref}"
