"""A story told by the real SDKs over sockets to the sandbox, where time passes as it does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import func, select

from machines.testing.checker import check
from machines.timetable import WEEKDAYS
from orchestrator.clock import Clock, SystemClock
from orchestrator.sandbox.discord.model import DiscordModel
from orchestrator.sandbox.twilio.model import TwilioModel
from storage import schema
from storage.engines import sqlite_reader, writer
from tests.acceptance.playing import Member, Stage, until
from tests.crash.seen import recorded
from tests.inprocess.crm import Crm
from tests.inprocess.world import Taken
from tests.stories.scene import Json, Scene, Story


class SocketScene(Scene):
    """Seconds instead of hours: settings say how long the service waits."""

    def __init__(self, stage: Stage, mia: Member) -> None:
        self.stage, self.desk, self.mia, self.ada = stage, stage.desk, mia, stage.agent()

    async def task(self, number: int = 1) -> Any:
        return await self.stage.task(number)

    async def hears_after(self, seconds: float, key: str) -> None:
        await self.mia.hears(key)

    async def later(self) -> None:
        await settled(self.stage)

    async def sees(self, what: str, look: Callable[[Json], Any]) -> None:
        async def found() -> bool:
            return any(look(message) for message in await self.mia.dm())

        await until(what, found)

    async def opens_a_case(self, title: str) -> None:
        mia = self.stage.sandbox.discord.members.named(self.mia.name)
        await self.ada.open(str(mia.id), title)


@dataclass
class Sandboxes:
    """What the checker asks of both providers and of the people: the models behind the sandbox know it."""

    discord: DiscordModel
    twilio: TwilioModel
    desk: str
    locale: str
    ahead: tuple[float, float] = (0.0, 0.0)
    jumps: tuple[tuple[float, float], ...] = ()
    time: Clock = field(default_factory=SystemClock)
    wrote: dict[str, list[str]] = field(default_factory=dict)
    edits: dict[str, list[tuple[str, float]]] = field(default_factory=dict)
    taken: list[Taken] = field(default_factory=list)
    followed: bool = False
    crm: Crm = field(default_factory=Crm)


async def tell(story: Story, stage: Stage, locale: str) -> list[str]:
    """Play it once. Promises that were broken."""
    assert story.short is not None
    stage.adjusted |= {**story.short, **_hours(story)}
    await stage.start()
    mia = stage.member("mia", locale)
    await mia.set(locale=locale)
    await mia.helpme()
    await mia.hears("greeting")
    await story.tell(SocketScene(stage, mia))
    await settled(stage)
    ended = SystemClock().time()
    await stage.stop()
    engine = writer(f"sqlite:///{stage.database}")
    try:
        outside = Sandboxes(stage.sandbox.discord, stage.sandbox.twilio, stage.desk, locale)
        return [*map(str, check(recorded(outside, engine, [(ended, float("inf"))])))]
    finally:
        engine.dispose()


async def settled(stage: Stage) -> None:
    """Wait until everything that was asked for is done."""
    t = schema.effect
    engine = sqlite_reader(f"sqlite:///{stage.database}")

    async def look() -> bool:
        with engine.connect() as connection:
            return not connection.scalar(select(func.count()).where(t.c.status == "pending"))

    try:
        await until("all is done", look)
    finally:
        engine.dispose()


def _hours(story: Story) -> dict[str, str]:
    """Always, or from the day after tomorrow on: the same whenever the suite runs."""
    if story.hours == "always":
        return {}
    day = WEEKDAYS[(datetime.now(UTC) + timedelta(days=2)).weekday()]
    return {"opening_hours": f"{day} 09:00-17:00"}
