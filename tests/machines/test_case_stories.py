"""A case from its opening to its end."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from machines.events import Address, CaseTrigger, Event, Source
from machines.events import CaseTrigger as T
from machines.snapshot import CaseContext, Given, Limits, Snapshot, Step
from machines.step import new_case, step

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def told(case: Snapshot, trigger: CaseTrigger, /, **data: Any) -> Step:
    event = Event(Source.TELL, f"t{case.version}", trigger, NOW, Address(case=case.id), data)
    return step(case, event, Given(received_at=NOW))


def after(*tells: tuple[CaseTrigger, dict[str, Any]]) -> Step:
    done = Step(new_case("f" * 32, "4001"), None)  # type: ignore[arg-type]
    for trigger, data in tells:
        done = told(done.snapshot, trigger, **data)
    return done


def context(done: Step) -> CaseContext:
    assert isinstance(done.snapshot.context, CaseContext)
    return done.snapshot.context


def test_a_case_is_worked_on_waits_for_the_member_and_is_resolved() -> None:
    done = after(
        (T.OPENED, {"kind": "help", "conversation": "c1"}),
        (T.AGENT_JOINED, {"agent": "ada"}),
        (T.ASKED_MEMBER, {}),
        (T.MEMBER_REPLIED, {}),
        (T.RESOLVED, {"reason": "solved"}),
    )
    assert done.snapshot.state == "resolved"
    assert context(done) == CaseContext("help", ("c1",), ("ada",), "solved")


def test_a_resolved_case_closes_after_seven_days() -> None:
    done = after((T.RESOLVED, {"reason": "solved"}))
    assert dict(done.timers) == {T.CASE_CLOSE: NOW + timedelta(days=7)}
    assert told(done.snapshot, T.CASE_CLOSE).snapshot.state == "closed"


def test_reopening_stops_the_clock_and_forgets_why_it_was_resolved() -> None:
    done = told(after((T.RESOLVED, {"reason": "solved"})).snapshot, T.REOPENED)
    assert (done.snapshot.state, context(done).reason) == ("open", "")
    assert dict(done.timers) == {T.CASE_CLOSE: None}


def test_an_agent_who_writes_from_a_resolved_case_reopens_it() -> None:
    done = told(after((T.RESOLVED, {})).snapshot, T.AGENT_CONTACTS, agent="ada")
    assert (done.snapshot.state, context(done).agents) == ("open", ("ada",))


def test_a_merged_case_is_closed_and_says_into_which() -> None:
    done = after((T.MERGED_INTO, {"into": "a" * 32}))
    assert (done.snapshot.state, context(done).merged_into) == ("closed", "a" * 32)
    assert told(done.snapshot, T.REOPENED).reason.startswith("closed")


def test_a_second_rating_replaces_the_first_and_a_comment_leaves_it() -> None:
    done = after((T.FEEDBACK, {"rating": 2}), (T.FEEDBACK, {"rating": 5}), (T.FEEDBACK, {"comment": "nice"}))
    assert (context(done).rating, context(done).comment) == (5, "nice")


def test_a_conversation_and_an_agent_are_remembered_once() -> None:
    twice = (T.CONVERSATION_LINKED, {"conversation": "c1"}), (T.ASSIGNED, {"agent": "ada"})
    assert context(after(*twice, *twice)) == CaseContext(conversations=("c1",), agents=("ada",))


def test_the_time_to_close_is_a_setting() -> None:
    case = new_case("f" * 32, "4001")
    event = Event(Source.TELL, "t", T.RESOLVED, NOW, Address(case=case.id), {})
    given = Given(received_at=NOW, limits=replace(Limits(), case_close=60.0))
    assert dict(step(case, event, given).timers) == {T.CASE_CLOSE: NOW + timedelta(seconds=60)}
