"""Coincidences: people act at the moments that a design forgets, which chance alone would seldom find."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING

from orchestrator.sandbox.twilio.webhook import Webhook
from tests.inprocess.world import Task
from tests.simulation.people import Agent, Person
from tests.simulation.weather import REFUSED

if TYPE_CHECKING:
    from tests.simulation.town import Town

#: How often somebody who watches the queue looks at it, and for how long. Seconds.
LOOKS_S, WATCHES_S = 0.05, 60.0
#: Nobody waits longer for a scene. Seconds.
LONG_S = 600.0
#: So many calls open a desk at most: Conversation, participant, webhook, transcript, Interaction, with what is read.
LINKS = 8
#: So many of them come before the Interaction is made.
ROUTE = 5
#: What may become of a call shortly before the one that is refused for good.
BEFORE_THAT = ("done, answer lost", "time-out after", "500 after")


@dataclass
class Scenes:
    """Scenes by name. Each returns when it is over."""

    town: Town
    chance: Random

    async def play(self) -> None:
        """One of them, by chance."""
        name = self.chance.choices(list(SCENES), [often for _, often in SCENES.values()])[0]
        self.town.note("scene", name)
        await SCENES[name][0](self)

    async def second_thoughts(self) -> None:
        """An agent thinks better of what they wrote and goes; that is heard of when perhaps nobody is left."""
        agent, member = self._agent(), self._member()
        if task := await self._talk(agent, member):
            what = self.chance.choice((agent.edit, agent.unsend))
            late = self._unheard(lambda: what(task))
            agent.leave(task)
            await self.town.time.sleep(self.chance.uniform(5.0, 9.0))
            if self.chance.random() < 0.5:
                self._gives_up(member, "agent_request_cancelled")
                await self.town.time.sleep(2.0)
            self._heard(late)

    async def parting_words(self) -> None:
        """What an agent wrote before their request was over is heard of when the next one has begun."""
        agent, member = self._agent(), self._member()
        if task := await self._talk(agent, member):
            late = self._unheard(lambda: agent.write(task))
            agent.leave(task)
            await self.town.time.sleep(self.chance.uniform(5.0, 9.0))
            self._gives_up(member, "agent_request_cancelled")
            await self.town.time.sleep(2.0)
            member.presses("agent_requested")
            await self.town.time.sleep(2.0)
            self._heard(late)

    async def last_word(self) -> None:
        """Written, thought better of and ended in one go; what is reported of it may arrive in any order."""
        agent = self._agent()
        for task in self._tasks(agent.name, "assigned")[:1]:
            agent.write(task)
            await self._moment()
            webhooks = self.town.world.webhooks
            webhooks.holding = True
            self.chance.choice((agent.edit, agent.unsend))(task)
            agent.complete(task)
            await self.town.time.sleep(0.5)
            self.chance.shuffle(webhooks.held)
            webhooks.release()

    async def better_late(self) -> None:
        """Nobody is hoped for any more; then somebody comes and is heard before they are seen, or wanted again."""
        member = self._member()
        if await self._asks_for_a_person(member) and (task := await self._new_task()):
            await self.town.time.sleep(min(self.town.plan.limits.wait, LONG_S) + 5.0)
            what = self.chance.random()
            if what < 0.3:
                self._gives_up(member, "agent_request_cancelled")
            elif what < 0.6:
                member.presses("agent_requested")
                await self.town.time.sleep(1.0)
                member.presses("message_left")
            else:
                late = self._unheard(lambda: self._comes(task))
                await self.town.time.sleep(0.5)
                self._heard(late[::-1])

    async def nobody_opens(self) -> None:
        """Twilio cannot be reached for longer than a member is left without word."""
        rates = self.town.weather.rates
        rates["twilio"] = 1.0
        if await self._asks_for_a_person(self._member()):
            await self.town.time.sleep(self.town.plan.limits.desk_open_overdue + 10.0)
        rates.pop("twilio", None)

    async def much_later(self) -> None:
        """A member comes back to the buttons of a conversation that nobody thinks of any more."""
        member = self._member()
        await self.town.time.sleep(min(self.town.plan.limits.case_close, LONG_S) + 20.0)
        for action in ("rating", "comment", "message_left"):
            member.presses(action)
            await self._moment()

    async def at_cross_purposes(self) -> None:
        """A member gives up while an agent comes and says hello."""
        member = self._member()
        if await self._asks_for_a_person(member) and (task := await self._new_task()):
            acts = [lambda: self._gives_up(member), lambda: self._comes(task)]
            self.chance.shuffle(acts)
            for act in acts:
                act()
                await self._moment()

    async def no_time_lost(self) -> None:
        """An agent comes and writes before we have heard that there is a task."""
        calls: list[str | None] = [None] * self.chance.choice((ROUTE, self.chance.randrange(LINKS)))
        self.town.weather.planned["twilio"] = deque([*calls, self.chance.choice(BEFORE_THAT)])
        if await self._asks_for_a_person(self._member()) and (task := await self._new_task()):
            self._comes(task)

    async def desk_breaks(self) -> None:
        """A link of the chain that opens a desk is refused for good; by then people may have gone on."""
        calls: list[str | None] = [None] * self.chance.choice((ROUTE, self.chance.randrange(LINKS)))
        lost = [self.chance.choice(BEFORE_THAT)] if self.chance.random() < 0.6 else []
        self.town.weather.planned["twilio"] = deque([*calls, *lost, REFUSED, REFUSED])
        member = self._member()
        if await self._asks_for_a_person(member):
            if self.chance.random() < 0.5:
                await self.town.time.sleep(self.chance.uniform(0.0, 15.0))
                self._gives_up(member)
            elif task := await self._new_task():
                self._comes(task)

    async def nothing_helps(self) -> None:
        """Twice in a row the bot is no use, whatever is the matter with it."""
        rates = self.town.weather.rates
        rates["chatbot"] = 1.0
        member = self._member()
        for _ in range(2):
            member.ask()
            await self.town.time.sleep(self.chance.choice((4.0, 30.0)))
        rates.pop("chatbot", None)

    # --- who, and what

    def _member(self) -> Person:
        return self.chance.choice(self.town.crowd.members)

    def _agent(self) -> Agent:
        return self.chance.choice(self.town.agents)

    def _tasks(self, agent: str | None, *states: str) -> list[Task]:
        tasks = [(task, task.show()) for task in self.town.world.tasks()]
        return [t for t, shown in tasks if shown["status"] in states and shown["agent"] in (agent, None)]

    async def _asks_for_a_person(self, member: Person) -> bool:
        if not member.presses("agent_requested"):
            member.helpme()
            await self.town.time.sleep(2.0)
            return member.presses("agent_requested")
        return True

    async def _new_task(self) -> Task | None:
        """The one that is offered next, as soon as it is there."""
        known = {task.sid for task in self.town.world.tasks()}
        for _ in range(int(WATCHES_S / LOOKS_S)):
            for task in self._tasks(None, "pending", "reserved"):
                if task.sid not in known:
                    return task
            await self.town.time.sleep(LOOKS_S)
        return None

    async def _talk(self, agent: Agent, member: Person) -> Task | None:
        """The two of them, if it comes to that."""
        if not await self._asks_for_a_person(member) or (task := await self._new_task()) is None:
            return None
        agent.accept(task)
        await self.town.time.sleep(self.chance.uniform(0.5, 4.0))
        agent.write(task)
        await self.town.time.sleep(self.chance.uniform(0.5, 4.0))
        return task

    def _unheard(self, act: Callable[[], None]) -> list[Webhook]:
        """Do it; the webhooks about it, which are on their way for a while."""
        webhooks = self.town.world.webhooks
        others, webhooks.held = webhooks.held, []
        was, webhooks.holding = webhooks.holding, True
        act()
        late, webhooks.held = webhooks.held, others
        webhooks.holding = was
        return late

    def _heard(self, late: list[Webhook]) -> None:
        webhooks = self.town.world.webhooks
        webhooks.held += late
        webhooks.release()

    def _gives_up(self, member: Person, *how: str) -> None:
        for action in how or self.chance.sample(("agent_request_cancelled", "solved", "member_closed"), 3):
            if member.presses(action):
                return

    def _comes(self, task: Task) -> None:
        agent = self._agent()
        agent.accept(task)
        agent.write(task)

    async def _moment(self) -> None:
        await self.town.time.sleep(self.chance.choice((0.0, 0.02, 0.3, 1.0)))


#: Every kind of scene: how it goes, and how often among the others.
SCENES: dict[str, tuple[Callable[[Scenes], Awaitable[None]], float]] = {
    "second thoughts": (Scenes.second_thoughts, 1.5),
    "parting words": (Scenes.parting_words, 1),
    "better late": (Scenes.better_late, 2),
    "much later": (Scenes.much_later, 1.5),
    "last word": (Scenes.last_word, 1),
    "at cross purposes": (Scenes.at_cross_purposes, 1),
    "no time lost": (Scenes.no_time_lost, 1),
    "desk breaks": (Scenes.desk_breaks, 3),
    "nobody opens": (Scenes.nobody_opens, 1),
    "nothing helps": (Scenes.nothing_helps, 1),
}
