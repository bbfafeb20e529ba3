"""A case from its opening to its end."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from machines.case import CASE
from machines.effects import Effect, Kind
from machines.events import Address, CaseTrigger, Event, Source
from machines.events import CaseTrigger as T
from machines.snapshot import CaseContext, Given, Limits, Snapshot, Step, Survivor
from machines.step import new_case, step
from machines.table import ALWAYS, Edge, Outcome, Refusal, Row

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


def told(case: Snapshot, trigger: CaseTrigger, /, *, outside: bool = False, **data: Any) -> Step:
    event = Event(Source.TELL, f"t{case.version}", trigger, NOW, Address(case=case.id), data)
    into = Survivor("a" * 32, "open", "help", case.member) if trigger is T.MERGED_INTO else None
    return step(case, event, Given(received_at=NOW, case_webhook=outside, into=into))


def after(*tells: tuple[CaseTrigger, dict[str, Any]]) -> Step:
    done = Step(new_case("f" * 32, "4001"), None)  # type: ignore[arg-type]
    for trigger, data in tells:
        done = told(done.snapshot, trigger, **data)
    return done


def by_agent(
    case: Snapshot, trigger: CaseTrigger, /, *, live: bool = False, blocked: bool = False, **data: Any
) -> Step:
    """A command. `live`: the member is talking with an agent about it."""
    event = Event(Source.PAGE, "minted", trigger, NOW, Address(case=case.id), {"agent": "ada", **data})
    return step(case, event, Given(received_at=NOW, live=live, blocked=blocked))


def merged(into: Survivor | None, kind: str = "help") -> Step:
    case = after((T.OPENED, {"kind": kind, "title": "No sound", "summary": "none at all"})).snapshot
    to = into.id if into else "nothing"
    event = Event(Source.PAGE, "minted", T.MERGED_INTO, NOW, Address(case=case.id), {"into": to})
    return step(case, event, Given(received_at=NOW, into=into))


def says(done: Step) -> list[str]:
    """Texts for the member."""
    return [str(effect.payload["text"]) for effect in done.effects]


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
    left = (context(done).conversations, context(done).agents, context(done).reason)
    assert left == (("c1",), ("ada",), "solved")


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
    done = merged(Survivor("a" * 32, "open", "help", "4001"))
    assert (done.snapshot.state, context(done).merged_into) == ("closed", "a" * 32)
    assert told(done.snapshot, T.REOPENED).reason.startswith("closed")


def test_a_second_rating_replaces_the_first_and_a_comment_leaves_it() -> None:
    done = after((T.FEEDBACK, {"rating": 2}), (T.FEEDBACK, {"rating": 5}), (T.FEEDBACK, {"comment": "nice"}))
    assert (context(done).rating, context(done).comment) == (5, "nice")


def test_a_conversation_and_an_agent_are_remembered_once() -> None:
    twice = (T.CONVERSATION_LINKED, {"conversation": "c1"}), (T.AGENT_JOINED, {"agent": "ada"})
    known = context(after(*twice, *twice))
    assert (known.conversations, known.agents) == (("c1",), ("ada",))


def test_the_time_to_close_is_a_setting() -> None:
    case = new_case("f" * 32, "4001")
    event = Event(Source.TELL, "t", T.RESOLVED, NOW, Address(case=case.id), {})
    given = Given(received_at=NOW, limits=replace(Limits(), case_close=60.0))
    assert dict(step(case, event, given).timers) == {T.CASE_CLOSE: NOW + timedelta(seconds=60)}


# --- what agents do


def test_an_edit_replaces_what_it_names_and_leaves_the_rest() -> None:
    first = by_agent(new_case("f" * 32, "4001"), T.EDITED, title="Sound", summary="No sound", tags=["audio"])
    done = by_agent(first.snapshot, T.EDITED, priority="urgent", tags=["audio", "linux", "audio"])
    known = context(done)
    assert (known.title, known.summary, known.priority) == ("Sound", "No sound", "urgent")
    assert known.tags == ("audio", "linux")


def test_a_case_is_somebodys_until_it_is_nobodys() -> None:
    mine = by_agent(new_case("f" * 32, "4001"), T.ASSIGNED, to="ben")
    assert (mine.snapshot.state, context(mine).assignee) == ("in_progress", "ben")
    nobodys = by_agent(mine.snapshot, T.UNASSIGNED)
    assert (nobodys.snapshot.state, context(nobodys).assignee) == ("in_progress", "")


@pytest.mark.parametrize(
    ("trigger", "data", "text"),
    [
        (T.ASKED_MEMBER, {}, "case_asked"),
        (T.RESOLVED, {"reason": "solved"}, "case_resolved"),
        (T.RESOLVED, {"reason": "withdrawn"}, "case_resolved"),
        (T.RESOLVED, {"reason": "declined"}, "case_declined"),
        (T.RESOLVED, {"reason": "duplicate"}, "case_duplicate"),
        (T.RESOLVED, {"reason": "no_reply"}, "case_no_reply"),
    ],
)
def test_the_member_is_told_what_an_agent_does_unless_they_are_talking_or_blocked(
    trigger: CaseTrigger, data: dict[str, str], text: str
) -> None:
    case = new_case("f" * 32, "4001")
    assert says(by_agent(case, trigger, **data)) == [text]
    assert says(by_agent(case, trigger, live=True, **data)) == []
    assert says(by_agent(case, trigger, blocked=True, **data)) == []
    assert says(told(case, trigger, **data)) == [], "what comes of a talk is told in the talk"


def test_the_member_is_told_when_a_resolved_case_is_taken_up_again() -> None:
    resolved = by_agent(new_case("f" * 32, "4001"), T.RESOLVED, reason="solved")
    assert says(by_agent(resolved.snapshot, T.REOPENED)) == ["case_reopened"]


@pytest.mark.parametrize(
    ("trigger", "data"),
    [
        (T.NOTE_ADDED, {"note": "agent_note", "body": "x"}),
        (T.EDITED, {"title": "x", "priority": "high", "tags": ["x"]}),
        (T.ASSIGNED, {"to": "ben"}),
        (T.UNASSIGNED, {}),
        (T.DELIVERY_FAILED, {}),
    ],
)
def test_what_is_for_agents_only_is_told_to_nobody(trigger: CaseTrigger, data: dict[str, Any]) -> None:
    assert says(by_agent(new_case("f" * 32, "4001"), trigger, **data)) == []


@pytest.mark.parametrize(
    ("into", "kind", "reason"),
    [
        (None, "help", "there is no such case"),
        (Survivor("f" * 32, "open", "help", "4001"), "help", "into itself"),
        (Survivor("a" * 32, "closed", "help", "4001"), "help", "the other case is closed"),
        (Survivor("a" * 32, "open", "help", "4002"), "help", "the other case is another member's"),
        (Survivor("a" * 32, "open", "help", "4002"), "bug", "the other case is another member's"),
        (Survivor("a" * 32, "open", "bug", "4002"), "help", "the other case is another member's"),
    ],
)
def test_what_may_not_be_merged_stays_as_it_is(into: Survivor | None, kind: str, reason: str) -> None:
    done = merged(into, kind)
    assert (done.outcome, done.reason) == (Outcome.REFUSED, reason)
    assert (done.snapshot.state, says(done)) == ("open", [])


@pytest.mark.parametrize("kind", ["bug", "feature"])
def test_reports_of_several_members_may_be_one(kind: str) -> None:
    done = merged(Survivor("a" * 32, "in_progress", "bug", "4002"), kind)
    assert (done.snapshot.state, says(done)) == ("closed", ["case_merged"])


def test_a_case_remembers_what_goes_on_as_it_with_all_that_was_said() -> None:
    taken = {"case": "b" * 32, "merged": ["c" * 32], "conversations": ["c2"]}
    done = after((T.OPENED, {"conversation": "c1"}), (T.MERGED_FROM, taken))
    assert context(done).merged == ("b" * 32, "c" * 32)
    assert context(done).conversations == ("c1", "c2")


# --- reports


def reported(*, blocked: bool = False, **data: Any) -> Step:
    """By command, in a channel of the server."""
    told = {
        "kind": "bug",
        "title": "It crashes",
        "summary": "As soon as I jump",
        "asked_in": "33",
        "interaction": {"id": "77"},
    }
    event = Event(Source.DISCORD, "77", T.OPENED, NOW, Address(member="4001"), told | data)
    return step(new_case("f" * 32, "4001"), event, Given(received_at=NOW, blocked=blocked))


def answers(done: Step) -> list[tuple[str, Any]]:
    """What the member is shown, where it was asked, and with what."""
    return [
        (effect.payload["text"], effect.payload.get("args"))
        for effect in done.effects
        if (effect.kind, effect.lane) == ("answer_interaction", "interaction:77")
    ]


@pytest.mark.parametrize(("kind", "text"), [("bug", "bug_reported"), ("feature", "feature_requested")])
def test_a_report_is_an_open_case_that_says_what_was_filled_in_and_is_confirmed(kind: str, text: str) -> None:
    done = reported(kind=kind, steps="jump, then look")
    assert (done.outcome, done.snapshot.state) == (Outcome.STAYED, "open")
    found = context(done)
    assert (found.kind, found.title, found.summary, found.steps, found.channel) == (
        kind,
        "It crashes",
        "As soon as I jump",
        "jump, then look",
        "33",
    )
    assert found.conversations == ()
    assert answers(done) == [(text, {"title": "It crashes"})]
    assert [effect.payload["case"] for effect in done.effects] == ["f" * 32]


def test_whoever_is_blocked_opens_no_case_and_is_told() -> None:
    done = reported(blocked=True)
    assert (done.outcome, done.reason) == (Outcome.REFUSED, "blocked")
    assert answers(done) == [("blocked", None)]


@pytest.mark.parametrize("blank", ["", "   ", "\n\t", "\u200b\u2060", "\xa0"])
@pytest.mark.parametrize("name", ["title", "summary"])
def test_a_report_that_says_nothing_opens_no_case_and_is_answered(name: str, blank: str) -> None:
    done = reported(**{name: blank})
    assert (done.outcome, done.reason) == (Outcome.REFUSED, "says nothing")
    assert answers(done) == [("report_empty", None)]


def test_whoever_could_not_be_shown_the_number_reads_it_in_the_dm_once() -> None:
    dead = {"kind": "answer_interaction", "reason": "Discord answered 404/10015"}
    first = told(reported().snapshot, T.DELIVERY_FAILED, **dead)
    (said,) = first.effects
    assert (said.kind, said.lane, said.payload["text"]) == ("say", "dm:4001", "report_filed")
    assert said.payload["case"] == "f" * 32
    assert told(first.snapshot, T.DELIVERY_FAILED, **dead).effects == ()


def test_a_direct_message_that_fails_is_not_said_again() -> None:
    assert told(reported().snapshot, T.DELIVERY_FAILED, kind="say").effects == ()


# --- who follows cases outside


def followed(done: Step) -> list[Effect]:
    return [effect for effect in done.effects if effect.kind is Kind.CASE_WEBHOOK]


#: Reports that are turned away have a test of their own.
ROWS = [row for row in CASE.rows if isinstance(row, Edge) or row.when == ALWAYS]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.state}-{row.trigger}")
def test_every_change_of_a_case_and_nothing_else_is_told_outside(row: Row) -> None:
    case = replace(new_case("f" * 32, "4001"), state=str(row.state), version=3)
    done = told(case, CaseTrigger(row.trigger), outside=True, agent="ada")
    if isinstance(row, Refusal):
        assert followed(done) == []
        return
    (effect,) = followed(done)
    assert effect.lane == "webhook:cases"
    assert effect.payload == {
        "type": f"case.{row.trigger}",
        "at": "2026-03-02T09:00:00+00:00",
        "version": 4,
        "from": row.state,
        "to": row.to,
        "by": "ada",
    }


def test_a_report_that_was_turned_away_is_told_to_nobody_outside() -> None:
    event = Event(
        Source.DISCORD,
        "77",
        T.OPENED,
        NOW,
        Address(member="4001"),
        {"kind": "bug", "title": "a", "summary": "b"},
    )
    given = Given(received_at=NOW, blocked=True, case_webhook=True)
    done = step(new_case("f" * 32, "4001"), event, given)
    assert done.outcome is Outcome.REFUSED
    assert followed(done) == []


@pytest.mark.parametrize("trigger", CaseTrigger)
def test_where_nobody_follows_nothing_is_told_outside(trigger: CaseTrigger) -> None:
    assert followed(told(new_case("f" * 32, "4001"), trigger)) == []


def test_that_somebody_followed_is_remembered_for_the_replay_and_that_nobody_did_takes_no_room() -> None:
    told_outside = Given(received_at=NOW, case_webhook=True)
    assert Given.from_json(told_outside.as_json()) == told_outside
    assert "case_webhook" not in Given(received_at=NOW).as_json()
