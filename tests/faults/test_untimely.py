"""What comes at the wrong moment: after the hand-off, from an earlier request, before a commit, between two deaths."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from random import Random

from sqlalchemy import Connection, Engine, event, select
from sqlalchemy.exc import OperationalError

from machines.effects import Kind
from orchestrator.discord.backfill import OVERLAP
from orchestrator.ports import Done, Job
from storage import schema
from tests.faults.outcomes import OUTCOMES
from tests.faults.stage import Stage, staged
from tests.inprocess.house import House
from tests.inprocess.virtual import play
from tests.inprocess.world import World
from tests.simulation.loop import SeededLoop

QUESTION, ANSWER = "I forgot my password", "This should help:"
#: Long enough for whatever should not come, and short of every idle timer. Seconds.
A_WHILE_S = 30.0
#: Until everything that was missed has been read up and relayed. Seconds.
READ_UP_S = 120.0
#: Longer than Discord knows a nonce again. Seconds.
A_LONG_TIME_S = 600.0
#: Until every timer of the queue and of the bot has fired. Seconds.
HOURS_S = 4 * 3600.0
FULL = OperationalError("COMMIT", None, Exception("database or disk is full"))


def test_an_answer_that_comes_after_the_hand_off_is_not_said(world: World, url: str) -> None:
    async def story() -> None:
        stage = await staged(world, url)
        thinking, said = _thinks(stage)
        stage.mia.helpme()
        await stage.mia.hears("greeting")
        stage.mia.write(QUESTION)
        await thinking.wait()
        stage.mia.press("agent_requested")
        task = await world.task()
        await stage.mia.hears("place")
        said.set()
        await world.time.sleep(A_WHILE_S)
        task.accept("ada")
        await stage.mia.hears("agent_joined")
        assert await stage.broken() == []
        assert not [text for text in stage.mia.texts() if ANSWER in text]

    play(world.time, story())


def test_word_of_a_request_that_was_given_up_does_not_end_the_next_one(world: World, url: str) -> None:
    async def story() -> None:
        stage = await staged(world, url)
        first = await world.handed_off(stage.mia, agent=None)
        world.webhooks.holding = True
        stage.mia.press("agent_request_cancelled")
        await first.becomes("canceled")
        await stage.mia.hears("withdrawn")
        stage.mia.press("agent_requested")
        second = await world.task(2)
        await stage.mia.hears("place", times=2)
        world.webhooks.release()  # the first Twilio Conversation was closed
        await world.time.sleep(A_WHILE_S)
        assert stage.mia.heard("nobody_came") == []
        second.accept("ada")
        await stage.mia.hears("agent_joined")
        stage.mia.write("at last")
        await second.gets("at last")
        assert await stage.broken() == []

    play(world.time, story())


def test_a_help_case_that_is_open_is_joined_by_the_next_conversation(world: World, url: str) -> None:
    async def story() -> None:
        stage = await staged(world, url)
        await world.handed_off(stage.mia, agent=None)
        await world.until("nobody came", lambda: stage.mia.heard("nobody_came"), HOURS_S)
        await world.until("the goodbye", lambda: stage.mia.heard("idle_case_open"), HOURS_S)
        stage.mia.write("still there?")
        await stage.mia.hears("unsure")
        stage.mia.press("agent_requested")
        second = await world.task(2)
        second.accept("ada")
        await stage.mia.hears("agent_joined")
        assert await stage.broken() == []

    play(world.time, story())


def test_an_agent_who_comes_late_reads_what_the_member_said_since_nobody_came(world: World, url: str) -> None:
    async def story() -> None:
        stage = await staged(world, url)
        task = await world.handed_off(stage.mia, agent=None)
        await world.until("nobody came", lambda: stage.mia.heard("nobody_came"), HOURS_S)
        stage.mia.write("zzgrbl qwrk")
        await stage.mia.hears("unsure")
        task.accept("ada")
        await stage.mia.hears("agent_joined")
        await world.time.sleep(A_WHILE_S)
        shown = [note for note in task.notes() if "zzgrbl qwrk" in note]
        assert len(shown) == 1, "what was said since is shown once"
        assert await stage.broken() == []

    play(world.time, story())


def test_what_a_refused_commit_would_have_sent_is_not_sent(world: World, url: str) -> None:
    """A disk takes its time to refuse: long enough for a call."""

    async def story() -> None:
        stage = await staged(world, url)
        with _refused_once(stage.house.engine) as refused:
            stage.mia.helpme()
            await stage.mia.hears("greeting")
        await world.time.sleep(A_WHILE_S)
        assert len(refused) == 1
        assert await stage.broken() == []
        assert len(stage.mia.heard("greeting")) == 1

    with asyncio.Runner(loop_factory=lambda: SeededLoop(world.time, Random(1), takes=0.5)) as runner:
        runner.run(story())


def test_what_was_read_and_never_stored_is_read_again(world: World, url: str) -> None:
    """The service dies with more in hand than one look back overlaps with the next."""

    async def story() -> None:
        stage = await staged(world, url)
        task = await world.handed_off(stage.mia)
        await stage.dies()
        for n in range(OVERLAP + 10):
            stage.says(f"line {n}")
        await _lives_without_storing(stage)
        await stage.comes_back()
        await world.time.sleep(READ_UP_S)
        assert await stage.broken() == []
        assert task.from_member() == stage.said

    play(world.time, story())


def test_what_was_missed_is_read_although_the_first_look_fails(world: World, url: str) -> None:
    async def story() -> None:
        stage = await staged(world, url)
        task = await world.handed_off(stage.mia)
        await stage.dies()
        stage.says("are you there?")
        stage.spoiler.plant("discord.history", OUTCOMES["reset"])
        await stage.comes_back()
        await world.time.sleep(READ_UP_S)
        assert await stage.broken() == []
        assert task.from_member() == stage.said

    play(world.time, story())


def test_what_a_dead_service_may_have_sent_long_ago_is_looked_for_before_it_is_sent_again(
    world: World, url: str
) -> None:
    """So long ago that no nonce protects any more."""

    async def story() -> None:
        stage = await staged(world, url)
        task = await world.handed_off(stage.mia)
        stage.spoiler.plant("discord.send", OUTCOMES["done, answer lost"])
        stage.replies(task, "can you read this?")
        await stage.mia.gets("can you read this?")
        await stage.dies()
        await world.time.sleep(A_LONG_TIME_S)
        await stage.comes_back()
        stage.says("yes")
        await world.time.sleep(A_WHILE_S)
        assert await stage.broken() == []
        assert stage.mia.from_agent() == stage.replied

    play(world.time, story())


# --- parts


def _thinks(stage: Stage) -> tuple[asyncio.Event, asyncio.Event]:
    """The chatbot has found an answer, and keeps it until it may be said."""
    thinking, said = asyncio.Event(), asyncio.Event()
    dispatcher = stage.house.dispatcher
    real = dispatcher.handlers[Kind.ASK_CHATBOT]

    async def ask(job: Job) -> Done:
        done = await real(job)
        thinking.set()
        await said.wait()
        return done

    dispatcher.handlers = {**dispatcher.handlers, Kind.ASK_CHATBOT: ask}
    return thinking, said


@contextmanager
def _refused_once(engine: Engine) -> Iterator[list[str]]:
    """The database takes the first events that it is given, and then refuses to commit them."""
    refused: list[str] = []

    def commits(connection: Connection) -> None:
        if not refused and connection.scalar(select(schema.event.c.id)):
            refused.append("commit")
            raise FULL

    event.listen(engine, "commit", commits)
    try:
        yield refused
    finally:
        event.remove(engine, "commit", commits)


async def _lives_without_storing(stage: Stage) -> None:
    """A life that reads up, can store nothing, and dies."""
    house = House(stage.world, stage.url)

    def apply(*_: object) -> None:
        raise FULL

    house.store.apply = apply  # type: ignore[method-assign, assignment]
    starting = asyncio.create_task(house.start())
    await stage.world.time.sleep(A_WHILE_S)
    starting.cancel()
    await asyncio.gather(starting, return_exceptions=True)
    await house.kill()
