"""Live events of direct messages: one DM's go in after what was missed there, and nobody else waits for that."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any

import pytest

from machines.events import Event, Trigger
from orchestrator.discord.intake import Intake
from orchestrator.discord.live import HOLD_AT_MOST, HOLD_S, Live, Positions
from orchestrator.errors import Reject, Retry, Unavailable
from orchestrator.ports import Read
from orchestrator.reading import AGAIN_S
from storage.values import Receipt
from tests.inprocess.virtual import Time, play
from tests.storage.facts import ANN, BEN, START, deleted, pressed, wrote


class Scene:
    """An intake whose DMs lack something, and a Discord that can be asked for it."""

    def __init__(self, time: Time) -> None:
        self.time = time
        self.missed: dict[str, list[Event]] = {}  #: what stands in a DM, by member
        self.trouble: dict[str, list[Exception]] = {}  #: what the next reads of a DM meet
        self.takes = 0.0  #: how long a read takes
        self.reads: list[str] = []
        self.marked: list[str] = []
        self.away = 0  #: how often the store cannot take it
        self.stored: list[str] = []
        self.positions = Positions()
        live = Live(self.submit, self.read, time, self.positions)
        self.intake = Intake(self.submit, time, live)
        self.intake.start()
        self.begins()

    def begins(self) -> None:
        """A new session, whose reading-up is over already."""
        self.intake.hold()
        self.intake.release()

    async def submit(self, events: Sequence[Event]) -> list[Receipt]:
        if self.away:
            self.away -= 1
            raise Unavailable("away")
        self.stored += [event.id for event in events if event.id not in self.stored]
        return [Receipt(None) for _ in events]

    async def read(self, member: str) -> Read:
        self.reads.append(member)
        await self.time.sleep(self.takes)
        if self.trouble.get(member):
            raise self.trouble[member].pop(0)

        async def remember() -> None:
            assert {event.id for event in self.missed.get(member, ())} <= set(self.stored)
            self.marked.append(member)

        return Read(tuple(self.missed.get(member, ())), remember)

    async def hears(self, *events: Event) -> list[asyncio.Future[None]]:
        found = [self.intake.put(event) for event in events]
        await self.time.sleep(0.01)
        return found


def plays(story: Any) -> None:
    """Run a story over a fresh scene."""
    time = Time()

    async def whole() -> None:
        scene = Scene(time)
        told: Coroutine[Any, Any, None] = story(scene)
        await told
        await scene.intake.stop()
        assert asyncio.all_tasks() == {asyncio.current_task()}

    play(time, whole())


def said(member: str, *refs: int) -> list[Event]:
    return [wrote(member, f"{ref}", at=START + ref) for ref in refs]


def test_what_was_missed_goes_in_before_what_is_heard() -> None:
    async def story(scene: Scene) -> None:
        scene.missed[ANN] = said(ANN, 1, 2, 3)
        await scene.hears(*said(ANN, 3, 4))
        assert scene.stored == ["1", "2", "3", "4"]
        assert scene.marked == [ANN]

    plays(story)


def test_a_dm_is_read_once_a_session() -> None:
    async def story(scene: Scene) -> None:
        for n in range(3):
            await scene.hears(*said(ANN, n))
        assert scene.reads == [ANN]
        scene.begins()
        await scene.hears(*said(ANN, 4))
        assert scene.reads == [ANN, ANN]

    plays(story)


def test_a_dm_that_was_read_with_the_others_is_not_read_again() -> None:
    async def story(scene: Scene) -> None:
        scene.positions.read(ANN, scene.positions.session)
        scene.positions.read(BEN, scene.positions.session - 1)
        await scene.hears(*said(ANN, 1), *said(BEN, 2))
        assert scene.reads == [BEN]

    plays(story)


def test_a_dm_that_cannot_be_read_holds_its_own_and_nobody_elses() -> None:
    async def story(scene: Scene) -> None:
        scene.missed[ANN] = said(ANN, 1)
        scene.trouble[ANN] = [Retry("busy"), Retry("busy"), OSError("a bug")]
        _, press, _ = await scene.hears(
            *said(ANN, 2), pressed(ANN, Trigger.SOLVED, "c", "5", START + 5), *said(BEN, 3)
        )
        await scene.hears(*said(ANN, 6), *said(BEN, 4))
        assert scene.stored == ["3", "4"]
        assert not press.done()
        await scene.time.sleep(3 * AGAIN_S + 1)
        assert scene.stored == ["3", "4", "1", "2", "5", "6"]
        assert press.done()
        await scene.hears(*said(ANN, 7))
        assert scene.reads.count(ANN) == 4

    plays(story)


def test_what_is_heard_while_the_held_is_stored_stands_behind_it() -> None:
    async def story(scene: Scene) -> None:
        scene.missed[ANN] = said(ANN, 1)
        scene.away = 1
        await scene.hears(*said(ANN, 2))
        await scene.hears(*said(ANN, 3))
        assert scene.stored == []
        await scene.time.sleep(5)
        assert scene.stored == ["1", "2", "3"]

    plays(story)


def test_a_deletion_passes_for_the_store_knows_its_place() -> None:
    async def story(scene: Scene) -> None:
        scene.takes = 1.0
        await scene.hears(*said(ANN, 1), deleted("1"))
        assert scene.stored == ["1:delete"]

    plays(story)


def test_a_dm_that_must_not_be_read_is_not_waited_for() -> None:
    async def story(scene: Scene) -> None:
        scene.trouble[ANN] = [Reject("forbidden")]
        await scene.hears(*said(ANN, 1))
        assert scene.stored == ["1"]
        await scene.hears(*said(ANN, 2))
        assert (scene.stored, scene.reads) == (["1", "2"], [ANN])

    plays(story)


@pytest.mark.parametrize("takes", [0.0, 1000.0], ids=["fails", "hangs"])
def test_nobody_is_held_for_longer_than_a_minute(takes: float) -> None:
    async def story(scene: Scene) -> None:
        scene.takes = takes
        scene.trouble[ANN] = [Retry("busy")] * 100
        await scene.hears(*said(ANN, 1))
        await scene.time.sleep(HOLD_S - 1)
        await scene.hears(*said(ANN, 2))
        assert scene.stored == []
        await scene.time.sleep(1.5)
        assert scene.stored == ["1", "2"]
        await scene.hears(*said(ANN, 3))
        assert scene.stored == ["1", "2", "3"]
        assert scene.marked == []

    plays(story)


def test_no_more_than_a_hundred_are_held() -> None:
    async def story(scene: Scene) -> None:
        scene.trouble[ANN] = [Retry("busy")] * 100
        await scene.hears(*said(ANN, *range(HOLD_AT_MOST - 1)))
        assert scene.stored == []
        await scene.hears(*said(ANN, HOLD_AT_MOST - 1))
        assert scene.stored == [f"{n}" for n in range(HOLD_AT_MOST)]

    plays(story)


def test_a_read_that_began_before_a_new_session_does_not_count_for_it() -> None:
    async def story(scene: Scene) -> None:
        scene.takes = 1.0
        await scene.hears(*said(ANN, 1))
        scene.begins()
        await scene.time.sleep(2)
        scene.missed[ANN] = said(ANN, 1, 2)
        await scene.hears(*said(ANN, 3))
        await scene.time.sleep(2)
        assert scene.stored == ["1", "2", "3"]

    plays(story)


def test_stopping_waits_for_a_read_but_not_for_one_that_fails() -> None:
    async def story(scene: Scene) -> None:
        scene.takes = 1.0
        scene.trouble[BEN] = [Retry("busy")] * 100
        await scene.hears(*said(ANN, 1), *said(BEN, 2))
        before = scene.time.passed
        await scene.intake.stop()
        assert scene.stored == ["1"]
        assert scene.time.passed - before < AGAIN_S

    plays(story)
