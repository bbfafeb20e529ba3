"""A story while it is played: one member, two agents, and what each of them reads, wherever it is played."""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from machines.snapshot import DEFAULT_LIMITS, Limits

Json = dict[str, Any]
Line = tuple[str, str]  #: who, and what


class Scene(ABC):
    """What a story is told with. Texts are named by their keys: what they say depends on the language."""

    desk: str  #: `flex` or `builtin`
    mia: Any  #: the member
    ada: Any  #: an agent who works on cases

    @abstractmethod
    async def task(self, number: int = 1) -> Any:
        """The `number`-th task, as soon as it is there."""

    @abstractmethod
    async def hears_after(self, seconds: float, key: str) -> None:
        """A text that comes by itself when so much time has passed."""

    @abstractmethod
    async def later(self) -> None:
        """Nothing is under way any more."""

    @abstractmethod
    async def sees(self, what: str, look: Callable[[Json], Any]) -> None:
        """Wait for a message in the DM of which that is true."""

    @abstractmethod
    async def opens_a_case(self, title: str) -> None:
        """An agent does, of the member."""

    async def writes(self, text: str) -> str:
        """The id of the message."""
        return str(await done(self.mia.write(text)))

    async def presses(self, action: str) -> Any:
        return await done(self.mia.press(action))

    async def fills_in(self, action: str, text: str) -> None:
        """Press a button, and fill in the form that it opens."""
        await self.mia.fills_in(await self.presses(action), text)

    async def asks_for_a_person(self) -> Any:
        """The task that comes of it."""
        await self.presses("agent_requested")
        await self.mia.hears("place")
        return await self.task()

    async def taken_up(self, task: Any, agent: str = "ada", times: int = 1) -> Any:
        """The task in the hands of that agent."""
        await done(task.accept(agent))
        await self.mia.hears("agent_joined", times)
        return task if self.desk == "flex" else replace(task, agent=agent)

    async def says(self, task: Any, text: str) -> None:
        await done(task.write(text))
        await self.mia.reads(text)


async def done(act: Any) -> Any:
    """Some of what people do is done at once, some is a command that is answered."""
    return await act if inspect.isawaitable(act) else act


@dataclass(frozen=True, slots=True)
class Story:
    """Something that happens to a member. `tell` plays it from the greeting on."""

    title: str
    about: str
    tell: Callable[[Any], Awaitable[None]]
    limits: Limits = DEFAULT_LIMITS
    hours: str = "always"
    desks: tuple[str, ...] = ("flex", "builtin")
    #: Settings by which it takes seconds where time cannot be skipped; None where it would take minutes all the same.
    short: Mapping[str, float | str] | None = field(default_factory=dict, hash=False)


def read_by(messages: list[Json]) -> Iterator[Line]:
    """A direct message, line by line."""
    for message in messages:
        who = "Bot" if message["author"] == "bot" else "Mia"
        yield who, _shown(message)


def _shown(message: Json) -> str:
    files = "".join(f" [{file['filename']}]" for file in message["attachments"])
    reactions = "".join(f" ({reaction})" for reaction in message["reactions"])
    labels = " ".join(f"[{button['label']}]" for button in message["components"])
    return f"{message['content']}{files}{reactions}" + (f"\n{labels}" if labels else "")
