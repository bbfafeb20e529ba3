"""What was said first is read first, and what is said after the end is read by nobody; judged by the checker."""

from __future__ import annotations

from orchestrator.engine.reconcile import EVERY_S
from tests.faults.outcomes import OUTCOMES
from tests.faults.stage import staged
from tests.inprocess.virtual import play
from tests.inprocess.world import World

#: Long enough for what was tried again, and short of the reading of every few minutes. Seconds.
A_WHILE_S = 30.0


def test_what_has_to_be_tried_again_is_not_overtaken(world: World, url: str) -> None:
    async def story() -> None:
        stage = await staged(world, url)
        task = await world.handed_off(stage.mia)
        for call, says in (
            ("twilio.post", stage.says),
            ("discord.send", lambda text: stage.replies(task, text)),
        ):
            stage.spoiler.plant(call, OUTCOMES["reset"])
            for n in range(3):
                says(f"{call} {n}")
        await world.time.sleep(A_WHILE_S)
        assert await stage.broken() == []
        assert (task.from_member(), stage.mia.from_agent()) == (stage.said, stage.replied)

    play(world.time, story())


def test_replies_whose_webhooks_were_lost_are_not_overtaken_by_the_next_one(world: World, url: str) -> None:
    async def story() -> None:
        stage = await staged(world, url)
        task = await world.handed_off(stage.mia)
        stage.replies(task, "first")
        await stage.heard()
        world.webhooks.holding = True
        stage.replies(task, "lost")
        stage.replies(task, "lost as well")
        world.webhooks.held.clear()
        world.webhooks.holding = False
        stage.replies(task, "next")
        await world.time.sleep(2 * EVERY_S)
        assert await stage.broken() == []
        assert stage.mia.from_agent() == stage.replied

    play(world.time, story())


def test_what_an_agent_writes_after_the_close_is_not_relayed(world: World, url: str) -> None:
    """The member's last words are on their way to the desk, and hold back the word of the close."""

    async def story() -> None:
        stage = await staged(world, url)
        task = await world.handed_off(stage.mia)
        stage.replies(task, "one moment")
        await stage.heard()
        stage.spoiler.plant("twilio.post", OUTCOMES["429 naming a time"])
        stage.says("never mind")
        stage.mia.press("member_closed")
        await stage.mia.hears("closed_by_member")
        task.write("found it")
        await world.time.sleep(A_WHILE_S)
        assert await stage.broken() == []
        assert stage.mia.from_agent() == stage.replied

    play(world.time, story())
