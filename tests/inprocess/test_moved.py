"""The service comes back with another desk: whoever was at the one before is told, and reaches somebody."""

from __future__ import annotations

from typing import Any

import pytest

from machines.snapshot import Limits
from orchestrator.inprocess.line import failing
from tests.faults.outcomes import Outcome, Spoiler
from tests.inprocess.casework import Caseworker
from tests.inprocess.house import living
from tests.inprocess.virtual import play
from tests.inprocess.world import World

DESKS = ["flex", "builtin"]
#: Longer than anything takes that follows a start.
SOON_S = 30.0
#: Whoever waits is told soon that nobody came.
IMPATIENT = Limits(wait=20.0)


def moves(world: World) -> None:
    """To the other desk."""
    (world.desk,) = set(DESKS) - {world.desk}
    world.found.clear()


@pytest.mark.parametrize("first", DESKS)
def test_what_stands_at_the_desk_of_before_is_given_up_and_a_talk_goes_on_at_the_new_one(
    world: World, url: str, first: str
) -> None:
    mia, tom, eva = (world.member(name) for name in ("mia", "tom", "eva"))

    async def story() -> None:
        world.desk = first
        async with living(world, url):
            await world.handed_off(mia)
            await world.handed_off(tom, agent=None)
            eva.helpme()
            await eva.hears("greeting")
        mia.write("while nobody served")

        moves(world)
        async with living(world, url):
            await mia.hears("desk_lost")
            await tom.hears("desk_failed")
            task = await accepted(world)
            await mia.hears("agent_joined", times=2)
            mia.write("and now")
            await world.until("it arrives", lambda: task.from_member()[-1:] == ["and now"])
            shown = task.lines() if world.desk == "flex" else task.show()["messages"]
            assert [line["body"].count("while nobody served") for line in shown].count(1) == 1
            await world.time.sleep(SOON_S)
            told = [len(who.dm()) for who in (mia, tom, eva)]

        async with living(world, url):
            await world.time.sleep(SOON_S)
            assert [len(who.dm()) for who in (mia, tom, eva)] == told
            assert mia.heard("not_delivered") == []

    play(world.time, story())


async def accepted(world: World) -> Any:
    """The request at the desk of now, taken up by another agent."""
    task = await world.task()
    if (taken := task.accept("ben")) is not None:
        await taken
    return task


def test_what_was_not_sent_yet_is_shown_at_the_new_desk_and_is_not_called_lost(
    world: World, url: str
) -> None:
    mia = world.member()

    async def story() -> None:
        async with living(world, url):
            await world.handed_off(mia)
            Spoiler(world).plant("twilio.post", *[Outcome(failing(503))] * 50)
            mia.write("not sent yet")
            await world.time.sleep(SOON_S)
        moves(world)
        async with living(world, url):
            task = await world.task()
            assert [m["body"] for m in task.show()["messages"]].count("not sent yet") == 1
            await world.time.sleep(SOON_S)
            assert mia.heard("not_delivered") == []

    play(world.time, story())


@pytest.mark.parametrize("first", DESKS)
def test_who_was_told_that_nobody_came_may_ask_again_at_the_new_desk(
    world: World, url: str, first: str
) -> None:
    mia = world.member()

    async def story() -> None:
        world.desk = first
        async with living(world, url, limits=IMPATIENT):
            await world.handed_off(mia, agent=None)
            await mia.hears("nobody_came")
        moves(world)
        async with living(world, url):
            mia.press("agent_requested", mia.heard("nobody_came")[0])
            await accepted(world)
            await mia.hears("agent_joined")

    play(world.time, story())


def test_what_an_agent_began_and_nobody_took_up_is_over(world: World, url: str) -> None:
    mia, ada = world.member(), Caseworker(world)

    async def story() -> None:
        async with living(world, url):
            mia.helpme()
            await mia.hears("greeting")
            await ada.contact(await ada.open(mia, "About your order"), "It has been found")
            await mia.hears("contact")
        moves(world)
        async with living(world, url):
            await mia.hears("contact_ended")

    play(world.time, story())
