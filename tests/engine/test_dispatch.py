"""What becomes of an effect: done, tried again, dead, or in doubt; and what start, sweep and stop see to."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from machines.effects import Kind
from machines.events import CaseTrigger, Source, Trigger
from orchestrator.engine.dispatch import BUGS, SWEEP_S
from orchestrator.engine.retry import DEFAULT, QUESTION
from orchestrator.errors import Reject, Retry
from orchestrator.ports import Done
from storage.values import Link, Status
from tests.engine.clock import settle
from tests.engine.outbox import Office, Outbox, effect
from tests.storage.facts import START


async def test_what_a_handler_learned_is_stored_with_the_end_of_its_effect(office: Office) -> None:
    link = Link("task_sid", "WT1", "c", 1)
    office.far.will(
        "desk#0",
        Done("900", (link,), "discord:1", ("900",), ("4001", "555"), Trigger.DESK_OPENED, {"a": 1}, 2),
    )
    await office.works(effect("desk", 0, Kind.DESK_ROUTE))

    result = office.outbox.result("desk#0")
    assert (result.status, result.attempts, result.ref, result.links) == (Status.DONE, 1, "900", (link,))
    assert (result.message, result.refs, result.dm_channel) == ("discord:1", ("900",), ("4001", "555"))
    (event,) = result.events
    assert (event.source, event.id, event.trigger) == (Source.EFFECT, "desk#0:0:done", Trigger.DESK_OPENED)
    assert (event.to.conversation, event.to.member, event.to.request) == ("c", "4001", 2)
    assert event.data == {"a": 1}


# --- try again


async def test_a_retry_is_stored_with_its_time(office: Office) -> None:
    office.far.will("a#0", Retry("busy"))
    await office.works(effect("a", 0))
    result = office.outbox.result("a#0")
    assert (result.status, result.attempts, result.error) == (Status.PENDING, 1, "busy")
    assert result.due_at == START + DEFAULT.delay(1, None, lambda: 1.0)


async def test_the_far_sides_word_on_when_to_come_back_is_believed(office: Office) -> None:
    office.far.will("a#0", Retry("slow down", after=17.0))
    await office.works(effect("a", 0))
    assert office.outbox.result("a#0").due_at == START + 17.0


async def test_a_plain_retry_leaves_no_doubt_and_an_ambiguous_one_does(office: Office) -> None:
    office.far.will("a#0", Retry("refused", after=1.0), Retry("time-out", after=1.0, ambiguous=True))
    await office.works(effect("a", 0))
    await office.runs(1)
    await office.runs(5)
    assert [job.in_doubt for job in office.far.jobs] == [False, False, True]
    assert office.far.jobs[2].last_ago == 1.0


async def test_a_doubt_remembers_the_first_and_the_last_attempt(office: Office) -> None:
    again = [Retry("time-out", after=2.0, ambiguous=True) for _ in range(3)]
    office.far.will("a#0", *again)
    await office.works(effect("a", 0))
    await office.runs(10)
    assert [job.first_ago for job in office.far.jobs] == [0, 2, 4, 6]
    assert [job.last_ago for job in office.far.jobs] == [0, 2, 2, 2]


async def test_being_told_to_wait_is_no_failed_attempt(office: Office) -> None:
    office.far.will("a#0", *(Retry("rate limited", after=1.0) for _ in range(100)))
    await office.works(effect("a", 0))
    await office.runs(200)
    assert office.outbox.result("a#0").status is Status.DONE


@pytest.mark.parametrize(("kind", "policy"), [(Kind.SAY, DEFAULT), (Kind.ASK_CHATBOT, QUESTION)])
async def test_nothing_is_tried_for_ever(office: Office, kind: Kind, policy: object) -> None:
    attempts = policy.attempts  # type: ignore[attr-defined]
    office.far.will("a#0", *(Retry("busy") for _ in range(100)))
    await office.works(effect("a", 0, kind), effect("a", 1))
    await office.runs(3600)
    assert office.far.keys == ["a#0"] * attempts + ["a#1"]
    result = office.outbox.result("a#0")
    assert (result.status, result.attempts) == (Status.DEAD, attempts)


async def test_a_bug_is_tried_again_in_doubt_and_then_dead(office: Office) -> None:
    office.far.will("a#0", *(KeyError("oops") for _ in range(100)))
    await office.works(effect("a", 0), effect("a", 1))
    await office.runs(600)
    assert office.far.keys == ["a#0"] * BUGS + ["a#1"]
    assert [job.in_doubt for job in office.far.jobs[:BUGS]] == [False] + [True] * (BUGS - 1)
    result = office.outbox.result("a#0")
    assert (result.status, result.error) == (Status.DEAD, "bug: KeyError")


# --- dead


@pytest.mark.parametrize(
    ("kind", "trigger"),
    [
        (Kind.RELAY_TO_MEMBER, Trigger.DELIVERY_FAILED),
        (Kind.RELAY_TO_DESK, Trigger.DELIVERY_FAILED),
        (Kind.SAY, Trigger.DELIVERY_FAILED),
        (Kind.ASK_CHATBOT, Trigger.BOT_FAILED),
        (Kind.DESK_CREATE, Trigger.DESK_FAILED),
        (Kind.DESK_ROUTE, Trigger.DESK_FAILED),
        (Kind.REACT, None),
        (Kind.DESK_CLOSE, None),
    ],
)
async def test_a_rejected_effect_is_dead_at_once_and_its_conversation_is_told(
    office: Office, kind: Kind, trigger: Trigger | None
) -> None:
    office.far.will("a#0", Reject("never"))
    await office.works(effect("a", 0, kind, payload={"message": "m", "request": 3}), effect("a", 1))
    assert office.far.keys == ["a#0", "a#1"]
    result = office.outbox.result("a#0")
    assert (result.status, result.error) == (Status.DEAD, "never")
    assert [event.trigger for event in result.events] == ([trigger] if trigger else [])
    for event in result.events:
        assert (event.id, event.to.conversation, event.to.request) == ("a#0:0:dead", "c", 3)
        assert (event.data["about"], event.data["reason"]) == ("m", "never")


async def test_what_a_rejection_says_of_the_far_side_is_told_besides(office: Office) -> None:
    office.far.will("a#0", Reject("closed", report=Trigger.UNREACHABLE))
    await office.works(effect("a", 0, Kind.RELAY_TO_MEMBER, payload={"message": "m"}))
    told = [(event.trigger, event.id) for event in office.outbox.result("a#0").events]
    assert told == [(Trigger.DELIVERY_FAILED, "a#0:0:dead"), (Trigger.UNREACHABLE, "a#0:0:gone")]


async def test_a_report_is_not_told_twice(office: Office) -> None:
    office.far.will("a#0", Reject("gone", report=Trigger.DESK_FAILED))
    await office.works(effect("a", 0, Kind.DESK_JOIN))
    assert [event.trigger for event in office.outbox.result("a#0").events] == [Trigger.DESK_FAILED]


async def test_a_failed_word_about_a_failure_is_marked_as_such(office: Office) -> None:
    office.far.will("a#0", Reject("never"))
    await office.works(effect("a", 0, payload={"text": "not_delivered", "args": {"notice": True}}))
    assert office.outbox.result("a#0").events[0].data["notice"] is True


async def test_a_retried_dead_letter_names_its_end_anew(office: Office) -> None:
    office.far.will("a#0", Reject("never"))
    await office.works(effect("a", 0, generation=2))
    result = office.outbox.result("a#0")
    assert (result.generation, result.events[0].id) == (2, "a#0:2:dead")


# --- start, sweep, stop, and a store that fails


async def test_after_a_start_the_head_of_each_lane_is_in_doubt_and_no_other() -> None:
    outbox = Outbox()
    outbox.commit(effect("a", 0), effect("a", 1), effect("b", 0))
    office = Office(outbox)
    await office.dispatcher.start()
    await settle()
    seen = {job.effect.key: (job.in_doubt, job.last_ago) for job in office.far.jobs}
    assert {key: doubt for key, (doubt, _) in seen.items()} == {"a#0": True, "a#1": False, "b#0": True}
    assert seen["a#0"][1] == 0.0
    await office.dispatcher.stop()


async def test_after_a_start_attempts_go_on_where_they_were() -> None:
    outbox = Outbox()
    outbox.commit(effect("a", 0, attempts=DEFAULT.attempts - 1))
    office = Office(outbox)
    office.far.will("a#0", Retry("busy"))
    await office.dispatcher.start()
    await settle()
    assert outbox.result("a#0").status is Status.DEAD
    await office.dispatcher.stop()


async def test_the_sweep_finds_what_no_memory_holds(office: Office) -> None:
    office.outbox.commit(effect("a", 0))
    await office.runs(SWEEP_S + 1)
    assert office.far.keys == []
    await office.runs(SWEEP_S)
    assert [(job.effect.key, job.in_doubt) for job in office.far.jobs] == [("a#0", False)]


async def test_the_sweep_leaves_alone_what_is_in_flight_or_waiting(office: Office) -> None:
    office.far.will("a#0", asyncio.Event())
    await office.works(*(effect("a", n) for n in range(3)))
    await office.runs(5 * SWEEP_S)
    assert office.far.keys == ["a#0"]
    assert office.outbox.reads == []


async def test_the_sweep_survives_a_table_that_cannot_be_read(office: Office) -> None:
    look, fails = office.outbox.due_effects, [OSError("away"), OSError("away")]

    async def due(before: float, at_most: int = 500) -> list[tuple[str, str]]:
        if fails:
            raise fails.pop()
        return await look(before, at_most)

    office.outbox.due_effects = due  # type: ignore[method-assign]
    office.outbox.commit(effect("a", 0))
    await office.runs(4 * SWEEP_S)
    assert office.far.keys == ["a#0"]


async def test_an_effect_whose_result_could_not_be_stored_is_in_doubt_since_then(office: Office) -> None:
    await office.runs(100)
    office.outbox.broken = OSError("away")
    await office.works(effect("a", 0), effect("a", 1))
    assert office.far.keys == ["a#0"]
    office.outbox.broken = None
    await office.runs(2)
    assert [(j.effect.key, j.in_doubt) for j in office.far.jobs] == [
        ("a#0", False),
        ("a#0", True),
        ("a#1", False),
    ]
    assert office.far.jobs[1].last_ago == 1.0


async def test_stop_finishes_what_is_in_flight_and_begins_nothing() -> None:
    office = Office()
    await office.dispatcher.start()
    gate = asyncio.Event()
    office.far.will("a#0", gate)
    await office.works(effect("a", 0), effect("a", 1), effect("b", 0, due_at=START + 60))

    stopping = asyncio.create_task(office.dispatcher.stop())
    await settle()
    assert not stopping.done()
    gate.set()
    await stopping

    assert office.far.keys == ["a#0"]
    assert office.outbox.ends == {"a#0": Status.DONE}
    office.commit(effect("c", 0))
    await settle()
    assert office.far.keys == ["a#0"]


async def test_stop_does_not_wait_for_ever() -> None:
    office = Office()
    await office.dispatcher.start()
    office.far.will("a#0", asyncio.Event())
    await office.works(effect("a", 0))
    await office.dispatcher.stop(grace=0.01)
    assert office.outbox.ends == {}
    assert office.dispatcher.busy == 0


async def test_an_effect_of_a_case_that_dies_tells_the_case_and_no_conversation(office: Office) -> None:
    office.far.will("a#0", Reject("never"))
    await office.works(replace(effect("a", 0), subject="case:c"))
    (told,) = office.outbox.result("a#0").events
    assert (told.trigger, told.to.case, told.to.conversation) == (CaseTrigger.DELIVERY_FAILED, "c", None)


async def test_a_case_is_not_told_of_what_was_not_meant_for_a_member(office: Office) -> None:
    """A change that nobody outside took is no change of the case: else it would have to be told outside."""
    office.far.will("a#0", Reject("gone"))
    await office.works(replace(effect("a", 0, Kind.CASE_WEBHOOK), subject="case:c"))
    assert office.outbox.ends == {"a#0": Status.DEAD}
    assert office.outbox.result("a#0").events == ()


async def test_what_is_put_off_in_doubt_stays_as_old_as_it_is() -> None:
    """Else it would be sent anew under a nonce that Discord has forgotten."""
    office = Office()
    office.outbox.commit(effect("a", 0))
    await office.clock.advance(600)
    office.far.will("a#0", Retry("not connected"))
    await office.dispatcher.start()
    await office.runs(2)
    assert [job.first_ago >= 600 for job in office.far.jobs] == [True, True]
    await office.dispatcher.stop()


async def test_what_an_earlier_life_tried_and_put_off_is_of_unknown_age() -> None:
    """Its row says when it is due next, and no longer when it was tried first."""
    office = Office()
    office.outbox.commit(effect("a", 0, attempts=3))
    await office.dispatcher.start()
    await office.runs(1)
    (job,) = office.far.jobs
    assert (job.in_doubt, job.first_ago > 86_400) == (True, True)
    await office.dispatcher.stop()


async def test_what_is_put_off_in_doubt_looks_tried_to_the_next_life() -> None:
    office = Office()
    office.outbox.commit(effect("a", 0))
    office.far.will("a#0", Retry("too many requests", after=60.0))
    await office.dispatcher.start()
    await office.runs(1)
    assert office.outbox.rows["a#0"].attempts == 1
    await office.dispatcher.stop()
