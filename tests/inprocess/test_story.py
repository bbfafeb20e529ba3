"""Whole stories without sockets, threads or waiting: the service as it is, over the models."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import pytest
from sqlalchemy import select

from orchestrator.inprocess.line import LOST_ANSWER, Fate, failing, limited
from storage import schema
from tests.inprocess.house import living
from tests.inprocess.virtual import play
from tests.inprocess.world import World


def test_one_dm_is_answered_by_the_bot_taken_over_by_an_agent_and_closed(world: World, url: str) -> None:
    async def story() -> None:
        async with living(world, url) as house:
            mia = world.member()
            mia.helpme()
            await mia.told_only("I wrote you a direct message")
            await mia.hears("greeting")

            mia.write("I forgot my password")
            mia.write("and there is no reset mail")
            assert "assword" in (await mia.reads("This should help:"))["content"]
            mia.write("zzgrbl qwrk vvnn")
            await mia.hears("unsure")
            mia.press("agent_requested")
            place = await mia.hears("place")
            assert "#1." in place["content"]
            assert "next in line" in place["content"]

            task = await world.task()
            (transcript,) = task.notes()
            for words in ("I forgot my password", "and there is no reset mail", "zzgrbl qwrk vvnn"):
                assert transcript.count(words) == 1
            task.accept("ada")
            assert "ada" in (await mia.hears("agent_joined"))["content"]

            for n in range(5):
                mia.write(f"question {n}")
                task.write(f"reply {n}")
            await task.gets(*(f"question {n}" for n in range(5)))
            await mia.gets(*(f"reply {n}" for n in range(5)))

            task.complete()
            goodbye = await mia.hears("goodbye")
            mia.press("rating", goodbye)
            await mia.hears("rating_thanks")

            mia.write("How do I invite a friend?")
            await mia.reads("nvite")
            mia.press("agent_requested")
            again = await world.task(2)
            assert "How do I invite a friend?" in again.notes()[0]
            assert "question 1" not in again.notes()[0]
            assert "#2." in (await mia.hears("place", times=2))["content"]
            assert house.alerts == []

    play(world.time, story())


def test_an_hour_of_silence_takes_no_time_of_ours(world: World, url: str) -> None:
    """The member is warned, and the conversation ends by itself."""

    async def story() -> None:
        async with living(world, url):
            mia = world.member()
            task = await world.handed_off(mia)
            mia.write("hello")
            await task.gets("hello")
            task.write("hi")
            await mia.gets("hi")
            await world.time.sleep(90 * 60)
            assert len(mia.heard("member_idle_warn")) == 1
            assert task.is_closed()

    play(world.time, story())
    assert world.time.passed > 90 * 60


def test_edits_deletes_replies_and_reactions_reach_the_other_side(world: World, url: str) -> None:
    async def story() -> None:
        async with living(world, url):
            mia = world.member()
            task = await world.handed_off(mia)
            kept, gone = mia.write("one"), mia.write("two")
            await task.gets("one", "two")
            mia.edit(kept, "one, corrected")
            mia.unsend(gone)
            await world.until("the change", lambda: task.from_member() == ["one, corrected"])
            kept, gone = task.write("three"), task.write("four")
            await mia.gets("three", "four")
            task.edit(kept, "three, corrected")
            task.unsend(gone)
            await world.until("the change", lambda: mia.from_agent() == ["three, corrected"])
            line = await mia.reads("three, corrected")
            mia.react(line["id"], "👍")
            await task.noted("member_reacted")

    play(world.time, story())


def test_two_members_never_cross(world: World, url: str) -> None:
    async def story() -> None:
        async with living(world, url):
            mia, tom = world.member("mia"), world.member("tom")
            to_mia, to_tom = await world.handed_off(mia, "ada"), await world.handed_off(tom, "ben")
            for n in range(4):
                mia.write(f"mia {n}")
                tom.write(f"tom {n}")
                to_mia.write(f"for mia {n}")
                to_tom.write(f"for tom {n}")
            await to_mia.gets(*(f"mia {n}" for n in range(4)))
            await to_tom.gets(*(f"tom {n}" for n in range(4)))
            await mia.gets(*(f"for mia {n}" for n in range(4)))
            await tom.gets(*(f"for tom {n}" for n in range(4)))

    play(world.time, story())


def test_what_was_said_while_the_service_was_dead_is_read_up(world: World, url: str) -> None:
    async def story() -> None:
        mia = world.member()
        async with living(world, url) as house:
            task = await world.handed_off(mia)
            mia.write("before")
            await task.gets("before")
            await house.kill()
        mia.write("meanwhile")
        task.write("are you there?")
        await world.time.sleep(60)
        async with living(world, url):
            mia.write("after")
            await task.gets("before", "meanwhile", "after")
            await mia.gets("are you there?")

    play(world.time, story())


@pytest.mark.parametrize("fate", [LOST_ANSWER, failing(500, done=True), failing(), limited(2)])
@pytest.mark.parametrize("service", ["discord", "twilio"])
def test_a_message_arrives_once_whatever_becomes_of_its_first_sending(
    world: World, url: str, service: str, fate: Fate
) -> None:
    spoiled: list[str] = []

    def once(called: str, method: str, path: str) -> Fate | None:
        if called != service or method != "POST" or not path.lower().endswith("/messages") or spoiled:
            return None
        spoiled.append(path)
        return fate

    async def story() -> None:
        async with living(world, url):
            mia = world.member()
            task = await world.handed_off(mia)
            world.hooks.faulty = once
            mia.write("hello")
            task.write("hi")
            await task.gets("hello")
            await mia.gets("hi")
            await world.time.sleep(120)
            await task.gets("hello")
            await mia.gets("hi")

    play(world.time, story())
    assert len(spoiled) == 1


def test_others_may_go_first_at_every_call(world: World, url: str) -> None:
    """With a pause of chance at every call the story ends the same."""
    chance = Random(3)

    async def pause() -> None:
        await world.time.sleep(chance.random() / 10)

    world.hooks.pause = pause

    async def story() -> None:
        async with living(world, url):
            mia = world.member()
            task = await world.handed_off(mia)
            for n in range(5):
                mia.write(f"question {n}")
                task.write(f"reply {n}")
            await task.gets(*(f"question {n}" for n in range(5)))
            await mia.gets(*(f"reply {n}" for n in range(5)))

    play(world.time, story())


def test_a_story_passes_crash_points_around_every_commit_and_every_call(world: World, url: str) -> None:
    passed: list[str] = []
    world.hooks.point = passed.append

    async def story() -> None:
        async with living(world, url):
            mia = world.member()
            task = await world.handed_off(mia)
            mia.write("hello")
            await task.gets("hello")
            task.complete()
            await mia.hears("goodbye")

    play(world.time, story())
    for name in ("commit", "discord.send", "discord.acknowledge", "twilio.post", "webhook.conversations"):
        assert passed.count(f"{name}:before") == passed.count(f"{name}:after") > 0


def test_a_story_takes_the_same_course_every_time(database: Callable[[], str]) -> None:
    """What a crash matrix rests on: the n-th crash point is the same one in every run."""

    def once() -> tuple[list[str], list[str], float]:
        world, passed = World(), list[str]()
        world.hooks.point = passed.append
        mia = world.member()

        async def story() -> None:
            async with living(world, url):
                task = await world.handed_off(mia)
                for n in range(3):
                    mia.write(f"question {n}")
                    task.write(f"reply {n}")
                await mia.gets(*(f"reply {n}" for n in range(3)))
                task.complete()
                await mia.hears("goodbye")

        url = database()
        play(world.time, story())
        return passed, [f"{m['id']} {m['content']}" for m in mia.inbox()], world.time.passed

    first = once()
    assert len(first[0]) > 50
    assert once() == first


def test_what_did_not_reach_the_member_is_told_to_the_agent_and_marked_on_case_and_transcript(
    world: World, url: str
) -> None:
    async def story() -> None:
        async with living(world, url) as house:
            mia = world.member()
            task = await world.handed_off(mia)
            world.discord.members.change("mia", dms_open=False)
            task.write("can you read this?")
            await task.noted("not_delivered")
            world.discord.members.change("mia", dms_open=True)
            task.write("and this?")
            await mia.gets("and this?")
            with house.engine.connect() as connection:
                notes = connection.execute(select(schema.case_note.c.note)).scalars().all()
            assert notes == ["not_delivered"]

            task.complete()
            mia.press("transcript_requested", await mia.hears("goodbye"))
            await world.until("the files", lambda: [m for m in mia.dm() if m["attachments"]])
            (sent,) = [m for m in world.discord.members.inbox("mia") if m.attachments]
            for file in sent.attachments:
                written = file.content.decode()
                assert "can you read this? (not delivered)" in written
                assert "and this? (not" not in written
                assert "and this?" in written

    play(world.time, story())
