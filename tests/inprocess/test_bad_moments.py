"""What members do at the wrong moment, or twice: nothing is doubled, nobody is left without a word."""

from __future__ import annotations

from functools import partial

import pytest
from sqlalchemy import select

from machines.snapshot import Limits
from machines.testing.checker import check
from storage import schema
from tests.crash.seen import recorded
from tests.inprocess.casework import Caseworker
from tests.inprocess.house import House, living
from tests.inprocess.virtual import play
from tests.inprocess.world import World

#: After this long nothing is under way any more. Seconds.
QUIET_S = 30.0
SOON_CLOSED = Limits(case_close=120)


@pytest.fixture(params=("flex", "builtin"))
def world(request: pytest.FixtureRequest) -> World:
    return World(desk=request.param)


def cases(house: House) -> list[tuple[int, str]]:
    """Number and state of every case."""
    with house.engine.connect() as connection:
        t = schema.case_
        return [(row.number, row.state) for row in connection.execute(select(t).order_by(t.c.number))]


async def nothing_is_broken(world: World, house: House) -> None:
    await world.time.sleep(QUIET_S)
    assert [*map(str, check(recorded(world, house.engine)))] == []


def test_two_presses_at_once_are_one_request(world: World, url: str) -> None:
    async def story() -> None:
        async with living(world, url) as house:
            mia = world.member()
            mia.helpme()
            greeting = await mia.hears("greeting")
            mia.press("agent_requested", greeting)
            mia.press("agent_requested", greeting)
            await mia.hears("place", times=2)
            await nothing_is_broken(world, house)
            assert (len(world.tasks()), cases(house)) == (1, [(1, "open")])

    play(world.time, story())


def test_the_second_of_two_ratings_counts(world: World, url: str) -> None:
    async def story() -> None:
        async with living(world, url) as house:
            mia = world.member()
            await world.handed_off(mia)
            mia.press("member_closed")
            asked = await mia.hears("closed_by_member")
            stars = [button["custom_id"] for button in asked["components"] if "rating" in button["custom_id"]]
            mia.press(stars[1], asked)
            mia.press(stars[4], asked)
            await mia.hears("rating_thanks", times=2)
            with house.engine.connect() as connection:
                assert connection.execute(select(schema.feedback.c.rating)).scalars().all() == [5]
            await nothing_is_broken(world, house)

    play(world.time, story())


def test_who_reopens_after_the_case_was_closed_for_good_has_a_new_case_that_follows_it(
    world: World, url: str
) -> None:
    async def story() -> None:
        async with living(world, url, limits=SOON_CLOSED) as house:
            mia = world.member()
            await world.handed_off(mia)
            mia.press("member_closed")
            goodbye = await mia.hears("closed_by_member")
            await world.time.sleep(SOON_CLOSED.case_close + 60)
            assert cases(house) == [(1, "closed")]
            mia.press("reopen", goodbye)
            place = await mia.hears("place", times=2)
            assert "#2" in place["content"]
            assert cases(house) == [(1, "closed"), (2, "open")]

    play(world.time, story())


@pytest.mark.parametrize("button", ["member_closed", "agent_request_cancelled", "other_case"])
def test_a_press_on_a_button_of_a_closed_conversation_is_answered(
    world: World, url: str, button: str
) -> None:
    async def story() -> None:
        async with living(world, url) as house:
            mia = world.member()
            await world.handed_off(mia)
            mia.press("member_closed")
            await mia.hears("closed_by_member")
            mia.press(button)
            await mia.hears("already_closed")
            await nothing_is_broken(world, house)
            assert cases(house) == [(1, "resolved")]

    play(world.time, story())


def test_what_is_written_in_the_moment_of_the_close_arrives_or_is_answered(world: World, url: str) -> None:
    async def story() -> None:
        async with living(world, url) as house:
            mia = world.member()
            task = await world.handed_off(mia)
            mia.write("one more thing")
            if (done := task.complete()) is not None:
                await done
            await mia.hears("goodbye")
            await world.time.sleep(QUIET_S)
            told = ("was_closed", "unsure", "not_delivered", "not_delivered_closed")
            assert task.from_member() == ["one more thing"] or [key for key in told if mia.heard(key)]
            await nothing_is_broken(world, house)

    play(world.time, story())


def test_what_was_written_from_another_case_and_did_not_arrive_stands_on_both(world: World, url: str) -> None:
    """The agent who wrote it looks at the case from which they wrote, those who talk at the one that it is about."""

    async def story() -> None:
        async with living(world, url):
            mia, ada = world.member(), Caseworker(world)
            await world.handed_off(mia)
            other = await ada.open(mia, "Something else")
            world.discord.members.change(mia.name, dms_open=False)
            await ada.contact(other, "about the other one")
            for case in (1, other):
                notes = await world.until("a note", partial(_noted, ada, case))
                assert notes == ["not_delivered"]

    play(world.time, story())


def _noted(ada: Caseworker, case: int) -> list[str]:
    return [note["note"] for note in ada.show(case)["notes"]]
