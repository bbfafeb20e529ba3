"""The case: what agents track. It outlives conversations and is told about them; it decides nothing for them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from enum import StrEnum
from typing import Any

from machines import sla
from machines.effects import Effect, Kind, dm_lane, interaction_lane
from machines.events import CaseTrigger, Event, Source
from machines.snapshot import CaseContext, Given, Snapshot
from machines.table import ALWAYS, Edge, Guard, Refusal, Row, Table, edges, ignored, refused


class CaseState(StrEnum):
    OPEN = "open"
    IN_PROGRESS = "in_progress"
    PENDING = "pending"
    RESOLVED = "resolved"
    CLOSED = "closed"


S, T = CaseState, CaseTrigger
#: Kinds of cases. A report is its member's own: no conversation joins it.
HELP, BUG, FEATURE = "help", "bug", "feature"
REPORTS = (BUG, FEATURE)
LIVE = (S.OPEN, S.IN_PROGRESS, S.PENDING)
#: In these the case's clock runs: it is ours to act.
TICKING = frozenset({S.OPEN, S.IN_PROGRESS})
TIMERS_OF: dict[str, tuple[str, ...]] = dict.fromkeys(S, ()) | {S.RESOLVED: (T.CASE_CLOSE,)}
#: Why a case is resolved.
REASONS = ("solved", "withdrawn", "duplicate", "declined", "no_reply")
KINDS = (HELP, *REPORTS)

#: Why a command of an agent's changes nothing, for whoever gave it.
IS_LIVE = "is open"
INTO_NOTHING, INTO_ITSELF = "there is no such case", "into itself"
INTO_CLOSED, INTO_ANOTHERS = "the other case is closed", "the other case is another member's"

#: (state, trigger) -> name of the guard whose answer picks the row. Without an entry there is one row.
CASE_ASKS: dict[tuple[str, str], str] = {
    (S.OPEN, T.OPENED): "opening",
    **{(state, T.MERGED_INTO): "merge" for state in (*LIVE, S.RESOLVED)},
}

EDGES: tuple[Edge, ...] = (
    *edges(S.OPEN, T.OPENED, None, "remember_opening", when="asked_for"),
    *edges(S.OPEN, T.OPENED, None, "remember_opening", "confirm_report", when="reported"),
    *edges(S.OPEN, T.ASSIGNED, S.IN_PROGRESS, "remember_assignee"),
    *edges(S.OPEN, T.AGENT_JOINED, S.IN_PROGRESS, "remember_agent", "remember_response"),
    *edges(
        (S.OPEN, S.IN_PROGRESS), T.ASKED_MEMBER, S.PENDING, "remember_agent", "remember_response", "say_asked"
    ),
    *edges(S.PENDING, T.MEMBER_REPLIED, S.IN_PROGRESS),
    *edges(
        LIVE,
        T.RESOLVED,
        S.RESOLVED,
        "remember_resolution",
        "respond_by_resolving",
        "watch_resolved",
        "say_resolved",
    ),
    *edges((*LIVE, S.RESOLVED), T.MERGED_INTO, S.CLOSED, "remember_survivor", "say_merged", when="fits"),
    *edges(S.RESOLVED, T.REOPENED, S.OPEN, "forget_resolution", "say_reopened"),
    *edges(S.RESOLVED, T.AGENT_CONTACTS, S.OPEN, "forget_resolution", "remember_agent", "remember_response"),
    *edges(S.RESOLVED, T.CASE_CLOSE, S.CLOSED),
    *edges(tuple(S), T.NOTE_ADDED, None),
    *edges(tuple(S), T.DELIVERY_FAILED, None, "confirm_by_message"),
    *edges(tuple(S), T.EDITED, None, "remember_edit"),
    *edges(tuple(S), T.CONVERSATION_LINKED, None, "remember_conversation"),
    *edges(tuple(S), T.FEEDBACK, None, "remember_feedback"),
    *edges((S.IN_PROGRESS, S.PENDING), T.ASSIGNED, None, "remember_assignee"),
    *edges(LIVE, T.UNASSIGNED, None, "forget_assignee"),
    *edges((S.IN_PROGRESS, S.PENDING), T.AGENT_JOINED, None, "remember_agent", "remember_response"),
    *edges(LIVE, T.AGENT_CONTACTS, None, "remember_agent", "remember_response"),
    *edges((*LIVE, S.RESOLVED), T.MERGED_FROM, None, "remember_merged"),
)

REFUSALS: tuple[Refusal, ...] = (
    *refused(S.OPEN, T.OPENED, "blocked", "answer_blocked", when="blocked"),
    *refused(S.OPEN, T.OPENED, "says nothing", "answer_empty", when="empty"),
    *ignored((S.IN_PROGRESS, S.PENDING, S.RESOLVED, S.CLOSED), T.OPENED, "opened before"),
    *ignored((S.RESOLVED, S.CLOSED), (T.ASSIGNED, T.UNASSIGNED, T.AGENT_JOINED), "resolved: reopen it first"),
    *ignored((S.PENDING, S.RESOLVED, S.CLOSED), T.ASKED_MEMBER, "not being worked on"),
    *ignored((S.OPEN, S.IN_PROGRESS, S.RESOLVED, S.CLOSED), T.MEMBER_REPLIED, "nobody waits for a reply"),
    *ignored((S.RESOLVED, S.CLOSED), T.RESOLVED, "resolved before"),
    *refused(S.CLOSED, T.MERGED_INTO, "closed"),
    *refused((*LIVE, S.RESOLVED), T.MERGED_INTO, INTO_NOTHING, when="unknown"),
    *refused((*LIVE, S.RESOLVED), T.MERGED_INTO, INTO_ITSELF, when="itself"),
    *refused((*LIVE, S.RESOLVED), T.MERGED_INTO, INTO_CLOSED, when="over"),
    *refused((*LIVE, S.RESOLVED), T.MERGED_INTO, INTO_ANOTHERS, when="foreign"),
    *ignored(S.CLOSED, T.MERGED_FROM, "closed: nothing is merged into it"),
    *ignored(LIVE, T.REOPENED, IS_LIVE),
    *refused(S.CLOSED, T.REOPENED, "closed: a new case linked to it is opened instead"),
    *refused(S.CLOSED, T.AGENT_CONTACTS, "closed: open a linked case"),
    *ignored((*LIVE, S.CLOSED), T.CASE_CLOSE, "timer of a state that was left"),
)


class CaseDraft:
    """One step of a case in the making: the throw-away model of its machine."""

    __slots__ = ("context", "effects", "event", "given", "row", "snapshot", "state", "timers", "verdict")

    context: CaseContext

    def __init__(self, snapshot: Snapshot, event: Event, given: Given) -> None:
        assert isinstance(snapshot.context, CaseContext)
        self.state = snapshot.state
        self.snapshot = snapshot
        self.context = snapshot.context
        self.event = event
        self.given = given
        self.verdict = ALWAYS
        self.row: Row | None = None
        self.effects: list[Effect] = []
        self.timers: dict[str, object] = {}

    @property
    def now(self) -> float:
        return self.given.received_at.timestamp()

    @property
    def is_news(self) -> bool:
        """An agent did it, and not in a talk in which the member hears of it; and the member may be told."""
        return self.event.source is Source.PAGE and not self.given.live and not self.given.blocked

    def say(self, text: str, /, *buttons: str, into: str = "", **args: object) -> None:
        """A text of ours in the member's DM. What cases are called comes from their rows."""
        payload: dict[str, object] = {"text": text, "case": self.snapshot.id}
        if buttons:
            payload["buttons"] = list(buttons)
        if into:
            payload["into"] = into
        if args:
            payload["args"] = args
        self.effects.append(Effect(Kind.SAY, dm_lane(self.snapshot.member), payload))

    def keep_time(self) -> None:
        """Its clock runs in the states that are ours to act in, and stands in the others."""
        change = sla.started if self.state in TICKING else sla.stopped
        self.context = change(self.context, self.now)

    def answer(self, text: str, /, **args: object) -> None:
        """Shown only to the member, where a command of theirs waits for it."""
        if interaction := self.event.data.get("interaction"):
            payload: dict[str, object] = {"interaction": interaction, "text": text}
            if args:
                payload |= {"case": self.snapshot.id, "args": args}
            lane = interaction_lane(interaction["id"])
            self.effects.append(Effect(Kind.ANSWER_INTERACTION, lane, payload))


def _opening(draft: CaseDraft) -> str:
    """A report comes from the member, by command; any other case is asked for by a conversation or an agent."""
    data = draft.event.data
    if data.get("kind", HELP) not in REPORTS or draft.event.source is Source.PAGE:
        return "asked_for"
    if draft.given.blocked:
        return "blocked"
    says_something = all(_visible(str(data.get(name, ""))) for name in ("title", "summary"))
    return "reported" if says_something else "empty"


def _visible(text: str) -> bool:
    return any(char.isprintable() and not char.isspace() for char in text)


def _merge(draft: CaseDraft) -> str:
    """May this case go on as the one that is named? One that was merged is closed, so there are no circles."""
    into, snapshot = draft.given.into, draft.snapshot
    if into is None:
        return "unknown"
    if into.id == snapshot.id:
        return "itself"
    if into.state == S.CLOSED:
        return "over"
    shared = {into.kind, draft.context.kind} <= {*REPORTS}
    return "fits" if shared or into.member == snapshot.member else "foreign"


#: Every guard that the table may name: its closed list of answers, and the function that gives one.
CASE_GUARDS: dict[str, tuple[Guard, Callable[[CaseDraft], str]]] = {
    "opening": (Guard("opening", ("asked_for", "reported", "blocked", "empty")), _opening),
    "merge": (Guard("merge", ("fits", "unknown", "itself", "over", "foreign")), _merge),
}

CASE = Table(
    name="case",
    version=1,
    states=tuple(S),
    initial=S.OPEN,
    final=frozenset({S.CLOSED}),
    triggers=tuple(T),
    guards={case: CASE_GUARDS[name][0] for case, name in CASE_ASKS.items()},
    edges=EDGES,
    refusals=REFUSALS,
)

# --- what is remembered


def _added(known: tuple[str, ...], *more: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys([*known, *filter(None, more)]))


def _remember(draft: CaseDraft, **values: Any) -> None:
    draft.context = replace(draft.context, **values)


def _remember_opening(draft: CaseDraft) -> None:
    data = draft.event.data
    texts = {name: str(data.get(name, "")) for name in ("title", "summary", "steps", "follows")}
    channel = str(data.get("asked_in", ""))
    _remember(draft, kind=str(data.get("kind", HELP)), channel=channel, **texts)
    _remember_conversation(draft)
    _remember_agent(draft)


def _remember_edit(draft: CaseDraft) -> None:
    """What the event names is replaced; the rest stays."""
    data = draft.event.data
    _remember(draft, **{name: str(data[name]) for name in ("title", "summary", "priority") if name in data})
    if "tags" in data:
        _remember(draft, tags=_added((), *map(str, data["tags"])))


def _confirm_report(draft: CaseDraft) -> None:
    bug = draft.context.kind == BUG
    draft.answer("bug_reported" if bug else "feature_requested", title=draft.context.title)


def _confirm_by_message(draft: CaseDraft) -> None:
    """Who filed a report and was not shown its number, because the command's answer is dead, reads it in the DM."""
    if draft.event.data.get("kind") == Kind.ANSWER_INTERACTION and not draft.context.confirmed:
        draft.context = replace(draft.context, confirmed=True)
        draft.say("report_filed", title=draft.context.title)


def _answer_blocked(draft: CaseDraft) -> None:
    draft.answer("blocked")


def _answer_empty(draft: CaseDraft) -> None:
    draft.answer("report_empty")


def _remember_conversation(draft: CaseDraft) -> None:
    conversation = str(draft.event.data.get("conversation", ""))
    _remember(draft, conversations=_added(draft.context.conversations, conversation))


def _remember_agent(draft: CaseDraft) -> None:
    _remember(draft, agents=_added(draft.context.agents, str(draft.event.data.get("agent", ""))))


def _remember_assignee(draft: CaseDraft) -> None:
    to = str(draft.event.data.get("to", ""))
    _remember(draft, assignee=to, agents=_added(draft.context.agents, to))


def _forget_assignee(draft: CaseDraft) -> None:
    _remember(draft, assignee="")


def _remember_response(draft: CaseDraft) -> None:
    draft.context = sla.answered(draft.context, draft.now)


def _respond_by_resolving(draft: CaseDraft) -> None:
    """An agent who resolves it answers; a member who wants nothing more does not."""
    if draft.event.source is Source.PAGE:
        _remember_response(draft)


def _remember_resolution(draft: CaseDraft) -> None:
    _remember(draft, reason=str(draft.event.data.get("reason", "")))


def _forget_resolution(draft: CaseDraft) -> None:
    _remember(draft, reason="")


def _remember_survivor(draft: CaseDraft) -> None:
    _remember(draft, merged_into=str(draft.event.data.get("into", "")))


def _remember_merged(draft: CaseDraft) -> None:
    """The other case, those that it had taken up itself, and what was said about them."""
    data, context = draft.event.data, draft.context
    _remember(
        draft,
        merged=_added(context.merged, str(data.get("case", "")), *data.get("merged", ())),
        conversations=_added(context.conversations, *data.get("conversations", ())),
    )


def _remember_feedback(draft: CaseDraft) -> None:
    """A second rating replaces the first."""
    data = draft.event.data
    _remember(
        draft,
        rating=int(data.get("rating") or draft.context.rating),
        comment=str(data.get("comment") or draft.context.comment),
    )


def _watch_resolved(draft: CaseDraft) -> None:
    due = draft.given.received_at + timedelta(seconds=draft.given.limits.case_close)
    draft.timers[T.CASE_CLOSE] = due


# --- what the member is told


def _say_asked(draft: CaseDraft) -> None:
    if draft.is_news:
        draft.say("case_asked", "agent_requested")


def _say_resolved(draft: CaseDraft) -> None:
    if not draft.is_news:
        return
    match draft.context.reason:
        case "declined":
            draft.say("case_declined")
        case "duplicate":
            draft.say("case_duplicate")
        case "no_reply":
            draft.say("case_no_reply")
        case _:
            draft.say("case_resolved")


def _say_reopened(draft: CaseDraft) -> None:
    if draft.is_news:
        draft.say("case_reopened")


def _say_merged(draft: CaseDraft) -> None:
    if draft.is_news:
        draft.say("case_merged", into=draft.context.merged_into)


CASE_ACTIONS: dict[str, Callable[[CaseDraft], None]] = {
    action.__name__.removeprefix("_"): action
    for action in (
        _remember_opening,
        _confirm_report,
        _confirm_by_message,
        _answer_blocked,
        _answer_empty,
        _remember_edit,
        _remember_conversation,
        _remember_agent,
        _remember_assignee,
        _forget_assignee,
        _remember_response,
        _respond_by_resolving,
        _remember_resolution,
        _forget_resolution,
        _remember_survivor,
        _remember_merged,
        _remember_feedback,
        _watch_resolved,
        _say_asked,
        _say_resolved,
        _say_reopened,
        _say_merged,
    )
}
