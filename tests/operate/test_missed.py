"""What was lost on the way is found again, in its order: webhooks, deletions, closes, and messages of our own."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import pytest

from orchestrator.engine.reconcile import EVERY_S
from orchestrator.inprocess.line import LOST_ANSWER, Fate, failing
from orchestrator.reading import AGAIN_S
from orchestrator.sandbox.twilio.routes import CONVERSATIONS
from orchestrator.sandbox.wire import Call
from storage.reads.reader import Reader
from storage.values import Pending, Status
from tests.english import ENGLISH
from tests.inprocess.house import House, living
from tests.inprocess.virtual import play
from tests.inprocess.world import Task, World

DAY_S = 24 * 3600.0


def losing(*bodies: int) -> Callable[[str, str, str], Fate | None]:
    """The webhooks of these numbers, counted from now, get lost on the way."""
    count = iter(range(1_000_000))

    def faulty(service: str, _method: str, _path: str) -> Fate | None:
        return failing() if service == "webhook" and next(count) in bodies else None

    return faulty


async def effects(house: House, *keys: str) -> list[tuple[Pending, Status]]:
    return await Reader(house.reader.engine).effects(keys)


# --- Index


def test_a_lost_webhook_is_read_up_before_the_next_message_goes_in(world: World, url: str) -> None:
    async def story() -> None:
        async with living(world, url):
            mia = world.member()
            task = await world.handed_off(mia)
            world.hooks.faulty = losing(1, 2)
            for n in range(4):
                task.write(f"reply {n}")
            await mia.gets(*(f"reply {n}" for n in range(4)))

    play(world.time, story())
    assert world.time.passed < EVERY_S


@pytest.mark.parametrize("seed", range(3))
def test_shuffled_webhooks_are_told_by_index(world: World, url: str, seed: int) -> None:
    async def story() -> None:
        async with living(world, url):
            mia = world.member()
            task = await world.handed_off(mia)
            world.webhooks.holding = True
            for n in range(6):
                task.write(f"reply {n}")
                mia.write(f"question {n}")
                await task.gets(*(f"question {k}" for k in range(n + 1)))
            Random(seed).shuffle(world.webhooks.held)
            world.webhooks.release()
            await mia.gets(*(f"reply {n}" for n in range(6)))

    play(world.time, story())


def test_what_we_posted_explains_a_gap_and_nothing_is_read_for_it(world: World, url: str) -> None:
    async def story() -> None:
        async with living(world, url):
            mia = world.member()
            task = await world.handed_off(mia)
            reads: list[str] = []

            def faulty(_service: str, method: str, path: str) -> None:
                if method == "GET" and path.endswith("/Messages"):
                    reads.append(path)

            world.hooks.faulty = faulty
            for n in range(4):
                mia.write(f"question {n}")
                await task.gets(*(f"question {k}" for k in range(n + 1)))
                task.write(f"reply {n}")
                await mia.gets(*(f"reply {k}" for k in range(n + 1)))
            assert reads == []

    play(world.time, story())


def test_a_gap_that_cannot_be_read_now_is_answered_503_and_read_soon(world: World, url: str) -> None:
    async def story() -> None:
        async with living(world, url):
            mia = world.member()
            task = await world.handed_off(mia)
            world.hooks.faulty = losing(0)
            task.write("lost")
            away = {"left": 2}

            def faulty(service: str, method: str, path: str) -> Fate | None:
                if service == "twilio" and method == "GET" and path.endswith("/Messages") and away["left"]:
                    away["left"] -= 1
                    return failing()
                return None

            await world.time.sleep(1)
            world.hooks.faulty = faulty
            task.write("after")
            await mia.gets("lost", "after")
            assert away["left"] == 0

    play(world.time, story())
    assert world.time.passed < 60 + 2 * AGAIN_S


def test_after_a_5xx_of_ours_the_desk_is_read(world: World, url: str) -> None:
    async def story() -> None:
        async with living(world, url) as house:
            mia = world.member()
            task = await world.handed_off(mia)
            before = world.time.passed
            house._read_up.clear()  # nothing can be taken for as long as a webhook waits
            task.write("hello")
            await world.time.sleep(4.5)
            house._read_up.set()
            await mia.gets("hello")
            assert world.time.passed - before < 4.5 + 2 * AGAIN_S

    play(world.time, story())


# --- behind our back


def test_a_conversation_that_was_closed_behind_our_back_is_found(world: World, url: str) -> None:
    async def story() -> None:
        async with living(world, url):
            mia = world.member()
            task = await world.handed_off(mia)
            world.webhooks.holding = True
            task.complete()
            world.webhooks.held.clear()
            await world.time.sleep(EVERY_S)
            await mia.hears("goodbye")

    play(world.time, story())


def test_a_task_that_was_canceled_behind_our_back_is_found_once(world: World, url: str) -> None:
    async def story() -> None:
        async with living(world, url):
            mia = world.member()
            task = await world.handed_off(mia, agent=None)
            world.twilio.cancel(task.sid)
            await world.time.sleep(EVERY_S + 5)
            assert len(mia.heard("nobody_came")) == 1
            await world.time.sleep(3 * EVERY_S)
            assert len(mia.heard("nobody_came")) == 1

    play(world.time, story())


@pytest.mark.parametrize("while_away", [True, False], ids=["while away", "the news got lost"])
def test_deletions_that_were_missed_are_found(world: World, url: str, while_away: bool) -> None:
    async def prepare(world: World) -> tuple[Task, str, str]:
        mia = world.member()
        task = await world.handed_off(mia)
        gone = mia.write("one")
        mia.write("two")
        await task.gets("one", "two")
        reply = task.write("three")
        task.write("four")
        await mia.gets("three", "four")
        return task, gone, reply

    def deletions(task: Task, gone: str, reply: str) -> None:
        world.webhooks.holding = True
        world.member().unsend(gone)
        task.unsend(reply)
        world.webhooks.held.clear()
        world.webhooks.holding = False

    async def both_gone(task: Task) -> None:
        await world.until("the member's is gone", lambda: task.from_member() == ["two"])
        await world.until("the agent's is gone", lambda: world.member().from_agent() == ["four"])

    async def first() -> tuple[Task, str, str]:
        async with living(world, url) as house:
            found = await prepare(world)
            if not while_away:
                house.gateway.drop()
                deletions(*found)
                house.gateway._session = None
                await house.gateway.connect()
                await both_gone(found[0])
            return found

    async def second() -> None:
        async with living(world, url):
            await both_gone(task)

    task, gone, reply = play(world.time, first())
    if while_away:
        deletions(task, gone, reply)
        play(world.time, second())


def test_a_member_who_was_quiet_for_weeks_is_read_after_the_start(world: World, url: str) -> None:
    async def first() -> None:
        async with living(world, url):
            mia = world.member()
            mia.write("hello?")
            await world.until("an answer", mia.texts)

    async def second() -> None:
        async with living(world, url):
            mia = world.member()
            await mia.reads("This should help:")

    play(world.time, first())
    world.time.passed += 30 * DAY_S
    world.member().write("I forgot my password")
    play(world.time, second())


# --- our own messages


def test_a_message_of_ours_that_stands_there_is_done_whatever_we_heard(world: World, url: str) -> None:
    """Its answer got lost, and the service stays away from Twilio for a while: reading up completes it."""

    async def story() -> None:
        async with living(world, url) as house:
            mia = world.member()
            task = await world.handed_off(mia)
            left = {"posts": 1}

            def faulty(service: str, method: str, path: str) -> Fate | None:
                if service == "twilio" and method == "POST" and path.endswith("/Messages") and left["posts"]:
                    left["posts"] = 0
                    return LOST_ANSWER
                return None

            world.hooks.faulty = faulty
            mia.write("only once")
            await world.until("it stands there", lambda: task.from_member() == ["only once"])
            await house.reconciler.both()
            (message,) = [m for m in task.lines() if m["body"] == "only once"]
            key = message["attributes"]["orchestrator"]["effect"]
            ((effect, status),) = await effects(house, key)
            assert status is Status.DONE
            (row,) = await house.reader.messages([str(effect.payload["message"])])
            assert row.refs == (message["sid"],)
            await world.time.sleep(60)
            await task.gets("only once")

    play(world.time, story())


def test_a_message_that_stands_there_twice_is_healed(world: World, url: str) -> None:
    async def story() -> None:
        async with living(world, url):
            mia = world.member()
            task = await world.handed_off(mia)
            mia.write("hello")
            await task.gets("hello")
            (first,) = [m for m in task.lines() if m["body"] == "hello"]
            path = f"/v1/Conversations/{task.show()['conversation_sid']}/Messages"
            import json

            form = [
                ("Author", first["author"]),
                ("Body", "hello"),
                ("Attributes", json.dumps(first["attributes"])),
            ]
            login = {"authorization": "Basic QUMxOnNlY3JldA=="}
            again = world.twilio.rest(CONVERSATIONS, Call("POST", path, headers=login, form=form))
            assert again.status == 201
            assert task.from_member() == ["hello", "hello"]
            await world.time.sleep(EVERY_S + 5)
            assert [m["sid"] for m in task.lines() if m["body"] == "hello"] == [first["sid"]]

    play(world.time, story())


def test_the_texts_that_are_looked_for_exist() -> None:
    assert {"nobody_came", "goodbye"} <= set(ENGLISH.member)
