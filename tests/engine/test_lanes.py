"""Order: one lane is one line, lanes do not wait for each other, and no more is in memory than needed."""

from __future__ import annotations

import asyncio

from machines.effects import Kind
from orchestrator.engine.lanes import AT_MOST
from orchestrator.errors import Reject, Retry
from orchestrator.ports import Done
from storage.values import Status
from tests.engine.clock import settle
from tests.engine.outbox import Office, Outbox, effect


async def test_a_lane_is_carried_out_in_order(office: Office) -> None:
    await office.works(*(effect("a", n) for n in range(5)))
    assert office.far.keys == [f"a#{n}" for n in range(5)]
    assert all(status is Status.DONE for status in office.outbox.ends.values())


async def test_one_effect_of_a_lane_is_in_flight_at_a_time(office: Office) -> None:
    arrived = asyncio.Event()
    office.far.will("a#0", arrived)
    await office.works(effect("a", 0), effect("a", 1))
    assert office.far.keys == ["a#0"]
    arrived.set()
    await settle()
    assert office.far.keys == ["a#0", "a#1"]


async def test_the_next_waits_until_the_result_of_the_last_is_stored(office: Office) -> None:
    stored = asyncio.Event()
    finish = office.outbox.finish

    async def slow(result: object) -> None:
        await stored.wait()
        await finish(result)  # type: ignore[arg-type]

    office.dispatcher.finish = slow
    await office.works(effect("a", 0), effect("a", 1))
    assert office.far.keys == ["a#0"]
    stored.set()
    await settle()
    assert office.far.keys == ["a#0", "a#1"]


async def test_a_slow_lane_holds_up_nobody_else(office: Office) -> None:
    office.far.will("a#0", asyncio.Event())
    await office.works(effect("a", 0), effect("b", 0), effect("a", 1), effect("b", 1))
    assert office.far.keys == ["a#0", "b#0", "b#1"]


async def test_only_so_many_lanes_are_in_flight_at_once() -> None:
    office = Office(parallel=2)
    await office.dispatcher.start()
    gate = asyncio.Event()
    for n in range(4):
        office.far.will(f"dm:{n}#0", gate)
    await office.works(*(effect(f"dm:{n}", 0) for n in range(4)))
    assert len(office.far.jobs) == 2
    gate.set()
    await settle()
    assert len(office.far.jobs) == 4
    await office.dispatcher.stop(grace=0.0)


async def test_a_desk_that_does_not_answer_holds_up_no_member() -> None:
    office = Office(parallel=2)
    await office.dispatcher.start()
    for n in range(4):
        office.far.will(f"desk:{n}:1#0", asyncio.Event())
    await office.works(*(effect(f"desk:{n}:1", 0) for n in range(4)), effect("dm:7", 0))
    assert "dm:7#0" in office.far.keys
    await office.dispatcher.stop(grace=0.0)


async def test_a_retry_keeps_its_place_in_front(office: Office) -> None:
    office.far.will("a#0", Retry("busy", after=3.0))
    await office.works(effect("a", 0), effect("a", 1))
    assert office.far.keys == ["a#0"]
    await office.runs(2.9)
    assert office.far.keys == ["a#0"]
    await office.runs(1.1)
    assert office.far.keys == ["a#0", "a#0", "a#1"]


async def test_an_effect_is_not_carried_out_before_it_is_due(office: Office) -> None:
    await office.works(effect("a", 0, due_at=office.clock.time() + 10))
    await office.runs(9.5)
    assert office.far.keys == []
    await office.runs(0.5)
    assert office.far.keys == ["a#0"]


async def test_a_full_lane_is_read_from_the_table_in_order(office: Office) -> None:
    gate = asyncio.Event()
    office.far.will("a#0", gate)
    effects = [effect("a", n) for n in range(3 * AT_MOST + 5)]
    for one in effects:
        office.commit(one)
    await settle()
    (lane,) = office.dispatcher._lanes.values()
    assert len(lane.queue) <= AT_MOST

    gate.set()
    await settle(600)

    assert office.far.keys == [one.key for one in effects]
    assert office.outbox.reads == ["a"] * 3


async def test_an_effect_committed_while_its_lane_is_read_is_neither_lost_nor_overtaken(
    office: Office,
) -> None:
    """The read looked before the commit; the word of the commit came before the read was back."""
    office.outbox.reading = asyncio.Event()
    office.outbox.commit(effect("a", 0))
    office.dispatcher._chill("a", in_doubt=False)
    await settle()

    office.commit(effect("a", 1))
    office.outbox.reading.set()
    await settle()
    office.commit(effect("a", 2))
    await settle()

    assert office.far.keys == ["a#0", "a#1", "a#2"]


async def test_an_effect_that_a_read_found_before_its_commit_was_told_is_sent_once(office: Office) -> None:
    """The table is read by another thread: it may be faster than the word of the commit."""
    gate = asyncio.Event()
    office.far.will("a#0", gate)
    first, second = office.outbox.commit(effect("a", 0), effect("a", 1))
    office.dispatcher._chill("a", in_doubt=False)
    await settle()
    assert office.far.keys == ["a#0"]

    office.dispatcher.accept([first, second])
    gate.set()
    await settle()

    assert office.far.keys == ["a#0", "a#1"]


async def test_what_became_void_while_its_lane_was_read_is_not_sent(office: Office) -> None:
    office.outbox.reading = asyncio.Event()
    office.outbox.commit(effect("a", 0), effect("a", 1))
    office.dispatcher._chill("a", in_doubt=False)
    await settle()

    office.commit(void=("a#0",))
    office.outbox.reading.set()
    await settle()

    assert office.far.keys == ["a#1"]


async def test_an_effect_that_became_void_in_the_queue_is_not_sent(office: Office) -> None:
    gate = asyncio.Event()
    office.far.will("a#0", gate)
    await office.works(effect("a", 0), effect("a", 1), effect("a", 2))
    office.commit(void=("a#1",))
    gate.set()
    await settle()
    assert office.far.keys == ["a#0", "a#2"]


async def test_an_effect_that_became_void_in_flight_is_finished_but_never_tried_again(office: Office) -> None:
    gate = asyncio.Event()
    office.far.will("a#0", gate, Retry("busy", ambiguous=True))
    await office.works(effect("a", 0), effect("a", 1))
    office.commit(void=("a#0",))
    gate.set()
    await office.runs(60)
    assert office.far.keys == ["a#0", "a#1"]
    assert office.dispatcher._doubts == {}


async def test_an_effect_that_became_void_in_flight_keeps_its_result(office: Office) -> None:
    gate = asyncio.Event()
    office.far.will("a#0", gate, Done(ref="900"))
    await office.works(effect("a", 0))
    office.commit(void=("a#0",))
    gate.set()
    await settle()
    assert office.outbox.result("a#0").ref == "900"


async def test_an_effect_that_became_void_while_it_waits_for_a_retry_is_dropped(office: Office) -> None:
    office.far.will("a#0", Retry("busy", after=5.0, ambiguous=True))
    await office.works(effect("a", 0), effect("a", 1))
    office.commit(void=("a#0",))
    await office.runs(2)
    assert office.far.keys == ["a#0", "a#1"]
    assert office.dispatcher._doubts == {}


async def test_idle_lanes_are_forgotten(office: Office) -> None:
    for n in range(50):
        office.far.will(f"{n}#1", Retry("busy", after=1.0, ambiguous=True), Reject("never"))
    await office.works(*(effect(f"{n}", i, Kind.REACT) for n in range(50) for i in range(3)))
    await office.runs(10)
    assert len(office.far.jobs) == 200
    assert (office.dispatcher.busy, office.dispatcher._lanes, office.dispatcher._tasks) == (0, {}, {})
    assert office.dispatcher._doubts == {}


async def test_a_lane_that_cannot_be_read_is_read_again(office: Office) -> None:
    class Away(Outbox):
        async def lane(self, lane: str, at_most: int = 20) -> list:  # type: ignore[type-arg]
            if len(self.reads) < 3:
                self.reads.append("failed")
                raise OSError("the database is away")
            return await super().lane(lane, at_most)

    outbox = Away()
    outbox.commit(effect("a", 0))
    office.dispatcher.outbox = office.outbox = outbox
    office.dispatcher.finish = outbox.finish
    office.dispatcher._chill("a", in_doubt=False)
    await office.runs(5)
    assert office.far.keys == ["a#0"]
