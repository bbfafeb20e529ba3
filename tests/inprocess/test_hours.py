"""Opening hours as a member meets them, on a clock that is moved: stories begin on a Monday at nine, UTC."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import Engine, select

from machines.hours import NEVER
from machines.timetable import hours
from storage import codec, schema
from tests.inprocess.house import House, living
from tests.inprocess.virtual import START, WallClock, play
from tests.inprocess.world import Member, World
from tests.storage.replay import differences

BEGIN = datetime.fromtimestamp(START, UTC)
AFTERNOON = hours("mon 13:00-17:00", ZoneInfo("Europe/Berlin"))
OPENS = BEGIN + timedelta(hours=3)


async def ask(mia: Member, times: int = 1) -> None:
    """For help, and for a person."""
    mia.helpme()
    await mia.hears("greeting", times)
    mia.press("agent_requested")


def messages_left(engine: Engine) -> list[str]:
    """Texts on cases."""
    t = schema.case_note
    with engine.connect() as connection:
        rows = connection.execute(select(t.c.data).where(t.c.note == "message_left"))
        return [codec.load(data)["body"] for data in rows.scalars()]


def test_outside_hours_the_member_is_told_when_and_leaves_a_message(world: World, url: str) -> None:
    """It is on the case that an agent takes up once it is open."""

    async def story() -> None:
        async with living(world, url, hours=AFTERNOON) as house:
            mia = world.member()
            await ask(mia)
            told = await mia.hears("outside_hours")
            assert f"<t:{int(OPENS.timestamp())}:F>" in told["content"]
            assert "#1;" in told["content"]
            await mia.fills_in(mia.press("message_left", told), "please call me")
            await mia.hears("message_kept")
            assert messages_left(house.engine) == ["please call me"]
            assert world.tasks() == []

            await world.time.sleep((OPENS - world.time.now()).total_seconds() - 5)
            await ask(mia, times=2)
            await mia.hears("outside_hours", 2)
            assert world.tasks() == []
            await world.time.sleep(5)
            mia.press("agent_requested")
            task = await world.task()
            assert "#1." in (await mia.hears("place"))["content"]
            task.accept("ada")
            await mia.hears("agent_joined")
            assert differences(house.engine) == []

    play(world.time, story())


def test_who_was_in_line_when_it_closed_stays_in_line(world: World, url: str) -> None:
    async def story() -> None:
        async with living(world, url, hours=hours("mon 09:00-09:02")):
            mia = world.member()
            task = await world.handed_off(mia, None)
            await world.time.sleep(180)
            task.accept("ada")
            await mia.hears("agent_joined")
            assert mia.heard("outside_hours") == []

    play(world.time, story())


def test_a_second_miss_outside_hours_says_so_instead_of_calling_somebody(world: World, url: str) -> None:
    async def story() -> None:
        async with living(world, url, hours=NEVER):
            mia = world.member()
            mia.write("zzgrbl qwrk")
            await mia.hears("unsure")
            mia.write("vvnn xxyy")
            told = await mia.hears("outside_hours")
            assert "I cannot say when" in told["content"]
            assert "<t:" not in told["content"]
            assert world.tasks() == []
            mia.write("I forgot my password")
            await mia.reads("This should help:")

    play(world.time, story())


def test_a_clock_that_is_set_back_over_the_opening_closes_again(world: World, url: str) -> None:
    """Whoever is in line stays there; what was told and done before is replayed as it was."""
    clock = WallClock(world.time, 3.5 * 3600)

    async def story() -> None:
        house = House(world, url, hours=AFTERNOON, clock=clock)
        await house.start()
        mia, tom = world.member("mia"), world.member("tom")
        task = await world.handed_off(mia, None)
        clock.ahead = 0.0
        await ask(tom)
        told = await tom.hears("outside_hours")
        assert f"<t:{int(OPENS.timestamp())}:F>" in told["content"]
        task.accept("ada")
        await mia.hears("agent_joined")
        assert len(world.tasks()) == 1
        await house.stop()
        assert differences(house.engine) == []

    play(world.time, story())
