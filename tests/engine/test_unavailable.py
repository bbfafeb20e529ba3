"""A store that cannot take something: callers are told, results wait, and one bad thing spoils nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest

from machines.events import Event, Trigger
from machines.table import Outcome
from orchestrator.engine import commit
from orchestrator.engine.commit import PAUSE_S
from orchestrator.errors import Unavailable
from storage import engines, schema
from storage.values import Result, Status
from tests.engine.clock import eventually
from tests.engine.till import Till, journal, locked
from tests.storage.facts import ANN, BEN, pressed, wrote
from tests.storage.house import House


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Connections that are opened from here on do not wait long for a lock."""
    monkeypatch.setattr(engines, "BUSY_TIMEOUT_MS", 20)


# --- the database cannot take it


async def test_a_full_queue_sends_callers_away(till: Till, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(commit, "MAX_WAITING", 3)
    await till.shut()
    waiting = [asyncio.create_task(till.committer.submit([wrote(ANN, f"{n}")])) for n in range(3)]
    await asyncio.sleep(0)
    with pytest.raises(Unavailable):
        await till.committer.submit([wrote(ANN, "9")])
    till.store.gate.set()
    await asyncio.gather(*waiting)
    await till.committer.submit([wrote(ANN, "9")])


@pytest.mark.usefixtures("impatient")
async def test_a_locked_database_sends_callers_away_and_stores_nothing(till: Till) -> None:
    with locked(till.house), pytest.raises(Unavailable):
        await till.committer.submit([wrote(ANN, "1")])
    assert journal(till.house) == []
    await till.committer.submit([wrote(ANN, "1")])
    assert journal(till.house) == ["1"]


@pytest.mark.usefixtures("impatient")
async def test_a_result_is_offered_until_it_is_stored(till: Till) -> None:
    await till.committer.submit([pressed(ANN, Trigger.AGENT_REQUESTED, "")])
    effect = till.applied[0].effects[0]
    till.store.batches.clear()
    with locked(till.house):
        finishing = asyncio.create_task(till.committer.finish(Result(effect.key, 0, Status.DONE, 1)))
        for tries in (1, 2, 3):
            await eventually(lambda tries=tries: len(till.store.batches) == tries)  # type: ignore[misc]
            await eventually(lambda: till.clock.sleeping == 1)
            if tries < 3:
                await till.clock.advance(PAUSE_S)
        assert not finishing.done()
    await till.clock.advance(PAUSE_S)
    await finishing
    assert till.house.row(schema.effect, key=effect.key).status == "done"


@pytest.mark.usefixtures("impatient")
async def test_closing_does_not_wait_for_a_database_that_is_away(house: House) -> None:
    """The effect is in doubt at the next start."""
    till = Till(house)
    till.committer.start()
    with locked(house):
        finishing = asyncio.create_task(till.committer.finish(Result("k", 0, Status.DONE, 1)))
        await eventually(lambda: till.clock.sleeping == 1)
        closing = asyncio.create_task(till.committer.close())
        await asyncio.sleep(0)
        await till.clock.advance(PAUSE_S)
        await closing
        with pytest.raises(Unavailable):
            await finishing


# --- something in the batch cannot be stored


def unstorable(ref: str) -> Event:
    return replace(wrote("4200", ref), data={"body": "\ud800", "message": f"discord:{ref}"})


def refused(ref: str) -> Event:
    """Its channel is another member's: the database objects."""
    return wrote("4200", ref, channel=f"dm-{ANN}")


@pytest.mark.parametrize("culprit", [unstorable, refused])
async def test_what_cannot_be_stored_spoils_nothing_else(till: Till, culprit: Callable[[str], Event]) -> None:
    await till.committer.submit([wrote(ANN, "0")])
    await till.shut()
    tasks = [
        asyncio.create_task(till.committer.submit([culprit("bad") if n == 5 else wrote(BEN, f"b{n}")]))
        for n in range(12)
    ]
    await asyncio.sleep(0)
    till.store.gate.set()
    receipts = [(await task)[0] for task in tasks]

    assert [n for n, receipt in enumerate(receipts) if receipt.outcome is Outcome.FAILED] == [5]
    assert len(till.house.rows(schema.message, member=BEN)) == 11


@pytest.mark.parametrize("culprit", [unstorable, refused])
async def test_what_cannot_be_stored_spoils_nothing_given_together_with_it(
    till: Till, culprit: Callable[[str], Event]
) -> None:
    await till.committer.submit([wrote(ANN, "0")])
    events = [wrote(BEN, f"b{n}", f"{n}") for n in range(9)]
    events.insert(4, culprit("bad"))

    receipts = await till.committer.submit(events)

    assert [n for n, receipt in enumerate(receipts) if receipt.outcome is Outcome.FAILED] == [4]
    rows = sorted(till.house.rows(schema.message, member=BEN), key=lambda row: row.version)
    assert [row.body for row in rows] == [f"{n}" for n in range(9)]


@pytest.mark.parametrize("culprit", [unstorable, refused])
async def test_who_wrote_what_cannot_be_stored_is_told_and_so_is_the_operator(
    till: Till, culprit: Callable[[str], Event]
) -> None:
    await till.committer.submit([wrote(ANN, "0"), wrote("4200", "1")])
    (receipt,) = await till.committer.submit([culprit("bad")])
    (again,) = await till.committer.submit([culprit("bad")])

    assert receipt.outcome is Outcome.FAILED
    assert again.duplicate
    entry = till.house.row(schema.event, id="bad")
    assert entry.outcome == "failed"
    left = [(row.kind, row.payload) for row in till.house.rows(schema.effect) if ":failed:" in row.key]
    assert [kind for kind, _ in left] == ["say", "alert"]
    assert all("step_failed" in payload for _, payload in left)


async def test_a_result_that_cannot_be_stored_is_a_dead_letter_and_not_sent_again(till: Till) -> None:
    await till.committer.submit([wrote(ANN, "0"), pressed(BEN, Trigger.AGENT_REQUESTED, "")])
    effect = till.applied[0].effects[-1]

    await till.committer.finish(
        Result(effect.key, 0, Status.DONE, 1, ref="900", dm_channel=(BEN, f"dm-{ANN}"))
    )

    row = till.house.row(schema.effect, key=effect.key)
    assert (row.status, row.last_error) == ("dead", "its result cannot be stored: IntegrityError")
