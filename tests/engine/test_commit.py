"""The committer: what waits goes in together, nothing is lost, and one bad thing spoils nothing else."""

from __future__ import annotations

import asyncio

import pytest

from machines.events import Trigger
from machines.table import Outcome
from orchestrator.engine.commit import MAX_BATCH
from orchestrator.errors import Unavailable
from storage import schema
from storage.values import Applied
from tests.engine.clock import eventually
from tests.engine.till import Till, journal
from tests.storage.facts import ANN, BEN, pressed, wrote
from tests.storage.house import House


async def test_what_arrives_during_a_commit_shares_the_next_one(till: Till) -> None:
    first = await till.shut()
    others = [asyncio.create_task(till.committer.submit([wrote(ANN, f"{n}")])) for n in range(20)]
    await asyncio.sleep(0)
    till.store.gate.set()
    receipts = await asyncio.gather(first, *others)

    assert till.store.batches == [1, 20]
    assert all(len(each) == 1 for each in receipts)


async def test_order_is_kept_across_submissions(till: Till) -> None:
    await till.shut()
    told = [[wrote(ANN, f"{n}-{i}", f"{n}-{i}") for i in range(3)] for n in range(10)]
    tasks = [asyncio.create_task(till.committer.submit(events)) for events in told]
    await asyncio.sleep(0)
    till.store.gate.set()
    await asyncio.gather(*tasks)

    rows = sorted(till.house.rows(schema.message, member=ANN), key=lambda row: row.version)
    assert [row.body for row in rows] == [event.data["body"] for events in told for event in events]


async def test_each_caller_gets_the_receipts_of_its_own_events(till: Till) -> None:
    await till.shut()
    one = asyncio.create_task(till.committer.submit([wrote(ANN, "1"), wrote(ANN, "1")]))
    two = asyncio.create_task(till.committer.submit([wrote(BEN, "2")]))
    await asyncio.sleep(0)
    till.store.gate.set()
    assert [receipt.duplicate for receipt in await one] == [False, True]
    (of_ben,) = await two
    assert of_ben.subject != (await one)[0].subject


async def test_a_batch_does_not_grow_without_end(till: Till) -> None:
    await till.shut()
    tasks = [asyncio.create_task(till.committer.submit([wrote(ANN, f"{n}")])) for n in range(MAX_BATCH + 50)]
    await asyncio.sleep(0)
    till.store.gate.set()
    await asyncio.gather(*tasks)
    assert till.store.batches == [1, MAX_BATCH, 50]


async def test_nothing_to_submit_costs_nothing(till: Till) -> None:
    assert await till.committer.submit([]) == []
    assert till.store.batches == []


async def test_what_a_cancelled_caller_gave_is_committed(till: Till) -> None:
    await till.shut()
    caller = asyncio.create_task(till.committer.submit([wrote(ANN, "1")]))
    await asyncio.sleep(0)
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    till.store.gate.set()
    await eventually(lambda: "1" in journal(till.house))


async def test_a_caller_cancelled_during_its_commit_changes_nothing(till: Till) -> None:
    caller = await till.shut()
    caller.cancel()
    till.store.gate.set()
    await till.committer.submit([wrote(ANN, "2")])
    assert journal(till.house) == ["2", "first"]
    assert len(till.applied) == 2


async def test_effects_are_handed_over_before_the_caller_goes_on(till: Till) -> None:
    await till.committer.submit([pressed(ANN, Trigger.AGENT_REQUESTED, "")])
    assert [effect.kind for effect in till.applied[0].effects][:2] == ["say", "desk_create"]


async def test_a_hand_over_that_fails_fails_no_caller(till: Till) -> None:
    def broken(_: Applied) -> None:
        raise RuntimeError("a bug")

    till.committer.on_applied = broken
    (receipt,) = await till.committer.submit([wrote(ANN, "1")])
    assert receipt.outcome is Outcome.STAYED


async def test_closing_commits_what_waits_and_takes_no_more(house: House) -> None:
    till = Till(house)
    till.committer.start()
    await till.shut()
    waiting = asyncio.create_task(till.committer.submit([wrote(ANN, "1")]))
    await asyncio.sleep(0)
    closing = asyncio.create_task(till.committer.close())
    await asyncio.sleep(0)
    with pytest.raises(Unavailable):
        await till.committer.submit([wrote(ANN, "2")])
    till.store.gate.set()
    await closing
    assert len(await waiting) == 1
    assert journal(house) == ["1", "first"]


async def test_a_small_write_runs_between_two_batches(till: Till) -> None:
    await till.shut()
    done = asyncio.create_task(till.committer.run(lambda: len(till.store.batches)))
    till.store.gate.set()
    assert await done == 1
