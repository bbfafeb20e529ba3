"""Timers fire at their time, once, whatever happens to the process and the database in between."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import replace

import pytest

from machines.events import Event, Trigger
from orchestrator.engine.timers import JUMP_S, PATIENCE_S, SWEEP_S, Timers, event_of
from orchestrator.errors import Unavailable
from storage import schema
from storage.values import Receipt, SetTimer
from tests.engine.clock import WallClock
from tests.storage.facts import ANN, START, answered_by_agent, wrote
from tests.storage.house import House, subject_id

#: How long every idle timer of these scenes is.
IDLE_S = 240.0
HOUR_S = 3600.0


class Table:
    """The rows of the timers, as the reader gives them."""

    def __init__(self) -> None:
        self.rows: list[SetTimer] = []
        self.away = False

    async def timers(self, before: float) -> list[SetTimer]:
        if self.away:
            raise OSError("the database is away")
        return [row for row in self.rows if row.due_at < before]


class Anew:
    """What is asked of the table when the clock or the hearing was not to be relied on."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.asked: list[str] = []
        self.away = False

    async def rearm_idle(self, *, every: bool) -> None:
        if self.away:
            raise OSError("the database is away")
        self.asked.append("every" if every else "due")
        self._change(lambda row, now: (every or row.due_at <= now) and "idle" in row.name, IDLE_S)

    async def pull_in(self) -> None:
        self.asked.append("pull in")
        self._change(lambda row, now: row.due_at > now + IDLE_S, IDLE_S)

    def _change(self, wanted: Callable[[SetTimer, float], bool], length: float) -> None:
        now = self.scene.clock.time()
        self.scene.table.rows = [
            replace(row, due_at=now + length) if wanted(row, now) else row for row in self.scene.table.rows
        ]


class Scene:
    def __init__(self) -> None:
        self.clock = WallClock()
        self.table = Table()
        self.heard = True
        self.setting = Anew(self)
        self.fired: list[tuple[str, float]] = []
        self.sizes: list[int] = []
        self.trouble: list[Exception] = []
        self.timers = Timers(self.table, self.submit, self.clock, lambda: self.heard, self.setting)

    async def submit(self, events: Sequence[Event]) -> list[Receipt]:
        if self.trouble:
            raise self.trouble.pop()
        self.sizes.append(len(events))
        self.fired += [(event.id, self.clock.time() - START) for event in events]
        gone = {(e.data["subject"], e.data["name"], e.data["epoch"]) for e in events}
        self.table.rows = [r for r in self.table.rows if (r.subject, r.name, r.epoch) not in gone]
        return [Receipt(None) for _ in events]

    def sets(self, after: float, name: str = "ask", epoch: int = 1, *, told: bool = True) -> SetTimer:
        """A timer is committed, and unless the process died the service is told."""
        timer = SetTimer("conversation:c", name, START + after, epoch)
        self.table.rows.append(timer)
        if told:
            self.timers.accept([timer])
        return timer


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    made = Scene()
    yield made
    await made.timers.stop()


async def test_a_timer_fires_at_its_time_and_once(scene: Scene) -> None:
    scene.timers.start()
    scene.sets(1.2)
    await scene.clock.advance(1.1)
    assert scene.fired == []
    await scene.clock.advance(0.2)
    assert scene.fired == [("conversation:c:ask:1", pytest.approx(1.2))]
    await scene.clock.advance(100)
    assert len(scene.fired) == 1


async def test_timers_fire_in_the_order_of_their_times(scene: Scene) -> None:
    scene.timers.start()
    for epoch, after in enumerate((3.0, 1.0, 2.0)):
        scene.sets(after, epoch=epoch)
    await scene.clock.advance(5)
    assert [name for name, _ in scene.fired] == [f"conversation:c:ask:{epoch}" for epoch in (1, 2, 0)]


async def test_a_sooner_timer_is_not_held_up_by_a_later_one(scene: Scene) -> None:
    scene.timers.start()
    scene.sets(0.9, epoch=1)
    await scene.clock.advance(0.1)
    scene.sets(0.3, epoch=2)
    await scene.clock.advance(0.3)
    assert [name for name, _ in scene.fired] == ["conversation:c:ask:2"]


async def test_a_far_timer_is_found_in_the_table_when_it_comes_near(scene: Scene) -> None:
    scene.timers.start()
    scene.sets(200, "wait")
    assert scene.timers._heap == []
    await scene.clock.advance(199)
    assert scene.fired == []
    await scene.clock.advance(2)
    assert scene.fired == [("conversation:c:wait:1", pytest.approx(200))]


async def test_a_timer_survives_a_restart(scene: Scene) -> None:
    scene.sets(10, told=False)
    scene.sets(-50, epoch=2, told=False)
    scene.timers.start()
    await scene.clock.advance(0)
    assert [name for name, _ in scene.fired] == ["conversation:c:ask:2"]
    await scene.clock.advance(10)
    assert len(scene.fired) == 2


@pytest.mark.parametrize("trouble", [Unavailable("away"), RuntimeError("a bug")], ids=repr)
async def test_a_timer_that_could_not_be_stored_fires_later(scene: Scene, trouble: Exception) -> None:
    scene.timers.start()
    scene.trouble = [trouble]
    scene.sets(1)
    await scene.clock.advance(5)
    assert scene.fired == []
    await scene.clock.advance(SWEEP_S)
    assert [name for name, _ in scene.fired] == ["conversation:c:ask:1"]


async def test_a_table_that_is_away_is_read_again(scene: Scene) -> None:
    scene.sets(1, told=False)
    scene.table.away = True
    scene.timers.start()
    await scene.clock.advance(5)
    scene.table.away = False
    await scene.clock.advance(SWEEP_S)
    assert len(scene.fired) == 1


async def test_thousands_that_fall_due_together_are_told_in_slices(scene: Scene) -> None:
    for epoch in range(301):
        scene.sets(-1, epoch=epoch, told=False)
    scene.timers.start()
    await scene.clock.advance(0)
    assert scene.sizes == [100, 100, 100, 1]


def test_the_firing_of_a_timer_is_named_by_its_setting() -> None:
    of_talk = event_of(SetTimer("conversation:c", "wait", START, 4))
    assert (of_talk.id, of_talk.trigger, of_talk.to.conversation) == (
        "conversation:c:wait:4",
        Trigger.WAIT,
        "c",
    )
    of_case = event_of(SetTimer("case:k", "case_close", START, 4))
    assert (of_case.to.case, of_case.to.conversation) == ("k", None)


# --- the clock


def names(scene: Scene) -> list[str]:
    return [name.split(":")[2] for name, _ in scene.fired]


@pytest.mark.parametrize("jump", [HOUR_S, 24 * HOUR_S, 8 * HOUR_S], ids=["an hour", "a day", "asleep"])
async def test_after_a_jump_forward_nobody_is_blamed_for_silence(scene: Scene, jump: float) -> None:
    """A machine that was asleep for eight hours looks the same: nobody was heard meanwhile."""
    scene.timers.start()
    scene.sets(IDLE_S, "bot_idle")
    scene.sets(200, "wait", epoch=2)
    await scene.clock.advance(100)
    scene.clock.set(jump)
    await scene.clock.advance(2)
    assert names(scene) == ["wait"]
    await scene.clock.advance(IDLE_S - 3)
    assert names(scene) == ["wait"]
    await scene.clock.advance(4)
    assert names(scene) == ["wait", "bot_idle"]


async def test_a_small_step_forward_is_no_jump(scene: Scene) -> None:
    scene.timers.start()
    scene.sets(400, "bot_idle")
    await scene.clock.advance(100)
    scene.clock.set(JUMP_S - 1)
    await scene.clock.advance(2)
    assert names(scene) == ["bot_idle"]


@pytest.mark.parametrize("back", [HOUR_S, 24 * HOUR_S], ids=["an hour", "a day"])
async def test_a_clock_that_is_set_back_delays_nobody_beyond_a_whole_length(
    scene: Scene, back: float
) -> None:
    scene.timers.start()
    scene.sets(20, "wait")
    await scene.clock.advance(10)
    scene.clock.set(-back)
    await scene.clock.advance(IDLE_S + 2)
    assert names(scene) == ["wait"]


async def test_a_clock_that_was_set_back_while_nobody_ran_delays_nobody_either(scene: Scene) -> None:
    scene.sets(24 * HOUR_S, "wait", told=False)
    scene.timers.start()
    await scene.clock.advance(IDLE_S + 2)
    assert names(scene) == ["wait"]


async def test_five_seconds_back_are_five_seconds_more_and_fire_once(scene: Scene) -> None:
    scene.timers.start()
    scene.sets(10)
    await scene.clock.advance(9)
    scene.clock.set(-5)
    await scene.clock.advance(5)
    assert scene.fired == []
    await scene.clock.advance(60)
    assert names(scene) == ["ask"]


# --- while nobody can be heard


async def test_silence_does_not_count_while_nobody_can_be_heard(scene: Scene) -> None:
    scene.heard = False
    scene.sets(-5, "bot_idle", told=False)
    scene.timers.start()
    scene.sets(5, "member_idle", epoch=2)
    await scene.clock.advance(IDLE_S * 2)
    assert scene.fired == []

    scene.heard = True
    await scene.clock.advance(IDLE_S - 1)
    assert scene.fired == []
    await scene.clock.advance(3)
    assert sorted(names(scene)) == ["bot_idle", "member_idle"]


async def test_other_timers_wait_a_minute_for_what_is_being_read(scene: Scene) -> None:
    scene.timers.start()
    await scene.clock.advance(1)
    scene.heard = False
    scene.sets(5, "ask")
    await scene.clock.advance(PATIENCE_S - 1)
    assert scene.fired == []
    await scene.clock.advance(3)
    assert names(scene) == ["ask"]


async def test_other_timers_fire_as_soon_as_everything_was_read(scene: Scene) -> None:
    scene.heard = False
    scene.timers.start()
    scene.sets(1, "ask")
    await scene.clock.advance(10)
    scene.heard = True
    await scene.clock.advance(2)
    assert names(scene) == ["ask"]


async def test_no_silence_counts_until_its_timers_are_set_anew(scene: Scene) -> None:
    scene.setting.away = True
    scene.timers.start()
    scene.sets(-1, "agent_idle", told=False)
    scene.sets(1, "ask", epoch=2)
    await scene.clock.advance(60)
    assert names(scene) == ["ask"]
    scene.setting.away = False
    await scene.clock.advance(IDLE_S + 2)
    assert names(scene) == ["ask", "agent_idle"]


# --- with the store


async def test_a_voided_timer_that_memory_still_holds_does_nothing(house: House) -> None:
    talk = subject_id(house.arrives(wrote(ANN, "1")))
    ask = house.timer(talk, "ask")
    house.arrives(wrote(ANN, "2"))
    before = house.everything()

    (receipt,) = house.arrives(event_of(ask)).receipts

    assert receipt.duplicate
    assert house.everything() == before


async def test_a_timer_of_the_store_fires_by_its_row(house: House) -> None:
    talk = house.waits(ANN)
    house.arrives(event_of(house.timer(talk, "wait")))
    assert house.state(talk) == "bot_faq"
    house.arrives(answered_by_agent(talk, "IM1"))
    assert house.rows(schema.timer, name="wait") == []
