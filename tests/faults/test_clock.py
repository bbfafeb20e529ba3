"""A clock that is set, or a machine that slept, in the middle of a talk: timers fire once, and nobody is blamed.

The people and the providers go by a clock of their own. The service goes by the machine's.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from machines.snapshot import Limits
from storage import schema
from tests.faults.stage import Stage, staged
from tests.inprocess.virtual import START, Time, play
from tests.inprocess.world import World

MINUTE_S, HOUR_S, DAY_S = 60.0, 3600.0, 24 * 3600.0
#: Firing is looked at every second, and what is set anew counts from then.
LOOK_S = 5.0
#: How long silence may be. The usual times take ten times as long to play.
WARN_S, IDLE_S = 240.0, 300.0
LIMITS = Limits(member_idle_warn=WARN_S, member_idle=IDLE_S, agent_idle_warn=WARN_S, agent_idle=IDLE_S)


@dataclass(slots=True)
class Wall(Time):
    """A wall clock that can be set; the time that passes is that of `real`."""

    real: Time | None = None
    shift: float = 0.0

    def time(self) -> float:
        assert self.real is not None
        return self.real.time() + self.shift

    def monotonic(self) -> float:
        assert self.real is not None
        return self.real.monotonic()


@dataclass(slots=True)
class Calendar(Time):
    """The time of everybody: another day, or one that goes on while a machine sleeps."""

    ahead: float = 0.0

    def time(self) -> float:
        return START + self.passed + self.ahead


SHIFTS = {
    "an hour forward": HOUR_S,
    "an hour back": -HOUR_S,
    "a day forward": DAY_S,
    "a day back": -DAY_S,
    "five seconds back": -5.0,
}


def fired(stage: Stage, name: str) -> int:
    """How often a timer of that name was taken by the machine."""
    e = schema.event
    with stage.house.engine.connect() as connection:
        rows = connection.execute(select(e.c.outcome).where(e.c.trigger == name)).scalars().all()
    return sum(outcome in ("moved", "stayed") for outcome in rows)


async def talks_on(stage: Stage, name: str) -> None:
    (task,) = stage.world.tasks()
    stage.says(f"{name} one")
    await stage.heard()
    stage.replies(task, f"{name} two")
    await stage.heard()


@pytest.mark.parametrize("shift", SHIFTS.values(), ids=SHIFTS.keys())
def test_a_clock_that_is_set_in_the_middle_of_a_talk_changes_nothing_of_it(
    world: World, url: str, shift: float
) -> None:
    wall = Wall(real=world.time)

    async def story() -> None:
        world.time, real = wall, world.time
        stage = await staged(world, url, limits=LIMITS)
        world.time = real
        await world.handed_off(stage.mia)
        await talks_on(stage, "before")
        wall.shift = shift
        await talks_on(stage, "after")
        await world.time.sleep(WARN_S - MINUTE_S)
        assert stage.mia.heard("idle_resolved") == []
        await talks_on(stage, "much later")
        assert await stage.problems() == []

    play(world.time, story())


@pytest.mark.parametrize("shift", SHIFTS.values(), ids=SHIFTS.keys())
def test_silence_is_as_long_as_it_was_and_ends_once_whatever_the_clock_says(
    world: World, url: str, shift: float
) -> None:
    """The agent spoke last. What was set before the clock was counts from then at the latest."""
    wall = Wall(real=world.time)

    async def story() -> None:
        world.time, real = wall, world.time
        stage = await staged(world, url, limits=LIMITS)
        world.time = real
        await world.handed_off(stage.mia)
        await talks_on(stage, "before")
        silent_since = world.time.passed
        await world.time.sleep(MINUTE_S)
        wall.shift = shift
        set_at = world.time.passed
        await world.until("goodbye", lambda: stage.mia.heard("idle_resolved"), 2 * IDLE_S)
        assert silent_since + IDLE_S - LOOK_S <= world.time.passed <= set_at + IDLE_S + LOOK_S
        await world.time.sleep(IDLE_S)
        assert (fired(stage, "member_idle_warn"), fired(stage, "member_idle")) == (1, 1)
        assert len(stage.mia.heard("idle_resolved")) == 1

    play(world.time, story())


def test_eight_hours_asleep_are_nobodys_silence(url: str) -> None:
    """The machine slept, the world did not: what was said meanwhile is read up, and the talk goes on."""
    calendar = Calendar()
    world = World(time=calendar, patience=300.0)

    async def story() -> None:
        stage = await staged(world, url, limits=LIMITS)
        task = await world.handed_off(stage.mia)
        await talks_on(stage, "before")
        await world.time.sleep(MINUTE_S)
        # the line did not survive; both sides wrote
        stage.house.gateway.drop()
        stage.house.gateway._session = None
        world.webhooks.holding = True
        stage.says("anybody there?")
        stage.replies(task, "and you?")
        world.webhooks.held.clear()
        world.webhooks.holding = False
        calendar.ahead = 8 * HOUR_S
        await world.time.sleep(2)
        await stage.house.gateway.connect()
        await stage.heard()
        await world.time.sleep(WARN_S - MINUTE_S)
        assert stage.mia.heard("idle_resolved") == []
        await talks_on(stage, "after")
        assert await stage.problems() == []

    play(calendar, story())


# --- daylight saving

#: In the night of the change, the clocks on the walls of Berlin show an hour never, or twice.
SPRING, AUTUMN = datetime(2026, 3, 29, 1, tzinfo=UTC), datetime(2026, 10, 25, 1, tzinfo=UTC)


@pytest.fixture
def berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize("change", [SPRING, AUTUMN], ids=["spring", "autumn"])
@pytest.mark.parametrize("restart", [False, True], ids=["same life", "next life"])
def test_the_night_in_which_the_clocks_change_is_a_night_like_any_other(
    berlin: None, url: str, change: datetime, restart: bool
) -> None:
    world = World(time=Calendar(ahead=change.timestamp() - START - 2 * MINUTE_S), patience=300.0)

    async def story() -> None:
        stage = await staged(world, url, limits=LIMITS)
        await world.handed_off(stage.mia)
        await talks_on(stage, "before")
        silent_since = world.time.passed
        if restart:
            await stage.dies()
            await world.time.sleep(MINUTE_S)
            await stage.comes_back()
        await world.until("goodbye", lambda: stage.mia.heard("idle_resolved"), 2 * IDLE_S)
        assert abs(world.time.passed - silent_since - IDLE_S) < LOOK_S
        await world.time.sleep(IDLE_S)
        assert (fired(stage, "member_idle_warn"), fired(stage, "member_idle")) == (1, 1)
        assert await stage.broken() == []

    play(world.time, story())
