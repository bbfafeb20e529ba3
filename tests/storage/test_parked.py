"""Edits and deletes follow their message; what is too early waits for its name."""

from __future__ import annotations

import pytest

from machines.events import Address, Event, Source, Trigger
from machines.table import Outcome
from storage import codec, schema
from storage.marks import PARKED_S, drop_parked
from storage.values import Link, Result, Status, moment
from tests.storage import replay
from tests.storage.facts import ANN, BEN, START, answered_by_agent, deleted, edited, pressed, reported, wrote
from tests.storage.house import House, subject_id


def test_an_edit_changes_the_row_and_is_relayed(house: House) -> None:
    house.talks(ANN)
    house.arrives(wrote(ANN, "1", "helo"))

    applied = house.arrives(edited(ANN, "1", "hello", START + 5))

    row = house.row(schema.message)
    assert (row.body, row.revision, row.edited_at) == ("hello", 1, START + 5)
    assert [(e.kind, e.payload["op"]) for e in applied.effects] == [("relay_to_desk", "edit")]
    assert house.rows(schema.event, id="1:edit:1") != []


@pytest.mark.parametrize(
    ("body", "at"), [("newer", START + 5.25), ("older", START + 4), ("hello", START + 9)], ids=str
)
def test_an_edit_that_tells_nothing_new_is_dropped(house: House, body: str, at: float) -> None:
    house.talks(ANN)
    house.arrives(wrote(ANN, "1", "helo"))
    house.arrives(edited(ANN, "1", "hello", START + 5.25))
    before = house.everything()

    applied = house.arrives(edited(ANN, "1", body, at))

    assert applied.receipts[0].duplicate
    assert house.everything() == before


def test_an_edit_within_the_second_of_its_message_is_known_from_a_list_of_whole_seconds(house: House) -> None:
    """A webhook that got lost is made up for by reading, and Twilio's lists leave fractions out."""
    house.talks(ANN)
    house.arrives(wrote(ANN, "1", "helo"))
    house.arrives(edited(ANN, "1", "hello", START + 5.25))

    house.arrives(edited(ANN, "1", "hello!", START + 5))

    assert house.row(schema.message).body == "hello!"


def test_each_newer_edit_is_the_next_revision(house: House) -> None:
    talk = house.talks(ANN)
    house.arrives(answered_by_agent(talk, "IM1", "one"))
    house.arrives(*(edited("", "IM1", f"v{n}", START + n, source=Source.TWILIO) for n in (1, 2)))
    house.arrives(edited("", "IM1", "v3", START + 3, source=Source.TWILIO))

    row = house.row(schema.message)
    assert (row.body, row.revision) == ("v3", 3)
    names = {r.id for r in house.rows(schema.event, source="twilio") if ":edit:" in r.id}
    assert names == {"IM1:edit:1", "IM1:edit:2", "IM1:edit:3"}


def test_a_deleted_message_is_deleted_once_and_not_edited_any_more(house: House) -> None:
    house.talks(ANN)
    house.arrives(wrote(ANN, "1"))
    assert len(house.arrives(deleted("1")).effects) == 1

    again = house.arrives(deleted("1"), edited(ANN, "1", "changed", START + 9))

    assert [receipt.duplicate for receipt in again.receipts] == [True, True]
    row = house.row(schema.message)
    assert (row.deleted, row.body) == (True, "how do I pay?")


def test_an_edit_goes_to_the_closed_conversation_of_its_message(house: House) -> None:
    old = house.talks(ANN)
    house.arrives(wrote(ANN, "1"))
    house.arrives(pressed(ANN, Trigger.MEMBER_CLOSED, old))
    house.arrives(wrote(ANN, "2", at=START + 1))
    assert subject_id(house.arrives(edited(ANN, "1", "changed", START + 5))) == old


def test_an_edit_that_overtook_its_message_is_stepped_in_the_same_batch(house: House) -> None:
    house.talks(ANN)

    applied = house.arrives(edited(ANN, "1", "hello", START + 5), wrote(ANN, "1", "helo"))

    assert applied.receipts[0].outcome is Outcome.PARKED
    assert house.row(schema.message).body == "hello"
    assert [e.payload["op"] for e in applied.effects] == ["create", "edit"]
    assert house.size(schema.parked) == 0


@pytest.mark.parametrize("restart", [False, True])
def test_an_edit_that_overtook_its_message_waits_for_it(house: House, *, restart: bool) -> None:
    house.talks(ANN)
    house.arrives(edited(ANN, "1", "hello", START + 5))
    assert house.row(schema.parked).waits_for == "message:discord:1"
    assert house.rows(schema.event, source="discord", trigger="member_edited") == []
    if restart:
        house.restart()

    house.arrives(wrote(ANN, "1", "helo"))

    assert house.row(schema.message).body == "hello"
    assert house.size(schema.parked) == 0


def test_a_delete_that_overtook_its_message_deletes_it(house: House) -> None:
    house.talks(ANN)
    house.arrives(deleted("1"))
    house.arrives(deleted("1"))
    house.arrives(wrote(ANN, "1"))
    assert house.row(schema.message).deleted
    assert house.size(schema.parked) == 0


def test_a_member_who_was_woken_for_keeps_what_is_known_of_them(house: House) -> None:
    house.arrives(wrote(ANN, "0", name="Ann", locale="de"))
    house.arrives(edited(ANN, "1", "hello", START + 5))
    house.arrives(wrote(BEN, "9"), wrote(ANN, "1", "helo"))
    row = house.row(schema.member, id=ANN)
    assert (row.name, row.locale, row.dm_channel) == ("Ann", "de", f"dm-{ANN}")


def linking(house: House, talk: str) -> Result:
    route = house.rows(schema.effect, kind="desk_route", subject=f"conversation:{talk}")[0]
    return Result(route.key, 0, Status.DONE, 1, links=(Link("channel_sid", "UO1", talk, 1),))


@pytest.mark.parametrize("restart", [False, True])
def test_a_report_by_an_unknown_link_waits_for_the_link(house: House, *, restart: bool) -> None:
    talk = house.waits(ANN)
    early = reported(Trigger.AGENT_JOINED, None, link=("channel_sid", "UO1"), ref="early")
    assert house.arrives(early).receipts[0].outcome is Outcome.PARKED
    assert house.state(talk) == "awaiting_agent"
    if restart:
        house.restart()

    house.arrives(linking(house, talk))

    assert house.state(talk) == "with_agent"
    assert house.size(schema.parked) == 0
    assert house.arrives(early).receipts[0].duplicate


def test_what_waited_longer_is_stepped_first(house: House) -> None:
    talk = house.waits(ANN)
    link = ("channel_sid", "UO1")
    row = "twilio:IM"
    house.arrives(
        reported(Trigger.AGENT_MESSAGE, None, link=link, ref="z", at=START + 1, message=f"{row}1", body="1")
    )
    house.passes(1)
    late = reported(
        Trigger.AGENT_MESSAGE, None, link=link, ref="a", at=START + 2, message=f"{row}2", body="2"
    )

    applied = house.arrives(late, linking(house, talk))

    relayed = [e.payload["message"] for e in applied.effects if e.kind == "relay_to_member"]
    assert relayed == [f"{row}1", f"{row}2"]


def test_what_waits_too_long_is_ignored_and_its_name_is_spent(house: House) -> None:
    house.talks(ANN)
    early = edited(ANN, "1", "hello", START + 5)
    house.arrives(early)
    assert drop_parked(house.engine, house.now + PARKED_S - 1) == 0

    assert drop_parked(house.engine, house.now + PARKED_S + 1) == 1

    assert house.size(schema.parked) == 0
    row = house.row(schema.event, id=early.id)
    assert (row.outcome, row.reason) == ("ignored", "never came: message:discord:1")
    house.arrives(wrote(ANN, "1", "helo"))
    assert house.row(schema.message).body == "helo"


@pytest.mark.parametrize("subject", ["member:4001", "case:00ab"])
def test_a_report_about_an_effect_that_no_conversation_owns_waits_for_none(
    house: House, subject: str
) -> None:
    house.talks(ANN)
    to = Address(member=ANN, conversation=subject.partition(":")[2])
    gone = Event(Source.EFFECT, f"{subject}:1:0:0:gone", Trigger.UNREACHABLE, moment(START), to, {})

    (receipt,) = house.arrives(gone).receipts

    assert (receipt.outcome, receipt.reason) == (Outcome.IGNORED, "no conversation")
    assert house.size(schema.parked) == 0


def test_what_a_link_wakes_knows_the_case(house: House) -> None:
    """A batch of nothing but the link would not have looked at any case."""
    talk = house.talks(ANN)
    link = ("channel_sid", "UO1")
    house.arrives(pressed(ANN, Trigger.OTHER_CASE, talk))
    house.arrives(reported(Trigger.DESK_CLOSED, None, link=link, ref="early"))
    house.restart()

    house.arrives(linking(house, talk))

    given = codec.load(house.row(schema.event, id="early").given)
    assert given["case"]["id"] == house.row(schema.conversation, id=talk).case_id
    assert replay.differences(house.engine) == []


def test_what_a_message_wakes_knows_the_case(house: House) -> None:
    talk = house.talks(ANN)
    taken_back = Event(
        Source.DISCORD,
        "taken back",
        Trigger.MEMBER_DELETED,
        moment(START),
        Address(member=ANN, message="discord:1"),
        {"message": "discord:1"},
    )
    house.arrives(taken_back)
    house.restart()

    house.arrives(wrote(ANN, "1"))

    given = codec.load(house.row(schema.event, id="taken back").given)
    assert given["case"]["id"] == house.row(schema.conversation, id=talk).case_id
