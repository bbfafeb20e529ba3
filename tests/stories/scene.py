"""A story while it is played: one member, two agents, and what each of them reads."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from machines.hours import ALWAYS, Hours
from machines.snapshot import DEFAULT_LIMITS, Limits
from machines.testing.checker import check
from tests.crash.seen import recorded
from tests.inprocess.house import House
from tests.inprocess.virtual import play
from tests.inprocess.world import Json, Member, World

#: After this long nothing is under way any more. Seconds.
QUIET_S = 30.0

Line = tuple[str, str]  #: who, and what


@dataclass
class Scene:
    """What a story is told with. Texts are named by their keys: what they say depends on the language."""

    world: World
    mia: Member

    async def asks_for_a_person(self, number: int = 1) -> Any:
        """The task that comes of it."""
        self.mia.press("agent_requested")
        await self.mia.hears("place", number)
        return await self.world.task(number)

    async def hears_after(self, seconds: float, key: str) -> None:
        """Nobody looks at the direct message meanwhile: ten looks a second would take seconds of ours."""
        await self.world.time.sleep(seconds)
        await self.mia.hears(key)

    async def fills_in(self, action: str, text: str) -> None:
        await self.mia.fills_in(self.mia.press(action), text)

    async def agent(self, act: Any) -> Any:
        """At Flex an agent's act is done at once, at the built-in desk it is a command that is answered."""
        return await act if inspect.isawaitable(act) else act

    async def taken_up(self, task: Any, agent: str = "ada", times: int = 1) -> Any:
        """The task in the hands of that agent."""
        await self.agent(task.accept(agent))
        await self.mia.hears("agent_joined", times)
        return task if self.world.desk == "flex" else replace(task, agent=agent)

    async def says(self, task: Any, text: str) -> None:
        await self.agent(task.write(text))
        await self.mia.reads(text)


@dataclass(frozen=True, slots=True)
class Story:
    """Something that happens to a member. `tell` plays it from the greeting on."""

    title: str
    about: str
    tell: Callable[[Scene], Any]
    limits: Limits = DEFAULT_LIMITS
    hours: Hours = ALWAYS
    desks: tuple[str, ...] = ("flex", "builtin")


@dataclass(frozen=True, slots=True)
class Told:
    """What came of a story."""

    member: tuple[Line, ...]  #: the direct message, oldest first
    agent: tuple[Line, ...]  #: every task at the desk, oldest first
    broken: tuple[str, ...]  #: promises


def tell(story: Story, desk: str, locale: str, url: str) -> Told:
    """Play it once over a fresh database. Always the same, but for ids."""
    world = World(desk=desk, locale=locale)
    return play(world.time, _told(story, world, url))


async def _told(story: Story, world: World, url: str) -> Told:
    house = House(world, url, limits=story.limits, hours=story.hours)
    await house.start()
    scene = Scene(world, world.member())
    scene.mia.helpme()
    await scene.mia.hears("greeting")
    await story.tell(scene)
    await world.time.sleep(QUIET_S)
    member, agent = tuple(_read_by(scene)), tuple(_at_the_desk(scene))
    down = [(world.time.time(), float("inf"))]
    await house.stop()
    leaks = sorted(task.get_name() for task in asyncio.all_tasks() - {asyncio.current_task()})
    broken = [*map(str, check(recorded(world, house.engine, down, leaks))), *house.alerts]
    return Told(member, agent, tuple(broken))


def _read_by(scene: Scene) -> Iterator[Line]:
    for message in scene.mia.dm():
        who = "Bot" if message["author"] == "bot" else "Mia"
        yield who, _shown(message)


def _shown(message: Json) -> str:
    files = "".join(f" [{file['filename']}]" for file in message["attachments"])
    reactions = "".join(f" ({reaction})" for reaction in message["reactions"])
    labels = " ".join(f"[{button['label']}]" for button in message["components"])
    return f"{message['content']}{files}{reactions}" + (f"\n{labels}" if labels else "")


def _at_the_desk(scene: Scene) -> Iterator[Line]:
    for number, task in enumerate(scene.world.tasks(), start=1):
        yield "", f"task {number}"
        if scene.world.desk == "flex":
            yield from ((_by(line["author"]), str(line["body"])) for line in task.lines())
        else:
            shown = task.show()
            said = [(m["at"], m["name"], m["body"]) for m in shown["messages"] if not m["deleted"]]
            noted = [(note["at"], "Orchestrator", note["text"]) for note in shown["notes"]]
            yield from ((who, text) for _, who, text in sorted([*said, *noted]))


def _by(author: str) -> str:
    return "Member" if author.startswith("discord_") else author.capitalize()
