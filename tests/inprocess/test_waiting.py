"""Waiting on a clock that is moved: one message, edited when the member moves up, whatever happens meanwhile."""

from __future__ import annotations

from itertools import pairwise

import pytest

from machines.snapshot import DEFAULT_LIMITS, Limits
from orchestrator.inprocess.line import failing
from tests.english import ENGLISH
from tests.faults.outcomes import Outcome, Spoiler
from tests.inprocess.house import House, living
from tests.inprocess.virtual import play
from tests.inprocess.world import Json, Member, World

NEXT = ENGLISH.member["place_first"]
#: Nobody's patience ends within a story.
PATIENT = Limits(wait=24 * 3600.0, wait_reminder=24 * 3600.0)
#: Longer than until the next look at the line.
SOON_S = DEFAULT_LIMITS.place + 5.0


def nth(place: int) -> str:
    return ENGLISH.member["place_nth"].format(n=place) if place > 1 else NEXT


async def queued(world: World, *names: str) -> list[Member]:
    """Members in the line, in that order."""
    members = [world.member(name) for name in names]
    for member in members:
        await world.handed_off(member, agent=None)
    return members


def place(member: Member) -> Json:
    """The one message that tells it."""
    (found,) = member.heard("place")
    return found


def edits(world: World, member: Member) -> list[float]:
    return [at for _, at in world.edits.get(place(member)["id"], [])]


def test_nothing_is_edited_while_nobody_moves(world: World, url: str) -> None:
    async def story() -> None:
        async with living(world, url):
            mia, tom = await queued(world, "mia", "tom")
            await world.time.sleep(600)
            assert nth(1) in place(mia)["content"]
            assert nth(2) in place(tom)["content"]
            assert world.edits == {}

    play(world.time, story())


def test_who_moves_up_several_times_at_once_is_told_once(world: World, url: str) -> None:
    async def story() -> None:
        async with living(world, url):
            *others, zoe = await queued(world, "mia", "tom", "ali", "eva", "zoe")
            assert nth(5) in place(zoe)["content"]
            for member in others:
                member.press("agent_request_cancelled")
                await world.time.sleep(1)
            await world.time.sleep(SOON_S)
            assert nth(1) in place(zoe)["content"]
            assert len(edits(world, zoe)) <= 2

    play(world.time, story())


def test_who_moves_up_all_the_time_is_told_every_half_minute(world: World, url: str) -> None:
    async def story() -> None:
        async with living(world, url):
            *others, zoe = await queued(world, *(f"member{n}" for n in range(12)), "zoe")
            for member in others:
                member.press("agent_request_cancelled")
                await world.time.sleep(10)
            await world.time.sleep(SOON_S)
            assert nth(1) in place(zoe)["content"]
            assert all(
                later - earlier > DEFAULT_LIMITS.place - 1 for earlier, later in pairwise(edits(world, zoe))
            )
            assert 3 <= len(edits(world, zoe)) <= 6

    play(world.time, story())


@pytest.mark.parametrize("polite", [True, False], ids=["stopped", "killed"])
def test_a_new_process_edits_what_changed_and_nothing_else(world: World, url: str, polite: bool) -> None:
    async def story() -> None:
        house = House(world, url)
        await house.start()
        mia, tom, zoe = await queued(world, "mia", "tom", "zoe")
        zoe.press("agent_request_cancelled")
        await zoe.hears("withdrawn")
        await (house.stop() if polite else house.kill())
        async with living(world, url):
            await world.time.sleep(SOON_S)
            assert world.edits == {}
            mia.press("agent_request_cancelled")
            await tom.reads(NEXT)
            assert len(edits(world, tom)) == 1

    play(world.time, story())


@pytest.mark.parametrize("comes", [True, False], ids=["an agent comes", "given up"])
def test_who_does_not_wait_any_more_reads_where_they_stood_last(world: World, url: str, comes: bool) -> None:
    async def story() -> None:
        async with living(world, url):
            mia, tom = await queued(world, "mia", "tom")
            if comes:
                world.tasks()[1].accept("ada")
                await tom.hears("agent_joined")
            else:
                tom.press("agent_request_cancelled")
                await tom.hears("withdrawn")
            mia.press("agent_request_cancelled")
            await world.time.sleep(3 * SOON_S)
            assert nth(2) in place(tom)["content"]
            assert world.edits == {}

    play(world.time, story())


def test_whoever_could_not_be_told_is_told_once_they_write(world: World, url: str) -> None:
    async def story() -> None:
        async with living(world, url):
            mia, tom = await queued(world, "mia", "tom")
            world.discord.members.change(tom.name, dms_open=False)
            task = world.tasks()[1]
            spoiler = Spoiler(world)
            spoiler.plant("discord.edit", Outcome(failing(403, body={"code": 50007, "message": "no"})))
            mia.press("agent_request_cancelled")
            await task.noted("unreachable")
            await world.time.sleep(10 * SOON_S)
            assert nth(2) in place(tom)["content"]
            world.discord.members.change(tom.name, dms_open=True)
            tom.write("here I am")
            await task.noted("reachable_again")
            await tom.reads(NEXT)
            assert len(edits(world, tom)) == 1

    play(world.time, story())


def test_whoever_could_not_be_told_when_they_asked_is_told_once_they_write(world: World, url: str) -> None:
    async def story() -> None:
        async with living(world, url):
            (mia,) = await queued(world, "mia")
            tom = world.member("tom")
            tom.helpme()
            await tom.hears("greeting")
            tom.press("agent_requested")
            world.discord.members.change(tom.name, dms_open=False)
            await world.task(2)
            await world.time.sleep(SOON_S)
            assert tom.heard("place") == []
            world.discord.members.change(tom.name, dms_open=True)
            tom.write("here I am")
            await world.time.sleep(SOON_S)
            assert nth(2) in place(tom)["content"]
            assert edits(world, tom) == []
            mia.press("agent_request_cancelled")
            await tom.reads(NEXT)
            assert len(edits(world, tom)) == 1

    play(world.time, story())


def test_who_asks_again_is_told_below_and_only_the_newest_is_edited(world: World, url: str) -> None:
    async def story() -> None:
        async with living(world, url):
            mia, tom = await queued(world, "mia", "tom")
            tom.press("agent_requested")
            first, again = [await tom.hears("place", 2), tom.heard("place")[0]][::-1]
            mia.press("agent_request_cancelled")
            await tom.reads(NEXT)
            shown = {message["id"]: message["content"] for message in tom.heard("place")}
            assert nth(2) in shown[first["id"]]
            assert NEXT in shown[again["id"]]

    play(world.time, story())


@pytest.mark.parametrize(
    "database", ["sqlite", pytest.param("postgresql", marks=pytest.mark.long)], indirect=True
)
def test_a_thousand_who_wait_are_each_told_once_that_the_first_one_went(url: str) -> None:
    """At the built-in desk, over whichever database: places are looked at a hundred at a time."""
    world = World(desk="builtin")

    async def story() -> None:
        async with living(world, url, limits=PATIENT):
            members = [world.member(f"member{n}") for n in range(1_000)]
            for member in members:
                member.helpme()
            await members[-1].hears("greeting")
            await world.until("all are greeted", lambda: all(member.heard("greeting") for member in members))
            for member in members:
                member.press("agent_requested")
            await world.until("all are queued", lambda: all(member.heard("place") for member in members))
            await world.time.sleep(SOON_S)
            assert world.edits == {}

            members[0].press("agent_request_cancelled")
            await world.time.sleep(2 * SOON_S)

            assert all(nth(n) in place(member)["content"] for n, member in enumerate(members[1:], start=1))
            assert [len(edits(world, member)) for member in members[1:]] == [1] * 999

    play(world.time, story())
