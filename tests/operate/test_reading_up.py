"""The start, and what cannot be read then: it takes long for nobody, holds up nobody else, and turns nothing round."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from orchestrator.discord import backfill
from orchestrator.discord.live import HOLD_S
from orchestrator.engine.reconcile import EVERY_S
from orchestrator.inprocess.line import Fate, failing, limited
from orchestrator.reading import AGAIN_S, AT_ONCE
from tests.inprocess.house import House, living
from tests.inprocess.virtual import play
from tests.inprocess.world import Member, Task, World

#: Many members, and nothing that a database decides.
ON_ONE_DATABASE = pytest.mark.parametrize("database", ["sqlite"], indirect=True)


class Trouble:
    """Reads that fail for as long as it lasts, and how often anybody tried."""

    def __init__(self, world: World, service: str, ending: str, fate: Fate) -> None:
        self.fate = fate
        self.lasts = True
        self.tries = 0
        self._where = (service, "GET", ending)
        world.hooks.faulty = self

    def __call__(self, service: str, method: str, path: str) -> Fate | None:
        if (service, method) != self._where[:2] or not path.endswith(self._where[2]) or not self.lasts:
            return None
        self.tries += 1
        return self.fate


def dm_of(world: World, member: Member) -> str:
    """How the path of reading that DM ends."""
    model = world.discord
    return f"/channels/{model.world.dm(model.members.named(member.name)).id}/messages"


def conversation_of(task: Task) -> str:
    return f"/Conversations/{task.show()['conversation_sid']}"


async def talking(world: World, *names: str) -> list[tuple[Member, Task]]:
    """These members with an agent each, and a first message on its way through."""
    found = []
    for name in names:
        member = world.member(name)
        task = await world.handed_off(member)
        member.write("first")
        await task.gets("first")
        found.append((member, task))
    return found


def lived(world: World, url: str, *names: str) -> list[tuple[Member, Task]]:
    """A first life, which ends while these members talk with agents."""

    async def story() -> list[tuple[Member, Task]]:
        async with living(world, url):
            return await talking(world, *names)

    found = play(world.time, story())
    world.time.passed += 60
    return found


def writes_unheard(world: World, task: Task, text: str) -> None:
    """An agent writes while nobody serves: the webhook gets lost."""
    world.webhooks.holding = True
    task.write(text)
    world.webhooks.held.clear()
    world.webhooks.holding = False


def lives(world: World, url: str, story: Callable[[House], object]) -> None:
    async def life() -> None:
        async with living(world, url) as house:
            await story(house)  # type: ignore[misc]

    play(world.time, life())


# --- how long it takes


@ON_ONE_DATABASE
def test_fifty_conversations_are_read_in_a_second_or_two(world: World, url: str) -> None:
    """At 50 ms a call; one after the other they took ten."""
    talks = lived(world, url, *(f"m{n}" for n in range(50)))
    for member, task in talks:
        member.write("second")
        writes_unheard(world, task, "reply")
    world.hooks.pause = lambda: asyncio.sleep(0.025)
    before = world.time.passed

    async def story(_house: House) -> None:
        assert world.time.passed - before < 2
        for member, task in talks:
            await task.gets("first", "second")
            await member.gets("reply")

    lives(world, url, story)


@ON_ONE_DATABASE
@pytest.mark.parametrize(
    ("service", "ending"), [("twilio", "/Messages"), ("discord", "/messages")], ids=["twilio", "discord"]
)
def test_a_provider_that_fails_is_left_alone_and_the_start_goes_on(
    world: World, url: str, service: str, ending: str
) -> None:
    talks = lived(world, url, *(f"m{n}" for n in range(2 * AT_ONCE)))
    for member, task in talks:
        member.write("second")
        writes_unheard(world, task, "reply")
    trouble = Trouble(world, service, ending, failing(503))
    before = world.time.passed

    async def story(_house: House) -> None:
        assert world.time.passed - before < 1
        assert trouble.tries <= AT_ONCE
        trouble.lasts = False
        for member, task in talks:
            await task.gets("first", "second")
            await member.gets("reply")

    lives(world, url, story)


def test_a_limit_that_names_a_time_is_kept(world: World, url: str) -> None:
    ((mia, task),) = lived(world, url, "mia")
    writes_unheard(world, task, "reply")
    trouble = Trouble(world, "twilio", conversation_of(task), limited(30))

    async def story(_house: House) -> None:
        trouble.lasts = False
        world.hooks.faulty = noting(asked := [])
        await world.time.sleep(29)
        assert asked == []
        await mia.gets("reply")
        assert asked != []

    lives(world, url, story)
    assert trouble.tries == 1


def noting(asked: list[str]) -> Callable[[str, str, str], Fate | None]:
    def faulty(service: str, method: str, path: str) -> Fate | None:
        if (service, method) == ("twilio", "GET"):
            asked.append(path)
        return None

    return faulty


# --- a DM that cannot be read


def test_what_is_heard_from_a_dm_that_could_not_be_read_waits_for_what_was_missed(
    world: World, url: str
) -> None:
    (mia, of_mia), (ben, of_ben) = lived(world, url, "mia", "ben")
    mia.write("missed")
    trouble = Trouble(world, "discord", dm_of(world, mia), failing(503))

    async def story(_house: House) -> None:
        mia.write("heard")
        ben.write("hello")
        await of_ben.gets("first", "hello")
        await world.time.sleep(2 * AGAIN_S)
        assert of_mia.from_member() == ["first"]
        trouble.lasts = False
        await of_mia.gets("first", "missed", "heard")
        mia.write("next")
        await of_mia.gets("first", "missed", "heard", "next")

    lives(world, url, story)


def test_a_press_waits_as_well(world: World, url: str) -> None:
    """Closing the case must not overtake the question that came before it."""
    ((mia, task),) = lived(world, url, "mia")
    mia.write("one more thing")
    trouble = Trouble(world, "discord", dm_of(world, mia), failing(503))

    async def story(_house: House) -> None:
        mia.press("member_closed")
        await world.time.sleep(AGAIN_S)
        assert not task.is_closed()
        trouble.lasts = False
        await world.until("the conversation is closed", task.is_closed)
        assert task.from_member() == ["first", "one more thing"]

    lives(world, url, story)


def test_what_was_held_when_it_crashed_is_read_up(world: World, url: str) -> None:
    ((mia, task),) = lived(world, url, "mia")
    mia.write("missed")
    trouble = Trouble(world, "discord", dm_of(world, mia), failing(503))

    async def story(house: House) -> None:
        mia.write("heard")
        await world.time.sleep(AGAIN_S)
        await house.kill()
        mia.write("later")

    lives(world, url, story)
    trouble.lasts = False

    async def second(_house: House) -> None:
        await task.gets("first", "missed", "heard", "later")

    lives(world, url, second)


def test_a_dm_that_cannot_be_read_for_long_is_heard_all_the_same(world: World, url: str) -> None:
    """After a minute what is heard goes first. Nothing is lost: what was missed follows."""
    ((mia, task),) = lived(world, url, "mia")
    mia.write("missed")
    trouble = Trouble(world, "discord", dm_of(world, mia), failing(503))

    async def story(_house: House) -> None:
        mia.write("heard")
        await world.time.sleep(HOLD_S - AGAIN_S)
        assert task.from_member() == ["first"]
        await task.gets("first", "heard")
        trouble.lasts = False
        await task.gets("first", "heard", "missed")

    lives(world, url, story)


def test_a_member_who_was_quiet_and_is_heard_first_is_read_first(
    world: World, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The quiet are read one after the other; who speaks does not wait for their turn, nor overtakes themselves."""
    talks = lived(world, url, "mia", "ben", "cleo", "dora")
    monkeypatch.setattr(backfill, "ACTIVE_S", -1.0)
    mia, task = talks[0]
    mia.write("missed")

    async def story(_house: House) -> None:
        mia.write("heard")
        await task.gets("first", "missed", "heard")

    before = world.time.passed
    lives(world, url, story)
    assert world.time.passed - before < 1


# --- a Twilio Conversation that cannot be read


def test_what_is_heard_from_a_conversation_that_could_not_be_read_waits_for_what_was_missed(
    world: World, url: str
) -> None:
    (mia, of_mia), (ben, of_ben) = lived(world, url, "mia", "ben")
    writes_unheard(world, of_mia, "missed")
    trouble = Trouble(world, "twilio", conversation_of(of_mia), failing(503))

    async def story(_house: House) -> None:
        of_mia.write("heard")
        of_ben.write("hello")
        await ben.gets("hello")
        await world.time.sleep(2 * AGAIN_S)
        assert mia.from_agent() == []
        trouble.lasts = False
        await mia.gets("missed", "heard")
        of_mia.write("next")
        await mia.gets("missed", "heard", "next")

    lives(world, url, story)
    assert world.time.passed < EVERY_S


def test_a_close_does_not_wait_and_what_was_missed_before_it_is_told_as_such(world: World, url: str) -> None:
    ((mia, task),) = lived(world, url, "mia")
    writes_unheard(world, task, "missed")
    trouble = Trouble(world, "twilio", conversation_of(task), failing(503))

    async def story(_house: House) -> None:
        task.complete()
        await mia.hears("goodbye")
        trouble.lasts = False
        await mia.gets("missed\n-# sent before the conversation ended")

    lives(world, url, story)
