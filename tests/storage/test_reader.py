"""The questions that others ask of the database."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from sqlalchemy.event import listen
from sqlalchemy.ext.asyncio import AsyncEngine

from machines.events import Source, Trigger
from storage import schema
from storage.engines import reader
from storage.marks import mark_desks, mark_dms
from storage.reads.reader import VALUES, Reader
from storage.values import Link, Result, Status
from tests.storage.facts import ANN, BEN, START, answered_by_agent, deleted, edited, pressed, wrote
from tests.storage.house import House, subject_id


@pytest.fixture
async def reads(house: House) -> AsyncIterator[Reader]:
    engine = reader(house.url)
    yield Reader(engine)
    await engine.dispose()


async def test_people_conversations_and_cases_are_found_by_their_ids(house: House, reads: Reader) -> None:
    house.arrives(wrote(ANN, "1", name="Ann", locale="de"))
    talk = house.waits(ANN)

    person, conversation = await reads.member(ANN), await reads.conversation(talk)
    assert person is not None
    assert (person.dm_channel, person.name, person.locale) == (f"dm-{ANN}", "Ann", "de")
    assert conversation is not None
    assert (conversation.member, conversation.state, conversation.request) == (ANN, "awaiting_agent", 1)
    case = await reads.case(conversation.case_id or "")
    assert case is not None
    assert (case.number, case.kind, case.state) == (1, "help", "open")
    assert await reads.member("0") is None
    assert await reads.conversation("0") is None
    assert await reads.case("0") is None


async def test_a_transcript_is_in_order_and_between_versions(house: House, reads: Reader) -> None:
    talk = house.talks(ANN)
    house.arrives(wrote(ANN, "1", "a"), answered_by_agent(talk, "IM1", "b"), wrote(ANN, "2", "c"))
    house.arrives(edited(ANN, "1", "A", START + 1), deleted("2"))

    rows = await reads.transcript(talk)
    assert [(row.author, row.body, row.deleted) for row in rows] == [
        ("member", "A", False),
        ("agent", "b", False),
        ("member", "c", True),
    ]
    assert [r.body for r in await reads.transcript(talk, upto=rows[1].version)] == ["A", "b"]
    assert [r.body for r in await reads.transcript(talk, since=rows[1].version)] == ["c"]
    assert [r.id for r in await reads.messages(["discord:2", "discord:1"])] == ["discord:1", "discord:2"]
    one = await reads.message("twilio:IM1")
    assert one is not None
    assert (one.ref, one.name, one.refs) == ("IM1", "Ada", ())


async def test_the_outbox_is_read_by_lane_in_order(house: House, reads: Reader) -> None:
    house.talks(ANN)
    house.arrives(*(wrote(ANN, f"{n}") for n in range(30)))
    (lane,) = [name for name in await reads.lanes() if name.startswith("desk:")]

    found = await reads.lane(lane)

    assert len(found) == 20
    assert [effect.seq for effect in found] == sorted(effect.seq for effect in found)
    assert [effect.kind for effect in found][:5] == [
        "desk_create",
        "desk_join",
        "desk_wire",
        "desk_transcript",
        "desk_route",
    ]
    house.arrives(
        Result(found[0].key, 0, Status.DONE, 1), Result(found[1].key, 0, Status.PENDING, 2, START + 9)
    )
    first = (await reads.lane(lane, 1))[0]
    assert (first.key, first.attempts, first.due_at) == (found[1].key, 2, START + 9)


async def test_due_effects_are_those_of_the_past(house: House, reads: Reader) -> None:
    house.talks(ANN)
    assert await reads.due_effects(START) == []
    assert await reads.oldest_effect() == START
    due = await reads.due_effects(START + 1)
    assert {key for key, _ in due} == {row.key for row in house.rows(schema.effect)}


async def test_however_many_effects_and_facts_are_asked_for_no_statement_grows_with_them(
    house: House, reads: Reader
) -> None:
    talk = house.talks(ANN)
    house.arrives(answered_by_agent(talk, "IM1"), answered_by_agent(talk, "IM2"))
    first, *others = sorted(row.key for row in house.rows(schema.effect))
    unknown = [f"nothing:{n}" for n in range(3 * VALUES)]
    named: list[int] = []
    assert isinstance(reads.engine, AsyncEngine)
    listen(reads.engine.sync_engine, "before_cursor_execute", lambda *call: named.append(len(call[3])))

    effects = await reads.effects([first, *unknown, *others])
    facts = await reads.origins(Source.TWILIO, ["IM1", *unknown, "IM2"])

    assert sorted(effect.key for effect, _ in effects) == [first, *others]
    assert set(facts) == {"IM1", "IM2"}
    assert max(named) <= VALUES + 1


async def test_timers_are_read_up_to_a_time(house: House, reads: Reader) -> None:
    talk = house.waits(ANN)
    assert [timer.name for timer in await reads.timers(START + 60)] == ["place"]
    assert [timer.name for timer in await reads.timers(START + 301)] == ["place", "wait_reminder"]
    assert await reads.timers(START + 31) == [house.timer(talk, "place")]


async def test_what_an_effect_made_is_known_to_be_claimed(house: House, reads: Reader) -> None:
    talk = house.talks(ANN)
    house.arrives(answered_by_agent(talk, "IM1"))
    (relay,) = house.rows(schema.effect, kind="relay_to_member")
    place = house.rows(schema.effect, kind="place")[0]
    house.arrives(
        Result(relay.key, 0, Status.DONE, 1, ref="900", message="twilio:IM1", refs=("900", "901")),
        Result(place.key, 0, Status.DONE, 1, ref="800"),
    )
    assert await reads.claimed(["900", "901", "800", "7"]) == {"900", "901", "800"}
    assert await reads.effect_ref(f"conversation:{talk}", "place") == (
        "800",
        {"request": 1, "fresh": True, "case": house.row(schema.case_).id},
    )
    assert await reads.effect_ref(f"conversation:{talk}", "react") is None


async def test_names_of_a_request_are_found_both_ways(house: House, reads: Reader) -> None:
    talk = subject_id(house.arrives(pressed(ANN, Trigger.AGENT_REQUESTED, "")))
    create = house.rows(schema.effect, kind="desk_create")[0]
    house.arrives(Result(create.key, 0, Status.DONE, 1, links=(Link("conversation_sid", "CH1", talk, 1),)))

    assert await reads.refs(talk, 1) == {"conversation_sid": "CH1"}
    assert await reads.refs(talk, 2) == {}
    assert await reads.knows("conversation_sid", "CH1")
    assert not await reads.knows("task_sid", "CH1")


async def test_reconcile_is_told_what_to_read_and_from_where(house: House, reads: Reader) -> None:
    house.arrives(wrote(ANN, "1"))
    house.passes(100)
    house.arrives(wrote(BEN, "2"))
    mark_dms(house.engine, {f"dm:dm-{ANN}": "77"})

    found = await reads.dms(START)
    assert [(row.member, row.channel, row.known_since, row.watermark) for row in found] == [
        (BEN, f"dm-{BEN}", "2", None),
        (ANN, f"dm-{ANN}", "1", "77"),
    ]
    assert [row.member for row in await reads.dms(START + 1)] == [BEN]


async def test_a_desk_is_read_until_it_is_done(house: House, reads: Reader) -> None:
    talk = subject_id(house.arrives(pressed(ANN, Trigger.AGENT_REQUESTED, "")))
    create = house.rows(schema.effect, kind="desk_create")[0]
    house.arrives(Result(create.key, 0, Status.DONE, 1, links=(Link("conversation_sid", "CH1", talk, 1),)))
    (desk,) = await reads.desks()
    assert (desk.sid, desk.conversation, desk.request, desk.read_up_to) == ("CH1", talk, 1, -1)

    mark_desks(house.engine, [("CH1", 4, False)])
    assert [d.read_up_to for d in await reads.desks()] == [4]
    mark_desks(house.engine, [("CH1", 5, True)])
    assert await reads.desks() == []


async def test_the_journal_of_a_subject_is_in_order(house: House, reads: Reader) -> None:
    talk = house.talks(ANN)
    rows = await reads.journal(f"conversation:{talk}")
    assert [row["trigger"] for row in rows] == ["agent_requested", "desk_opened", "agent_joined"]
    assert await reads.count_parked() == 0
    await reads.alive()
