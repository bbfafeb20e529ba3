"""The case: what agents track. It outlives conversations and is told about them; it decides nothing for them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from enum import StrEnum

from machines.effects import Effect, Kind, dm_lane, interaction_lane
from machines.events import CaseTrigger, Event
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
STAYING = (T.NOTE_ADDED, T.EDITED, T.CONVERSATION_LINKED, T.DELIVERY_FAILED, T.FEEDBACK)
TIMERS_OF: dict[str, tuple[str, ...]] = dict.fromkeys(S, ()) | {S.RESOLVED: (T.CASE_CLOSE,)}

#: (state, trigger) -> name of the guard whose answer picks the row. Without an entry there is one row.
CASE_ASKS: dict[tuple[str, str], str] = {(S.OPEN, T.OPENED): "opening"}

EDGES: tuple[Edge, ...] = (
    *edges(S.OPEN, T.OPENED, None, "remember_opening", when="asked_for"),
    *edges(S.OPEN, T.OPENED, None, "remember_opening", "confirm_report", when="reported"),
    *edges(S.OPEN, (T.ASSIGNED, T.AGENT_JOINED), S.IN_PROGRESS, "remember_agent"),
    *edges((S.OPEN, S.IN_PROGRESS), T.ASKED_MEMBER, S.PENDING),
    *edges(S.PENDING, T.MEMBER_REPLIED, S.IN_PROGRESS),
    *edges(LIVE, T.RESOLVED, S.RESOLVED, "remember_resolution", "watch_resolved"),
    *edges((*LIVE, S.RESOLVED), T.MERGED_INTO, S.CLOSED, "remember_merge"),
    *edges(S.RESOLVED, T.REOPENED, S.OPEN, "forget_resolution"),
    *edges(S.RESOLVED, T.AGENT_CONTACTS, S.OPEN, "forget_resolution", "remember_agent"),
    *edges(S.RESOLVED, T.CASE_CLOSE, S.CLOSED),
    *edges(tuple(S), (T.NOTE_ADDED, T.EDITED), None),
    *edges(tuple(S), T.DELIVERY_FAILED, None, "confirm_by_message"),
    *edges(tuple(S), T.CONVERSATION_LINKED, None, "remember_conversation"),
    *edges(tuple(S), T.FEEDBACK, None, "remember_feedback"),
    *edges((S.IN_PROGRESS, S.PENDING), (T.ASSIGNED, T.AGENT_JOINED), None, "remember_agent"),
    *edges(LIVE, T.AGENT_CONTACTS, None, "remember_agent"),
)

REFUSALS: tuple[Refusal, ...] = (
    *refused(S.OPEN, T.OPENED, "blocked", "answer_blocked", when="blocked"),
    *refused(S.OPEN, T.OPENED, "says nothing", "answer_empty", when="empty"),
    *ignored((S.IN_PROGRESS, S.PENDING, S.RESOLVED, S.CLOSED), T.OPENED, "opened before"),
    *ignored((S.RESOLVED, S.CLOSED), (T.ASSIGNED, T.AGENT_JOINED), "resolved: reopen it first"),
    *ignored((S.PENDING, S.RESOLVED, S.CLOSED), T.ASKED_MEMBER, "not being worked on"),
    *ignored((S.OPEN, S.IN_PROGRESS, S.RESOLVED, S.CLOSED), T.MEMBER_REPLIED, "nobody waits for a reply"),
    *ignored((S.RESOLVED, S.CLOSED), T.RESOLVED, "resolved before"),
    *refused(S.CLOSED, T.MERGED_INTO, "closed"),
    *ignored(LIVE, T.REOPENED, "is open"),
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

    def say(self, text: str, /, **args: object) -> None:
        """A text of ours in the member's DM. The number of the case comes from its row."""
        payload: dict[str, object] = {"text": text, "case": self.snapshot.id}
        if args:
            payload["args"] = args
        self.effects.append(Effect(Kind.SAY, dm_lane(self.snapshot.member), payload))

    def answer(self, text: str, /, **args: object) -> None:
        """Shown only to the member, where a command of theirs waits for it."""
        if interaction := self.event.data.get("interaction"):
            payload: dict[str, object] = {"interaction": interaction, "text": text}
            if args:
                payload |= {"case": self.snapshot.id, "args": args}
            lane = interaction_lane(interaction["id"])
            self.effects.append(Effect(Kind.ANSWER_INTERACTION, lane, payload))


def _opening(draft: CaseDraft) -> str:
    """A report comes from the member, by command; any other case is asked for by a conversation."""
    data = draft.event.data
    if data.get("kind", HELP) not in REPORTS:
        return "asked_for"
    if draft.given.blocked:
        return "blocked"
    says_something = all(_visible(str(data.get(name, ""))) for name in ("title", "summary"))
    return "reported" if says_something else "empty"


def _visible(text: str) -> bool:
    return any(char.isprintable() and not char.isspace() for char in text)


#: Every guard that the table may name: its closed list of answers, and the function that gives one.
CASE_GUARDS: dict[str, tuple[Guard, Callable[[CaseDraft], str]]] = {
    "opening": (Guard("opening", ("asked_for", "reported", "blocked", "empty")), _opening),
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


def _remember_opening(draft: CaseDraft) -> None:
    data = draft.event.data
    draft.context = replace(
        draft.context,
        kind=str(data.get("kind", HELP)),
        title=str(data.get("title", "")),
        summary=str(data.get("summary", "")),
        steps=str(data.get("steps", "")),
        channel=str(data.get("asked_in", "")),
        follows=str(data.get("follows", "")),
    )
    _remember_conversation(draft)


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
    if conversation and conversation not in draft.context.conversations:
        draft.context = replace(draft.context, conversations=(*draft.context.conversations, conversation))


def _remember_agent(draft: CaseDraft) -> None:
    agent = str(draft.event.data.get("agent", ""))
    if agent and agent not in draft.context.agents:
        draft.context = replace(draft.context, agents=(*draft.context.agents, agent))


def _remember_resolution(draft: CaseDraft) -> None:
    draft.context = replace(draft.context, reason=str(draft.event.data.get("reason", "")))


def _forget_resolution(draft: CaseDraft) -> None:
    draft.context = replace(draft.context, reason="")


def _remember_merge(draft: CaseDraft) -> None:
    draft.context = replace(draft.context, merged_into=str(draft.event.data.get("into", "")))


def _remember_feedback(draft: CaseDraft) -> None:
    """A second rating replaces the first."""
    data = draft.event.data
    draft.context = replace(
        draft.context,
        rating=int(data.get("rating") or draft.context.rating),
        comment=str(data.get("comment") or draft.context.comment),
    )


def _watch_resolved(draft: CaseDraft) -> None:
    due = draft.given.received_at + timedelta(seconds=draft.given.limits.case_close)
    draft.timers[T.CASE_CLOSE] = due


CASE_ACTIONS: dict[str, Callable[[CaseDraft], None]] = {
    "remember_opening": _remember_opening,
    "confirm_report": _confirm_report,
    "confirm_by_message": _confirm_by_message,
    "answer_blocked": _answer_blocked,
    "answer_empty": _answer_empty,
    "remember_conversation": _remember_conversation,
    "remember_agent": _remember_agent,
    "remember_resolution": _remember_resolution,
    "forget_resolution": _forget_resolution,
    "remember_merge": _remember_merge,
    "remember_feedback": _remember_feedback,
    "watch_resolved": _watch_resolved,
}
