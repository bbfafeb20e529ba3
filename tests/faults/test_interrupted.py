"""Cancelled at an await in the middle of a flow: the caller hangs up, or the whole service is told to stop."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from orchestrator.engine.reconcile import EVERY_S
from orchestrator.inprocess.line import NoAnswer
from tests.faults.flows import Flow, ending, inviting, opening, talking, thanking
from tests.faults.stage import staged
from tests.inprocess.virtual import play
from tests.inprocess.world import Serving, World
from tests.storage.cancelling import cancelled_at

#: How long a service that is told to stop may take, how long the call takes that it is in the middle of, and how
#: long until the next one starts. Seconds.
STOPS_S, HANGS_S, GONE_S = 10.0, 30.0, 5.0
#: Every so many of the awaits around calls are tried every time.
STRIDE = 3
#: Flows without presses (nobody repeats one that failed), and how often they wait around a call, at least.
AWAITS: dict[Flow, int] = {talking: 30, inviting: 22, thanking: 2}


#: The one promise that cannot be kept: Twilio waited for these, and hung up.
HUNG_UP = ("I9: conversations ", "I9: interactions ")


@dataclass
class Impatient:
    """Twilio hangs up on every webhook while it is taken: at the n-th wait."""

    serving: Serving
    n: int
    cut: int = 0  #: how many were

    def hear(self) -> None:
        self.serving.hear()

    async def take(self, path: str, fields: Mapping[str, str], query: Mapping[str, str]) -> int:
        async def taken() -> int:
            status: int = await cancelled_at(self.n, self.serving.take(path, fields, query))
            return status

        try:
            return await asyncio.create_task(taken())
        except asyncio.CancelledError:
            self.cut += 1
            raise NoAnswer from None


@pytest.mark.parametrize("flow", [opening, talking, inviting, ending], ids=lambda flow: flow.__name__)
def test_webhooks_whose_sender_hangs_up_at_any_await_are_taken_all_the_same(
    world: World, url: str, flow: Flow
) -> None:
    async def story() -> None:
        stage = await staged(world, url)
        impatient = Impatient(stage.house, n=1)
        world.serving = impatient
        await flow(stage)
        await stage.heard()
        assert world.time.passed < EVERY_S  # nothing was read because its time had come
        world.serving = stage.house
        left = await stage.problems()
        assert [problem for problem in left if not problem.startswith(HUNG_UP)] == []
        assert impatient.cut > 1

    play(world.time, story())


@pytest.mark.parametrize("n", [1, 2, 3])
def test_a_sender_who_hangs_up_while_a_gap_is_read_costs_nothing(world: World, url: str, n: int) -> None:
    """Every other webhook is lost, so every one that arrives reads up what stands before it."""

    async def story() -> None:
        stage = await staged(world, url)
        task = await world.handed_off(stage.mia)
        impatient = Impatient(stage.house, n)
        world.serving = impatient
        world.hooks.pause = lambda: world.time.sleep(0.01)
        for number in range(8):
            world.webhooks.holding = number % 2 == 0
            stage.replies(task, f"reply {number}")
            world.webhooks.held.clear()
            await world.time.sleep(1)
        world.serving = stage.house
        left = await stage.problems()
        assert [problem for problem in left if not problem.startswith(HUNG_UP)] == []
        assert impatient.cut > 1

    play(world.time, story())


def interruptions() -> Iterator[Any]:
    """A flow, and the number of the await around a call at which it is interrupted."""
    for flow, awaits in AWAITS.items():
        for n in range(1, awaits + 1):
            marks = [] if n % STRIDE == 1 else [pytest.mark.long]
            yield pytest.param(flow, n, marks=marks, id=f"{flow.__name__}-{n}")


@pytest.mark.parametrize(("flow", "n"), list(interruptions()))
def test_a_service_that_is_told_to_stop_at_any_await_stops_in_time_and_its_successor_goes_on(
    world: World, url: str, flow: Flow, n: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story() -> None:
        stage = await staged(world, url)
        waits = 0
        interruption: asyncio.Task[None] | None = None

        async def pause() -> None:
            nonlocal waits, interruption
            waits += 1
            if waits == n:
                interruption = asyncio.create_task(interrupt(), name="interruption")
                await world.time.sleep(HANGS_S)
            await asyncio.sleep(0)

        async def interrupt() -> None:
            began = world.time.passed
            await stage.ends()
            assert world.time.passed - began < STOPS_S
            await world.time.sleep(GONE_S)
            await stage.comes_back()

        def begin() -> None:
            world.hooks.pause = pause

        monkeypatch.setattr(stage, "spoil", begin)
        await flow(stage)
        assert interruption is not None
        await interruption
        assert await stage.problems() == []

    play(world.time, story())
