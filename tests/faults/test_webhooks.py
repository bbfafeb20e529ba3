"""Webhooks that come twice, in another order, before their time or far too late: told once, and in order."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from orchestrator.engine.reconcile import EVERY_S
from orchestrator.sandbox.twilio.webhook import Webhook
from tests.english import ENGLISH
from tests.faults.outcomes import OUTCOMES, SLOW_S
from tests.faults.stage import staged
from tests.inprocess.virtual import play
from tests.inprocess.world import World

#: Calls that cause webhooks, or make what webhooks are about.
CALLS = ("create_conversation", "add_participant", "webhooks", "add_webhook", "post", "create_interaction")


def delayed(world: World, act: Callable[[], object]) -> Callable[[], None]:
    """What an act causes waits until the returned function is called; what is caused later overtakes it."""
    webhooks = world.webhooks
    webhooks.holding = True
    act()
    webhooks.holding = False
    held = list(webhooks.held)
    assert held

    def arrive() -> None:
        assert webhooks.held == held
        webhooks.release()

    return arrive


@pytest.mark.parametrize("copies", [2, 3])
def test_webhooks_that_come_again_and_again_tell_nothing_new(world: World, url: str, copies: int) -> None:
    drain = world.webhooks._drain
    sent: list[Webhook] = []

    def repeated() -> list[Webhook]:
        caused = drain()
        sent.extend(caused)
        return [webhook for one in caused for webhook in [one] * copies]

    world.webhooks._drain = repeated

    async def story() -> None:
        stage = await staged(world, url)
        task = await world.handed_off(stage.mia)
        stage.says("one")
        wrong, slip = stage.replies(task, "two"), task.write("oops")
        await stage.mia.gets("two", "oops")
        task.edit(wrong, "two, corrected")
        task.unsend(slip)
        stage.replied[:] = ["two, corrected"]
        await world.until("it is corrected", lambda: stage.mia.from_agent() == stage.replied)
        task.complete()
        await stage.mia.hears("goodbye")
        assert await stage.problems() == []
        assert len(world.taken) == copies * len(sent) > copies * 6

    play(world.time, story())


@pytest.mark.parametrize("call", CALLS)
def test_webhooks_that_overtake_the_reply_to_our_own_call_are_understood(
    world: World, url: str, call: str
) -> None:
    """The agent is there and writes before we know that there is a task, or which."""

    async def story() -> None:
        stage = await staged(world, url)
        stage.mia.helpme()
        await stage.mia.hears("greeting")
        stage.spoiler.plant(f"twilio.{call}", OUTCOMES["slow"])
        stage.mia.press("agent_requested")
        await world.until("the call is made", lambda: stage.spoiler.met(f"twilio.{call}"))
        made = world.time.passed
        task = await world.task()
        task.accept("ada")
        stage.replies(task, "I am here already")
        if call == "create_interaction":
            assert world.time.passed < made + SLOW_S
            await world.until("they are taken", lambda: world.taken and world.taken[-1].ended)
            assert world.time.passed < made + SLOW_S
        stage.says("and so am I")
        assert await stage.problems() == []
        assert len(stage.mia.heard("agent_joined")) == 1

    play(world.time, story())


def test_a_second_agent_who_overtakes_the_reply_to_our_invitation_is_known(world: World, url: str) -> None:
    async def story() -> None:
        stage = await staged(world, url)
        task = await world.handed_off(stage.mia)
        stage.spoiler.plant("twilio.invite", OUTCOMES["slow"])
        task.leave()
        second = await world.task(2)
        second.accept("ben")
        stage.tasks = 2
        stage.replies(second, "ben here")
        stage.says("hello ben")
        assert await stage.problems() == []
        assert len(stage.mia.heard("agent_joined")) == 2

    play(world.time, story())


@pytest.mark.parametrize("what", ["write", "edit", "unsend"])
def test_a_webhook_delayed_past_the_next_messages_is_told_once_and_in_its_place(
    world: World, url: str, what: str
) -> None:
    async def story() -> None:
        stage = await staged(world, url)
        task = await world.handed_off(stage.mia)
        earlier = stage.replies(task, "early")
        await stage.heard()
        match what:
            case "write":
                arrive = delayed(world, lambda: stage.replies(task, "late"))
            case "edit":
                arrive = delayed(world, lambda: task.edit(earlier, "better"))
                stage.replied[:] = ["better"]
            case _:
                arrive = delayed(world, lambda: task.unsend(earlier))
                stage.replied.clear()
        for n in range(3):
            stage.replies(task, f"after {n}")
            stage.says(f"question {n}")
        await world.time.sleep(10)
        arrive()
        await world.until("all of it", lambda: stage.mia.from_agent() == stage.replied)
        assert await stage.problems() == []

    play(world.time, story())


LATE = pytest.mark.parametrize("late_s", [10.0, 2 * EVERY_S], ids=["soon", "after it was read"])


@LATE
def test_words_whose_webhook_is_delayed_past_the_close_are_brought_once_and_marked(
    world: World, url: str, late_s: float
) -> None:
    async def story() -> None:
        stage = await staged(world, url)
        task = await world.handed_off(stage.mia)
        stage.replies(task, "early")
        await stage.heard()
        arrive = delayed(world, lambda: task.write("late"))
        await world.time.sleep(2)
        task.complete()
        await stage.mia.hears("goodbye")
        await world.time.sleep(late_s)
        arrive()
        stage.replied.append(f"late\n{ENGLISH.member['before_end']}")
        assert await stage.problems() == []
        assert len(stage.mia.heard("goodbye")) == 1

    play(world.time, story())


@LATE
@pytest.mark.parametrize("what", ["edit", "unsend"])
def test_a_change_whose_webhook_is_delayed_past_the_close_changes_the_transcript_alone(
    world: World, url: str, what: str, late_s: float
) -> None:
    """The table's word: what is over stands in the DM as it was."""

    async def story() -> None:
        stage = await staged(world, url)
        task = await world.handed_off(stage.mia)
        earlier = stage.replies(task, "early")
        await stage.heard()
        change = (lambda: task.edit(earlier, "better")) if what == "edit" else (lambda: task.unsend(earlier))
        arrive = delayed(world, change)
        await world.time.sleep(2)
        task.complete()
        await stage.mia.hears("goodbye")
        await world.time.sleep(late_s)
        arrive()
        assert await stage.problems() == []
        (row,) = await stage.house.reader.messages([f"twilio:{earlier}"])
        assert (row.body, row.deleted) == (("better", False) if what == "edit" else ("early", True))

    play(world.time, story())


@pytest.mark.parametrize("restart", [True, False], ids=["after a start", "after a lost session"])
def test_what_comes_live_while_the_rest_is_read_up_waits_its_turn(
    world: World, url: str, restart: bool
) -> None:
    """Every answer of the far sides takes its time, and people write on."""

    async def story() -> None:
        stage = await staged(world, url)
        task = await world.handed_off(stage.mia)
        stage.says("before")
        stage.replies(task, "before too")
        await stage.heard()
        if restart:
            await stage.dies()
        else:
            stage.house.gateway.drop()
            stage.house.gateway._session = None
        webhooks = world.webhooks
        webhooks.holding = True
        for n in range(3):
            stage.says(f"missed {n}")
            stage.replies(task, f"missed reply {n}")
        webhooks.held.clear()
        webhooks.holding = False
        for call in ("discord.history", "twilio.messages", "twilio.participants", "twilio.conversation"):
            stage.spoiler.plant(call, *[OUTCOMES["slow"]] * 2)

        async def write_on() -> None:
            for n in range(8):
                stage.says(f"live {n}")
                stage.replies(task, f"live reply {n}")
                await world.time.sleep(1)

        begun = world.time.passed
        writing = asyncio.create_task(write_on())
        if restart:
            await stage.comes_back()
        else:
            await stage.house.gateway.connect()
        await writing
        assert world.time.passed > begun + SLOW_S
        assert await stage.problems() == []

    play(world.time, story())
