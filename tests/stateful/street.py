"""A town whose time stands still between two steps, and where nothing happens unless a step says so."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from sqlalchemy import func, select

from machines.snapshot import DEFAULT_LIMITS
from machines.testing.checker import check
from storage import schema
from tests.simulation.loop import SeededLoop
from tests.simulation.plan import ALWAYS, HASTY, Plan
from tests.simulation.town import WRONG, Town, but_for_deaths

T = TypeVar("T")

#: Timers that are due later than this are nobody's next one: cases close after a week. Seconds.
FAR_S = 2 * 3600.0
#: A timer is looked at once a second.
FIRES_S = 1.5


@dataclass(frozen=True, slots=True)
class Setting:
    """What stands when the first step is taken."""

    members: int = 2
    hasty: bool = True  #: everything that waits for somebody fires within minutes
    opening: str = "greeted"  #: how far the first member has come: greeted, waiting or talking
    latency: float = 0.0  #: what a call takes on average. Seconds
    disk: float = 0.0  #: what a commit takes on average. Seconds
    ahead: tuple[float, float] = (0.0, 0.0)  #: by how much the clocks of Discord and Twilio are. Seconds

    def plan(self, desk: str) -> Plan:
        return replace(
            Plan.of(0),
            members=self.members,
            latency=self.latency,
            disk=self.disk,
            limits=HASTY if self.hasty else DEFAULT_LIMITS,
            shifts=ALWAYS,
            ahead=self.ahead,
            desk=desk,
        )


class Street:
    """One loop for all steps; what the service has begun goes on whenever time passes. `close` it in the end."""

    def __init__(self, setting: Setting, desk: str, url: str) -> None:
        self.town = Town(setting.plan(desk), url)
        self._background: dict[asyncio.Task[None], None] = {}
        town = self.town
        self._runner = asyncio.Runner(loop_factory=lambda: SeededLoop(town.time, town.chance, setting.disk))
        self._runner.get_loop().set_exception_handler(but_for_deaths)
        self.run(self._open(setting.opening))

    def run(self, story: Coroutine[Any, Any, T]) -> T:
        return self._runner.run(story)

    def take(self, step: Callable[[], Any], seconds: float) -> None:
        """Somebody does something, and time passes."""

        async def taken() -> None:
            found = step()
            if asyncio.iscoroutine(found):
                await found
            await self.town.time.sleep(seconds)

        self.run(taken())

    def later(self, seconds: float, work: Callable[[], Coroutine[Any, Any, None] | None]) -> None:
        """Something that happens by itself while later steps are taken."""

        def happens() -> None:
            if (coroutine := work()) is not None:
                task = asyncio.get_running_loop().create_task(coroutine)
                self._background[task] = None
                task.add_done_callback(self._background.pop)

        asyncio.get_running_loop().call_later(seconds, happens)

    def seconds_to_the_next_timer(self) -> float:
        """Until it has fired; nothing where none is near."""
        if self.town.house is None:
            return 0.0
        now, due = self.town.clock.time(), schema.timer.c.due_at
        with self.town.house.engine.connect() as connection:
            first = connection.execute(select(func.min(due)).where(due < now + FAR_S)).scalar_one()
        return 0.0 if first is None else max(0.0, first - now) + FIRES_S

    def end(self) -> list[str]:
        """Everything heals and settles. Every promise that was broken, and what an operator was told, in words."""
        history = self.run(self._settle())
        told = [text for text in self.town.alerts if text == WRONG]
        return [*map(str, check(history)), *(f"the operator was told: {text}" for text in told)]

    def close(self) -> None:
        """Whatever still runs is killed."""
        self.run(self.town.kill())
        self._runner.close()

    # --- parts

    async def _open(self, opening: str) -> None:
        await self.town.begin()
        await self.town.introduce()
        self._keeper = asyncio.create_task(self.town.keep())
        first = self.town.crowd.members[0].member
        if opening != "greeted":
            first.press("agent_requested")
            await self.town.world.until("somebody is wanted", self.town.floor.offered)
            if opening == "talking":
                [work] = self.town.floor.offered()
                self.town.floor.agents[0].take(work)
                await first.hears("agent_joined")

    async def _settle(self) -> Any:
        self.town.world.webhooks.release()
        await self.town.make_well()
        self._keeper.cancel()
        await asyncio.gather(self._keeper, return_exceptions=True)
        return await self.town.end()
