"""The affairs of one member in memory: a conversation at a time, its cases, its timers, and a clock moved by hand.

What the store does around a step, without a store: it starts the next conversation, tells cases, and hands every
step the facts it may know. For suites over the tables alone; whatever concerns databases is not in it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any
from unittest.mock import patch

from transitions import Machine

from machines import step as stepping
from machines.actions import ACTIONS
from machines.draft import Draft
from machines.events import OPENERS, Address, CaseTrigger, Event, Source, Trigger
from machines.snapshot import (
    HELP,
    CaseContext,
    CaseFacts,
    Context,
    Given,
    Limits,
    Previous,
    Snapshot,
    Step,
    Survivor,
)
from machines.step import build, new_case, new_conversation, step
from machines.table import Outcome, Table

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
MEMBER = "4001"
LIVE = ("open", "in_progress", "pending")


@dataclass(frozen=True, slots=True, repr=False)
class Happening:
    """One event, what the step was given with it, and what came of it. Its `repr` is short: histories are long."""

    before: Snapshot
    event: Event
    given: Given
    step: Step
    running: Mapping[str, datetime]  #: the timers that run after it, with when they are due

    def __repr__(self) -> str:
        after = self.step.snapshot
        said = f"{self.before.state} -{self.event.trigger}-> {after.state} ({self.step.outcome})"
        return f"{said} {dict(self.event.data)} request {self.event.to.request}"

    def _repr_pretty_(self, printer: Any, _cycle: bool) -> None:
        """For Hypothesis, which would print every field of it."""
        printer.text(repr(self))


def changed(table: Table, state: str, trigger: str, when: str, **change: Any) -> Table:
    """The table with one edge changed: `to`, `does`, or both. Raises ValueError where there is no such edge."""
    row = (state, trigger, when)
    edges = {(edge.state, edge.trigger, edge.when): edge for edge in table.edges}
    if row not in edges:
        raise ValueError(f"no edge {state} x {trigger} x {when} in {table.name}")
    edges[row] = replace(edges[row], **change)
    return replace(table, edges=tuple(edges.values()))


def following(
    table: Table, actions: Mapping[str, Callable[[Draft], None]] = ACTIONS
) -> AbstractContextManager[object]:
    """While it lasts, conversations step by this table instead of the one that the service uses."""
    return driven_by(build(table, actions))


def driven_by(machine: Machine) -> AbstractContextManager[object]:
    """The same, by a machine that was built of a table before."""
    return patch.object(stepping, "CONVERSATION_MACHINE", machine)


@dataclass
class Affairs:
    """One member's. The first event has to be an opener: before it there is nothing to be told."""

    member: str = MEMBER
    limits: Limits = field(default_factory=Limits)
    now: datetime = START
    blocked: bool = False
    talk: Snapshot | None = None  #: the open conversation, or the one that was closed last
    cases: dict[str, Snapshot] = field(default_factory=dict)  #: by id, in the order in which they came
    running: dict[str, datetime] = field(default_factory=dict)  #: timers of the conversation
    chosen: int = 0  #: how often member or agent chose another case besides
    heard: int = 0
    line: tuple[int, int] = (1, 0)  #: place and minutes, as the last event was told them

    def passes(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    def hears(self, event: Event, *, open_now: bool = True, place: int = 1, minutes: int = 0) -> Happening:
        """Apply one event. `open_now`: what the opening hours say. `place`, `minutes`: what the line says.

        Raises ValueError where there is no conversation and the event does not open one.
        """
        self.heard += 1
        self.blocked |= event.trigger is Trigger.MEMBER_BLOCKED
        self.line = place, minutes
        self.chosen += event.trigger in (Trigger.OTHER_CASE, Trigger.AGENT_CONTACTS, Trigger.CASE_MERGED)
        if self.talk is not None:
            happened = self._step(self.talk, event, open_now, None)
            if event.trigger is Trigger.CASE_MERGED:
                self._merge(self.talk, str(event.data["into"]))
            if happened.step.outcome is not Outcome.OPENS:
                return self._keep(happened)
        if event.trigger not in OPENERS:
            raise ValueError(f"{event.trigger} opens no conversation")
        begun = new_conversation(f"{self.heard:032x}", self.member)
        self.running.clear()
        return self._keep(self._step(begun, event, open_now, self.talk))

    def _merge(self, talk: Snapshot, into: str) -> None:
        """The case of the conversation, if it has one, is closed for another one, which agents opened."""
        assert isinstance(talk.context, Context)
        merged = self.cases.get(talk.context.case)
        survivor = self.cases.setdefault(into, new_case(into, self.member))
        if merged is not None:
            assert isinstance(survivor.context, CaseContext)
            to = Survivor(into, survivor.state, survivor.context.kind, self.member)
            told = Event(Source.PAGE, "", CaseTrigger.MERGED_INTO, self.now, Address(), {"into": into})
            self.cases[merged.id] = step(merged, told, Given(self.now, into=to)).snapshot

    def reports(self, event: Event) -> Step:
        """Apply a report: a case of its own, unless it is refused. The conversation hears nothing of it."""
        self.heard += 1
        case = new_case(f"{self.heard:032x}", self.member)
        done = step(case, event, Given(self.now, blocked=self.blocked, limits=self.limits))
        if done.outcome is not Outcome.REFUSED:
            self.cases[case.id] = done.snapshot
        return done

    def fires(self, timer: str, *, place: int = 1, minutes: int = 0) -> Happening:
        """The clock goes to where that timer is due, and it fires. Raises KeyError if it does not run."""
        due = self.running.pop(timer)
        self.now = max(self.now, due)
        event = Event(Source.TIMER, f"{timer}-{self.heard}", Trigger(timer), due, Address())
        return self.hears(event, place=place, minutes=minutes)

    def _step(self, talk: Snapshot, event: Event, open_now: bool, closed: Snapshot | None) -> Happening:
        context = talk.context
        assert isinstance(context, Context)
        given = Given(
            received_at=self.now,
            fresh=f"{self.heard:032x}",
            open_now=open_now,
            opens_at=None if open_now else self.now + timedelta(hours=8),
            help_case=next((_facts(case) for case in self.cases.values() if is_open_help(case)), None),
            case=_facts(self.cases[context.case]) if context.case else None,
            contacted=_facts(self.cases[event.to.case]) if event.to.case else None,
            blocked=self.blocked,
            first_contact=self.talk is None,
            place=self.line[0],
            minutes=self.line[1],
            previous=self._previous(closed),
            limits=self.limits,
        )
        return Happening(talk, event, given, step(talk, event, given), {})

    def _previous(self, closed: Snapshot | None) -> Previous | None:
        if closed is None:
            return None
        was = closed.context
        assert isinstance(was, Context)
        state = self.cases[was.case].state if was.case else ""
        return Previous(closed.id, was.request, was.case, was.closed_at, was.closed_by, state)

    def _keep(self, happened: Happening) -> Happening:
        done = happened.step
        refused_at_the_door = self.talk is None and done.outcome is Outcome.REFUSED
        if not refused_at_the_door:
            self.talk = done.snapshot
        for name, due in done.timers.items():
            if due is None:
                self.running.pop(name, None)
            else:
                self.running[name] = due
        for tell in done.tells:
            case = self.cases.get(tell.case) or new_case(tell.case, self.member)
            told = Event(Source.TELL, "", tell.trigger, happened.event.at, Address(case=tell.case), tell.data)
            self.cases[tell.case] = step(case, told, Given(self.now)).snapshot
        running = MappingProxyType(dict(self.running))
        return Happening(happened.before, happened.event, happened.given, done, running)


def is_open_help(case: Snapshot) -> bool:
    """Whether the member's next conversation joins it."""
    assert isinstance(case.context, CaseContext)
    return case.state in LIVE and case.context.kind == HELP


def _facts(case: Snapshot) -> CaseFacts:
    assert isinstance(case.context, CaseContext)
    return CaseFacts(case.id, case.state)
