"""The machines against the model: whoever acts, however late or wrongly, the conversation is where a person says."""

from __future__ import annotations

from typing import ClassVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as some
from hypothesis.stateful import RuleBasedStateMachine, precondition, rule, run_state_machine_as_test

from machines.case import CASE
from machines.effects import Kind
from machines.events import OPENERS, TIMERS, Address, Event, Source, Trigger
from machines.snapshot import REPORTS, CaseContext, Snapshot
from machines.table import Outcome
from machines.testing.affairs import Affairs, is_open_help
from machines.testing.model import Watch
from machines.testing.strategies import BY_BOT, BY_DESK, BY_MEMBER, happenings, reports

STEPS = 2_000
MANY_STEPS = 200_000
#: Of one conversation after another of a member. Some runs end earlier.
_IN_A_ROW, _AT_LEAST = 50, 40


class OneMember(RuleBasedStateMachine):
    """A member, the bot, two agents and the clock. Sensible events are drawn more often than others."""

    steps: ClassVar[int] = 0

    def __init__(self) -> None:
        super().__init__()
        self.affairs = Affairs()
        self.watch = Watch()
        self.merged: set[str] = set()  #: cases as which others go on: agents choose those

    def goes_on(self, data: some.DataObject, triggers: tuple[Trigger, ...]) -> None:
        type(self).steps += 1
        happened = data.draw(happenings(self.affairs, triggers))
        assert self.watch.hears(happened) == [], happened
        live = [case.id for case in self.affairs.cases.values() if is_open_help(case)]
        assert len(live) <= 1 + self.affairs.chosen, f"help cases that nobody chose: {live}"
        assert all(case.state in CASE.states for case in self.affairs.cases.values())
        if happened.event.trigger is Trigger.CASE_MERGED:
            self.merged.add(str(happened.event.data["into"]))
        own = [case for case in self.affairs.cases.values() if case.id not in self.merged]
        assert [case for case in own if is_joined_report(case)] == []

    @rule(data=some.data())
    def somebody_acts(self, data: some.DataObject) -> None:
        self.goes_on(data, tuple(Trigger))

    @rule(data=some.data())
    def the_member_acts(self, data: some.DataObject) -> None:
        self.goes_on(data, BY_MEMBER)

    @rule(data=some.data(), first=some.sampled_from(sorted(OPENERS)))
    def a_conversation_is_wanted(self, data: some.DataObject, first: Trigger) -> None:
        self.goes_on(data, (first,))

    @rule(data=some.data())
    def the_member_reports(self, data: some.DataObject) -> None:
        type(self).steps += 1
        cases, undisturbed = len(self.affairs.cases), (self.affairs.talk, dict(self.affairs.running))
        done = self.affairs.reports(data.draw(reports(self.affairs)))
        assert len(self.affairs.cases) == cases + (done.outcome is not Outcome.REFUSED)
        assert [effect.kind for effect in done.effects] == [Kind.ANSWER_INTERACTION]
        assert (self.affairs.talk, self.affairs.running) == undisturbed

    @precondition(lambda self: self.affairs.talk is not None)
    @rule(data=some.data())
    def the_bot_answers(self, data: some.DataObject) -> None:
        self.goes_on(data, BY_BOT)

    @precondition(lambda self: self.affairs.talk is not None)
    @rule(data=some.data())
    def the_desk_reports(self, data: some.DataObject) -> None:
        self.goes_on(data, BY_DESK)

    @precondition(lambda self: bool(self.affairs.running))
    @rule(data=some.data())
    def time_passes(self, data: some.DataObject) -> None:
        type(self).steps += 1
        timer = data.draw(some.sampled_from(sorted(self.affairs.running)))
        assert timer in TIMERS
        assert self.watch.hears(self.affairs.fires(timer)) == []


def is_joined_report(case: Snapshot) -> bool:
    assert isinstance(case.context, CaseContext)
    return case.context.kind in REPORTS and bool(case.context.conversations or case.context.agents)


def play(steps: int) -> int:
    """Run at least so many steps, the same ones every time; how many they were."""
    OneMember.steps = 0
    run_state_machine_as_test(
        OneMember,
        settings=settings(
            max_examples=-(-steps // _AT_LEAST),
            stateful_step_count=_IN_A_ROW,
            derandomize=True,
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
    return OneMember.steps


def test_whatever_is_heard_in_whatever_order_the_conversation_is_where_a_person_would_say() -> None:
    steps = play(STEPS)
    print(f"{steps} steps")
    assert steps >= STEPS


# --- found once


def test_whoever_is_blocked_is_not_contacted_after_the_end_either() -> None:
    affairs, watch = Affairs(), Watch()
    to = Address(member=affairs.member)
    for trigger in (Trigger.MEMBER_MESSAGE, Trigger.MEMBER_BLOCKED, Trigger.AGENT_CONTACTS):
        data = {"agent": "ada", "message": str(trigger), "body": "hello"}
        happened = affairs.hears(Event(Source.PAGE, str(trigger), trigger, affairs.now, to, data))
        assert watch.hears(happened) == []
    assert (happened.step.outcome, happened.step.reason) == (Outcome.REFUSED, "blocked")


# --- the long form


@pytest.mark.long
@pytest.mark.timeout(7200)
def test_the_same_for_two_hundred_thousand_steps() -> None:
    steps = play(MANY_STEPS)
    print(f"{steps} steps")
    assert steps >= MANY_STEPS
