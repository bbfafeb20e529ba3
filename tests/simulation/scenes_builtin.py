"""Coincidences of the built-in desk: what several people ask of one conversation at the same moment."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.simulation.scenes import Scenes

#: How long somebody who was handed a conversation is waited for. Seconds.
IN_VAIN_S = 40.0


async def both_at_once(scenes: Scenes) -> None:
    """Whoever sees it first has it: all agents claim the same conversation, and greet the member."""
    if await scenes.asks_for_a_person(scenes.member()) and (work := await scenes.new_work()):
        agents = scenes.chance.sample(scenes.town.floor.agents, k=2)
        for agent in agents:
            agent.take(work)
            await scenes.moment()
        for agent in agents:
            agent.write(work)


async def handed_to_nobody(scenes: Scenes) -> None:
    """Handed over, also to somebody who never comes; the member writes on, and may lose patience."""
    agent, member = scenes.agent(), scenes.member()
    if work := await scenes.talk(agent, member):
        agent.hand_over(work)
        await scenes.town.time.sleep(scenes.chance.uniform(0.0, IN_VAIN_S))
        member.ask()
        if scenes.chance.random() < 0.3:
            scenes.gives_up(member)
        else:
            scenes.comes(work)


async def not_theirs(scenes: Scenes) -> None:
    """One who does not have it hands it over, leaves it and ends it, while the one who has it goes on."""
    agent, other = scenes.chance.sample(scenes.town.floor.agents, k=2)
    if work := await scenes.talk(agent, scenes.member()):
        acts = [other.hand_over, other.leave, other.complete, other.write, other.take, agent.write]
        for act in scenes.chance.sample(acts, k=4):
            act(work)
            await scenes.moment()


async def in_one_go(scenes: Scenes) -> None:
    """All at the same moment: words, a correction, a hand-over or the end by the agent, and the end by the member."""
    agent, member, floor = scenes.agent(), scenes.member(), scenes.town.floor
    if work := await scenes.talk(agent, member):
        ends = scenes.chance.choice((agent.complete, agent.leave, agent.hand_over))
        acts = [agent.write, agent.edit, agent.unsend, ends]
        late = [floor.unheard(partial(act, work)) for act in scenes.chance.sample(acts, k=3)]
        scenes.chance.shuffle(late)
        for one in late:
            floor.heard(one)
            if scenes.chance.random() < 0.3:
                scenes.gives_up(member)
