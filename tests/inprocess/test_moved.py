"""The service comes back with another desk: whoever was at the one before is told, and reaches somebody."""

from __future__ import annotations

import pytest

from tests.inprocess.house import living
from tests.inprocess.virtual import play
from tests.inprocess.world import World

DESKS = ["flex", "builtin"]
#: Longer than anything takes that follows a start.
SOON_S = 30.0


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

        (world.desk,) = set(DESKS) - {first}
        world.found.clear()
        async with living(world, url):
            await mia.hears("desk_lost")
            await tom.hears("desk_failed")
            task = await world.task()
            if (accepted := task.accept("ben")) is not None:
                await accepted
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
