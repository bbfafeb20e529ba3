"""Coincidences that only Flex has: reports of what agents did, and the chain of calls that opens a desk."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from tests.simulation.weather import REFUSED

if TYPE_CHECKING:
    from tests.simulation.scenes import Scenes

#: So many calls open a desk at most: Conversation, participant, webhook, transcript, Interaction, with what is read.
LINKS = 8
#: So many of them come before the Interaction is made.
ROUTE = 5
#: What may become of a call shortly before the one that is refused for good.
BEFORE_THAT = ("done, answer lost", "time-out after", "500 after")


async def last_word(scenes: Scenes) -> None:
    """Written, thought better of and ended in one go; what is reported of it may arrive in any order."""
    agent = scenes.agent()
    mine = [task for task, who in scenes.town.floor.had() if who is agent]
    for task in mine[:1]:
        agent.write(task)
        await scenes.moment()
        webhooks = scenes.town.world.webhooks
        webhooks.holding = True
        scenes.chance.choice((agent.edit, agent.unsend))(task)
        agent.complete(task)
        await scenes.town.time.sleep(0.5)
        scenes.chance.shuffle(webhooks.held)
        webhooks.release()


async def nobody_opens(scenes: Scenes) -> None:
    """Twilio cannot be reached for longer than a member is left without word."""
    rates = scenes.town.weather.rates
    rates["twilio"] = 1.0
    if await scenes.asks_for_a_person(scenes.member()):
        await scenes.town.time.sleep(scenes.town.plan.limits.desk_open_overdue + 10.0)
    rates.pop("twilio", None)


async def no_time_lost(scenes: Scenes) -> None:
    """An agent comes and writes before we have heard that there is a task."""
    calls: list[str | None] = [None] * scenes.chance.choice((ROUTE, scenes.chance.randrange(LINKS)))
    scenes.town.weather.planned["twilio"] = deque([*calls, scenes.chance.choice(BEFORE_THAT)])
    if await scenes.asks_for_a_person(scenes.member()) and (task := await scenes.new_work()):
        scenes.comes(task)


async def desk_breaks(scenes: Scenes) -> None:
    """A link of the chain that opens a desk is refused for good; by then people may have gone on."""
    calls: list[str | None] = [None] * scenes.chance.choice((ROUTE, scenes.chance.randrange(LINKS)))
    lost = [scenes.chance.choice(BEFORE_THAT)] if scenes.chance.random() < 0.6 else []
    scenes.town.weather.planned["twilio"] = deque([*calls, *lost, REFUSED, REFUSED])
    member = scenes.member()
    if await scenes.asks_for_a_person(member):
        if scenes.chance.random() < 0.5:
            await scenes.town.time.sleep(scenes.chance.uniform(0.0, 15.0))
            # in every other town back to the bot, which is where few seeds hear of a desk that failed
            scenes.gives_up(member, *(("agent_request_cancelled",) if scenes.town.plan.seed % 2 else ()))
        elif task := await scenes.new_work():
            scenes.comes(task)
