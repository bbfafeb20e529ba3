"""Agents at the built-in desk, who do what they see fit by what they last saw."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from orchestrator.errors import Unavailable
from tests.inprocess.inline import read_now
from tests.inprocess.world import World
from tests.simulation.agents import ABSENT, AGENTS, mostly
from tests.simulation.client import Client
from tests.simulation.people import EMOJI, Crowd
from tests.simulation.weather import Weather

#: How often an agent looks before they act; else they go by what they saw before.
LOOKS = 0.8
#: How often they turn to what may not be theirs.
STRAYS = 0.12


@dataclass
class Screens:
    """The queue, as each agent is shown it."""

    world: World
    weather: Weather
    _shown: dict[str, tuple[int, Any]] = field(
        default_factory=dict
    )  #: agent -> after how many commits, and what

    def queue(self, agent: str) -> Any:
        """None while nobody serves. It is read again once something was stored: that is cheaper to know than to ask."""
        if self.world.serving is None:
            return None
        commits = self.weather.commits
        if agent not in self._shown or self._shown[agent][0] != commits:
            try:
                self._shown[agent] = commits, read_now(self.world.serving.counter.queue(agent))
            except Unavailable:
                return None
        return self._shown[agent][1]

    def said_last(self, work: str) -> str:
        """The member's last message there; empty: there is none to be seen."""
        if self.world.serving is None:
            return ""
        try:
            shown = read_now(self.world.serving.counter.conversation(work))
        except Unavailable:
            return ""
        return next((m["id"] for m in reversed(shown["messages"]) if m["author"] == "member"), "")


@dataclass
class BuiltinAgent:
    """One of those who sit at the built-in desk. Work is a conversation."""

    crowd: Crowd
    client: Client
    screens: Screens
    name: str
    wrote: dict[str, list[str]] = field(default_factory=dict)  #: conversation -> ids of messages
    _seen: dict[str, Any] = field(default_factory=lambda: {"waiting": [], "mine": []})
    _known: dict[str, None] = field(default_factory=dict)  #: conversations that were ever seen

    def act(self) -> None:
        chance = self.crowd.chance
        if chance.random() < LOOKS:
            self.look()
        waiting, mine = (_named(self._seen[where]) for where in ("waiting", "mine"))
        if self._known and chance.random() < STRAYS:
            self.stray(chance.choice(list(self._known)))
        elif waiting and (not mine or chance.random() < 0.4):
            self.take(chance.choice(waiting))
        elif mine:
            self._go_on(chance.choice(mine))

    def look(self) -> None:
        """As far as there is somebody to show the queue."""
        self._seen = self.screens.queue(self.name) or self._seen
        self._known.update(dict.fromkeys(_named(self._seen["waiting"])))

    def stray(self, work: str) -> None:
        """Whoever has it, or nobody, or it is over: whatever one may try."""
        acts = (
            (self.take, 4),
            (self.join, 2),
            (self.write, 1),
            (self.hand_over, 1),
            (self.leave, 0.5),
            (self.complete, 0.5),
        )
        mostly(self.crowd.chance, acts)(work)

    def _go_on(self, work: str) -> None:
        acts = (
            (self.write, 9),
            (self.edit, 1.5),
            (self.unsend, 1),
            (self.react, 0.7),
            (self.leave, 0.7),
            (self.hand_over, 1.5),
            (self.complete, 1.5),
        )
        mostly(self.crowd.chance, acts)(work)

    def take(self, work: str) -> None:
        self.client.give(self.name, "claim", work)

    def join(self, work: str) -> None:
        self.client.give(self.name, "join", work)

    def decline(self, work: str) -> None:
        """Nobody is asked to take anything here; whoever goes without having it is refused."""
        self.leave(work)

    def write(self, work: str) -> None:
        text = self.crowd.text("let me see", "try this", "one moment please", "is it better now")
        message = self.client.give(self.name, "write", work, text)
        self.crowd.world.wrote[message] = [text]
        self.wrote.setdefault(work, []).append(message)

    def edit(self, work: str) -> None:
        if mine := self.wrote.get(work):
            text = self.crowd.text("what I meant is")
            self.crowd.world.wrote[mine[-1]].append(text)
            self.client.give(self.name, "edit", work, text, mine[-1])

    def unsend(self, work: str) -> None:
        if mine := self.wrote.get(work):
            self.client.give(self.name, "unsend", work, message=mine.pop())

    def react(self, work: str) -> None:
        if message := self.screens.said_last(work):
            self.client.give(self.name, "react", work, f"{message} {self.crowd.chance.choice(EMOJI)}")

    def leave(self, work: str) -> None:
        self.client.give(self.name, "leave", work)

    def hand_over(self, work: str) -> None:
        """To the other one, to somebody who never comes, or back to the queue."""
        other = next(name for name in AGENTS if name != self.name)
        self.client.give(self.name, "transfer", work, self.crowd.chance.choice((other, ABSENT, "")))

    def complete(self, work: str) -> None:
        self.client.give(self.name, "close", work)


@dataclass
class BuiltinFloor:
    """The queue, and the commands that are on their way."""

    crowd: Crowd
    client: Client
    weather: tuple[str, ...] = ("discord", "discord", "desk", "desk", "chatbot")

    def __post_init__(self) -> None:
        self.screens = Screens(self.crowd.world, self.client.weather)
        self.agents = [BuiltinAgent(self.crowd, self.client, self.screens, name) for name in AGENTS]

    def works(self) -> list[str]:
        return [*self.offered(), *(work for work, _ in self.had())]

    def offered(self) -> list[str]:
        return _named((self.screens.queue("") or {}).get("waiting", ()))

    def had(self) -> list[tuple[str, BuiltinAgent]]:
        found = [(agent, self.screens.queue(agent.name) or {}) for agent in self.agents]
        return [(work, agent) for agent, shown in found for work in _named(shown.get("mine", ()))]

    def unheard(self, act: Callable[[], None]) -> asyncio.Event:
        return self.client.unheard(act)

    def heard(self, late: asyncio.Event, *, backwards: bool = False) -> None:
        late.set()

    async def answered(self) -> None:
        await self.client.answered()


def _named(rows: Any) -> list[str]:
    return [row["conversation"] for row in rows]
