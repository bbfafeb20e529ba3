"""What reads return: plain values, one class per thing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from machines.snapshot import CaseContext


@dataclass(frozen=True, slots=True)
class MemberRow:
    id: str
    dm_channel: str | None
    name: str
    locale: str
    known_since: str | None


@dataclass(frozen=True, slots=True)
class ConversationRow:
    id: str
    member: str
    state: str
    version: int
    case_id: str | None
    request: int
    created_at: float
    queued_at: float | None
    place: int = 0  #: in the line, as the member was told last; 0: they are to be told again
    minutes: int = 0  #: the wait that was told with it, see `machines.queue`


@dataclass(frozen=True, slots=True)
class MessageRow:
    id: str
    conversation: str
    author: str  #: member, agent or bot
    name: str
    body: str
    attachments: tuple[dict[str, Any], ...]
    version: int
    at: float
    deleted: bool
    withheld: bool  #: not for the member's eyes
    refs: tuple[str, ...]  #: ids of its parts on the other side; empty: not delivered
    edited_at: float | None = None
    undelivered: bool = False  #: given up, though it was meant for the other side; known of transcripts only
    reply_to: str | None = None  #: as `id`: the message of the direct messages that it answers

    @property
    def ref(self) -> str:
        """The provider's own id."""
        return self.id.partition(":")[2]


@dataclass(frozen=True, slots=True)
class RequestRow:
    """The current request of a conversation, as agents of the built-in desk need it."""

    conversation: str
    member: str
    member_name: str
    case: int | None  #: its number
    case_kind: str
    same_case: tuple[str, ...]  #: the case's other conversations, in their order
    state: str  #: of the conversation
    version: int
    request: int
    request_state: str  #: open, expired, withdrawn or ended; empty: there was none yet
    waiting_since: float  #: since when it queues, seconds since the epoch
    agents: tuple[tuple[str, str], ...]  #: (identity, name) of those who are there
    away: tuple[str, ...]  #: who fell silent
    addressed: str  #: the agent it was handed to; empty: whoever is free

    @property
    def is_live(self) -> bool:
        """Somebody has it, or may take it."""
        return self.state != "closed" and self.request_state in ("open", "expired")


@dataclass(frozen=True, slots=True)
class NoteRow:
    """A text of ours for the agents of a request."""

    text: str  #: its key
    args: dict[str, Any]
    at: float
    request: int


@dataclass(frozen=True, slots=True)
class FactRow:
    """A row of the journal: what came of a fact."""

    conversation: str
    trigger: str
    outcome: str
    reason: str
    state: str  #: of the conversation after it
    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class CaseRow:
    id: str
    number: int
    member: str
    kind: str
    state: str
    title: str = ""


@dataclass(frozen=True, slots=True)
class CaseFile:
    """A case with everything that it remembers."""

    id: str
    number: int
    member: str
    member_name: str
    state: str
    version: int
    context: CaseContext
    created_at: float
    updated_at: float


@dataclass(frozen=True, slots=True)
class CaseQuery:
    """Which cases are looked for; empty fields do not matter."""

    state: str = ""
    kind: str = ""
    member: str = ""
    assignee: str = ""
    words: str = ""  #: each stands in the title or the summary
    before: int = 0  #: only cases with a lower number
    at_most: int = 50


@dataclass(frozen=True, slots=True)
class CaseNote:
    """A note on a case: what an agent wrote, or what became of a conversation."""

    case: str
    at: float
    note: str  #: `agent_note`, or what is noted of a conversation
    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class HistoryRow:
    """A row of a case's journal."""

    at: float
    source: str
    trigger: str
    from_state: str
    to_state: str
    outcome: str
    reason: str
    data: dict[str, Any]


@dataclass(frozen=True, slots=True)
class LinkedTalk:
    """A conversation of a case."""

    id: str
    state: str
    created_at: float
    closed_at: float | None


@dataclass(frozen=True, slots=True)
class DmRow:
    """A member's direct messages and where reading them stands."""

    member: str
    channel: str | None  #: None: it may have been opened, but that was never recorded
    known_since: str | None
    watermark: str | None


@dataclass(frozen=True, slots=True)
class DeskRow:
    """A Twilio Conversation of ours and where reading it stands."""

    sid: str
    conversation: str
    request: int
    read_up_to: int  #: highest Index below which nothing is missing; -1: nothing was read
    agents: tuple[str, ...] = ()  #: identities that the conversation holds to be there
    member: str = ""
    waits: bool = False  #: it is in the queue, and nobody came yet
