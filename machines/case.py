"""The case: what agents track. It outlives conversations and is told about them; it decides nothing for them."""

from __future__ import annotations

from enum import StrEnum

from machines.events import CaseTrigger
from machines.guards_case import CASE_GUARDS
from machines.table import Edge, Refusal, Table, edges, ignored, refused


class CaseState(StrEnum):
    OPEN = "open"
    IN_PROGRESS = "in_progress"
    PENDING = "pending"
    RESOLVED = "resolved"
    CLOSED = "closed"


S, T = CaseState, CaseTrigger
LIVE = (S.OPEN, S.IN_PROGRESS, S.PENDING)
TIMERS_OF: dict[str, tuple[str, ...]] = dict.fromkeys(S, ()) | {S.RESOLVED: (T.CASE_CLOSE,)}
#: Why a case is resolved.
REASONS = ("solved", "withdrawn", "duplicate", "declined", "no_reply")

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
