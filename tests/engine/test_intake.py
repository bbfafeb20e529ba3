"""The intake: one line into the store, which can be held while older things go first."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

import pytest

from machines.events import Event
from orchestrator.discord.intake import AT_ONCE, Intake
from orchestrator.errors import Unavailable
from storage.values import Receipt
from tests.engine.clock import ManualClock, settle
from tests.storage.facts import ANN, wrote


class Scene:
    def __init__(self) -> None:
        self.clock = ManualClock()
        self.taken: list[str] = []
        self.sizes: list[int] = []
        self.away = 0
        self.intake = Intake(self.submit, self.clock)

    async def submit(self, events: Sequence[Event]) -> list[Receipt]:
        if self.away:
            self.away -= 1
            raise Unavailable("away")
        self.sizes.append(len(events))
        self.taken += [event.id for event in events]
        return []

    async def hears(self, *refs: str) -> None:
        for ref in refs:
            self.intake.put(wrote(ANN, ref))
        await settle()


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    made = Scene()
    made.intake.start()
    yield made
    await made.intake.stop()


async def test_nothing_goes_in_before_the_line_is_released(scene: Scene) -> None:
    await scene.hears("1", "2")
    assert scene.taken == []
    scene.intake.release()
    await settle()
    assert scene.taken == ["1", "2"]


async def test_a_held_line_waits_and_keeps_its_order(scene: Scene) -> None:
    scene.intake.release()
    await scene.hears("1")
    scene.intake.hold()
    await scene.hears("2", "3")
    assert scene.taken == ["1"]
    scene.intake.release()
    await scene.hears("4")
    assert scene.taken == ["1", "2", "3", "4"]


async def test_what_waits_goes_in_together_but_not_all_at_once(scene: Scene) -> None:
    refs = [f"{n}" for n in range(2 * AT_ONCE + 10)]
    await scene.hears(*refs)
    scene.intake.release()
    await settle()
    assert scene.taken == refs
    assert max(scene.sizes) == AT_ONCE


async def test_a_store_that_is_away_loses_nothing_and_turns_nothing_round(scene: Scene) -> None:
    scene.intake.release()
    scene.away = 2
    await scene.hears("1")
    await scene.hears("2")
    assert scene.taken == []
    await scene.clock.advance(10)
    assert scene.taken == ["1", "2"]


async def test_stopping_submits_what_waits(scene: Scene) -> None:
    scene.intake.release()
    scene.intake.put(wrote(ANN, "1"))
    await scene.intake.stop()
    assert scene.taken == ["1"]
