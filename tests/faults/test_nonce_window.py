"""Beyond the minutes in which Discord knows a nonce again: what is in doubt is adopted by its text."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from orchestrator.inprocess.line import LOST_ANSWER, LOST_REQUEST, Fate
from tests.inprocess.house import living
from tests.inprocess.virtual import play
from tests.inprocess.world import World

#: Longer than Discord remembers a nonce. Seconds.
LONG_S = 600.0


@contextmanager
def away(world: World, *, after_sending: int, after_answering: int = 0) -> Iterator[None]:
    """Discord answers so often, takes that many more messages without a word, and then takes none."""
    answers, left = after_answering, after_sending

    def decide(service: str, method: str, path: str) -> Fate | None:
        nonlocal answers, left
        if service != "discord" or method != "POST" or not path.endswith("/messages"):
            return None
        answers -= 1
        if answers >= 0:
            return None
        left -= 1
        return LOST_ANSWER if left >= 0 else LOST_REQUEST

    world.hooks.faulty = decide
    yield
    world.hooks.faulty = lambda *_: None


@pytest.mark.parametrize("arrived", [0, 1], ids=["it never arrived", "it had arrived"])
@pytest.mark.parametrize(
    "dead", [None, 1.0, LONG_S], ids=["same life", "next life at once", "next life much later"]
)
@pytest.mark.parametrize(
    "words", [["hello"], ["ok", "ok"], ["ok", "ok", "then", "ok"]], ids=["one", "two alike", "four"]
)
def test_words_in_doubt_for_ten_minutes_arrive_once_and_in_order(
    world: World, url: str, words: list[str], dead: float | None, arrived: int
) -> None:
    async def story() -> None:
        mia = world.member()
        async with living(world, url) as house:
            task = await world.handed_off(mia)
            task.write("ok")
            await mia.gets("ok")
            with away(world, after_sending=arrived):
                for text in words:
                    task.write(text)
                await world.time.sleep(LONG_S)
                if dead is not None:
                    await house.kill()
            if dead is None:
                await world.time.sleep(120)
        if dead is not None:
            await world.time.sleep(dead)
            async with living(world, url):
                await world.time.sleep(120)
        await mia.gets("ok", *words)

    play(world.time, story())


def test_what_arrived_before_all_went_silent_is_not_sent_again_by_the_next_life(
    world: World, url: str
) -> None:
    """It was tried again and again for longer than a nonce lasts, and nothing could be looked at meanwhile."""

    async def story() -> None:
        mia, taken = world.member(), 0

        def silent(service: str, method: str, path: str) -> Fate | None:
            nonlocal taken
            if service != "discord":
                return None
            first = method == "POST" and path.endswith("/messages") and not taken
            taken += first
            return LOST_ANSWER if first else LOST_REQUEST

        async with living(world, url) as house:
            task = await world.handed_off(mia)
            world.hooks.faulty = silent
            task.write("hello")
            await world.time.sleep(LONG_S)
            await house.kill()
        world.hooks.faulty = lambda *_: None
        async with living(world, url):
            await world.time.sleep(120)
        await mia.gets("hello")

    play(world.time, story())


@pytest.mark.parametrize("answered", range(3))
@pytest.mark.parametrize("arrived", range(2))
def test_parts_of_one_text_that_read_alike_arrive_once_each(
    world: World, url: str, answered: int, arrived: int
) -> None:
    """With the agent's name before it the first part is another; the next two are alike."""
    text = "x" * 1_989 + "y" * 4_000

    async def story() -> None:
        mia = world.member()
        async with living(world, url):
            task = await world.handed_off(mia)
            with away(world, after_sending=arrived, after_answering=answered):
                task.write(text)
                await world.time.sleep(LONG_S)
            await world.time.sleep(180)
            parts = [words for words in mia.texts() if "xx" in words or "yy" in words]
            assert "".join(parts) == f"**ada:** {text}"

    play(world.time, story())


@pytest.mark.parametrize("service", ["discord", "twilio"])
@pytest.mark.parametrize("what", ["edit", "unsend"])
def test_what_its_author_changed_while_it_was_in_doubt_does_not_stand_there_as_it_was(
    world: World, url: str, service: str, what: str
) -> None:
    def lost(called: str, method: str, path: str) -> Fate | None:
        return (
            LOST_ANSWER
            if called == service and method == "POST" and path.lower().endswith("/messages")
            else None
        )

    async def story() -> None:
        async with living(world, url):
            mia = world.member()
            task = await world.handed_off(mia)
            author, read = (task, mia.from_agent) if service == "discord" else (mia, task.from_member)
            world.hooks.faulty = lost
            message = author.write("oops")
            await world.until("it arrives, and nobody knows", lambda: read() == ["oops"])
            if what == "edit":
                author.edit(message, "better")
            else:
                author.unsend(message)
            await world.time.sleep(0.5)
            world.hooks.faulty = lambda *_: None
            expected = ["better"] if what == "edit" else []
            await world.until("the change", lambda: read() == expected)
            await world.time.sleep(120)
            assert read() == expected

    play(world.time, story())
