"""Which conversation an event goes to."""

from __future__ import annotations

from dataclasses import replace

import pytest

from machines.events import Trigger
from machines.table import Outcome
from storage import schema
from storage.codec import load
from storage.values import Item, Link, Result, Status
from tests.storage.facts import ANN, BEN, START, answered_by_agent, commanded, pressed, reported, wrote
from tests.storage.house import House, subject_id


def ended(house: House, member: str) -> str:
    """A conversation that the member had with an agent and closed."""
    talk = house.talks(member)
    house.arrives(pressed(member, Trigger.MEMBER_CLOSED, talk))
    house.passes(1)
    return talk


def test_a_press_on_a_closed_conversation_goes_to_the_open_one(house: House) -> None:
    old = ended(house, ANN)
    new = subject_id(house.arrives(wrote(ANN, "2", at=START + 5)))

    applied = house.arrives(pressed(ANN, Trigger.SOLVED, old))

    assert subject_id(applied) == new
    assert house.state(new) == "closed"


def test_a_press_on_a_closed_conversation_stays_there_when_none_is_open(house: House) -> None:
    old = ended(house, ANN)
    applied = house.arrives(pressed(ANN, Trigger.AGENT_REQUEST_CANCELLED, old))
    assert (subject_id(applied), applied.receipts[0].outcome) == (old, Outcome.IGNORED)


def test_reopening_starts_the_next_conversation_on_the_same_case(house: House) -> None:
    old = ended(house, ANN)
    case = house.row(schema.case_)
    assert case.state == "resolved"

    applied = house.arrives(pressed(ANN, Trigger.AGENT_REQUESTED, old, reopened=True))

    new = subject_id(applied)
    assert new != old
    assert house.row(schema.conversation, id=new).case_id == case.id
    assert house.row(schema.case_).state == "open"


@pytest.mark.parametrize("trigger", [Trigger.SOLVED, Trigger.MEMBER_CLOSED, Trigger.AGENT_REQUEST_CANCELLED])
def test_another_members_button_never_touches_their_conversation(house: House, trigger: Trigger) -> None:
    of_ann = house.waits(ANN)
    before = house.row(schema.conversation, id=of_ann)

    house.arrives(pressed(BEN, trigger, of_ann))

    assert house.row(schema.conversation, id=of_ann) == before


@pytest.mark.parametrize("trigger", [Trigger.RATING, Trigger.TRANSCRIPT_REQUESTED])
def test_what_names_another_members_conversation_is_ignored(house: House, trigger: Trigger) -> None:
    of_ann = ended(house, ANN)
    before = house.row(schema.conversation, id=of_ann)

    applied = house.arrives(pressed(BEN, trigger, of_ann, rating=1))

    assert applied.receipts[0].outcome is Outcome.IGNORED
    assert applied.effects == []
    assert house.row(schema.conversation, id=of_ann) == before


def test_a_press_never_renames_another_member(house: House) -> None:
    of_ann = subject_id(house.arrives(wrote(ANN, "1", name="Ann")))
    house.arrives(pressed(BEN, Trigger.SOLVED, of_ann, name="Ben"))
    assert house.row(schema.member, id=ANN).name == "Ann"


def test_a_rating_goes_to_the_closed_conversation_it_names(house: House) -> None:
    old = ended(house, ANN)
    house.arrives(wrote(ANN, "2", at=START + 5))

    applied = house.arrives(pressed(ANN, Trigger.RATING, old, rating=4))

    assert subject_id(applied) == old
    assert load(house.row(schema.case_).context)["rating"] == 4


def test_a_desk_report_goes_to_the_conversation_it_names_open_or_closed(house: House) -> None:
    old = ended(house, ANN)
    new = subject_id(house.arrives(wrote(ANN, "2", at=START + 5)))

    late = house.arrives(answered_by_agent(old, "IM9", at=START - 5))

    assert subject_id(late) == old
    assert house.row(schema.message, id="twilio:IM9").conversation == old
    assert house.row(schema.conversation, id=new).version == 1


def test_a_command_that_names_nobody_goes_to_the_open_conversation(house: House) -> None:
    talk = house.waits(ANN)
    assert subject_id(house.arrives(commanded(ANN, Trigger.HELP_REQUESTED))) == talk


def test_a_link_says_which_conversation_and_which_request(house: House) -> None:
    talk = house.waits(ANN)
    route = house.rows(schema.effect, kind="desk_route")[0]
    link = Link("task_sid", "WT1", talk, 1)
    house.arrives(Result(route.key, 0, Status.DONE, 1, links=(link,)))

    applied = house.arrives(reported(Trigger.AGENT_JOINED, None, link=("task_sid", "WT1"), ref="j"))

    assert applied.receipts[0].state == "with_agent"
    assert load(house.row(schema.event, id="j").address)["request"] == 1


def test_our_own_mark_is_believed_before_a_link(house: House) -> None:
    of_ann, of_ben = house.waits(ANN), house.waits(BEN)
    route = next(row for row in house.rows(schema.effect, kind="desk_route") if of_ben in row.subject)
    house.arrives(Result(route.key, 0, Status.DONE, 1, links=(Link("task_sid", "WT1", of_ben, 1),)))

    applied = house.arrives(reported(Trigger.AGENT_JOINED, of_ann, link=("task_sid", "WT1")))

    assert subject_id(applied) == of_ann
    assert house.state(of_ben) == "awaiting_agent"


def test_a_press_that_starts_nothing_is_ignored(house: House) -> None:
    applied = house.arrives(pressed(ANN, Trigger.SOLVED, "f" * 32))
    assert applied.receipts[0].outcome is Outcome.IGNORED
    assert house.size(schema.conversation) == 0


def test_an_event_that_names_nobody_is_ignored(house: House) -> None:
    event = reported(Trigger.AGENT_JOINED, None, ref="n")
    applied = house.arrives(replace(event, to=replace(event.to, link=None)))
    assert applied.receipts[0].outcome is Outcome.IGNORED
    assert house.row(schema.event, id="n").reason == "it names nobody"


def test_a_thank_you_after_the_goodbye_starts_nothing(house: House) -> None:
    talk = house.talks(ANN)
    house.arrives(reported(Trigger.DESK_CLOSED, talk))
    house.passes(30)

    applied = house.arrives(wrote(ANN, "2", "thanks!", at=START + 30))

    assert subject_id(applied) == talk
    assert [effect.kind for effect in applied.effects] == ["react"]
    assert house.size(schema.conversation) == 1


def test_a_message_written_before_the_close_is_the_first_of_the_next_conversation(house: House) -> None:
    talk = house.talks(ANN)
    house.arrives(reported(Trigger.DESK_CLOSED, talk, at=START + 20))
    house.passes(30)

    applied = house.arrives(wrote(ANN, "2", "one more thing", at=START + 10))

    assert subject_id(applied) != talk
    assert "was_closed" in [effect.payload.get("text") for effect in applied.effects]
    assert "written_before_close" in [row.note for row in house.rows(schema.case_note)]


def test_a_blocked_member_is_answered_and_starts_nothing(house: House) -> None:
    house.arrives(pressed(ANN, Trigger.MEMBER_CLOSED, subject_id(house.arrives(wrote(ANN, "1")))))
    with house.engine.begin() as connection:
        connection.execute(schema.member.update().values(blocked=True))
    house.restart()
    interaction = {"id": "77", "application": "1", "token": "t"}

    applied = house.arrives(commanded(ANN, Trigger.HELP_REQUESTED, interaction=interaction))

    assert (applied.receipts[0].outcome, applied.receipts[0].reason) == (Outcome.REFUSED, "blocked")
    assert [(e.kind, e.payload["text"]) for e in applied.effects] == [("answer_interaction", "blocked")]
    assert house.size(schema.conversation) == 1


def test_a_blocked_stranger_is_answered_and_starts_nothing(house: House) -> None:
    with house.engine.begin() as connection:
        connection.execute(schema.member.insert().values(id=ANN, blocked=True))

    applied = house.arrives(wrote(ANN, "1"))

    assert applied.receipts[0].reason == "blocked"
    assert house.size(schema.conversation) == 0


@pytest.mark.parametrize("back", [0.0, 3600.0], ids=["at-once", "clock-set-back"])
def test_the_latest_conversation_is_the_one_that_began_last(house: House, back: float) -> None:
    first = house.talks(ANN)
    house.passes(-back)
    batch: list[Item] = [pressed(ANN, Trigger.MEMBER_CLOSED, first)]
    for n in range(8):
        batch += [
            pressed(ANN, Trigger.AGENT_REQUESTED, ""),
            commanded(ANN, Trigger.MEMBER_CLOSED, f"close-{n}"),
        ]
    receipts = house.arrives(*batch).receipts
    last = receipts[-1].subject.partition(":")[2]
    house.restart()

    house.arrives(wrote(ANN, "1"))

    assert load(house.row(schema.event, id="1").given)["previous"]["conversation"] == last
    began = [row.created_at for row in house.rows(schema.conversation, member=ANN)]
    assert len(set(began)) == len(began) == 10
