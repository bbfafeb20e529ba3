"""An hour without one of those involved: afterwards every word is where it belongs, or its author knows."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from orchestrator.inprocess.line import LOST_REQUEST, Fate
from tests.faults.stage import Stage, staged
from tests.inprocess.virtual import play
from tests.inprocess.world import World

HOUR_S, EVERY_S = 3600.0, 300.0

Change = Callable[[Stage], Awaitable[None]]


def silent(*services: str) -> Change:
    """Nothing of these arrives."""

    async def leave(stage: Stage) -> None:
        def faulty(service: str, _method: str, _path: str) -> Fate | None:
            return LOST_REQUEST if service in services else None

        stage.world.hooks.faulty = faulty

    return leave


async def answers(stage: Stage) -> None:
    stage.world.hooks.faulty = lambda *_: None


async def gateway_leaves(stage: Stage) -> None:
    """The session is forgotten, so nothing that was missed is told again."""
    stage.house.gateway.drop()
    stage.house.gateway._session = None


async def gateway_returns(stage: Stage) -> None:
    await stage.house.gateway.connect()


async def service_leaves(stage: Stage) -> None:
    await stage.dies()


async def service_returns(stage: Stage) -> None:
    await stage.comes_back()


async def everything_leaves(stage: Stage) -> None:
    await gateway_leaves(stage)
    await silent("discord", "twilio", "webhook")(stage)


async def everything_returns(stage: Stage) -> None:
    await answers(stage)
    await gateway_returns(stage)


AWAY: dict[str, tuple[Change, Change]] = {
    "the gateway": (gateway_leaves, gateway_returns),
    "the service": (service_leaves, service_returns),
    "webhooks": (silent("webhook"), answers),
    "the network": (everything_leaves, everything_returns),
}


async def _passes(stage: Stage) -> None:
    """An hour, in which both sides write on."""
    (task,) = stage.world.tasks()
    for n in range(int(HOUR_S / EVERY_S)):
        stage.says(f"question {n}")
        stage.replies(task, f"reply {n}")
        await stage.world.time.sleep(EVERY_S)


@pytest.mark.parametrize("who", AWAY)
def test_after_an_hour_everything_is_brought_once_and_in_order_and_the_talk_goes_on(
    world: World, url: str, who: str
) -> None:
    leaves, returns = AWAY[who]

    async def story() -> None:
        stage = await staged(world, url)
        task = await world.handed_off(stage.mia)
        stage.says("before")
        stage.replies(task, "before too")
        await stage.heard()
        await leaves(stage)
        await _passes(stage)
        await returns(stage)
        stage.says("after")
        stage.replies(task, "after too")
        assert await stage.problems() == []
        assert stage.mia.heard("idle_resolved") == stage.mia.heard("goodbye") == []

    play(world.time, story())


@pytest.mark.parametrize(("service", "relay"), [("discord", "relay_to_member"), ("twilio", "relay_to_desk")])
def test_after_an_hour_without_an_answer_every_word_arrives_or_its_author_knows(
    world: World, url: str, service: str, relay: str
) -> None:
    """Longer than anything is tried for."""

    async def story() -> None:
        stage = await staged(world, url)
        stage.dead = (relay,)
        task = await world.handed_off(stage.mia)
        await silent(service)(stage)
        await _passes(stage)
        await answers(stage)
        stage.says("after")
        stage.replies(task, "after too")
        await world.time.sleep(HOUR_S / 2)
        assert stage.mia.from_agent()[-1:] == ["after too"]
        assert task.from_member()[-1:] == ["after"]
        assert await stage.broken() == []

    play(world.time, story())
