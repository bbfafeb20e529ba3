"""A recorded history: what both providers saw of a service, what its store holds, and how it ended.

Plain values, made by whoever recorded them (a sandbox's log, a model in process). Times are seconds on clocks
that differ by no more than the history says. Texts are compared as they stand, so a story should not use the
same words twice.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from math import inf

from machines.table import Outcome


class By(StrEnum):
    """Who wrote a line."""

    MEMBER = "member"
    AGENT = "agent"
    SERVICE = "service"  #: ours: a text of our own, or words of the other side


@dataclass(frozen=True, slots=True)
class Line:
    """A message in a DM or at a desk, deleted ones included."""

    id: str
    at: float
    by: By
    text: str  #: as it stands now
    carries: str | None = None  #: the words of the other side that a line of the service brings
    says: str = ""  #: the key of our own text, e.g. `goodbye`; `answer` for every answer of the chatbot
    earlier: tuple[str, ...] = ()  #: what it said before it was edited
    deleted_at: float | None = None
    edited_at: float | None = None
    edits: tuple[float, ...] = ()  #: when it came to say something else, each time
    place: int = 0  #: in the line, where it tells one

    @property
    def stands(self) -> bool:
        return self.deleted_at is None

    @property
    def texts(self) -> tuple[str, ...]:
        """Every text it has had."""
        return (*self.earlier, self.text)


@dataclass(frozen=True, slots=True)
class Dm:
    """What stands between one member and the bot, oldest first; what only the member sees is not part of it."""

    member: str
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Desk:
    """What agents see: of one request a Twilio Conversation with its messages, or a conversation at our own desk."""

    ref: str
    member: str
    conversation: str
    request: int
    lines: tuple[Line, ...]
    closed_at: float | None = None
    tasks: tuple[str, ...] = ()  #: the status of every task that was made for it


@dataclass(frozen=True, slots=True)
class Entry:
    """A row of the journal."""

    source: str
    id: str
    subject: str
    trigger: str
    outcome: Outcome
    at: float
    before: str | None = None
    after: str | None = None
    version: int = 0  #: of the subject after it
    agent: str = ""  #: who did it; empty: no agent, or the desk does not say who
    claim: str = ""  #: `alone` or `beside`: how an agent of the built-in desk came
    received_at: float = 0.0  #: when it was stepped, by the service's clock


@dataclass(frozen=True, slots=True)
class Command:
    """What an agent of the built-in desk asked for, and what the first answer was."""

    id: str  #: minted by the agent's program; for `edit` and `unsend`: the message's
    conversation: str
    agent: str
    what: str  #: claim, join, write, edit, unsend, react, leave, transfer or close
    text: str = ""  #: what was written
    asked: float = 0.0
    answered: float = inf
    answer: str | None = None  #: empty: it was done; else the error; None: no answer came
    stray: bool = False  #: a copy of it arrived when it had been answered


@dataclass(frozen=True, slots=True)
class Deed:
    """A row of the outbox."""

    key: str
    subject: str
    kind: str
    status: str  #: pending, done, dead or void
    ref: str | None = None  #: the provider's id of what came of it
    message: str | None = None  #: the message row it relays
    says: str = ""  #: the key of our own text that it brings
    generation: int = 0  #: how often an operator had it tried again
    closes_at: float = 0.0  #: when it says that the conversation will be closed

    @property
    def version(self) -> int:
        """Of the subject, once the step that wanted it was done."""
        return int(self.key.rsplit(":", 3)[1])


@dataclass(frozen=True, slots=True)
class Talk:
    """A stored conversation."""

    id: str
    member: str
    state: str
    opened_at: float
    closed_at: float | None = None
    queued_at: float | None = None  #: since when it is in the line


@dataclass(frozen=True, slots=True)
class HelpCase:
    """A stored help case."""

    id: str
    member: str
    state: str
    chosen: bool = False  #: the member asked for one of its own


@dataclass(frozen=True, slots=True)
class Told:
    """What a follower of cases took, when it came for the first time."""

    id: str  #: of the webhook, and of the effect that brought it
    type: str
    before: str  #: state of the case
    after: str
    version: int  #: of the case after the change
    as_of: int  #: version of the case that was told besides


@dataclass(frozen=True, slots=True)
class Exchange:
    """Something that a provider waited for."""

    kind: str  #: interaction, conversations, studio, interactions or taskrouter
    began: float
    ended: float | None  #: None: no answer came


def nowhere() -> Iterable[str]:
    """Where replay differs from the store: nowhere."""
    return ()


@dataclass(frozen=True, slots=True)
class History:
    """Everything the checker may know. What was not recorded stays empty."""

    dms: tuple[Dm, ...] = ()
    desks: tuple[Desk, ...] = ()
    commands: tuple[Command, ...] = ()  #: of agents at the built-in desk
    journal: tuple[Entry, ...] = ()
    outbox: tuple[Deed, ...] = ()
    talks: tuple[Talk, ...] = ()
    cases: tuple[HelpCase, ...] = ()
    told: tuple[Told, ...] | None = None  #: in the order of arrival; None: nobody followed the cases
    exchanges: tuple[Exchange, ...] = ()
    claimed: frozenset[str] = frozenset()  #: ids of lines that an effect or a message row calls its own
    down: tuple[tuple[float, float], ...] = ()  #: when nobody served
    leaks: tuple[str, ...] = ()  #: tasks, files and connections left after a clean end, by name
    skew: float = 0.0  #: by how much the clocks of both providers and of the service may differ. Seconds
    differences: Callable[[], Iterable[str]] = nowhere  #: replay of the journal against the store, in words

    def dm(self, member: str) -> Dm:
        return next((dm for dm in self.dms if dm.member == member), Dm(member, ()))

    def entry(self, source: str, ref: str) -> Entry | None:
        """What became of a fact."""
        return next((e for e in self.journal if (e.source, e.id) == (source, ref)), None)

    def desks_of(self, member: str) -> list[Desk]:
        return [desk for desk in self.desks if desk.member == member]

    def every_line(self) -> Iterator[Line]:
        """In direct messages, then at desks."""
        for dm in self.dms:
            yield from dm.lines
        for desk in self.desks:
            yield from desk.lines


def by(lines: Iterable[Line], who: By) -> list[Line]:
    """Those that this side wrote."""
    return [line for line in lines if line.by is who]
