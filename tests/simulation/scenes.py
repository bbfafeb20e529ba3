"""Coincidences: people act at the moments that a design forgets, which chance alone would seldom find."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Any

from tests.simulation import scenes_builtin, scenes_flex
from tests.simulation.agents import Agent
from tests.simulation.people import Person

if TYPE_CHECKING:
    from tests.simulation.town import Town

#: How often somebody who watches the queue looks at it, and for how long. Seconds.
LOOKS_S, WATCHES_S = 0.05, 60.0
#: Nobody waits longer for a scene. Seconds.
LONG_S = 600.0


@dataclass
class Scenes:
    """Scenes by name. Each returns when it is over."""

    town: Town
    chance: Random

    async def play(self) -> None:
        """One of them, by chance."""
        names = [name for name, scene in SCENES.items() if scene.desk in ("", self.town.plan.desk)]
        name = self.chance.choices(names, [SCENES[name].often for name in names])[0]
        self.town.note("scene", name)
        await SCENES[name].goes(self)

    async def second_thoughts(self) -> None:
        """An agent thinks better of what they wrote and goes; that is heard of when perhaps nobody is left."""
        agent, member = self.agent(), self.member()
        if work := await self.talk(agent, member):
            what = self.chance.choice((agent.edit, agent.unsend))
            late = self.town.floor.unheard(lambda: what(work))
            agent.leave(work)
            await self.town.time.sleep(self.chance.uniform(5.0, 9.0))
            if self.chance.random() < 0.5:
                self.gives_up(member, "agent_request_cancelled")
                await self.town.time.sleep(2.0)
            self.town.floor.heard(late)

    async def parting_words(self) -> None:
        """What an agent wrote before their request was over is heard of when the next one has begun."""
        agent, member = self.agent(), self.member()
        if work := await self.talk(agent, member):
            late = self.town.floor.unheard(lambda: agent.write(work))
            agent.leave(work)
            await self.town.time.sleep(self.chance.uniform(5.0, 9.0))
            self.gives_up(member, "agent_request_cancelled")
            await self.town.time.sleep(2.0)
            member.presses("agent_requested")
            await self.town.time.sleep(2.0)
            self.town.floor.heard(late)

    async def better_late(self) -> None:
        """Nobody is hoped for any more; then somebody comes and is heard before they are seen, or wanted again."""
        member = self.member()
        if await self.asks_for_a_person(member) and (work := await self.new_work()):
            await self.town.time.sleep(min(self.town.plan.limits.wait, LONG_S) + 5.0)
            what = self.chance.random()
            if what < 0.3:
                self.gives_up(member, "agent_request_cancelled")
            elif what < 0.6:
                member.presses("agent_requested")
                await self.town.time.sleep(1.0)
                member.presses("message_left")
            else:
                late = self.town.floor.unheard(lambda: self.comes(work))
                await self.town.time.sleep(0.5)
                self.town.floor.heard(late, backwards=True)

    async def much_later(self) -> None:
        """A member comes back to the buttons of a conversation that nobody thinks of any more."""
        member = self.member()
        await self.town.time.sleep(min(self.town.plan.limits.case_close, LONG_S) + 20.0)
        for action in ("rating", "comment", "message_left"):
            member.presses(action)
            await self.moment()

    async def at_cross_purposes(self) -> None:
        """A member gives up while an agent comes and says hello."""
        member = self.member()
        if await self.asks_for_a_person(member) and (work := await self.new_work()):
            acts = [lambda: self.gives_up(member), lambda: self.comes(work)]
            self.chance.shuffle(acts)
            for act in acts:
                act()
                await self.moment()

    async def nothing_helps(self) -> None:
        """Twice in a row the bot is no use, whatever is the matter with it."""
        rates = self.town.weather.rates
        rates["chatbot"] = 1.0
        member = self.member()
        for _ in range(2):
            member.ask()
            await self.town.time.sleep(self.chance.choice((4.0, 30.0)))
        rates.pop("chatbot", None)

    # --- who, and what

    def member(self) -> Person:
        return self.chance.choice(self.town.crowd.members)

    def agent(self) -> Agent[Any]:
        return self.chance.choice(self.town.floor.agents)

    async def asks_for_a_person(self, member: Person) -> bool:
        if not member.presses("agent_requested"):
            member.helpme()
            await self.town.time.sleep(2.0)
            return member.presses("agent_requested")
        return True

    async def new_work(self) -> Any:
        """What is offered next, as soon as it is there; None if nothing is."""
        floor = self.town.floor
        known = floor.works()
        for _ in range(int(WATCHES_S / LOOKS_S)):
            for work in floor.offered():
                if work not in known:
                    return work
            await self.town.time.sleep(LOOKS_S)
        return None

    async def talk(self, agent: Agent[Any], member: Person) -> Any:
        """The two of them, if it comes to that."""
        if not await self.asks_for_a_person(member) or (work := await self.new_work()) is None:
            return None
        agent.take(work)
        await self.town.time.sleep(self.chance.uniform(0.5, 4.0))
        agent.write(work)
        await self.town.time.sleep(self.chance.uniform(0.5, 4.0))
        return work

    def gives_up(self, member: Person, *how: str) -> None:
        for action in how or self.chance.sample(("agent_request_cancelled", "solved", "member_closed"), 3):
            if member.presses(action):
                return

    def comes(self, work: Any) -> None:
        agent = self.agent()
        agent.take(work)
        agent.write(work)

    async def moment(self) -> None:
        await self.town.time.sleep(self.chance.choice((0.0, 0.02, 0.3, 1.0)))


@dataclass(frozen=True, slots=True)
class Scene:
    """A kind of coincidence."""

    goes: Callable[[Scenes], Awaitable[None]]
    often: float  #: among the others
    desk: str = ""  #: only where agents work there; empty: wherever they do


SCENES: dict[str, Scene] = {
    "second thoughts": Scene(Scenes.second_thoughts, 1.5),
    "parting words": Scene(Scenes.parting_words, 1),
    "better late": Scene(Scenes.better_late, 2),
    "much later": Scene(Scenes.much_later, 1.5),
    "last word": Scene(scenes_flex.last_word, 1, "flex"),
    "at cross purposes": Scene(Scenes.at_cross_purposes, 1),
    "no time lost": Scene(scenes_flex.no_time_lost, 1, "flex"),
    "desk breaks": Scene(scenes_flex.desk_breaks, 3, "flex"),
    "nobody opens": Scene(scenes_flex.nobody_opens, 1, "flex"),
    "nothing helps": Scene(Scenes.nothing_helps, 1),
    "both at once": Scene(scenes_builtin.both_at_once, 3, "builtin"),
    "handed to nobody": Scene(scenes_builtin.handed_to_nobody, 2, "builtin"),
    "not theirs": Scene(scenes_builtin.not_theirs, 2, "builtin"),
    "in one go": Scene(scenes_builtin.in_one_go, 3, "builtin"),
}
