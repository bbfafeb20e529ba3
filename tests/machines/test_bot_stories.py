"""The bot answers: bursts, misses, superseded answers, and the ways out."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from machines.effects import Kind
from machines.events import Trigger as T
from machines.snapshot import DEFAULT_LIMITS, CaseFacts, Previous
from machines.table import Outcome
from tests.machines.talk import START, Talk, kinds, texts, told


def test_a_burst_of_texts_is_one_question() -> None:
    talk = Talk()
    asked = talk.asks("hi", "I have a question", "how do I pay?")
    [effect] = asked.effects
    assert effect.kind is Kind.ASK_CHATBOT
    assert effect.payload == {"question": 1, "messages": ["m0", "m1", "m2"]}
    assert talk.due[T.ANSWER_OVERDUE] == talk.now + timedelta(seconds=20)


def test_a_burst_waits_for_quiet_but_at_most_four_seconds() -> None:
    talk = Talk()
    for _ in range(5):
        talk.hears(T.MEMBER_MESSAGE)
        assert talk.due[T.ASK] <= START + timedelta(seconds=4)
        talk.passes(0.9)
    assert talk.due[T.ASK] == START + timedelta(seconds=4)


def test_texts_sent_while_a_question_is_out_become_the_next_question() -> None:
    talk = Talk()
    talk.asks("first")
    talk.hears(T.MEMBER_MESSAGE)
    talk.hears(T.MEMBER_MESSAGE)
    assert T.ASK not in talk.due
    talk.answered()
    [effect] = talk.fires(T.ASK).effects
    assert effect.payload == {"question": 2, "messages": ["m2", "m3"]}


def test_a_text_deleted_before_it_was_asked_is_not_asked() -> None:
    talk = Talk()
    talk.hears(T.MEMBER_MESSAGE)
    talk.hears(T.MEMBER_MESSAGE)
    talk.hears(T.MEMBER_DELETED, message="m0")
    assert talk.fires(T.ASK).effects[0].payload["messages"] == ["m1"]


def test_when_every_text_of_a_burst_is_deleted_nothing_is_asked() -> None:
    talk = Talk()
    talk.hears(T.MEMBER_MESSAGE)
    talk.hears(T.MEMBER_DELETED, message="m0")
    assert T.ASK not in talk.due
    assert talk.hears(T.ASK).reason == "nothing to ask"


def test_an_answer_is_said_with_the_three_ways_on() -> None:
    talk = Talk()
    talk.asks()
    said = talk.answered().effects[0]
    assert said.payload["buttons"] == ["solved", "not_helpful:1", "agent_requested"]
    assert T.ANSWER_OVERDUE not in talk.due


def test_an_answer_to_another_question_is_refused_as_superseded() -> None:
    talk = Talk()
    talk.asks()
    done = talk.answered(question=7)
    assert (done.outcome, done.reason, done.effects) == (Outcome.REFUSED, "superseded", ())
    talk.answered()
    assert talk.answered(question=1).reason == "superseded"


def test_the_second_miss_in_a_row_hands_off() -> None:
    talk = Talk()
    talk.asks()
    assert texts(talk.answered("unsure")) == ["unsure"]
    talk.asks()
    talk.answered("unsure")
    assert talk.state == "awaiting_agent"


def test_an_overdue_answer_and_a_failed_one_are_misses_too() -> None:
    talk = Talk()
    talk.asks()
    assert texts(talk.fires(T.ANSWER_OVERDUE)) == ["bot_failed"]
    talk.asks()
    talk.hears(T.BOT_FAILED, question=2)
    assert talk.state == "awaiting_agent"


def test_not_helpful_twice_about_the_same_answer_counts_once() -> None:
    talk = Talk()
    talk.asks()
    talk.answered()
    assert texts(talk.hears(T.NOT_HELPFUL, answer=1)) == ["offer_person"]
    again = talk.hears(T.NOT_HELPFUL, answer=1)
    assert (again.outcome, again.reason) == (Outcome.IGNORED, "said before")
    assert (talk.state, talk.context.misses) == ("bot_faq", 1)


def test_not_helpful_about_two_answers_hands_off() -> None:
    talk = Talk()
    for number in (1, 2):
        talk.asks()
        talk.answered()
        talk.hears(T.NOT_HELPFUL, answer=number)
    assert talk.state == "awaiting_agent"


def test_a_further_question_after_an_answer_that_helped_forgets_the_misses() -> None:
    talk = Talk()
    talk.asks()
    talk.answered("unsure")
    talk.asks()
    talk.answered()
    talk.asks()
    assert texts(talk.answered("unsure")) == ["unsure"]
    assert talk.state == "bot_faq"


def test_a_hand_off_outside_opening_hours_says_when_and_opens_no_request() -> None:
    opens = START + timedelta(hours=8)
    talk = Talk(open_now=False, opens_at=opens)
    done = talk.hears(T.AGENT_REQUESTED)
    assert talk.state == "bot_faq"
    [said] = done.effects
    assert said.payload["text"] == "outside_hours"
    assert said.payload["buttons"] == ["message_left"]
    assert said.payload["args"] == {"opens_at": opens.isoformat()}
    assert told(done) == [("opened", "")]


def test_a_message_left_is_kept_on_the_case_and_confirmed() -> None:
    talk = Talk(open_now=False)
    talk.hears(T.AGENT_REQUESTED)
    done = talk.hears(T.MESSAGE_LEFT, body="call me")
    assert told(done) == [("note_added", "message_left")]
    assert done.effects[0].payload == {"text": "message_kept", "case": talk.context.case}


def test_an_open_help_case_is_joined_and_not_opened_a_second_time() -> None:
    talk = Talk(help_case=CaseFacts("a" * 32, "in_progress"))
    assert told(talk.hears(T.AGENT_REQUESTED)) == [("conversation_linked", "")]
    assert talk.context.case == "a" * 32


def test_asking_for_a_person_takes_the_unsent_question_back() -> None:
    talk = Talk()
    talk.asks()
    done = talk.hears(T.AGENT_REQUESTED)
    assert [(void.lane, void.kinds) for void in done.voids] == [("chatbot:4001", (Kind.ASK_CHATBOT,))]
    late = talk.answered(question=1)
    assert (late.outcome, late.reason) == (Outcome.REFUSED, "not_bot_turn")


def test_solved_closes_and_resolves_the_case_that_this_conversation_opened() -> None:
    talk = Talk(open_now=False)
    talk.hears(T.AGENT_REQUESTED)
    done = talk.hears(T.SOLVED)
    assert (talk.state, texts(done), told(done)) == ("closed", ["solved"], [("resolved", "solved")])


def test_solved_leaves_a_case_alone_that_was_only_joined() -> None:
    talk = Talk(open_now=False, help_case=CaseFacts("a" * 32, "open"))
    talk.hears(T.AGENT_REQUESTED)
    assert told(talk.hears(T.SOLVED)) == []


def test_a_silent_member_is_warned_and_then_taken_leave_of() -> None:
    talk = Talk()
    talk.asks()
    talk.answered()
    assert texts(talk.fires(T.BOT_IDLE_WARN)) == ["bot_idle_warn"]
    assert texts(talk.fires(T.BOT_IDLE)) == ["idle_goodbye"]
    assert talk.state == "closed"
    assert talk.due == {}


def test_who_is_warned_is_closed_when_the_warning_said_and_not_before() -> None:
    talk = Talk()
    talk.asks()
    talk.answered()
    talk.passes(DEFAULT_LIMITS.bot_idle - 1)  # nobody served when the warning was due
    warned = talk.fires(T.BOT_IDLE_WARN)
    told = datetime.fromisoformat(warned.effects[0].payload["args"]["closes_at"])
    assert told == talk.due[T.BOT_IDLE] == talk.now + timedelta(seconds=600)


def test_whose_case_stays_open_is_told_so_when_it_went_quiet() -> None:
    talk = Talk(open_now=False)
    talk.hears(T.AGENT_REQUESTED)
    assert texts(talk.fires(T.BOT_IDLE)) == ["idle_case_open"]


def test_a_reopened_conversation_reopens_the_case() -> None:
    case = "b" * 32
    talk = Talk(previous=Previous("e" * 32, 1, case, START.timestamp(), "agent"))
    done = talk.hears(T.AGENT_REQUESTED, reopened=True)
    assert told(done) == [("reopened", ""), ("conversation_linked", "")]
    assert {tell.case for tell in done.tells} == {case}


def test_a_text_written_before_the_close_says_so_and_is_noted_on_the_old_case() -> None:
    talk = Talk(previous=Previous("e" * 32, 1, "b" * 32, START.timestamp(), "agent"))
    done = talk.hears(T.MEMBER_MESSAGE, ago=3)
    assert texts(done) == ["was_closed"]
    assert told(done) == [("note_added", "written_before_close")]
    assert talk.context.case == ""
    assert T.ASK in talk.due


def test_a_blocked_member_is_answered_and_starts_nothing() -> None:
    talk = Talk(blocked=True)
    done = talk.hears(T.AGENT_REQUESTED)
    assert (done.outcome, done.reason, texts(done)) == (Outcome.REFUSED, "blocked", ["blocked"])


def test_a_command_is_always_answered_on_the_screen_it_was_given_on() -> None:
    interaction = {"id": "77", "token": "t"}
    done = Talk().hears(T.HELP_REQUESTED, interaction=interaction)
    assert kinds(done) == [Kind.SAY, Kind.ANSWER_INTERACTION]
    assert done.effects[-1].lane == "interaction:77"
    assert done.effects[-1].payload == {"interaction": interaction, "text": "look_in_dm"}


def test_the_chosen_number_of_misses_decides() -> None:
    from machines.snapshot import Limits

    talk = Talk(limits=Limits(misses=1))
    talk.asks()
    talk.answered("unsure")
    assert talk.state == "awaiting_agent"


# --- the first contact


@pytest.mark.parametrize("opener", [T.MEMBER_MESSAGE, T.AGENT_REQUESTED, T.HELP_REQUESTED, T.AGENT_CONTACTS])
def test_whoever_begins_the_first_conversation_is_told_who_reads_before_anything_else(opener: T) -> None:
    talk = Talk(first_contact=True)
    assert texts(talk.hears(opener, agent="ada", name="Ada"))[0] == "first_contact"


def test_a_first_contact_outside_the_hours_is_told_who_reads_too() -> None:
    assert texts(Talk(first_contact=True, open_now=False).hears(T.AGENT_REQUESTED)) == [
        "first_contact",
        "outside_hours",
    ]


@pytest.mark.parametrize("opener", [T.MEMBER_MESSAGE, T.AGENT_REQUESTED, T.HELP_REQUESTED, T.AGENT_CONTACTS])
def test_nobody_is_told_a_second_time_who_reads(opener: T) -> None:
    assert "first_contact" not in texts(Talk().hears(opener, agent="ada", name="Ada"))


def test_whoever_is_blocked_is_told_nothing_else() -> None:
    assert texts(Talk(first_contact=True, blocked=True).hears(T.MEMBER_MESSAGE)) == ["blocked"]
