"""A CRM that follows cases, and does not always answer: nobody else notices, and it misses nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import pytest
from sqlalchemy import func, select

from machines.effects import CASE_WEBHOOK_LANE, Kind
from machines.events import Address, CaseTrigger, Event, Source
from orchestrator.engine import retry
from orchestrator.engine.lanes import AT_MOST
from orchestrator.engine.retry import PATIENT
from orchestrator.inprocess.line import LOST_REQUEST, Fate, failing
from orchestrator.sandbox.wire import Answer
from orchestrator.webhooks.post import TIMEOUT_S
from storage import schema
from storage.letters import Command, ask, letters
from tests.faults.conftest import migrated, url
from tests.faults.outcomes import Outcome, Spoiler
from tests.inprocess.house import House, living
from tests.inprocess.virtual import play
from tests.inprocess.world import World

__all__ = ["migrated", "url"]

TOLD = ["case.opened", "case.agent_joined", "case.resolved"]
HOUR_S = 3600.0
#: So many changes wait for a receiver that is away, stored in so many transactions.
BACKLOG, A_BATCH = 10_000, 200


@pytest.fixture
def world() -> World:
    return World(followed=True, patience=2 * HOUR_S)


def answering(fate: Fate | None) -> object:
    """What every post to the CRM meets; nothing else is spoiled."""
    return lambda service, _method, _path: fate if service == "crm" else None


async def a_talk(world: World) -> None:
    """From the queue to the end."""
    mia = world.member()
    task = await world.handed_off(mia)
    mia.write("one")
    task.write("two")
    await task.gets("one")
    await mia.gets("two")
    task.complete()
    await mia.hears("goodbye")


async def knows(world: World, *types: str) -> None:
    await world.until("the CRM knows", lambda: len(world.crm.types()) >= len(types))
    assert world.crm.types() == list(types)


def test_a_case_is_told_from_its_opening_to_its_end_as_it_stands_when_it_is_told(
    world: World, url: str
) -> None:
    async def story() -> None:
        async with living(world, url):
            world.hooks.faulty = answering(LOST_REQUEST)  # type: ignore[assignment]
            await a_talk(world)
            world.hooks.faulty = answering(None)  # type: ignore[assignment]
            await knows(world, *TOLD)
            first, *_, last = (body["data"] for body in world.crm.taken.values())
            assert first["change"] == {"version": 1, "from": "open", "to": "open", "by": ""}
            assert first["case"] == last["case"]
            assert (last["case"]["number"], last["case"]["state"]) == (1, "resolved")
            assert last["case"]["member"]["name"] == "Mia"
            assert world.crm.unsigned == 0

    play(world.time, story())


def test_a_talk_waits_for_no_receiver_that_is_away(world: World, url: str) -> None:
    silence = Outcome(LOST_REQUEST, takes=TIMEOUT_S)
    spoiler = Spoiler(world)
    spoiler.plant("crm.post", *[silence] * 10)

    async def story() -> None:
        async with living(world, url):
            began = world.time.passed
            await a_talk(world)
            assert world.time.passed - began < TIMEOUT_S
            assert world.crm.types() == []
            await world.time.sleep(HOUR_S / 4)
            back = world.time.passed
            await knows(world, *TOLD)
            assert world.time.passed - back <= PATIENT.cap + 1

    play(world.time, story())


def test_a_time_that_is_named_is_waited_for_and_is_no_failure(
    world: World, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(retry._POLICIES, Kind.CASE_WEBHOOK, replace(PATIENT, attempts=2))
    asked: list[float] = []

    def busy(service: str, _method: str, _path: str) -> Fate | None:
        if service != "crm":
            return None
        asked.append(world.time.passed)
        return Fate(done=False, answer=Answer(503, "", {"Retry-After": "600"}))

    async def story() -> None:
        async with living(world, url) as house:
            world.hooks.faulty = busy
            await world.handed_off(world.member())
            await world.time.sleep(HOUR_S)
            pauses = {round(later - earlier) for earlier, later in pairwise(asked)}
            assert pauses == {600}
            assert letters(house.engine) == []
            world.hooks.faulty = lambda *_: None
            await knows(world, *TOLD[:2])

    play(world.time, story())


def test_a_change_that_is_given_up_is_a_dead_letter_that_can_be_brought_after_all(
    world: World, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After four attempts here, and after three days in truth."""
    monkeypatch.setitem(retry._POLICIES, Kind.CASE_WEBHOOK, replace(PATIENT, attempts=4))

    async def story() -> None:
        async with living(world, url) as house:
            world.hooks.faulty = answering(failing(500))  # type: ignore[assignment]
            await world.handed_off(world.member(), agent=None)
            await world.until("a dead letter", lambda: letters(house.engine))
            assert letters(house.engine)[0].attempts == 4
            await revived(world, house)

    play(world.time, story())


def test_a_receiver_that_wants_nothing_more_is_not_asked_again_and_may_change_its_mind(
    world: World, url: str
) -> None:
    async def story() -> None:
        async with living(world, url) as house:
            world.hooks.faulty = answering(failing(410))  # type: ignore[assignment]
            await world.handed_off(world.member(), agent=None)
            await world.until("a dead letter", lambda: letters(house.engine))
            await revived(world, house)

    play(world.time, story())


async def revived(world: World, house: House) -> None:
    """The letter, tried again by an operator, comes with the id that it had."""
    (letter,) = letters(house.engine)
    assert letter.what == "case_webhook"
    assert "Mia" not in str(letter)
    world.hooks.faulty = answering(None)  # type: ignore[assignment]
    ask(house.engine, Command.RETRY, [letter.name], "", world.time.time())
    await knows(world, "case.opened")
    assert list(world.crm.taken) == [letter.name]
    assert letters(house.engine) == []


def test_what_was_to_be_told_when_nobody_follows_any_more_waits_among_the_dead_letters(url: str) -> None:
    world = World(followed=True)
    world.hooks.faulty = answering(LOST_REQUEST)  # type: ignore[assignment]

    async def story() -> None:
        async with living(world, url):
            await world.handed_off(world.member(), agent=None)
        world.followed = False
        async with living(world, url) as house:
            await world.until("a dead letter", lambda: letters(house.engine))
            (letter,) = letters(house.engine)
            assert letter.reason == "CASE_WEBHOOK_URL is not set"

    play(world.time, story())


def test_ten_thousand_changes_wait_in_the_table_and_come_in_order(world: World, url: str) -> None:
    """What a receiver that is away costs is disk: no more of it is held in memory than of any other lane."""

    async def story() -> None:
        async with living(world, url) as house:
            mia = world.member()
            await world.handed_off(mia)
            await knows(world, *TOLD[:2])
            world.hooks.faulty = answering(LOST_REQUEST)  # type: ignore[assignment]
            with house.engine.connect() as connection:
                case, member = connection.execute(select(schema.case_.c.id, schema.case_.c.member)).one()
            for first in range(0, BACKLOG, A_BATCH):
                now = world.time.now() + timedelta(seconds=first)
                to = Address(member=member, case=case)
                await house.committer.submit(
                    [
                        Event(Source.OPERATOR, f"edit {n}", CaseTrigger.EDITED, now, to)
                        for n in range(first, first + A_BATCH)
                    ]
                )
                lane = house.dispatcher._lanes[CASE_WEBHOOK_LANE]
                assert len(lane.queue) <= AT_MOST
            assert pending(house) == BACKLOG
            await house.kill()
        world.hooks.faulty = answering(None)  # type: ignore[assignment]
        async with living(world, url) as house:
            await world.until("all of it", lambda: pending(house) == 0)
            versions = [body["data"]["change"]["version"] for body in world.crm.taken.values()]
            assert versions == list(range(1, BACKLOG + 3))

    play(world.time, story())


def pending(house: House) -> int:
    t = schema.effect
    query = select(func.count()).where(t.c.lane == CASE_WEBHOOK_LANE, t.c.status == "pending")
    with house.engine.connect() as connection:
        return int(connection.execute(query).scalar_one())
