"""Snapshots: what is remembered of a machine between two steps, and what a step is given to decide with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import datetime
from typing import Any, Self

from machines.effects import Effect
from machines.events import CaseTrigger
from machines.table import Outcome


@dataclass(frozen=True)
class Context:
    """What a conversation remembers besides its state. Small: ids, numbers, flags; texts live in rows.

    Without slots on purpose: `but` copies the dictionary, which costs a tenth of `dataclasses.replace`.
    """

    locale: str = "en"
    waiting: tuple[str, ...] = ()  #: message ids not yet asked, oldest first
    waiting_since: float = 0.0  #: when the first of them was received, seconds since the epoch
    asked: tuple[str, ...] = ()  #: message ids that are out with the question
    question: int = 0  #: number of the question out at the chatbot; 0: none
    questions: int = 0  #: how many were asked so far; numbers never repeat
    answered: int = 0  #: number of the last question that got articles; 0 once it was found unhelpful
    unhelpful: tuple[int, ...] = ()  #: answers the member found unhelpful
    misses: int = 0  #: in a row; the second one hands off
    request: int = 0  #: number of the current request; 0: there was none yet
    request_state: str = ""  #: open, expired, withdrawn or ended; empty before the first
    request_joined: bool = False  #: an agent was there
    request_by_agent: bool = False  #: an agent began it by writing first
    request_opened_case: bool = False
    request_opened: bool = False  #: the desk said so
    ended: tuple[float, ...] = ()  #: when request 1, 2, ... ended, seconds since the epoch; 0.0: it has not
    seen: int = 0  #: version up to which the desk has been shown what was said
    agents: tuple[tuple[str, str], ...] = ()  #: (identity, name) of the agents who are there
    away: tuple[str, ...] = ()  #: agents who fell silent; they are still in the desk's conversation
    transfer: bool = False
    addressed: str = ""  #: the agent whom the request was handed to; empty: whoever is free
    unreachable: bool = False
    case: str = ""
    opened_case: bool = False  #: this conversation opened its case
    awaited: str = ""  #: who is to write next while they talk: member or agent
    moved: bool = False  #: the current request was moved to a case of its own
    told: tuple[str, ...] = ()  #: messages whose failed delivery was told already
    place: int = 0  #: in the line, as the member was told last; 0: they are to be told again
    minutes: int = 0  #: the wait that was told with it, see `machines.queue`
    closed_at: float = 0.0  #: by the clock of whoever closed it, seconds since the epoch
    closed_by: str = ""  #: agent, member, idle or block

    def as_json(self) -> dict[str, Any]:
        """Only what differs from a fresh conversation."""
        return {name: value for name, value in self.__dict__.items() if value != _DEFAULTS[name]}

    def but(self, **values: Any) -> Context:
        """This context with other values for some fields. Raises KeyError for a name that is no field."""
        if not values.keys() <= _DEFAULTS.keys():
            raise KeyError(*(values.keys() - _DEFAULTS.keys()))
        changed = object.__new__(Context)
        changed.__dict__.update(self.__dict__)
        changed.__dict__.update(values)
        return changed

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        values = {name: data[name] for name in data.keys() & _DEFAULTS.keys()}
        for name in _TUPLES & values.keys():
            values[name] = tuple(values[name])
        if "agents" in values:
            values["agents"] = tuple((identity, name) for identity, name in values["agents"])
        return cls(**values)


_DEFAULTS: dict[str, Any] = {f.name: f.default for f in fields(Context)}
_TUPLES = {name for name, default in _DEFAULTS.items() if isinstance(default, tuple)}


#: Kinds of cases. A report is its member's own: no conversation joins it.
HELP, BUG, FEATURE = "help", "bug", "feature"
REPORTS = (BUG, FEATURE)
KINDS = (HELP, *REPORTS)


@dataclass(frozen=True, slots=True)
class CaseContext:
    """What a case remembers besides its state."""

    kind: str = HELP  #: one of `KINDS`
    conversations: tuple[str, ...] = ()
    agents: tuple[str, ...] = ()
    reason: str = ""  #: why it was resolved
    merged_into: str = ""
    merged: tuple[str, ...] = ()  #: cases that go on as this one
    confirmed: bool = False  #: its number went to the member by direct message, for the answer was dead
    follows: str = ""  #: the closed case that this one goes on with
    runs_since: float = 0.0  #: when its clock was started last, seconds since the epoch; 0.0: it stands
    ran: float = 0.0  #: seconds that its clock ran before that, see `machines.sla`
    responded: bool = False  #: a person has turned to the member
    responded_after: float = 0.0  #: after so many seconds of its clock
    rating: int = 0
    comment: str = ""
    title: str = ""
    summary: str = ""
    steps: str = ""  #: of a bug: how to see it, and what was expected
    channel: str = ""  #: of the server, where it was asked for
    priority: str = ""  #: low, high or urgent; empty: as usual
    tags: tuple[str, ...] = ()
    assignee: str = ""  #: id of the agent who looks after it

    def as_json(self) -> dict[str, Any]:
        return {name: value for name, value in asdict(self).items() if value}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        values = {f.name: data[f.name] for f in fields(cls) if f.name in data}
        for name in ("conversations", "agents", "tags", "merged"):
            if name in values:
                values[name] = tuple(values[name])
        return cls(**values)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One conversation or case between two steps."""

    machine: str  #: `conversation` or `case`
    id: str  #: 128 bits, hexadecimal, 80 of them random
    member: str  #: Discord user id
    state: str
    version: int = 0  #: how many events were applied
    context: Context | CaseContext = field(default_factory=Context)
    table_version: int = 1  #: version of the table that wrote it

    @property
    def subject(self) -> str:
        """How effects and timers name their owner."""
        return f"{self.machine}:{self.id}"


@dataclass(frozen=True, slots=True)
class Limits:
    """The numbers of the tables, in seconds unless said otherwise. Every one of them is a setting."""

    ask: float = 1.2  #: quiet after which a burst of texts is one question
    ask_at_most: float = 4.0  #: a burst never waits longer
    answer_overdue: float = 20.0
    bot_idle_warn: float = 20 * 60
    bot_idle: float = 30 * 60
    desk_open_overdue: float = 60.0
    place: float = 30.0
    wait_reminder: float = 5 * 60
    wait: float = 30 * 60
    alone: float = 5.0
    member_idle_warn: float = 45 * 60
    member_idle: float = 60 * 60
    agent_idle_warn: float = 10 * 60
    agent_idle: float = 30 * 60
    misses: int = 2  #: how many in a row hand off
    afterglow: float = 10 * 60  #: a thank-you within this time of the goodbye starts nothing new
    case_close: float = 7 * 24 * 3600

    def as_json(self) -> dict[str, float]:
        return {name: value for name, value in asdict(self).items() if value != _LIMITS[name]}


_LIMITS: dict[str, float] = {f.name: f.default for f in fields(Limits)}  # type: ignore[misc]


@dataclass(frozen=True, slots=True)
class CaseFacts:
    """As much of a case as a conversation may decide by."""

    id: str
    state: str


@dataclass(frozen=True, slots=True)
class Survivor:
    """The case that another one is to go on as."""

    id: str
    state: str
    kind: str
    member: str


@dataclass(frozen=True, slots=True)
class Previous:
    """The closed conversation before this one, for its first event only."""

    conversation: str
    request: int
    case: str
    closed_at: float
    closed_by: str
    case_state: str = ""  #: empty: there was no case


@dataclass(frozen=True, slots=True)
class Given:
    """What a step may know besides the snapshot and the event. Kept with the journal: replay is exact."""

    received_at: datetime
    fresh: str = ""  #: 128 bits, hexadecimal, 80 of them random: the id of a case, should one be opened
    open_now: bool = True  #: verdict of the opening hours
    opens_at: datetime | None = None
    help_case: CaseFacts | None = None  #: the member's open help case
    case: CaseFacts | None = None  #: the conversation's own case
    contacted: CaseFacts | None = (
        None  #: the case that is named: an agent writes from it, a member answers to it
    )
    into: Survivor | None = None  #: of a case that is to be merged
    live: bool = False  #: of a case: its member is talking with an agent about it
    blocked: bool = False
    first_contact: bool = False  #: the member never had a conversation before this one
    place: int = 0  #: theirs in the line, or the one they would get; 0: nobody looked
    minutes: int = 0  #: the wait to be expected there, see `machines.queue`
    previous: Previous | None = None
    limits: Limits = field(default_factory=Limits)
    case_webhook: bool = False  #: changes of cases are told outside

    def as_json(self, *, fresh: bool = True) -> dict[str, Any]:
        """`fresh`: whether the step used that id, and a replay needs it."""
        data: dict[str, Any] = {"received_at": self.received_at.isoformat()}
        if fresh and self.fresh:
            data["fresh"] = self.fresh
        if not self.open_now:
            data["open_now"] = False
            data["opens_at"] = self.opens_at.isoformat() if self.opens_at else None
        if self.help_case:
            data["help_case"] = {"id": self.help_case.id, "state": self.help_case.state}
        if self.case:
            data["case"] = {"id": self.case.id, "state": self.case.state}
        if self.contacted:
            data["contacted"] = {"id": self.contacted.id, "state": self.contacted.state}
        if self.into:
            data["into"] = asdict(self.into)
        if self.live:
            data["live"] = True
        if self.blocked:
            data["blocked"] = True
        if self.first_contact:
            data["first_contact"] = True
        if self.place:
            data["place"] = self.place
        if self.minutes:
            data["minutes"] = self.minutes
        if self.previous:
            data["previous"] = asdict(self.previous)
        if self.limits is not DEFAULT_LIMITS and (limits := self.limits.as_json()):
            data["limits"] = limits
        if self.case_webhook:
            data["case_webhook"] = True
        return data

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        opens_at = data.get("opens_at")
        return cls(
            received_at=datetime.fromisoformat(data["received_at"]),
            fresh=data.get("fresh", ""),
            open_now=data.get("open_now", True),
            opens_at=datetime.fromisoformat(opens_at) if opens_at else None,
            help_case=CaseFacts(**data["help_case"]) if "help_case" in data else None,
            case=CaseFacts(**data["case"]) if "case" in data else None,
            contacted=CaseFacts(**data["contacted"]) if "contacted" in data else None,
            into=Survivor(**data["into"]) if "into" in data else None,
            live=data.get("live", False),
            blocked=data.get("blocked", False),
            first_contact=data.get("first_contact", False),
            place=data.get("place", 0),
            minutes=data.get("minutes", 0),
            previous=Previous(**data["previous"]) if "previous" in data else None,
            limits=replace(DEFAULT_LIMITS, **data.get("limits", {})),
            case_webhook=data.get("case_webhook", False),
        )


DEFAULT_LIMITS = Limits()


@dataclass(frozen=True, slots=True)
class Tell:
    """What a conversation tells a case, stepped in the same transaction."""

    case: str
    trigger: CaseTrigger
    data: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Void:
    """Unsent effects of this subject in this lane that are no longer wanted; `kinds` empty: all of them."""

    lane: str
    kinds: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Step:
    """What one event did: the new snapshot and everything that is to be recorded with it."""

    snapshot: Snapshot
    outcome: Outcome
    reason: str = ""  #: why it was ignored or refused
    effects: tuple[Effect, ...] = ()
    timers: Mapping[str, datetime | None] = field(default_factory=dict)  #: name -> due; None: void
    tells: tuple[Tell, ...] = ()
    voids: tuple[Void, ...] = ()
