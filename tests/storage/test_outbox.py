"""Effects: recorded with their step, voided while unsent, ended by their results."""

from __future__ import annotations

import pytest

from machines.effects import Kind
from machines.events import Trigger
from storage import schema
from storage.codec import load
from storage.values import Link, Pending, Result, Status
from tests.storage.facts import ANN, BEN, START, answered_by_agent, edited, fired, pressed, wrote
from tests.storage.house import House, subject_id


def statuses(house: House, kind: str) -> list[str]:
    return [row.status for row in house.rows(schema.effect, kind=kind)]


def asked(house: House) -> tuple[str, Pending]:
    """A conversation whose question is out at the chatbot, and that effect."""
    talk = subject_id(house.arrives(wrote(ANN, "1")))
    (effect,) = house.arrives(fired(house.timer(talk, "ask"))).effects
    return talk, effect


def test_effects_are_stored_as_they_are_handed_over(house: House) -> None:
    talk = subject_id(house.arrives(pressed(ANN, Trigger.AGENT_REQUESTED, "")))
    applied = house.arrives(wrote(ANN, "1"))

    rows = house.rows(schema.effect)
    assert [row.kind for row in rows][:7] == ["say", *map(str, rows_of_opening()), "place"]
    assert [row.seq for row in rows] == sorted(row.seq for row in rows)
    (relay,) = applied.effects
    stored = rows[-1]
    assert stored.key == relay.key == f"conversation:{talk}:2:0:0"
    assert (stored.lane, stored.kind, load(stored.payload)) == (relay.lane, relay.kind, relay.payload)
    assert (stored.status, stored.due_at, stored.generation) == ("pending", START, 0)


def rows_of_opening() -> tuple[Kind, ...]:
    return (Kind.DESK_CREATE, Kind.DESK_JOIN, Kind.DESK_WIRE, Kind.DESK_TRANSCRIPT, Kind.DESK_ROUTE)


def test_leaving_the_bot_voids_its_unsent_question(house: House) -> None:
    _, question = asked(house)
    applied = house.arrives(pressed(ANN, Trigger.AGENT_REQUESTED, ""))
    assert applied.voided == [question.key]
    assert statuses(house, "ask_chatbot") == ["void"]


def test_a_question_of_the_same_batch_is_never_stored_once_it_is_void(house: House) -> None:
    talk = subject_id(house.arrives(wrote(ANN, "1")))
    applied = house.arrives(fired(house.timer(talk, "ask")), pressed(ANN, Trigger.AGENT_REQUESTED, ""))
    assert "ask_chatbot" not in [effect.kind for effect in applied.effects]
    assert statuses(house, "ask_chatbot") == []


def test_a_void_lane_loses_what_is_unsent_and_nothing_of_others(house: House) -> None:
    talk = subject_id(house.arrives(pressed(ANN, Trigger.AGENT_REQUESTED, "")))
    other = subject_id(house.arrives(pressed(BEN, Trigger.AGENT_REQUESTED, "")))
    lane = f"desk:{talk}:1"
    create = house.rows(schema.effect, lane=lane)[0]
    house.arrives(Result(create.key, 0, Status.DONE, 1))

    applied = house.arrives(fired(house.timer(talk, "desk_open_overdue")))

    assert len(applied.voided) == 4
    left = [(row.kind, row.status) for row in house.rows(schema.effect, lane=lane)]
    assert left[0] == ("desk_create", "done")
    assert left[-1] == ("desk_withdraw", "pending")
    assert {status for _, status in left[1:-1]} == {"void"}
    assert {row.status for row in house.rows(schema.effect, lane=f"desk:{other}:1")} == {"pending"}


def test_a_newer_edit_replaces_an_unsent_one(house: House) -> None:
    house.talks(ANN)
    house.arrives(wrote(ANN, "1", "a"))
    (first,) = house.arrives(edited(ANN, "1", "b", START + 1)).effects

    applied = house.arrives(edited(ANN, "1", "c", START + 2))

    assert applied.voided == [first.key]
    payloads = [
        load(row.payload) for row in house.rows(schema.effect, kind="relay_to_desk", status="pending")
    ]
    assert [payload["op"] for payload in payloads] == ["create", "edit"]


def test_a_newer_edit_replaces_one_of_its_own_batch(house: House) -> None:
    house.talks(ANN)
    house.arrives(wrote(ANN, "1", "a"), wrote(ANN, "2", "a"))
    applied = house.arrives(
        edited(ANN, "1", "b", START + 1), edited(ANN, "2", "b", START + 1), edited(ANN, "1", "c", START + 2)
    )
    assert [e.payload["message"] for e in applied.effects] == ["discord:2", "discord:1"]
    assert applied.voided == []


def test_a_result_ends_its_effect_with_all_that_was_learned(house: House) -> None:
    talk = house.talks(ANN)
    house.arrives(answered_by_agent(talk, "IM1"))
    (relay,) = house.rows(schema.effect, kind="relay_to_member")
    house.passes(2)

    house.arrives(
        Result(
            relay.key,
            0,
            Status.DONE,
            attempts=2,
            ref="900",
            links=(Link("conversation_sid", "CH1", talk, 1),),
            message="twilio:IM1",
            refs=("900", "901"),
            dm_channel=(ANN, "555"),
        )
    )

    row = house.row(schema.effect, key=relay.key)
    assert (row.status, row.attempts, row.ref, row.done_at) == ("done", 2, "900", START + 2)
    assert load(house.row(schema.message).refs) == ["900", "901"]
    assert house.row(schema.member).dm_channel == "555"
    link = house.row(schema.link)
    assert (link.kind, link.ref, link.conversation, link.request) == ("conversation_sid", "CH1", talk, 1)


def test_a_retry_is_remembered(house: House) -> None:
    _, question = asked(house)
    house.arrives(Result(question.key, 0, Status.PENDING, 3, due_at=START + 9, error="busy"))
    row = house.row(schema.effect, key=question.key)
    assert (row.status, row.attempts, row.due_at, row.last_error) == ("pending", 3, START + 9, "busy")


def test_a_dead_effect_is_told_in_the_same_transaction(house: House) -> None:
    talk, question = asked(house)
    told = pressed(ANN, Trigger.BOT_FAILED, talk, question=1)
    applied = house.arrives(Result(question.key, 0, Status.DEAD, 3, error="gone", events=(told,)))

    assert (house.row(schema.effect, kind="ask_chatbot").status, applied.receipts) == ("dead", [])
    assert [effect.payload["text"] for effect in applied.effects] == ["bot_failed"]


@pytest.mark.parametrize("status", [Status.DONE, Status.DEAD])
def test_the_end_of_an_effect_that_became_void_in_flight_is_kept(house: House, status: Status) -> None:
    _, question = asked(house)
    house.arrives(pressed(ANN, Trigger.AGENT_REQUESTED, ""))
    house.arrives(Result(question.key, 0, status, 1))
    assert statuses(house, "ask_chatbot") == [status]


def test_a_retry_leaves_a_void_effect_void(house: House) -> None:
    _, question = asked(house)
    house.arrives(pressed(ANN, Trigger.AGENT_REQUESTED, ""))
    house.arrives(Result(question.key, 0, Status.PENDING, 1, due_at=START + 9))
    row = house.row(schema.effect, kind="ask_chatbot")
    assert (row.status, row.attempts) == ("void", 0)


def test_a_result_of_another_generation_changes_nothing(house: House) -> None:
    _, question = asked(house)
    house.arrives(Result(question.key, 1, Status.DONE, 1))
    assert statuses(house, "ask_chatbot") == ["pending"]


def test_an_effect_that_is_done_stays_done(house: House) -> None:
    _, question = asked(house)
    house.arrives(Result(question.key, 0, Status.DONE, 1, ref="first"))
    house.arrives(Result(question.key, 0, Status.DEAD, 2, ref="second"))
    row = house.row(schema.effect, key=question.key)
    assert (row.status, row.ref) == ("done", "first")


def test_a_link_keeps_its_first_meaning(house: House) -> None:
    talk, question = asked(house)
    for request in (1, 2):
        house.arrives(
            Result(question.key, 0, Status.DONE, 1, links=(Link("task_sid", "WT1", talk, request),))
        )
    assert house.row(schema.link).request == 1
