"""Cases: told in the transaction of their conversation, numbered without gaps; and replay."""

from __future__ import annotations

import pytest

from machines.events import CaseTrigger, Trigger
from storage import schema
from storage.codec import load
from tests.storage import replay
from tests.storage.facts import ANN, BEN, START, answered_by_agent, commanded, fired, pressed, reported, wrote
from tests.storage.house import House, subject_id
from tests.storage.test_failures import Cut, counting, scene
from tests.storage.test_timers import broken


def test_asking_for_a_person_opens_a_case_in_the_same_transaction(house: House) -> None:
    talk = house.waits(ANN)
    case = house.row(schema.case_)
    assert (case.member, case.kind, case.state, case.number) == (ANN, "help", "open", 1)
    assert house.row(schema.conversation).case_id == case.id
    told = house.row(schema.event, subject=f"case:{case.id}")
    assert (told.source, told.id, told.trigger) == ("tell", f"conversation:{talk}:1:0:0", "opened")


def test_the_agents_arrival_moves_the_case(house: House) -> None:
    house.talks(ANN)
    assert house.row(schema.case_).state == "in_progress"


def test_a_later_conversation_joins_the_open_case(house: House) -> None:
    first = house.waits(ANN)
    house.arrives(reported(Trigger.DESK_CLOSED, first))
    house.arrives(pressed(ANN, Trigger.MEMBER_CLOSED, first))

    second = subject_id(house.arrives(commanded(ANN, Trigger.AGENT_REQUESTED)))

    case = house.row(schema.case_)
    assert load(case.context)["conversations"] == [first, second]
    assert {row.case_id for row in house.rows(schema.conversation)} == {case.id}


def test_two_requests_in_one_batch_join_one_case(house: House) -> None:
    talk = subject_id(house.arrives(wrote(ANN, "1")))
    applied = house.arrives(
        pressed(ANN, Trigger.AGENT_REQUESTED, talk),
        reported(Trigger.DESK_CLOSED, talk),
        pressed(ANN, Trigger.AGENT_REQUESTED, talk),
    )
    assert applied.receipts[-1].state == "awaiting_agent"
    assert house.size(schema.case_) == 1


def test_numbers_have_no_gaps(house: House) -> None:
    house.waits(ANN)
    with counting(house.engine) as statements:
        house.waits("4009")
    for cut_at in range(1, len(statements) // 2):
        with counting(house.engine, cut_at=cut_at), pytest.raises(Cut):
            house.arrives(pressed(BEN, Trigger.AGENT_REQUESTED, ""))
    house.arrives(pressed(BEN, Trigger.AGENT_REQUESTED, ""), pressed("4003", Trigger.AGENT_REQUESTED, ""))
    assert sorted(row.number for row in house.rows(schema.case_)) == [1, 2, 3, 4]


def test_a_note_is_kept_with_the_name_of_what_made_it(house: House) -> None:
    talk = house.talks(ANN)
    house.arrives(pressed(ANN, Trigger.MESSAGE_LEFT, talk, body="call me"))
    note = house.row(schema.case_note)
    assert (note.note, load(note.data)["body"]) == ("message_left", "call me")


def test_a_case_that_raises_leaves_its_conversation_moved(house: House) -> None:
    talk = house.waits(ANN)
    house.arrives(reported(Trigger.AGENT_JOINED, talk), step=broken(CaseTrigger.AGENT_JOINED))
    assert house.state(talk) == "with_agent"
    assert house.row(schema.case_).state == "open"


# --- replay


def test_the_journal_gives_what_is_stored(house: House) -> None:
    batch = scene(house)
    house.arrives(*batch)
    house.passes(5)
    house.arrives(wrote(ANN, "6", "another", at=START + 5), wrote("4003", "7"))
    talk = subject_id(house.arrives(pressed(ANN, Trigger.AGENT_REQUESTED, "")))
    house.arrives(fired(house.timer(talk, "desk_open_overdue")))
    assert replay.differences(house.engine) == []


def test_the_journal_gives_the_language_a_conversation_began_with(house: House) -> None:
    first = subject_id(house.arrives(wrote(ANN, "1", locale="de")))
    house.arrives(pressed(ANN, Trigger.MEMBER_CLOSED, first))
    second = subject_id(house.arrives(wrote(ANN, "2", at=START + 1)))
    assert load(house.row(schema.conversation, id=second).context)["locale"] == "de"
    assert replay.differences(house.engine) == []


def test_a_step_that_failed_is_no_part_of_the_replay(house: House) -> None:
    talk = house.talks(ANN)
    house.arrives(answered_by_agent(talk, "IM1"), step=broken(Trigger.AGENT_MESSAGE))
    house.arrives(answered_by_agent(talk, "IM2"))
    assert replay.differences(house.engine) == []


@pytest.mark.parametrize(
    ("table", "values"),
    [
        (schema.conversation, {"state": "bot_faq"}),
        (schema.conversation, {"version": 99}),
        (schema.effect, {"lane": "dm:0"}),
        (schema.effect, {"key": "another"}),
        (schema.case_, {"state": "pending"}),
    ],
    ids=str,
)
def test_replay_finds_a_row_that_was_tampered_with(
    house: House, table: schema.Table, values: dict[str, object]
) -> None:
    house.talks(ANN)
    first = house.rows(table)[0]
    with house.engine.begin() as connection:
        key = next(iter(table.primary_key.columns))
        connection.execute(table.update().where(key == getattr(first, key.name)).values(**values))
    assert replay.differences(house.engine) != []


def test_a_rating_without_a_case_is_kept_and_a_second_one_replaces_it(house: House) -> None:
    talk = subject_id(house.arrives(pressed(ANN, Trigger.SOLVED, subject_id(house.arrives(wrote(ANN, "1"))))))
    for press, stars in (("r1", 2), ("r2", 5)):
        house.arrives(pressed(ANN, Trigger.RATING, talk, press, rating=stars))

    kept = house.row(schema.feedback, conversation=talk)

    assert (kept.rating, kept.comment) == (5, None)


def test_what_an_agent_wrote_too_late_is_kept_from_the_member(house: House) -> None:
    talk = house.talks(ANN)
    house.arrives(reported(Trigger.DESK_CLOSED, talk, at=START + 10))
    house.arrives(answered_by_agent(talk, "IM-late", "INTERNAL: he is lying", at=START + 20))

    assert house.row(schema.message, id="twilio:IM-late").withheld
