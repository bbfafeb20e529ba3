"""What goes into the one transaction and what comes out of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from machines.events import Event
from machines.table import Outcome


class Status(StrEnum):
    """Of an effect."""

    PENDING = "pending"
    DONE = "done"
    DEAD = "dead"
    VOID = "void"


@dataclass(frozen=True, slots=True)
class Link:
    """A provider's name for a request of ours."""

    kind: str
    ref: str
    conversation: str
    request: int


@dataclass(frozen=True, slots=True)
class Pending:
    """An effect as the dispatcher carries it."""

    key: str
    subject: str
    member: str
    lane: str
    kind: str
    payload: Mapping[str, Any]
    due_at: float
    attempts: int = 0
    generation: int = 0
    replaces: str | None = None
    seq: int = 0  #: 0: handed over in memory, not read back from the table

    @property
    def conversation(self) -> str:
        """Our id of the conversation that owns it, or of the case."""
        return self.subject.partition(":")[2]


@dataclass(frozen=True, slots=True)
class Result:
    """What became of an effect. Committed together with the events it causes."""

    key: str
    generation: int
    status: Status  #: pending: it is retried at `due_at`
    attempts: int = 0
    due_at: float = 0.0
    error: str | None = None
    ref: str | None = None  #: the provider's id of what was made
    links: tuple[Link, ...] = ()
    message: str | None = None  #: the message row whose `refs` this sets
    refs: tuple[str, ...] = ()
    dm_channel: tuple[str, str] | None = None  #: (member, channel) learned on the way
    events: tuple[Event, ...] = ()


@dataclass(frozen=True, slots=True)
class SetTimer:
    subject: str
    name: str
    due_at: float
    epoch: int


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the store did with one event."""

    outcome: Outcome | None  #: None: it had been seen before, or changed nothing that is recorded
    subject: str = ""
    state: str = ""
    reason: str = ""

    @property
    def duplicate(self) -> bool:
        return self.outcome is None


@dataclass(slots=True)
class Applied:
    """What one transaction did, in the order of its batch."""

    receipts: list[Receipt] = field(default_factory=list)  #: one per event given, results' events left out
    effects: list[Pending] = field(default_factory=list)
    voided: list[str] = field(default_factory=list)  #: keys of unsent effects that are not wanted any more
    timers: list[SetTimer] = field(default_factory=list)


Item = Event | Result
Batch = Sequence[Item]


def timestamp(at: datetime) -> float:
    return at.timestamp()


def moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
