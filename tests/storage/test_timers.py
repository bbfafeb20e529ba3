"""Timers are rows: set, voided and set anew by steps, fired once."""

from __future__ import annotations

from typing import Any

import pytest

from machines.events import CaseTrigger, Trigger
from machines.step import step as machine_step
from machines.table import Outcome
from storage import schema
from tests.storage.facts import ANN, START, answered_by_agent, fired, pressed, wrote
from tests.storage.house import House, subject_id


def broken(*triggers: Trigger | CaseTrigger) -> Any:
    """A step in which the actions of these triggers raise."""

    def step(snapshot: Any, event: Any, given: Any) -> Any:
        if any(event.trigger is trigger for trigger in triggers):
            raise RuntimeError("a broken action")
        return machine_step(snapshot, event, given)

    return step


def test_a_timer_fires_once(house: House) -> None:
    talk = subject_id(house.arrives(wrote(ANN, "1")))
    ask = house.timer(talk, "ask")

    first = house.arrives(fired(ask))
    second = house.arrives(fired(ask))

    assert [effect.kind for effect in first.effects] == ["ask_chatbot"]
    assert second.receipts[0].duplicate
    assert second.effects == []
    assert "ask" not in house.timers(talk)


def test_a_timer_fires_once_in_one_batch(house: House) -> None:
    talk = subject_id(house.arrives(wrote(ANN, "1")))
    ask = house.timer(talk, "ask")
    applied = house.arrives(fired(ask), fired(ask))
    assert [effect.kind for effect in applied.effects] == ["ask_chatbot"]


def test_a_timer_that_was_set_anew_does_not_fire_for_its_old_setting(house: House) -> None:
    talk = subject_id(house.arrives(wrote(ANN, "1")))
    old = house.timer(talk, "ask")
    house.passes(1)
    house.arrives(wrote(ANN, "2"))

    assert house.arrives(fired(old)).receipts[0].duplicate
    assert house.timer(talk, "ask").due_at == START + 2.2
    assert house.arrives(fired(house.timer(talk, "ask"))).receipts[0].outcome is Outcome.STAYED


def test_a_timer_that_is_set_anew_in_the_same_batch_does_not_fire(house: House) -> None:
    talk = subject_id(house.arrives(wrote(ANN, "1")))
    applied = house.arrives(wrote(ANN, "2"), fired(house.timer(talk, "ask")))
    assert applied.receipts[1].duplicate
    assert applied.effects == []
    assert "ask" in house.timers(talk)


def test_a_timer_that_fires_and_is_set_again_by_its_own_step_goes_on(house: House) -> None:
    talk = house.waits(ANN)
    first = house.timer(talk, "place")
    house.passes(30)

    applied = house.arrives(fired(first))

    second = house.timer(talk, "place")
    assert (second.due_at, second in applied.timers) == (house.now + 30, True)
    assert second.epoch > first.epoch
    assert house.arrives(fired(second)).receipts[0].outcome is Outcome.STAYED


def test_leaving_a_state_voids_its_timers(house: House) -> None:
    talk = house.waits(ANN)
    wait = house.timer(talk, "wait")
    house.arrives(answered_by_agent(talk, "IM1"))

    assert house.timers(talk) == {"member_idle_warn", "member_idle"}
    assert house.arrives(fired(wait)).receipts[0].duplicate
    assert house.state(talk) == "with_agent"


def test_a_timer_that_is_voided_in_the_same_batch_does_not_fire(house: House) -> None:
    talk = house.waits(ANN)
    applied = house.arrives(answered_by_agent(talk, "IM1"), fired(house.timer(talk, "wait")))
    assert applied.receipts[1].duplicate
    assert house.state(talk) == "with_agent"


def test_a_timer_survives_a_restart(house: House) -> None:
    talk = house.waits(ANN)
    wait = house.timer(talk, "wait")
    house.restart()
    house.passes(1800)
    assert house.arrives(fired(wait)).receipts[0].state == "bot_faq"


def test_a_case_closes_by_its_timer(house: House) -> None:
    talk = house.talks(ANN)
    house.arrives(pressed(ANN, Trigger.MEMBER_CLOSED, talk))
    case = house.row(schema.case_)
    row = house.row(schema.timer, subject=f"case:{case.id}")
    house.passes(7 * 24 * 3600)

    house.arrives(fired(row))

    assert house.row(schema.case_).state == "closed"
    assert house.size(schema.timer) == 0


def test_a_timer_whose_step_raises_fires_again_later_and_tells_the_member_once(house: House) -> None:
    talk = house.waits(ANN)
    before = house.row(schema.conversation)
    pauses, texts = [], []
    for _ in range(4):
        place = house.timer(talk, "place")
        house.now = place.due_at
        applied = house.arrives(fired(place), step=broken(Trigger.PLACE))
        assert applied.receipts[0].outcome is Outcome.FAILED
        texts += [effect.payload["text"] for effect in applied.effects]
        pauses.append(house.timer(talk, "place").due_at - house.now)

    assert pauses == [60, 120, 240, 480]
    assert texts == ["step_failed", "step_failed"]  # the member and the operator
    assert house.row(schema.conversation) == before


@pytest.mark.parametrize("failures", [1, 2, 3])
def test_a_timer_that_failed_goes_on_once_it_is_mended(house: House, failures: int) -> None:
    talk = house.waits(ANN)
    for _ in range(failures):
        house.arrives(fired(house.timer(talk, "place")), step=broken(Trigger.PLACE))
    for _ in range(failures + 3):
        applied = house.arrives(fired(house.timer(talk, "place")))
        assert applied.receipts[0].outcome is Outcome.STAYED
