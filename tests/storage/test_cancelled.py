"""Cancelled at every await: what was given is stored once, and what was begun can be ended."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

import pytest

from machines.events import Trigger
from storage import schema
from storage.values import Result, Status
from tests.acceptance.conftest import bare, stage
from tests.acceptance.playing import Stage
from tests.engine.outbox import Office
from tests.engine.till import Till, journal
from tests.storage.cancelling import cancelled_at
from tests.storage.facts import ANN, pressed, wrote
from tests.storage.house import House

__all__ = ["bare", "stage"]


@pytest.fixture
async def till(house: House) -> AsyncIterator[Till]:
    made = Till(house)
    made.committer.start()
    yield made
    await made.committer.close()


async def cancelled_everywhere(flow: Callable[[int], Coroutine[Any, Any, Any]]) -> int:
    """Run a flow over and over, cancelled one await later each time, until it ends. Returns the number of awaits."""
    for n in range(1, 50):

        async def run(n: int = n) -> None:
            await cancelled_at(n, flow(n))

        try:
            await asyncio.create_task(run())
        except asyncio.CancelledError:
            continue
        return n - 1
    raise AssertionError("it never ends")


async def test_a_submission_cancelled_at_any_await_is_committed_once(till: Till) -> None:
    cancelled = await cancelled_everywhere(lambda n: till.committer.submit([wrote(ANN, f"{n}")]))
    assert cancelled >= 1
    await till.committer.submit([wrote(ANN, "last")])
    assert sorted(journal(till.house)) == sorted([*(f"{n + 1}" for n in range(cancelled + 1)), "last"])


async def test_a_result_whose_teller_is_cancelled_at_any_await_is_stored(till: Till) -> None:
    await till.committer.submit([pressed(ANN, Trigger.AGENT_REQUESTED, "")])
    keys = [effect.key for effect in till.applied[0].effects]
    cancelled = await cancelled_everywhere(
        lambda n: till.committer.finish(Result(keys[n - 1], 0, Status.DONE, 1))
    )
    assert cancelled >= 1
    await till.committer.submit([wrote(ANN, "1")])
    for key in keys[: cancelled + 1]:
        assert till.house.row(schema.effect, key=key).status == "done"


async def test_a_small_write_whose_caller_is_cancelled_at_any_await_is_done(till: Till) -> None:
    done: list[int] = []

    async def flow(n: int) -> None:
        await till.committer.run(lambda: done.append(n))

    cancelled = await cancelled_everywhere(flow)
    await till.committer.run(lambda: None)
    assert done == [n + 1 for n in range(cancelled + 1)]


async def test_closing_the_committer_can_be_cancelled_and_begun_again(house: House) -> None:
    till = Till(house)
    till.committer.start()
    closing = await till.shut()
    waits = asyncio.create_task(till.committer.close())
    await asyncio.sleep(0)
    waits.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waits
    till.store.gate.set()
    await till.committer.close()
    assert closing.done()
    assert journal(house) == ["first"]


async def test_stopping_the_dispatcher_can_be_cancelled_at_any_await_and_begun_again() -> None:
    async def stopped_and_cancelled(n: int) -> None:
        office = Office()
        await office.dispatcher.start()
        try:
            await office.dispatcher.stop(grace=0.0)
        finally:
            await office.dispatcher.stop(grace=0.0)
            assert office.dispatcher.busy == 0

    assert await cancelled_everywhere(stopped_and_cancelled) >= 1
    assert [task.get_name() for task in asyncio.all_tasks() if task.get_name() == "sweep"] == []


async def test_a_service_that_is_cancelled_lets_go_of_everything(stage: Stage) -> None:
    """Port, lock and database are free for the next one, and nothing runs on."""
    mia = stage.member()
    task = await stage.handed_off(mia)
    assert stage._running is not None
    stage._running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await stage._running
    stage.service = stage._running = None
    left = {t.get_name() for t in asyncio.all_tasks()}
    assert not left & {"commit", "sweep", "discord", "timers", "parked", "stop"}
    await mia.write("two")
    await stage.serve()
    await task.gets("two")
