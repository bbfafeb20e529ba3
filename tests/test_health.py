"""What the service knows of itself: facts that cost no call to a provider."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from orchestrator.errors import Retry
from orchestrator.health import LOOK_S, Health, Reach, watch
from tests.engine.clock import ManualClock


@dataclass
class Rows:
    """As much of the reader as readiness asks."""

    down: bool = False
    letters: int = 0
    oldest: float | None = None

    async def alive(self) -> None:
        if self.down:
            raise OSError("no database")

    async def oldest_effect(self) -> float | None:
        return self.oldest

    async def count_letters(self) -> int:
        return self.letters


@dataclass
class Scene:
    clock: ManualClock = field(default_factory=ManualClock)
    rows: Rows = field(default_factory=Rows)
    connected: bool = True
    read_up: bool = True

    def __post_init__(self) -> None:
        self.discord, self.twilio = Reach("discord", self.clock), Reach("twilio", self.clock)
        self.health = Health(
            self.rows,
            self.clock,
            self.discord,
            self.twilio,
            connected=lambda: self.connected,
            read_up=lambda: self.read_up,
            busy_lanes=lambda: 3,
        )


async def test_all_is_well_until_somebody_says_otherwise() -> None:
    scene = Scene()
    assert await scene.health.ready() == (
        True,
        {
            "database": True,
            "gateway": True,
            "read_up": True,
            "discord": True,
            "twilio": True,
            "discord_away_s": 0.0,
            "twilio_away_s": 0.0,
            "oldest_effect_s": 0.0,
            "degraded": False,
            "dead_letters": 0,
        },
    )
    assert scene.health.alive()["busy_lanes"] == 3


async def test_a_provider_that_does_not_answer_degrades_the_service_which_stays_ready() -> None:
    scene = Scene()
    scene.twilio.told(False)
    await scene.clock.advance(40)
    scene.twilio.told(False)
    ready, facts = await scene.health.ready()
    assert (ready, facts["degraded"], facts["twilio"], facts["discord"]) == (True, True, False, True)
    assert (facts["twilio_away_s"], facts["discord_away_s"]) == (40.0, 0.0)

    scene.twilio.told(True)
    _, facts = await scene.health.ready()
    assert (facts["degraded"], facts["twilio"], facts["twilio_away_s"]) == (False, True, 0.0)


async def test_without_database_gateway_or_reading_up_it_is_not_ready() -> None:
    for change in ("connected", "read_up"):
        scene = Scene(**{change: False})
        assert (await scene.health.ready())[0] is False
    ready, facts = await Scene(rows=Rows(down=True)).health.ready()
    assert (ready, facts["database"]) == (False, False)


async def test_dead_letters_and_old_effects_are_told() -> None:
    scene = Scene()
    scene.rows.letters, scene.rows.oldest = 2, scene.clock.time() - 7
    _, facts = await scene.health.ready()
    assert (facts["degraded"], facts["dead_letters"], facts["oldest_effect_s"]) == (True, 2, 7.0)


async def test_a_provider_that_nobody_else_asks_is_heard_to_be_back() -> None:
    scene = Scene()
    asked: list[str] = []

    async def ask_discord() -> None:
        asked.append("discord")

    async def ask_twilio() -> None:
        asked.append("twilio")
        if len(asked) < 3:
            raise Retry("still away")
        scene.twilio.told(True)

    watching = asyncio.create_task(
        watch(scene.clock, (scene.discord, ask_discord), (scene.twilio, ask_twilio))
    )
    await scene.clock.advance(2 * LOOK_S)
    assert asked == []
    scene.twilio.told(False)
    await scene.clock.advance(10 * LOOK_S)
    assert asked == ["twilio"] * 3
    assert scene.twilio.away_s is None
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)
