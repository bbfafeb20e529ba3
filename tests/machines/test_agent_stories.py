"""Member and agent talk: joining and leaving, idling, writing first, and failed deliveries."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from machines.effects import OPEN_DESK, Kind
from machines.events import Trigger as T
from machines.snapshot import DEFAULT_LIMITS, CaseFacts
from machines.table import Outcome
from tests.machines.talk import Talk, desk_texts, kinds, texts, told


def test_messages_travel_both_ways() -> None:
    talk = Talk().meets()
    [there] = talk.hears(T.MEMBER_MESSAGE, message="m1").effects
    [back] = talk.hears(T.AGENT_MESSAGE, message="m2", agent="ada").effects
    assert (there.kind, there.payload["message"]) == (Kind.RELAY_TO_DESK, "m1")
    assert (back.kind, back.payload["message"]) == (Kind.RELAY_TO_MEMBER, "m2")


def test_another_agent_is_announced_and_the_same_one_is_not() -> None:
    talk = Talk().meets("ada")
    assert texts(talk.hears(T.AGENT_JOINED, agent="ben", name="Ben")) == ["agent_joined"]
    assert talk.hears(T.AGENT_JOINED, agent="ben", name="Ben").outcome is Outcome.IGNORED


def test_an_agent_who_writes_without_having_joined_is_announced_first() -> None:
    talk = Talk().meets("ada")
    done = talk.hears(T.AGENT_MESSAGE, agent="ben", name="Ben")
    assert kinds(done) == [Kind.SAY, Kind.RELAY_TO_MEMBER]
    assert [identity for identity, _ in talk.context.agents] == ["ada", "ben"]


def test_when_one_of_two_agents_leaves_the_member_is_told() -> None:
    talk = Talk().meets("ada")
    talk.hears(T.AGENT_JOINED, agent="ben", name="Ben")
    assert texts(talk.hears(T.AGENT_LEFT, agent="ben", name="Ben")) == ["agent_left"]
    assert T.ALONE not in talk.due


def test_when_the_last_agent_left_and_nobody_came_another_is_invited() -> None:
    talk = Talk().meets()
    left = talk.hears(T.AGENT_LEFT, agent="ada")
    assert left.effects == ()
    assert talk.due[T.ALONE] == talk.now + timedelta(seconds=5)
    done = talk.fires(T.ALONE)
    assert talk.state == "awaiting_agent"
    assert (texts(done), kinds(done)) == (["all_left"], [Kind.SAY, Kind.DESK_INVITE])
    assert T.WAIT in talk.due


def test_an_agent_who_comes_at_once_ends_the_loneliness() -> None:
    talk = Talk().meets("ada")
    talk.hears(T.AGENT_LEFT, agent="ada")
    talk.hears(T.AGENT_JOINED, agent="ben", name="Ben")
    assert T.ALONE not in talk.due
    assert talk.hears(T.ALONE).reason == "somebody came"


def test_during_a_transfer_nobody_is_invited_for_the_desk_has_somebody() -> None:
    talk = Talk().meets()
    assert texts(talk.hears(T.TRANSFER_STARTED, agent="ada", to="ben")) == ["transfer"]
    talk.hears(T.AGENT_LEFT, agent="ada")
    assert kinds(talk.fires(T.ALONE)) == [Kind.SAY]
    assert talk.state == "awaiting_agent"


def test_a_late_word_of_the_transfer_of_an_earlier_request_is_not_taken_for_this_one() -> None:
    talk = Talk().waits()
    talk.hears(T.AGENT_REQUEST_CANCELLED)
    talk.hears(T.AGENT_REQUESTED)
    talk.hears(T.AGENT_JOINED, request=2, agent="ada", name="Ada")
    assert talk.hears(T.TRANSFER_STARTED, request=1).reason == "another request"
    talk.hears(T.AGENT_LEFT, request=2, agent="ada")
    assert Kind.DESK_INVITE in kinds(talk.fires(T.ALONE))


def test_a_claim_comes_to_nothing_where_another_agent_has_it_unless_it_is_to_come_beside_them() -> None:
    talk = Talk().waits()
    talk.hears(T.AGENT_JOINED, agent="ada", name="Ada", claim="alone")
    done = talk.hears(T.AGENT_JOINED, agent="ben", name="Ben", claim="alone")
    assert (done.outcome, done.reason, done.effects) == (Outcome.REFUSED, "another agent has it", ())
    assert talk.context.agents == (("ada", "Ada"),)
    assert texts(talk.hears(T.AGENT_JOINED, agent="ben", name="Ben", claim="beside")) == ["agent_joined"]


def test_a_claim_is_news_of_one_who_fell_silent_where_a_report_is_not() -> None:
    talk = Talk().meets("ada")
    talk.hears(T.MEMBER_MESSAGE)
    talk.fires(T.AGENT_IDLE)
    assert talk.hears(T.AGENT_JOINED, agent="ada", name="Ada").outcome is Outcome.IGNORED
    assert texts(talk.hears(T.AGENT_JOINED, agent="ada", name="Ada", claim="alone")) == ["agent_joined"]


def test_a_request_is_addressed_to_the_agent_it_was_handed_to_until_somebody_comes() -> None:
    talk = Talk().meets("ada")
    talk.hears(T.TRANSFER_STARTED, agent="ada", to="ben")
    talk.hears(T.AGENT_LEFT, agent="ada")
    talk.fires(T.ALONE)
    assert talk.context.addressed == "ben"
    talk.hears(T.AGENT_JOINED, agent="cleo", name="Cleo")
    assert talk.context.addressed == ""


def test_only_who_is_there_hands_a_talk_over() -> None:
    talk = Talk().meets("ada")
    assert talk.hears(T.TRANSFER_STARTED, agent="ben", to="cleo").reason == "was not here"
    assert not talk.context.transfer


def test_the_end_of_a_talk_is_a_goodbye_a_rating_and_a_resolved_case() -> None:
    talk = Talk().meets()
    done = talk.hears(T.DESK_CLOSED, request=1)
    assert (talk.state, texts(done), told(done)) == ("closed", ["goodbye"], [("resolved", "solved")])
    assert "rating" in done.effects[0].payload["buttons"]
    assert talk.due == {}


def test_a_case_that_the_agent_set_to_pending_is_not_resolved_by_the_end_of_the_talk() -> None:
    talk = Talk().meets()
    talk.given["case"] = CaseFacts(talk.context.case, "pending")
    assert told(talk.hears(T.DESK_CLOSED, request=1)) == []


def test_a_desk_that_breaks_under_a_talk_is_replaced() -> None:
    talk = Talk().meets()
    done = talk.hears(T.DESK_FAILED, request=1)
    assert (talk.state, talk.context.request, texts(done)) == ("awaiting_agent", 2, ["desk_lost"])
    assert [kind for kind in kinds(done) if kind in OPEN_DESK] == list(OPEN_DESK)
    assert told(done) == []


def test_cancelling_is_refused_with_one_line_once_an_agent_is_there() -> None:
    talk = Talk().meets()
    done = talk.hears(T.AGENT_REQUEST_CANCELLED)
    assert (done.outcome, texts(done)) == (Outcome.REFUSED, ["who_is_here"])
    assert done.effects[0].payload["args"] == {"name": ["Ada"]}


def test_after_a_bare_join_it_is_the_agent_who_is_awaited() -> None:
    talk = Talk().meets()
    assert set(talk.due) == {T.AGENT_IDLE_WARN, T.AGENT_IDLE}


def test_a_member_who_does_not_reply_is_warned_and_then_taken_leave_of() -> None:
    talk = Talk().meets()
    talk.hears(T.AGENT_MESSAGE, agent="ada")
    assert set(talk.due) == {T.MEMBER_IDLE_WARN, T.MEMBER_IDLE}
    assert texts(talk.fires(T.MEMBER_IDLE_WARN)) == ["member_idle_warn"]
    assert talk.last.effects[0].payload["args"] == {"closes_at": talk.due[T.MEMBER_IDLE].isoformat()}
    done = talk.fires(T.MEMBER_IDLE)
    assert (talk.state, told(done)) == ("closed", [("resolved", "no_reply")])
    assert texts(done) == ["idle_resolved"]
    assert Kind.DESK_CLOSE in kinds(done)


def test_a_warning_that_comes_late_closes_when_it_says_and_not_before() -> None:
    talk = Talk().meets()
    talk.hears(T.AGENT_MESSAGE, agent="ada")
    talk.passes(DEFAULT_LIMITS.member_idle - 1)  # nobody served when the warning was due
    warned = talk.fires(T.MEMBER_IDLE_WARN)
    closes_at = datetime.fromisoformat(warned.effects[0].payload["args"]["closes_at"])
    assert closes_at == talk.due[T.MEMBER_IDLE] == talk.now + timedelta(minutes=15)


def test_an_agent_who_does_not_reply_is_reminded_and_then_replaced() -> None:
    talk = Talk().meets()
    talk.hears(T.MEMBER_MESSAGE)
    assert set(talk.due) == {T.AGENT_IDLE_WARN, T.AGENT_IDLE}
    assert desk_texts(talk.fires(T.AGENT_IDLE_WARN)) == ["member_waits"]
    done = talk.fires(T.AGENT_IDLE)
    assert (texts(done), desk_texts(done)) == (["agent_silent"], ["agent_silent"])
    assert (talk.state, talk.context.agents) == ("awaiting_agent", ())
    talk.hears(T.AGENT_MESSAGE, agent="ada", name="Ada", request=1)
    assert talk.state == "with_agent"


def test_an_agent_may_write_first_and_the_member_is_then_awaited() -> None:
    talk = Talk()
    talk.asks()
    done = talk.hears(T.AGENT_CONTACTS, agent="ada", name="Ada")
    assert talk.state == "with_agent"
    assert texts(done) == ["contact"]
    assert kinds(done)[-1] is Kind.RELAY_TO_MEMBER
    assert [kind for kind in kinds(done) if kind in OPEN_DESK] == list(OPEN_DESK)
    assert set(talk.due) == {T.MEMBER_IDLE_WARN, T.MEMBER_IDLE}


def test_a_contact_that_the_agent_never_accepted_ends_without_a_goodbye() -> None:
    talk = Talk()
    talk.asks()
    talk.hears(T.AGENT_CONTACTS, agent="ada", name="Ada")
    done = talk.hears(T.DESK_CLOSED, request=1)
    assert (talk.state, texts(done)) == ("bot_faq", ["contact_ended"])
    assert ("note_added", "contact_ended") in told(done)
    assert not any(kind in OPEN_DESK for kind in kinds(done))


@pytest.mark.parametrize(("end", "said"), [(T.DESK_CLOSED, "nobody_came"), (T.DESK_FAILED, "desk_failed")])
def test_whoever_replied_to_a_contact_that_was_never_accepted_is_told_that_nobody_reads_it(
    end: T, said: str
) -> None:
    talk = Talk(open_now=True)
    talk.asks()
    talk.hears(T.AGENT_CONTACTS, agent="ada", name="Ada")
    talk.hears(T.MEMBER_MESSAGE)
    done = talk.hears(end, request=1)
    assert (talk.state, texts(done)) == ("bot_faq", [said])
    assert ("note_added", "contact_ended") in told(done)
    # what is still to be posted at a closed desk fails, and its author is told; one that broke takes nothing more
    assert bool(done.voids) == (end is T.DESK_FAILED)


def test_the_member_may_close_at_any_time_and_the_desk_is_closed_with_it() -> None:
    talk = Talk().meets()
    done = talk.hears(T.MEMBER_CLOSED)
    assert (talk.state, texts(done), told(done)) == ("closed", ["closed_by_member"], [("resolved", "solved")])
    assert Kind.DESK_CLOSE in kinds(done)


def test_a_failed_delivery_is_told_to_its_author_once() -> None:
    talk = Talk().meets()
    done = talk.hears(T.DELIVERY_FAILED, about="m7", side="agent", reason="dm closed")
    assert desk_texts(done) == ["not_delivered"]
    again = talk.hears(T.DELIVERY_FAILED, about="m7", side="agent")
    assert (again.outcome, again.reason) == (Outcome.IGNORED, "told before")


@pytest.mark.parametrize(
    ("moves", "noted"),
    [(None, ["own", "other"]), (T.CASE_MERGED, ["other"])],
    ids=["two cases", "merged meanwhile"],
)
def test_what_was_written_from_another_case_and_failed_is_noted_once_on_each(
    moves: T | None, noted: list[str]
) -> None:
    talk = Talk().meets()
    cases = {"own": talk.context.case, "other": "f" * 32}
    talk.hears(T.AGENT_CONTACTS, case=cases["other"], agent="ben", name="Ben")
    assert talk.last.effects[-1].payload["from_case"] == cases["other"]
    if moves:
        talk.hears(moves, into=cases["other"])
    done = talk.hears(T.DELIVERY_FAILED, about="m7", side="agent", from_case=cases["other"])
    assert [tell.case for tell in done.tells] == [cases[name] for name in noted]


def test_what_was_written_from_the_case_of_the_talk_and_failed_is_noted_once() -> None:
    talk = Talk().meets()
    case = talk.context.case
    talk.hears(T.MEMBER_CLOSED)
    done = talk.hears(T.DELIVERY_FAILED, about="m7", side="agent", from_case=case)
    assert [tell.case for tell in done.tells] == [case]


def test_a_failed_delivery_of_the_members_text_is_told_to_the_member() -> None:
    assert texts(Talk().meets().hears(T.DELIVERY_FAILED, about="m7", side="member")) == ["not_delivered"]


def test_a_notice_about_a_notice_is_ignored() -> None:
    done = Talk().meets().hears(T.DELIVERY_FAILED, about="m7", side="member", notice=True)
    assert (done.outcome, done.effects) == (Outcome.IGNORED, ())


def test_an_unreachable_member_is_reported_once_and_so_is_the_return() -> None:
    talk = Talk().meets()
    assert desk_texts(talk.hears(T.UNREACHABLE)) == ["unreachable"]
    assert desk_texts(talk.hears(T.UNREACHABLE)) == []
    assert desk_texts(talk.hears(T.MEMBER_MESSAGE)) == ["reachable_again"]
    assert not talk.context.unreachable


def test_a_reaction_is_a_note_to_the_other_side() -> None:
    talk = Talk().meets()
    assert desk_texts(talk.hears(T.MEMBER_REACTED, emoji="+1")) == ["member_reacted"]
    assert texts(talk.hears(T.AGENT_REACTED, emoji="+1")) == ["agent_reacted"]


def test_a_rating_before_the_end_is_refused() -> None:
    done = Talk().meets().hears(T.RATING, rating=5)
    assert (done.outcome, texts(done)) == (Outcome.REFUSED, ["not_closed"])


def test_a_blocked_member_is_told_once_and_the_desk_is_closed() -> None:
    talk = Talk().meets()
    done = talk.hears(T.MEMBER_BLOCKED)
    assert (talk.state, texts(done), desk_texts(done)) == ("closed", ["blocked"], ["member_blocked"])
    assert talk.hears(T.MEMBER_BLOCKED).effects == ()


def test_the_case_of_a_member_who_cannot_be_reached_is_not_resolved_for_want_of_a_reply() -> None:
    talk = Talk()
    talk.asks()
    talk.hears(T.AGENT_CONTACTS, agent="ada", name="Ada", present=True)
    talk.hears(T.UNREACHABLE)
    done = talk.fires(T.MEMBER_IDLE)
    assert (talk.state, texts(done)) == ("closed", ["idle_case_open"])
    assert [what for what, _ in told(done)] == ["note_added"]
    assert desk_texts(done) == ["ended_by_silence"]
