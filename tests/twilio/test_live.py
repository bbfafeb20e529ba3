"""Live webhooks: one conversation's in order of Index, each behind what was missed before it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from machines.events import Event
from orchestrator.errors import Retry, Unavailable
from orchestrator.ports import Read
from orchestrator.twilio.live import Live, Positions
from storage.values import Receipt
from tests.engine.clock import settle
from tests.storage.facts import START, answered_by_agent

SID = "CH" + "0" * 32


def message(index: int) -> Event:
    link = ("conversation_sid", SID)
    return answered_by_agent("c", f"IM{index}", at=START, link=link, index=index)


class Scene:
    """A door to the store that can be kept shut, and a far side that can be away."""

    def __init__(self) -> None:
        self.submitted: list[str] = []
        self.there = 0  #: messages on the far side
        self.reads = 0
        self.trouble: list[Exception] = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.live = Live(self.submit, self.read, Positions())

    async def submit(self, events: Sequence[Event]) -> list[Receipt]:
        await self.gate.wait()
        if self.trouble:
            raise self.trouble.pop()
        self.submitted += [event.id for event in events if event.id not in self.submitted]
        return [Receipt(None) for _ in events]

    async def read(self, _sid: str) -> Read:
        self.reads += 1
        if self.trouble:
            raise self.trouble.pop()
        top = self.there - 1

        async def remember() -> None:
            self.live.positions.read(SID, top)

        return Read(tuple(message(n) for n in range(self.there)), remember)


async def test_messages_in_order_need_no_reading() -> None:
    scene = Scene()
    for n in range(5):
        await scene.live.take([message(n)])
    assert (scene.submitted, scene.reads) == ([f"IM{n}" for n in range(5)], 0)


async def test_what_was_missed_goes_in_before_what_stands_behind_it() -> None:
    scene = Scene()
    await scene.live.take([message(0)])
    scene.there = 4
    await scene.live.take([message(3)])
    await scene.live.take([message(1)])
    assert (scene.submitted, scene.reads) == ([f"IM{n}" for n in range(4)], 1)


async def test_what_is_being_stored_is_waited_for_and_is_no_gap() -> None:
    scene = Scene()
    scene.gate.clear()
    both = [asyncio.create_task(scene.live.take([message(n)])) for n in range(2)]
    await settle()
    scene.gate.set()
    await asyncio.gather(*both)
    assert (scene.submitted, scene.reads) == (["IM0", "IM1"], 0)


@pytest.mark.parametrize("lost", [0, 1])
async def test_what_could_not_be_stored_is_missing_for_the_next_one(lost: int) -> None:
    scene = Scene()
    for n in range(lost):
        await scene.live.take([message(n)])
    scene.trouble = [Unavailable("away")]
    with pytest.raises(Unavailable):
        await scene.live.take([message(lost)])
    scene.there = lost + 2
    await scene.live.take([message(lost + 1)])
    assert scene.submitted == [f"IM{n}" for n in range(lost + 2)]


async def test_a_gap_that_cannot_be_read_stores_nothing() -> None:
    scene = Scene()
    scene.trouble = [Retry("away")]
    with pytest.raises(Unavailable):
        await scene.live.take([message(2)])
    assert scene.submitted == []


@given(st.permutations(range(12)), st.integers(0, 12))
def test_positions_know_the_first_that_is_missing(order: list[int], known: int) -> None:
    positions = Positions()
    for index in order[:known]:
        positions.account(SID, index)
    first = next(n for n in range(13) if n not in order[:known])
    assert not positions.missing_before(SID, first)
    assert positions.missing_before(SID, first + 1)
    positions.read(SID, 11)
    assert not positions.missing_before(SID, 12)
