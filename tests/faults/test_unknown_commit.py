"""A commit whose end nobody saw: what it wants done is not overtaken by what came after it, and is done once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from orchestrator.engine.dispatch import SWEEP_S
from storage.values import Applied, Batch
from tests.engine.clock import settle
from tests.engine.outbox import Office, effect
from tests.faults.stage import UNKNOWN_WORDS
from tests.inprocess.house import House, living
from tests.inprocess.virtual import play
from tests.inprocess.world import World


class Untold:
    """A store that says it failed when it has stored: as when the line is cut during COMMIT."""

    def __init__(self, house: House) -> None:
        self._apply: Callable[..., Applied] = house.store.apply
        self.fails = 0  #: how many of the next commits end like that
        house.committer.store = self  # type: ignore[assignment]

    def apply(self, batch: Batch, now: float, *rest: Any) -> Applied:
        applied = self._apply(batch, now, *rest)
        if self.fails > 0:
            self.fails -= 1
            raise OperationalError("COMMIT", None, Exception("server closed the connection"))
        return applied


@pytest.mark.parametrize("fails", [1, 2, 3])
def test_words_whose_commit_nobody_saw_arrive_in_order_and_once(world: World, url: str, fails: int) -> None:
    async def story() -> None:
        async with living(world, url) as house:
            mia = world.member()
            task = await world.handed_off(mia)
            untold = Untold(house)
            untold.fails = fails
            for n in range(4):
                mia.write(f"question {n}")
                task.write(f"reply {n}")
            await task.gets(*(f"question {n}" for n in range(4)))
            await world.time.sleep(200)  # what a refused webhook told is read up
            await mia.gets(*(f"reply {n}" for n in range(4)))
            await task.gets(*(f"question {n}" for n in range(4)))

    play(world.time, story())


def test_a_desk_whose_opening_nobody_saw_committed_is_opened_once(world: World, url: str) -> None:
    async def story() -> None:
        async with living(world, url) as house:
            mia = world.member()
            mia.helpme()
            await mia.hears("greeting")
            mia.write(UNKNOWN_WORDS)
            await mia.hears("unsure")
            untold = Untold(house)
            untold.fails = 1
            mia.press("agent_requested")
            task = await world.task()
            await mia.hears("place")
            mia.write("one")
            await task.gets("one")
            assert len(world.tasks()) == 1
            assert len(mia.heard("place")) == 1
            assert sum(UNKNOWN_WORDS in note for note in task.notes()) == 1

    play(world.time, story())


# --- the dispatcher by itself


async def test_a_lane_that_was_idle_is_read_before_it_sends_again() -> None:
    office = Office()
    await office.dispatcher.start()
    office.outbox.commit(effect("a", 0))  # stored, and nobody was told
    office.dispatcher.distrust()
    await office.works(effect("a", 1))
    assert office.far.keys == ["a#0", "a#1"]
    await office.dispatcher.stop()


async def test_a_busy_lane_is_read_before_it_sends_the_next() -> None:
    office = Office()
    await office.dispatcher.start()
    arrived = asyncio.Event()
    office.far.will("a#0", arrived)
    await office.works(effect("a", 0))
    office.outbox.commit(effect("a", 1))
    office.outbox.void("a#2")
    office.dispatcher.distrust()
    await office.works(effect("a", 3))
    arrived.set()
    await settle()
    assert office.far.keys == ["a#0", "a#1", "a#3"]
    await office.dispatcher.stop()


async def test_what_became_void_in_a_commit_that_nobody_saw_is_not_sent() -> None:
    office = Office()
    await office.dispatcher.start()
    arrived = asyncio.Event()
    office.far.will("a#0", arrived)
    await office.works(effect("a", 0), effect("a", 1), effect("a", 2))
    office.outbox.void("a#1")
    office.dispatcher.distrust()
    arrived.set()
    await settle()
    assert office.far.keys == ["a#0", "a#2"]
    await office.dispatcher.stop()


async def test_a_read_that_looked_before_such_a_commit_is_not_believed() -> None:
    office = Office()
    await office.dispatcher.start()
    office.outbox.reading = asyncio.Event()
    office.outbox.commit(effect("a", 0))
    office.dispatcher._chill("a", in_doubt=False)
    await settle()

    office.outbox.commit(effect("a", 1))
    office.dispatcher.distrust()
    office.outbox.reading.set()
    await settle()
    await office.works(effect("a", 2))

    assert office.far.keys == ["a#0", "a#1", "a#2"]
    await office.dispatcher.stop()


async def test_the_next_sweep_takes_up_what_is_not_due_yet_and_ends_the_distrust() -> None:
    office = Office()
    await office.dispatcher.start()
    office.outbox.commit(effect("a", 0, due_at=office.clock.time() + 60))
    office.dispatcher.distrust()
    await office.runs(SWEEP_S)
    assert office.outbox.reads == ["a"]
    await office.works(effect("b", 0))
    assert office.outbox.reads == ["a"]
    await office.runs(60)
    assert office.far.keys == ["b#0", "a#0"]
    await office.dispatcher.stop()
