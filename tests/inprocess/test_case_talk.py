"""The button below what members are told of a case: it leads back to that case, wherever they are by then."""

from __future__ import annotations

from typing import Any

import pytest

from machines.snapshot import Limits
from machines.testing.checker import check
from tests.crash.seen import recorded
from tests.english import ENGLISH
from tests.inprocess.casework import Caseworker
from tests.inprocess.house import House, living
from tests.inprocess.reporting import report
from tests.inprocess.virtual import play
from tests.inprocess.world import Member, World

TALK = "case_talk"
BUG = {"title": "No sound", "summary": "Since the update there is no sound"}
QUIET_S = 30.0
SOON_CLOSED = Limits(case_close=60)


@pytest.fixture(params=("flex", "builtin"))
def world(request: pytest.FixtureRequest) -> World:
    return World(desk=request.param)


def state(ada: Caseworker, case: int) -> str:
    return str(ada.show(case)["state"])


async def reported(world: World) -> tuple[Member, Caseworker]:
    """Case 1 is a bug report."""
    mia, ada = world.member(), Caseworker(world)
    await report(mia, "bug", BUG, lambda: _exists(ada))
    return mia, ada


def _exists(ada: Caseworker) -> Any:
    return ada.show(1)


async def nothing_is_broken(world: World, house: House) -> None:
    await world.time.sleep(QUIET_S)
    assert [*map(str, check(recorded(world, house.engine)))] == []


def test_who_is_asked_about_a_report_answers_to_that_report(world: World, url: str) -> None:
    async def story() -> None:
        async with living(world, url) as house:
            mia, ada = await reported(world)
            await ada.ask(1)
            mia.press(TALK, await mia.hears("case_asked"))
            await world.task()
            assert "#1" in (await mia.hears("place"))["content"]
            assert state(ada, 1) == "in_progress"
            assert len(ada.show(1)["conversations"]) == 1
            await nothing_is_broken(world, house)

    play(world.time, story())


@pytest.mark.parametrize("agent", [None, "ada"], ids=["who waits", "who talks"])
def test_the_agent_is_told_that_a_talk_is_about_another_case_too(
    world: World, url: str, agent: str | None
) -> None:
    async def story() -> None:
        async with living(world, url) as house:
            mia, ada = await reported(world)
            task = await world.handed_off(mia, agent=agent)
            await ada.ask(1)
            mia.press(TALK, await mia.hears("case_asked"))
            await world.until("a note", lambda: ENGLISH.desk["about_another_case"] in task.notes())
            assert state(ada, 1) == "in_progress"
            assert len(ada.show(1)["conversations"]) == 1
            assert "#2" in mia.heard("place")[0]["content"]
            await nothing_is_broken(world, house)

    play(world.time, story())


def test_what_was_settled_is_taken_up_again_by_its_button(world: World, url: str) -> None:
    async def story() -> None:
        async with living(world, url) as house:
            mia, ada = await reported(world)
            await ada.resolve(1, "declined")
            mia.press(TALK, await mia.hears("case_declined"))
            await world.task()
            await mia.hears("place")
            assert state(ada, 1) == "open"
            assert len(ada.show(1)["conversations"]) == 1
            await nothing_is_broken(world, house)

    play(world.time, story())


def test_what_was_closed_for_good_is_followed_by_another_case(world: World, url: str) -> None:
    async def story() -> None:
        async with living(world, url, limits=SOON_CLOSED) as house:
            mia, ada = await reported(world)
            await ada.resolve(1)
            settled = await mia.hears("case_resolved")
            await world.until("it is closed", lambda: state(ada, 1) == "closed", within=120.0)
            mia.press(TALK, settled)
            await world.task()
            await world.until("another case", lambda: ada.show(2))
            assert (state(ada, 1), state(ada, 2), ada.show(2)["follows"]) == ("closed", "open", 1)
            await nothing_is_broken(world, house)

    play(world.time, story())


def test_a_case_that_goes_on_as_another_one_leads_there(world: World, url: str) -> None:
    async def story() -> None:
        async with living(world, url) as house:
            mia, ada = await reported(world)
            other = await ada.open(mia, "The same", kind="bug")
            await ada.ask(1)
            asked = await mia.hears("case_asked")
            await ada.merge(1, other)
            mia.press(TALK, asked)
            await world.task()
            await mia.hears("place")
            assert len(ada.show(other)["conversations"]) == 1
            await nothing_is_broken(world, house)

    play(world.time, story())
