"""The table: rows that read like the diagram. Machines, diagrams, documents and strategies come from it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain

#: The only outcome of a trigger that needs no guard.
ALWAYS = "always"


class Outcome(StrEnum):
    """What became of an event."""

    MOVED = "moved"
    STAYED = "stayed"
    IGNORED = "ignored"  #: recorded, nobody is told
    REFUSED = "refused"  #: no change of state; may answer the one who asked
    OPENS = "opens"  #: the event starts the member's next conversation
    FAILED = "failed"  #: the step raised; added by the store
    PARKED = "parked"  #: its conversation is not known yet; added by the store


@dataclass(frozen=True, slots=True)
class Edge:
    """In this state, on this trigger, when the guard says so: go there and do that."""

    state: str
    trigger: str
    to: str
    when: str = ALWAYS  #: one outcome of the trigger's guard in this state
    does: tuple[str, ...] = ()  #: names of actions, carried out in order


@dataclass(frozen=True, slots=True)
class Refusal:
    """In this state, on this trigger, when the guard says so: no change of state, for a stated reason."""

    state: str
    trigger: str
    reason: str
    when: str = ALWAYS
    does: tuple[str, ...] = ()  #: an answer to the one who asked; without one the event is ignored
    outcome: Outcome = Outcome.IGNORED


@dataclass(frozen=True, slots=True)
class Guard:
    """A question with a closed list of answers. Every answer has its own row: nothing is left open."""

    name: str
    outcomes: tuple[str, ...]


Row = Edge | Refusal


@dataclass(frozen=True, slots=True)
class Table:
    """One machine as data. `version` rises when stored snapshots need a mapping."""

    name: str
    version: int
    states: tuple[str, ...]
    initial: str
    final: frozenset[str]
    triggers: tuple[str, ...]
    guards: dict[tuple[str, str], Guard]  #: (state, trigger) -> its guard; absent: always
    edges: tuple[Edge, ...]
    refusals: tuple[Refusal, ...]

    @property
    def rows(self) -> Iterator[Row]:
        return chain(self.edges, self.refusals)

    def guard_outcomes(self, state: str, trigger: str) -> tuple[str, ...]:
        guard = self.guards.get((state, trigger))
        return guard.outcomes if guard else (ALWAYS,)

    def check(self) -> list[str]:
        """What is wrong with the table, in words; empty when every case has exactly one row."""
        faults: list[str] = []
        seen: dict[tuple[str, str, str], int] = {}
        for row in self.rows:
            case = (row.state, row.trigger, row.when)
            seen[case] = seen.get(case, 0) + 1
            if row.state not in self.states or (isinstance(row, Edge) and row.to not in self.states):
                faults.append(f"{case}: unknown state")
            if isinstance(row, Edge) and row.state in self.final and row.to != row.state:
                faults.append(f"{case}: leaves a final state")
            if row.trigger not in self.triggers:
                faults.append(f"{case}: unknown trigger")
            elif row.when not in self.guard_outcomes(row.state, row.trigger):
                faults.append(f"{case}: the guard has no such outcome")
        for state in self.states:
            for trigger in self.triggers:
                faults += self._unlisted(state, trigger, seen)
        return faults

    def _unlisted(self, state: str, trigger: str, seen: dict[tuple[str, str, str], int]) -> list[str]:
        return [
            f"{(state, trigger, when)}: {seen.get((state, trigger, when), 0)} rows instead of one"
            for when in self.guard_outcomes(state, trigger)
            if seen.get((state, trigger, when), 0) != 1
        ]


def edges(
    states: str | Sequence[str],
    triggers: str | Sequence[str],
    to: str | None,
    *does: str,
    when: str = ALWAYS,
) -> list[Edge]:
    """One row of the written table, which may name several states and triggers; `to` None: stay."""
    return [
        Edge(state, trigger, to if to is not None else state, when, does)
        for state in _several(states)
        for trigger in _several(triggers)
    ]


def ignored(
    states: str | Sequence[str], triggers: str | Sequence[str], reason: str, when: str = ALWAYS
) -> list[Refusal]:
    return [
        Refusal(state, trigger, reason, when) for state in _several(states) for trigger in _several(triggers)
    ]


def refused(
    states: str | Sequence[str],
    triggers: str | Sequence[str],
    reason: str,
    *does: str,
    when: str = ALWAYS,
) -> list[Refusal]:
    return [
        Refusal(state, trigger, reason, when, does, Outcome.REFUSED)
        for state in _several(states)
        for trigger in _several(triggers)
    ]


def opens(states: str | Sequence[str], triggers: str | Sequence[str], when: str = ALWAYS) -> list[Refusal]:
    """The event is not for this conversation: it starts the next one."""
    return [
        Refusal(state, trigger, "starts the next conversation", when, (), Outcome.OPENS)
        for state in _several(states)
        for trigger in _several(triggers)
    ]


def _several(names: str | Sequence[str]) -> Sequence[str]:
    return (names,) if isinstance(names, str) else names
