"""A person is asked for: the queue, the request, and how it ends when nobody comes."""

from __future__ import annotations

from datetime import timedelta
from itertools import pairwise

import pytest

from machines.effects import OPEN_DESK, Kind
from machines.events import Trigger as T
from machines.snapshot import CaseFacts
from machines.table import Outcome
from tests.machines.talk import START, Talk, desk_texts, kinds, texts, told


def test_asking_for_a_person_opens_a_case_and_a_desk_and_says_the_place() -> None:
    talk = Talk()
    done = talk.hears(T.AGENT_REQUESTED)
    assert kinds(done) == [*OPEN_DESK, Kind.PLACE]
    assert {effect.lane for effect in done.effects} == {f"desk:{talk.snapshot.id}:1", "dm:4001"}
    assert told(done) == [("opened", "")]
    assert set(talk.due) == {T.DESK_OPEN_OVERDUE}


def test_an_open_desk_starts_the_clocks_of_the_queue() -> None:
    talk = Talk().waits()
    assert set(talk.due) == {T.PLACE, T.WAIT_REMINDER, T.WAIT}
    assert kinds(talk.fires(T.PLACE)) == []
    assert talk.due[T.PLACE] == talk.now + timedelta(seconds=30)
    assert desk_texts(talk.fires(T.WAIT_REMINDER)) == ["member_waits"]


def test_the_place_is_told_once_and_edited_when_it_changed() -> None:
    talk = Talk(place=3, minutes=15).waits()
    [told] = [effect for effect in talk.steps[0].effects if effect.kind is Kind.PLACE]
    assert (told.payload["fresh"], told.replaces) == (True, None)
    assert kinds(talk.fires(T.PLACE)) == []
    talk.given.update(place=2, minutes=10)
    [edit] = talk.fires(T.PLACE).effects
    assert (edit.kind, edit.payload["fresh"], edit.replaces) == (Kind.PLACE, False, "place")
    assert (talk.context.place, talk.context.minutes) == (2, 10)
    assert kinds(talk.fires(T.PLACE)) == []


def test_another_wait_at_the_same_place_is_news_too() -> None:
    talk = Talk(place=1, minutes=5).waits()
    talk.given.update(minutes=10)
    assert kinds(talk.fires(T.PLACE)) == [Kind.PLACE]


def test_a_place_is_edited_no_sooner_than_half_a_minute_after_the_last_time() -> None:
    talk = Talk(place=9).waits()
    edited = []
    for place in (8, 8, 5, 4, 4, 1):
        talk.given.update(place=place)
        if talk.fires(T.PLACE).effects:
            edited.append(talk.now)
    assert len(edited) == 4
    assert all(later - earlier >= timedelta(seconds=30) for earlier, later in pairwise(edited))


def test_who_cannot_be_reached_is_told_the_place_once_they_can() -> None:
    talk = Talk(place=2).waits()
    talk.hears(T.UNREACHABLE)
    talk.given.update(place=1)
    assert kinds(talk.fires(T.PLACE)) == []
    talk.hears(T.MEMBER_MESSAGE)
    assert kinds(talk.fires(T.PLACE)) == [Kind.PLACE]


def test_a_case_of_its_own_is_named_with_the_place() -> None:
    talk = Talk(place=2).waits()
    talk.hears(T.OTHER_CASE)
    [edit] = talk.fires(T.PLACE).effects
    assert edit.payload["case"] == talk.context.case


@pytest.mark.parametrize("end", [T.AGENT_JOINED, T.AGENT_REQUEST_CANCELLED, T.WAIT])
def test_who_does_not_wait_any_more_is_told_no_place(end: T) -> None:
    talk = Talk(place=2).waits()
    talk.hears(end, agent="ada", name="Ada")
    assert T.PLACE not in talk.due
    talk.given.update(place=1)
    assert kinds(talk.hears(T.PLACE)) == []


def test_what_a_waiting_member_writes_edits_and_deletes_goes_to_the_desk() -> None:
    talk = Talk().waits()
    ops = [
        talk.hears(trigger, message="m9").effects[0].payload["op"]
        for trigger in (T.MEMBER_MESSAGE, T.MEMBER_EDITED, T.MEMBER_DELETED)
    ]
    assert ops == ["create", "edit", "delete"]


def test_a_newer_edit_replaces_an_unsent_one() -> None:
    talk = Talk().waits()
    assert talk.hears(T.MEMBER_EDITED, message="m9").effects[0].replaces == "edit:m9"


def test_cancelling_withdraws_the_request_and_the_case_it_opened() -> None:
    talk = Talk().waits()
    done = talk.hears(T.AGENT_REQUEST_CANCELLED)
    assert talk.state == "bot_faq"
    assert kinds(done) == [Kind.DESK_WITHDRAW, Kind.SAY]
    assert told(done) == [("resolved", "withdrawn")]
    assert set(talk.due) == {T.BOT_IDLE_WARN, T.BOT_IDLE}


def test_cancelling_leaves_a_case_open_that_was_there_before() -> None:
    from machines.snapshot import CaseFacts

    talk = Talk(help_case=CaseFacts("a" * 32, "open")).waits()
    assert told(talk.hears(T.AGENT_REQUEST_CANCELLED)) == []


def test_an_agent_who_comes_after_the_withdrawal_is_told_so() -> None:
    talk = Talk().waits()
    talk.hears(T.AGENT_REQUEST_CANCELLED)
    done = talk.hears(T.AGENT_MESSAGE, request=1)
    assert talk.state == "bot_faq"
    assert desk_texts(done) == ["withdrawn_not_delivered"]
    assert Kind.RELAY_TO_MEMBER not in kinds(done)
    assert Kind.DESK_CLOSE in kinds(done)
    assert told(done) == [("note_added", "agent_after_withdrawal")]


def test_when_nobody_comes_the_request_stays_in_the_queue_and_is_taken_up_later() -> None:
    talk = Talk().waits()
    assert texts(talk.fires(T.WAIT)) == ["nobody_came"]
    assert (talk.state, talk.context.request_state) == ("bot_faq", "expired")
    talk.asks("still here")
    done = talk.hears(T.AGENT_JOINED, agent="ada", name="Ada", request=1)
    assert talk.state == "with_agent"
    assert texts(done) == ["agent_joined"]
    [transcript] = [effect for effect in done.effects if effect.kind is Kind.DESK_TRANSCRIPT]
    assert transcript.payload["since"] < transcript.payload["upto"] == talk.snapshot.version
    assert talk.context.question == 0


def test_asking_again_for_an_expired_request_makes_no_second_task() -> None:
    talk = Talk().waits()
    talk.fires(T.WAIT)
    done = talk.hears(T.AGENT_REQUESTED)
    assert (talk.state, talk.context.request) == ("awaiting_agent", 1)
    assert kinds(done) == [Kind.DESK_TRANSCRIPT, Kind.PLACE]
    assert T.WAIT in talk.due


def test_an_expired_request_can_be_withdrawn_and_any_other_press_of_cancel_is_ignored() -> None:
    talk = Talk().waits()
    talk.fires(T.WAIT)
    assert kinds(talk.hears(T.AGENT_REQUEST_CANCELLED)) == [Kind.DESK_WITHDRAW, Kind.SAY]
    assert talk.hears(T.AGENT_REQUEST_CANCELLED).outcome is Outcome.IGNORED


def test_an_expired_request_whose_desk_fails_is_taken_back_so_that_no_second_one_stands_beside_it() -> None:
    talk = Talk().waits()
    talk.fires(T.WAIT)
    done = talk.hears(T.DESK_FAILED, request=1)
    assert (talk.state, kinds(done)) == ("bot_faq", [Kind.DESK_WITHDRAW])
    assert kinds(talk.hears(T.AGENT_REQUESTED)) == [*OPEN_DESK, Kind.PLACE]
    assert kinds(talk.hears(T.DESK_FAILED, request=1)) == []


def test_who_leaves_an_earlier_request_is_still_away_from_this_one() -> None:
    """Ada fell silent and is there still: only her words bring her back, not the news that she is in the room."""
    talk = Talk().meets()
    talk.hears(T.DESK_FAILED, request=1)
    talk.hears(T.AGENT_JOINED, request=2, agent="ada")
    talk.fires(T.AGENT_IDLE)
    assert talk.hears(T.AGENT_LEFT, request=1, agent="ada").outcome is Outcome.IGNORED
    assert talk.hears(T.AGENT_JOINED, request=2, agent="ada").outcome is Outcome.IGNORED
    assert talk.state == "awaiting_agent"


def test_a_desk_that_fails_is_taken_back_and_said_so() -> None:
    talk = Talk()
    talk.hears(T.AGENT_REQUESTED)
    done = talk.hears(T.DESK_FAILED, request=1)
    assert (talk.state, texts(done)) == ("bot_faq", ["desk_failed"])
    (void,) = done.voids
    assert void.lane == f"desk:{talk.snapshot.id}:1"
    of_the_desk = {Kind.RELAY_TO_DESK, *(kind for kind in Kind if kind.startswith("desk_"))}
    assert set(void.kinds) == of_the_desk - {Kind.DESK_NOTE}, "an agent may have to be told something"
    assert Kind.DESK_WITHDRAW in kinds(done)
    assert Kind.ALERT in kinds(done)
    assert told(done) == []


def test_a_desk_that_does_not_open_in_time_counts_as_failed() -> None:
    talk = Talk()
    talk.hears(T.AGENT_REQUESTED)
    assert texts(talk.fires(T.DESK_OPEN_OVERDUE)) == ["desk_failed"]
    late = talk.hears(T.DESK_OPENED, request=1)
    assert (talk.state, late.outcome) == ("bot_faq", Outcome.IGNORED)


def test_a_desk_that_closes_before_anybody_came_is_said_honestly() -> None:
    talk = Talk().waits()
    done = talk.hears(T.DESK_CLOSED, request=1)
    assert (talk.state, texts(done), told(done)) == ("bot_faq", ["nobody_came"], [])


def test_a_desk_that_closes_after_an_agent_was_there_ends_the_conversation() -> None:
    talk = Talk().meets()
    talk.hears(T.AGENT_LEFT, agent="ada")
    talk.fires(T.ALONE)
    assert talk.state == "awaiting_agent"
    assert texts(talk.hears(T.DESK_CLOSED, request=1)) == ["goodbye"]
    assert talk.state == "closed"


def test_reports_about_an_earlier_request_are_ignored() -> None:
    talk = Talk().waits()
    talk.hears(T.AGENT_REQUEST_CANCELLED)
    talk.waits()
    assert talk.context.request == 2
    for trigger in (T.DESK_OPENED, T.DESK_CLOSED, T.DESK_FAILED, T.AGENT_JOINED):
        done = talk.hears(trigger, request=1, agent="ben")
        assert (done.outcome, done.reason) == (Outcome.IGNORED, "another request"), trigger
    assert talk.state == "awaiting_agent"


def test_a_message_to_an_earlier_request_is_delivered_if_it_was_written_in_time() -> None:
    talk = Talk().waits()
    talk.passes(60)
    talk.hears(T.AGENT_REQUEST_CANCELLED)
    talk.passes(60)
    talk.waits()
    early = talk.hears(T.AGENT_MESSAGE, request=1, agent="ada", ago=90)
    assert early.effects[0].payload["mark"] == "before_end"
    late = talk.hears(T.AGENT_MESSAGE, request=1, agent="ada", ago=30)
    assert desk_texts(late) == ["not_delivered_over"]
    assert late.effects[0].payload["request"] == 1
    assert told(late) == [("note_added", "agent_after_end")]
    assert talk.state == "awaiting_agent"


def test_this_is_something_else_moves_the_request_to_a_second_case() -> None:
    talk = Talk().waits()
    first = talk.context.case
    done = talk.hears(T.OTHER_CASE)
    assert talk.context.case != first
    assert [(tell.case == first, *what) for tell, what in zip(done.tells, told(done), strict=True)] == [
        (True, "resolved", "withdrawn"),
        (False, "opened", ""),
    ]
    assert (texts(done), desk_texts(done)) == (["other_case"], ["other_case"])


def test_a_case_that_was_there_before_stays_open_when_a_request_is_about_something_else() -> None:
    talk = Talk(help_case=CaseFacts("e" * 32, "open")).waits()
    assert told(talk.hears(T.OTHER_CASE)) == [("opened", "")]


def test_a_case_of_which_an_agent_has_heard_is_left_to_the_agent() -> None:
    assert told(Talk().meets().hears(T.OTHER_CASE)) == [("opened", "")]


def test_a_message_of_an_agent_takes_up_though_the_join_was_lost() -> None:
    talk = Talk().waits()
    done = talk.hears(T.AGENT_MESSAGE, agent="ada", name="Ada", request=1)
    assert talk.state == "with_agent"
    assert kinds(done) == [Kind.SAY, Kind.RELAY_TO_MEMBER]
    assert done.effects[0].payload["args"] == {"name": "Ada"}
    again = talk.hears(T.AGENT_JOINED, agent="ada", name="Ada", request=1)
    assert (again.outcome, again.reason) == (Outcome.IGNORED, "is here already")


def test_who_still_waits_when_the_last_agent_goes_home_is_told_when_somebody_will_be_there() -> None:
    opens = START + timedelta(hours=16)
    talk = Talk().waits()
    talk.given |= {"open_now": False, "opens_at": opens}
    done = talk.fires(T.WAIT)
    assert (talk.state, texts(done)) == ("bot_faq", ["outside_hours"])
    assert done.effects[0].payload["args"] == {"opens_at": opens.isoformat()}
