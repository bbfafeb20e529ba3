"""The clock of a case: it runs while it is ours to act, never backwards, and goes on after a reopening."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as some

from machines import sla
from machines.events import Address, CaseTrigger, Event, Source
from machines.events import CaseTrigger as T
from machines.sla import TICKING, Targets
from machines.snapshot import CaseContext, Given, Snapshot, Survivor
from machines.step import new_case, step

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
TARGETS = Targets(first_response=60.0, resolution=600.0)


def at(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def heard(case: Snapshot, trigger: CaseTrigger, seconds: float, source: Source = Source.PAGE) -> Snapshot:
    event = Event(source, "e", trigger, at(seconds), Address(case=case.id), {"into": "a" * 32})
    into = Survivor("a" * 32, "open", "help", "4001")
    return step(case, event, Given(at(seconds), into=into)).snapshot


def lived(*steps: tuple[CaseTrigger, float]) -> Snapshot:
    """A case opened at the start, and what was done with it, by agents, at these seconds."""
    case = heard(new_case("f" * 32, "4001"), T.OPENED, 0.0)
    for trigger, seconds in steps:
        case = heard(case, trigger, seconds)
    return case


def context(case: Snapshot) -> CaseContext:
    assert isinstance(case.context, CaseContext)
    return case.context


def first(case: Snapshot, seconds: float, targets: Targets = TARGETS) -> sla.Clock:
    return sla.first_response(context(case), at(seconds).timestamp(), targets)


def resolution(case: Snapshot, seconds: float) -> sla.Clock:
    over = case.state in ("resolved", "closed")
    return sla.resolution(context(case), at(seconds).timestamp(), TARGETS, resolved=over)


def test_both_clocks_run_from_the_opening_and_are_breached_when_they_are_over() -> None:
    case = lived()
    assert first(case, 10.0) == sla.Clock(50.0, at(60.0).timestamp(), met=False)
    assert not first(case, 60.0).breached
    assert first(case, 61.0).breached
    assert resolution(case, 599.0).due_at == at(600.0).timestamp()
    assert resolution(case, 601.0).breached


@pytest.mark.parametrize("trigger", [T.AGENT_JOINED, T.AGENT_CONTACTS, T.ASKED_MEMBER, T.RESOLVED])
def test_a_person_who_turns_to_the_member_is_the_first_response(trigger: CaseTrigger) -> None:
    in_time, late = lived((trigger, 40.0)), lived((trigger, 70.0))
    assert first(in_time, 5000.0) == sla.Clock(20.0, None, met=True)
    assert first(late, 5000.0).breached
    assert first(lived((trigger, 40.0), (T.AGENT_JOINED, 500.0)), 600.0).left == 20.0


def test_a_note_an_edit_and_an_assignment_are_no_response() -> None:
    case = lived((T.NOTE_ADDED, 5.0), (T.EDITED, 6.0), (T.ASSIGNED, 7.0))
    assert not first(case, 10.0).met


def test_who_needs_no_one_any_more_was_not_answered() -> None:
    case = heard(lived(), T.RESOLVED, 10.0, Source.TELL)
    assert not first(case, 5000.0).met
    assert not first(case, 5000.0).breached, "the clock stands"


def test_while_the_member_is_waited_for_the_clock_stands() -> None:
    case = lived((T.ASKED_MEMBER, 100.0))
    assert resolution(case, 10_000.0) == sla.Clock(500.0, None, met=False)
    back = heard(case, T.MEMBER_REPLIED, 10_000.0)
    assert resolution(back, 10_001.0) == sla.Clock(499.0, at(10_500.0).timestamp(), met=False)


def test_a_reopened_case_goes_on_where_it_stood() -> None:
    case = lived((T.RESOLVED, 100.0))
    assert resolution(case, 5000.0) == sla.Clock(500.0, None, met=True)
    again = heard(case, T.REOPENED, 5000.0)
    assert resolution(again, 5010.0) == sla.Clock(490.0, at(5500.0).timestamp(), met=False)


def test_what_is_urgent_is_due_sooner_and_what_is_not_later() -> None:
    case = lived()
    shares = {
        priority: first(replace(case, context=replace(context(case), priority=priority)), 0.0).left
        for priority in ("urgent", "high", "", "low")
    }
    assert shares == {"urgent": 15.0, "high": 30.0, "": 60.0, "low": 120.0}


def test_a_clock_that_was_set_back_adds_and_takes_nothing() -> None:
    case = lived((T.ASSIGNED, 50.0), (T.ASKED_MEMBER, -3600.0))
    assert resolution(case, -3600.0).left == 600.0
    back = heard(case, T.MEMBER_REPLIED, -3000.0)
    assert resolution(back, -2990.0).left == 590.0


STEPS = some.lists(
    some.tuples(
        some.sampled_from([trigger for trigger in T if trigger is not T.OPENED]),
        some.floats(-1000.0, 1000.0, allow_nan=False).map(lambda seconds: round(seconds, 3)),
    ),
    max_size=15,
)


@given(STEPS)
def test_whatever_happens_the_clock_never_runs_backwards_and_only_in_its_states(
    steps: list[tuple[CaseTrigger, float]],
) -> None:
    """Each step comes so many seconds after the one before; the wall clock may have been set back."""
    case, now = lived(), 0.0
    for trigger, passed in steps:
        now += passed
        after = heard(case, trigger, now)
        assert bool(context(after).runs_since) == (after.state in TICKING)
        assert context(after).ran >= context(case).ran
        assert sla.elapsed(context(after), at(now).timestamp()) >= context(after).ran
        case = after
    clock = resolution(case, now)
    assert clock.breached == (clock.left < 0.0)


@given(
    some.lists(
        some.tuples(
            some.sampled_from([T.ASKED_MEMBER, T.MEMBER_REPLIED, T.RESOLVED, T.REOPENED, T.EDITED]),
            some.integers(0, 1000),
        ),
        max_size=20,
    )
)
def test_the_clock_shows_the_seconds_that_were_ours(steps: list[tuple[CaseTrigger, int]]) -> None:
    """Counted by hand, second by second of the states that tick."""
    case, now, ours = lived(), 0, 0
    for trigger, passed in steps:
        ours += passed if case.state in TICKING else 0
        now += passed
        case = heard(case, trigger, float(now))
    assert sla.elapsed(context(case), at(now).timestamp()) == pytest.approx(ours)
