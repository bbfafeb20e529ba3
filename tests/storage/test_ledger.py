"""A fact has its effect once, however often and however it is told; openers find what is open."""

from __future__ import annotations

from machines.events import Trigger
from machines.table import Outcome
from storage import schema
from storage.values import Receipt, Result, Status
from tests.storage.facts import ANN, BEN, START, answered_by_agent, pressed, wrote
from tests.storage.house import House, subject_id


def test_a_first_message_starts_a_conversation(house: House) -> None:
    applied = house.arrives(wrote(ANN, "1"))

    row = house.row(schema.conversation)
    assert (row.id, row.member, row.state) == (subject_id(applied), ANN, "bot_faq")
    assert applied.receipts == [Receipt(Outcome.STAYED, f"conversation:{row.id}", "bot_faq")]
    assert house.row(schema.member).dm_channel == f"dm-{ANN}"
    assert house.row(schema.message).body == "how do I pay?"


def test_a_second_opener_joins_the_open_conversation(house: House) -> None:
    first = subject_id(house.arrives(wrote(ANN, "1")))
    assert subject_id(house.arrives(pressed(ANN, Trigger.AGENT_REQUESTED, ""))) == first
    assert house.size(schema.conversation) == 1
    assert house.state(first) == "awaiting_agent"


def test_two_openers_in_one_batch_share_one_conversation(house: House) -> None:
    applied = house.arrives(wrote(ANN, "1"), wrote(ANN, "2", "and when?"))

    assert subject_id(applied, 0) == subject_id(applied, 1)
    assert house.row(schema.conversation).version == 2


def test_two_members_in_one_batch_have_a_conversation_each(house: House) -> None:
    applied = house.arrives(wrote(ANN, "1"), wrote(BEN, "2"))

    assert subject_id(applied, 0) != subject_id(applied, 1)
    owners = {row.id: row.member for row in house.rows(schema.conversation)}
    assert owners == {subject_id(applied, 0): ANN, subject_id(applied, 1): BEN}


def test_the_same_fact_twice_in_a_batch_counts_once(house: House) -> None:
    talk = house.talks(ANN)
    before = house.size(schema.effect)

    applied = house.arrives(wrote(ANN, "7"), wrote(ANN, "7"))

    assert [receipt.duplicate for receipt in applied.receipts] == [False, True]
    assert len(house.rows(schema.event, id="7")) == 1
    assert house.size(schema.effect) == before + 1
    assert len(house.rows(schema.message, conversation=talk)) == 1


def test_the_same_fact_in_a_later_batch_counts_once(house: House) -> None:
    house.talks(ANN)
    house.arrives(wrote(ANN, "7"))
    before = house.everything()

    applied = house.arrives(wrote(ANN, "7"))

    assert applied.receipts[0].duplicate
    assert applied.effects == []
    assert house.everything() == before


def test_the_same_fact_after_a_restart_counts_once(house: House) -> None:
    house.talks(ANN)
    house.arrives(wrote(ANN, "7"))
    before = house.everything()
    house.restart()

    assert house.arrives(wrote(ANN, "7")).receipts[0].duplicate
    assert house.everything() == before


def test_a_result_given_twice_has_its_events_once(house: House) -> None:
    talk = house.waits(ANN)
    effect = house.rows(schema.effect, kind="desk_route")[0]
    told = answered_by_agent(talk, "IM1")
    result = Result(effect.key, 0, Status.DONE, 1, events=(told,))
    house.arrives(result)
    before = house.everything()

    house.arrives(result)

    after = house.everything()
    assert {name for name in after if after[name] != before[name]} <= {"effect"}
    assert len(after["effect"]) == len(before["effect"])


def test_events_of_one_member_build_on_each_other_inside_a_batch(house: House) -> None:
    opened = house.arrives(pressed(ANN, Trigger.AGENT_REQUESTED, ""))
    talk = subject_id(opened)

    applied = house.arrives(
        answered_by_agent(talk, "IM1"),
        wrote(ANN, "1", "thanks"),
        pressed(ANN, Trigger.MEMBER_CLOSED, talk, at=START + 1),
        wrote(ANN, "2", "another thing", at=START + 2),
    )

    states = [receipt.state for receipt in applied.receipts]
    assert states == ["with_agent", "with_agent", "closed", "bot_faq"]
    assert subject_id(applied, 3) != talk
    versions = [row.version for row in house.rows(schema.event, subject=f"conversation:{talk}")]
    assert sorted(versions) == [1, 2, 3, 4]


def test_a_member_has_at_most_one_open_conversation(house: House) -> None:
    for n in range(3):
        talk = subject_id(house.arrives(wrote(ANN, f"{n}", at=START + n)))
        house.arrives(wrote(ANN, f"{n}b", at=START + n))
        house.arrives(pressed(ANN, Trigger.MEMBER_CLOSED, talk, at=START + n))
    house.arrives(wrote(ANN, "last", at=START + 9))

    states = sorted(row.state for row in house.rows(schema.conversation, member=ANN))
    assert states == ["bot_faq", "closed", "closed", "closed"]


def test_what_discord_tells_of_a_member_is_kept(house: House) -> None:
    house.arrives(wrote(ANN, "1", name="Ann", locale="de"))
    house.arrives(wrote(ANN, "2", name="Ann B."))

    row = house.row(schema.member)
    assert (row.name, row.locale, row.dm_channel, row.known_since) == ("Ann B.", "de", f"dm-{ANN}", "1")
