"""After the goodbye: what still counts, what starts the next conversation, and what comes too late."""

from __future__ import annotations

import pytest

from machines.courtesy import is_thanks
from machines.effects import Kind
from machines.events import Trigger as T
from machines.table import Outcome
from tests.machines.talk import Talk, desk_texts, kinds, texts, told


@pytest.fixture
def over() -> Talk:
    """A talk with an agent that the agent closed a minute ago."""
    talk = Talk().meets()
    talk.hears(T.DESK_CLOSED, request=1)
    talk.passes(60)
    return talk


def test_a_thank_you_after_the_goodbye_starts_nothing(over: Talk) -> None:
    done = over.hears(T.MEMBER_MESSAGE, body="Thank you so much!! 🎉")
    assert (over.state, kinds(done), done.outcome) == ("closed", [Kind.REACT], Outcome.STAYED)


def test_a_thank_you_long_after_the_goodbye_starts_the_next_conversation(over: Talk) -> None:
    over.passes(11 * 60)
    assert over.hears(T.MEMBER_MESSAGE, body="thanks").outcome is Outcome.OPENS


def test_a_thank_you_with_a_file_starts_the_next_conversation(over: Talk) -> None:
    assert over.hears(T.MEMBER_MESSAGE, body="thanks", attachments=[{}]).outcome is Outcome.OPENS


@pytest.mark.parametrize("trigger", [T.AGENT_REQUESTED, T.HELP_REQUESTED, T.AGENT_CONTACTS])
def test_an_opener_leaves_the_closed_conversation_as_it_is(over: Talk, trigger: T) -> None:
    before = over.snapshot
    done = over.hears(trigger)
    assert done.outcome is Outcome.OPENS
    assert (done.snapshot, done.effects, done.tells) == (before, (), ())


def test_a_rating_is_kept_on_the_case_and_so_is_a_second_one(over: Talk) -> None:
    ratings = [over.hears(T.RATING, rating=number).tells[0].data for number in (2, 5)]
    assert ratings == [{"rating": 2}, {"rating": 5}]
    assert told(over.hears(T.COMMENT, body="nice")) == [("feedback", "")]


def test_an_agents_message_from_before_the_close_is_delivered_and_marked(over: Talk) -> None:
    [effect] = over.hears(T.AGENT_MESSAGE, request=1, agent="ada", ago=61).effects
    assert (effect.kind, effect.payload["mark"]) == (Kind.RELAY_TO_MEMBER, "before_end")


def test_an_agents_message_from_after_the_close_is_not_delivered(over: Talk) -> None:
    done = over.hears(T.AGENT_MESSAGE, request=1, agent="ada", ago=59)
    assert kinds(done) == [Kind.DESK_NOTE]
    assert told(done) == [("note_added", "agent_after_end")]


def test_an_agent_who_joins_too_late_is_told_and_the_request_is_closed(over: Talk) -> None:
    done = over.hears(T.AGENT_JOINED, request=1, agent="ben")
    assert (desk_texts(done), kinds(done)) == (["it_is_over"], [Kind.DESK_NOTE, Kind.DESK_CLOSE])


def test_a_members_text_that_could_not_be_delivered_offers_to_reopen(over: Talk) -> None:
    done = over.hears(T.DELIVERY_FAILED, about="m5", side="member")
    assert done.effects[0].payload["buttons"] == ["reopen"]
    assert told(done) == [("note_added", "not_delivered")]
    assert over.hears(T.DELIVERY_FAILED, about="m5", side="member").outcome is Outcome.IGNORED


def test_a_late_press_is_answered_once_and_changes_nothing(over: Talk) -> None:
    done = over.hears(T.AGENT_REQUEST_CANCELLED)
    assert (done.outcome, texts(done)) == (Outcome.IGNORED, ["already_closed"])


def test_late_reports_of_the_desk_are_ignored(over: Talk) -> None:
    for trigger in (T.AGENT_LEFT, T.DESK_CLOSED, T.DESK_FAILED, T.TRANSFER_STARTED):
        assert over.hears(trigger, request=1, agent="ada").outcome is Outcome.IGNORED


def test_an_edit_after_the_close_is_noted_and_not_relayed(over: Talk) -> None:
    done = over.hears(T.AGENT_EDITED, message="m3")
    assert (done.effects, told(done)) == ((), [("note_added", "agent_edited")])


@pytest.mark.parametrize("text", ["thanks", "Danke schön!", "👍", "ok bye", "<:party:123456>"])
def test_thanks_farewells_and_emoji_are_courtesy(text: str) -> None:
    assert is_thanks(text)


@pytest.mark.parametrize("text", ["thanks, but it fails", "ok?", "thanks 2", "thanks " * 20])
def test_anything_that_says_more_is_not(text: str) -> None:
    assert not is_thanks(text)
