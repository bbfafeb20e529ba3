"""The line: who is at which place, how long it may take, and what it costs when a thousand wait."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import insert

from machines.events import Trigger as T
from machines.queue import FEWEST, UNKNOWN
from storage import schema
from storage.codec import load
from storage.reads.waits import AT_MOST, latest_waits, wait_of
from storage.values import Applied
from tests.storage.facts import ANN, BEN, commanded, fired, pressed, reported, wrote
from tests.storage.house import House, subject_id
from tests.storage.test_failures import counting

CAT = "4003"


def told(house: House, conversation: str) -> tuple[int, int]:
    """Place and minutes, as the conversation remembers to have told them."""
    context = load(house.row(schema.conversation, id=conversation).context)
    return context.get("place", 0), context.get("minutes", 0)


def looks(house: House, *conversations: str) -> Applied:
    """Half a minute later their timers fire, in one batch."""
    house.passes(30)
    return house.arrives(*(fired(house.timer(conversation, "place")) for conversation in conversations))


def taken_up(house: House, minutes: float, times: int = FEWEST) -> None:
    """Members waited so long, one after the other, until somebody came."""
    for n in range(times):
        member = f"70{n}"
        conversation = house.waits(member)
        house.passes(minutes * 60)
        house.arrives(reported(T.AGENT_JOINED, conversation))


# --- places


def test_places_are_by_arrival_and_move_up(house: House) -> None:
    first, second, third = (house.waits(member) for member in (ANN, BEN, CAT))
    assert [told(house, talk)[0] for talk in (first, second, third)] == [1, 2, 3]

    house.arrives(pressed(ANN, T.AGENT_REQUEST_CANCELLED, first))
    applied = looks(house, second, third)

    assert [told(house, talk)[0] for talk in (second, third)] == [1, 2]
    assert [(effect.kind, effect.payload["fresh"]) for effect in applied.effects] == [("place", False)] * 2


def test_nothing_is_edited_while_nobody_moves(house: House) -> None:
    talks = [house.waits(member) for member in (ANN, BEN)]
    for _ in range(3):
        assert looks(house, *talks).effects == []


def test_who_comes_in_the_same_instant_has_a_place_of_their_own(house: House) -> None:
    members = [f"60{n}" for n in range(20)]
    applied = house.arrives(*(pressed(member, T.AGENT_REQUESTED, "") for member in members))
    talks = [subject_id(applied, n) for n in range(20)]
    assert [told(house, talk)[0] for talk in talks] == list(range(1, 21))
    for talk in talks:
        house.arrives(reported(T.DESK_OPENED, talk))
    assert looks(house, *reversed(talks)).effects == []


def test_who_comes_later_stands_behind_even_where_the_clock_was_set_back(house: House) -> None:
    first = house.waits(ANN)
    house.passes(-3600)
    house.restart()
    second = house.waits(BEN)
    assert [told(house, talk)[0] for talk in (first, second)] == [1, 2]
    assert looks(house, first, second).effects == []


def test_who_presses_twice_in_one_batch_is_told_the_same_place_twice(house: House) -> None:
    house.waits(BEN)
    talk = subject_id(house.arrives(*(pressed(ANN, T.AGENT_REQUESTED, "") for _ in range(2))))
    assert told(house, talk) == (2, UNKNOWN)


def test_who_was_told_that_nobody_came_comes_back_to_where_they_stood(house: House) -> None:
    first = house.waits(ANN)
    house.passes(10)
    second = house.waits(BEN)
    house.arrives(fired(house.timer(first, "wait")))
    looks(house, second)
    assert told(house, second) == (1, UNKNOWN)

    house.arrives(pressed(ANN, T.AGENT_REQUESTED, first))

    assert told(house, first) == (1, UNKNOWN)
    looks(house, second)
    assert told(house, second) == (2, UNKNOWN)


def test_an_edit_that_was_not_sent_gives_way_to_the_next(house: House) -> None:
    first, second, third = (house.waits(member) for member in (ANN, BEN, CAT))
    house.arrives(pressed(ANN, T.AGENT_REQUEST_CANCELLED, first))
    (edit,) = looks(house, third).effects
    house.arrives(pressed(BEN, T.AGENT_REQUEST_CANCELLED, second))
    assert looks(house, third).voided == [edit.key]


# --- waits


def test_a_wait_that_is_over_is_remembered_with_how_it_ended(house: House) -> None:
    ends: dict[str, Any] = {
        ANN: lambda talk: reported(T.AGENT_JOINED, talk),
        BEN: lambda talk: pressed(BEN, T.AGENT_REQUEST_CANCELLED, talk),
        CAT: lambda talk: fired(house.timer(talk, "wait")),
    }
    for member, end in ends.items():
        talk = house.waits(member)
        house.passes(90)
        house.arrives(end(talk))
    waits = house.rows(schema.wait)
    assert [round(row.ended_at - row.queued_at) for row in waits] == [90] * 3
    assert sorted(bool(row.taken) for row in waits) == [False, False, True]


def test_a_desk_that_never_opened_tells_nothing_about_agents(house: House) -> None:
    talk = subject_id(house.arrives(pressed(ANN, T.AGENT_REQUESTED, "")))
    house.arrives(fired(house.timer(talk, "desk_open_overdue")))
    assert house.rows(schema.wait) == []


def test_who_waits_again_after_a_talk_waited_once(house: House) -> None:
    talk = house.talks(ANN)
    house.passes(600)
    house.arrives(reported(T.AGENT_LEFT, talk))
    house.arrives(fired(house.timer(talk, "alone")))
    house.arrives(reported(T.AGENT_JOINED, talk))
    (row,) = house.rows(schema.wait)
    assert row.ended_at - row.queued_at < 1


def test_the_wait_is_told_by_those_of_the_last_days(house: House) -> None:
    taken_up(house, minutes=8)
    house.passes(60)
    assert [told(house, house.waits(member)) for member in (ANN, BEN, CAT)] == [(1, 10), (2, 20), (3, 30)]


def test_of_too_few_and_of_long_ago_no_number_is_told(house: House) -> None:
    taken_up(house, minutes=8, times=FEWEST - 1)
    house.passes(60)
    assert told(house, house.waits(ANN)) == (1, UNKNOWN)
    house.arrives(reported(T.AGENT_JOINED, house.rows(schema.conversation, member=ANN)[0].id))
    house.passes(8 * 24 * 3600)
    assert told(house, house.waits(BEN)) == (1, UNKNOWN)


# --- the first contact


@pytest.mark.parametrize("again", [False, True], ids=["one process", "a new one"])
def test_the_first_conversation_of_a_member_is_known_as_such_and_no_other(house: House, again: bool) -> None:
    def said(applied: Applied) -> list[str]:
        return [effect.payload["text"] for effect in applied.effects if effect.kind == "say"]

    assert "first_contact" in said(house.arrives(wrote(ANN, "1")))
    talk = house.rows(schema.conversation, member=ANN)[0].id
    assert "first_contact" not in said(house.arrives(wrote(ANN, "2")))
    house.arrives(pressed(ANN, T.MEMBER_CLOSED, talk))
    if again:
        house.restart()
    for opener in (wrote(ANN, "3"), commanded(ANN, T.HELP_REQUESTED)):
        assert "first_contact" not in said(house.arrives(opener))
    assert "first_contact" in said(house.arrives(wrote(BEN, "4")))


# --- a thousand


def test_a_thousand_who_wait_cost_as_many_statements_as_two(house: House) -> None:
    members = [f"80{n:04}" for n in range(1_000)]
    talks: list[str] = []
    for start in range(0, 1_000, 200):
        batch = [pressed(member, T.AGENT_REQUESTED, "") for member in members[start : start + 200]]
        applied = house.arrives(*batch)
        talks += [subject_id(applied, n) for n in range(200)]
        house.arrives(*(reported(T.DESK_OPENED, talk) for talk in talks[start:]))
    assert [told(house, talk)[0] for talk in talks[::100]] == list(range(1, 1_001, 100))
    house.arrives(reported(T.AGENT_JOINED, talks[0]))

    house.passes(30)
    due = [fired(house.timer(talk, "place")) for talk in talks[1:103]]
    with counting(house.engine) as few:
        edits = house.arrives(*due[:2]).effects
    with counting(house.engine) as many:
        edits += house.arrives(*due[2:]).effects

    assert len(many) == len(few)
    assert len(edits) == 102
    assert looks(house, *talks[1:103]).effects == []


def test_the_waits_of_a_hundred_thousand_conversations_are_found_by_their_index(house: House) -> None:
    rows = [
        {"conversation": f"{n:032x}", "request": 1, "queued_at": n, "ended_at": n + 60.0, "taken": True}
        for n in range(100_000)
    ]
    explain = "EXPLAIN QUERY PLAN " if house.engine.dialect.name == "sqlite" else "EXPLAIN "
    with house.engine.begin() as connection:
        connection.execute(insert(schema.wait), rows)
        connection.exec_driver_sql("ANALYZE")
        compiled = latest_waits(50_000.0).compile(connection, compile_kwargs={"literal_binds": True})
        plan = " ".join(str(row) for row in connection.exec_driver_sql(f"{explain}{compiled}"))
        found = [wait_of(row) for row in connection.execute(latest_waits(50_000.0))]
    assert "ix_wait_ended_at" in plan
    assert len(found) == AT_MOST
    assert found[0].ended_at == 100_059.0
