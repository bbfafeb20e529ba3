"""Agents in Flex, who do whatever Twilio lets them do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from orchestrator.sandbox.twilio.webhook import Webhook
from tests.inprocess.world import Task, World
from tests.simulation.agents import AGENTS, mostly
from tests.simulation.people import Act, Crowd

OFFERED = ("pending", "reserved")


@dataclass
class FlexAgent:
    """One of those who sit in Flex."""

    crowd: Crowd
    name: str
    wrote: dict[str, list[str]] = field(default_factory=dict)  #: task -> ids of messages

    def act(self) -> None:
        chance, seen = self.crowd.chance, list(seen_by_all(self.crowd.world))
        mine = [task for task, status, agent in seen if agent == self.name and status == "assigned"]
        waiting = [task for task, status, _ in seen if status in OFFERED]
        if waiting and (not mine or chance.random() < 0.4):
            self._take_or_not(chance.choice(waiting))
        elif mine:
            self._go_on(chance.choice(mine))

    def _take_or_not(self, task: Task) -> None:
        mostly(self.crowd.chance, ((self.take, 8), (self.decline, 1), (self.cancel, 0.5)))(task)

    def _go_on(self, task: Task) -> None:
        acts = (
            (self.write, 9),
            (self.edit, 1.5),
            (self.unsend, 1),
            (self.leave, 0.7),
            (self.hand_over, 0.7),
            (self.complete, 1.5),
        )
        mostly(self.crowd.chance, acts)(task)

    def take(self, work: Task) -> None:
        self._do("accepts", lambda: work.accept(self.name))

    def decline(self, work: Task) -> None:
        self._do("rejects", lambda: self.crowd.world.twilio.reject(work.sid, self.name))

    def cancel(self, work: Task) -> None:
        self._do("cancels", lambda: self.crowd.world.twilio.cancel(work.sid))

    def write(self, work: Task) -> None:
        text = self.crowd.text("let me see", "try this", "one moment please", "is it better now")
        sid = self._do("writes", lambda: work.write(text))
        if sid is not None:
            self.wrote.setdefault(work.sid, []).append(sid)

    def edit(self, work: Task) -> None:
        if mine := self.wrote.get(work.sid):
            text = self.crowd.text("what I meant is")
            self._do("edits", lambda: work.edit(mine[-1], text))

    def unsend(self, work: Task) -> None:
        if mine := self.wrote.get(work.sid):
            message = mine.pop()
            self._do("unsends", lambda: work.unsend(message))

    def leave(self, work: Task) -> None:
        self._do("leaves", work.leave)

    def hand_over(self, work: Task) -> None:
        other = next(name for name in AGENTS if name != self.name)
        self._do("hands over", lambda: self.crowd.world.twilio.transfer(work.sid, other))

    def complete(self, work: Task) -> None:
        self._do("completes", work.complete)

    def _do(self, what: str, act: Act) -> Any:
        found = self.crowd.attempt(self.name, what, act)
        self.crowd.world.webhooks.news()
        return found


@dataclass
class FlexFloor:
    """Tasks, and the webhooks that tell of them."""

    crowd: Crowd
    weather: tuple[str, ...] = ("discord", "discord", "twilio", "twilio", "webhook", "chatbot")

    def __post_init__(self) -> None:
        self.agents = [FlexAgent(self.crowd, name) for name in AGENTS]

    def works(self) -> list[Task]:
        return [task for task, _, _ in seen_by_all(self.crowd.world)]

    def offered(self) -> list[Task]:
        seen = seen_by_all(self.crowd.world)
        return [task for task, status, agent in seen if status in OFFERED and agent is None]

    def had(self) -> list[tuple[Task, FlexAgent]]:
        agents = {agent.name: agent for agent in self.agents}
        seen = seen_by_all(self.crowd.world)
        return [(task, agents[agent]) for task, status, agent in seen if agent and status == "assigned"]

    def unheard(self, act: Callable[[], None]) -> list[Webhook]:
        webhooks = self.crowd.world.webhooks
        others, webhooks.held = webhooks.held, []
        was, webhooks.holding = webhooks.holding, True
        act()
        late, webhooks.held = webhooks.held, others
        webhooks.holding = was
        return late

    def heard(self, late: list[Webhook], *, backwards: bool = False) -> None:
        webhooks = self.crowd.world.webhooks
        webhooks.held += late[::-1] if backwards else late
        webhooks.release()

    async def answered(self) -> None:
        """Twilio answers at once."""


def seen_by_all(world: World) -> Iterator[tuple[Task, str, str | None]]:
    """Every task with its status and the agent who has it, the oldest first; what stands in it costs more to show."""
    for task in world.twilio._account.tasks.values():
        held = task.held()
        yield Task(world, task.sid), task.status, held.worker.name if held else None
