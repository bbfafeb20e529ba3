"""A story told in one process and in virtual time: always the same, but for ids."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from machines.testing.checker import check
from machines.timetable import hours
from tests.crash.seen import recorded
from tests.inprocess.casework import Caseworker
from tests.inprocess.house import House
from tests.inprocess.virtual import play
from tests.inprocess.world import World
from tests.stories.scene import Json, Line, Scene, Story, read_by

#: After this long nothing is under way any more. Seconds.
QUIET_S = 30.0
#: Nothing of a first conversation is under way any more by then. Seconds.
LATER_S = 7200.0


@dataclass(frozen=True, slots=True)
class Told:
    """What came of a story."""

    member: tuple[Line, ...]  #: the direct message, oldest first
    agent: tuple[Line, ...]  #: every task at the desk, oldest first
    broken: tuple[str, ...]  #: promises


class VirtualScene(Scene):
    """Hours pass in no time."""

    def __init__(self, world: World) -> None:
        self.world, self.desk = world, world.desk
        self.mia, self.ada = world.member(), Caseworker(world)

    async def task(self, number: int = 1) -> Any:
        return await self.world.task(number)

    async def hears_after(self, seconds: float, key: str) -> None:
        """Nobody looks at the direct message meanwhile: ten looks a second would take seconds of ours."""
        await self.world.time.sleep(seconds)
        await self.mia.hears(key)

    async def later(self) -> None:
        await self.world.time.sleep(LATER_S)

    async def sees(self, what: str, look: Callable[[Json], Any]) -> None:
        await self.world.until(what, lambda: any(look(message) for message in self.mia.dm()))

    async def opens_a_case(self, title: str) -> None:
        await self.ada.open(self.mia, title)


def tell(story: Story, desk: str, locale: str, url: str) -> Told:
    """Play it once over a fresh database."""
    world = World(desk=desk, locale=locale)
    return play(world.time, _told(story, world, url))


async def _told(story: Story, world: World, url: str) -> Told:
    house = House(world, url, limits=story.limits, hours=hours(story.hours))
    await house.start()
    scene = VirtualScene(world)
    scene.mia.helpme()
    await scene.mia.hears("greeting")
    await story.tell(scene)
    await world.time.sleep(QUIET_S)
    member, agent = tuple(read_by(scene.mia.dm())), tuple(_at_the_desk(world))
    down = [(world.time.time(), float("inf"))]
    await house.stop()
    leaks = sorted(task.get_name() for task in asyncio.all_tasks() - {asyncio.current_task()})
    broken = [*map(str, check(recorded(world, house.engine, down, leaks))), *house.alerts]
    return Told(member, agent, tuple(broken))


def _at_the_desk(world: World) -> Iterator[Line]:
    for number, task in enumerate(world.tasks(), start=1):
        yield "", f"task {number}"
        if world.desk == "flex":
            yield from ((_by(line["author"]), str(line["body"])) for line in task.lines())
        else:
            shown = task.show()
            said = [(m["at"], m["name"], m["body"]) for m in shown["messages"] if not m["deleted"]]
            noted = [(note["at"], "Orchestrator", note["text"]) for note in shown["notes"]]
            yield from ((who, text) for _, who, text in sorted([*said, *noted]))


def _by(author: str) -> str:
    return "Member" if author.startswith("discord_") else author.capitalize()
