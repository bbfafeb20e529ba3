"""Dead letters: nobody is left without a word, nobody is told for ever, and an operator may try again."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from machines.events import Trigger
from machines.snapshot import DEFAULT_LIMITS
from machines.step import step as machine_step
from orchestrator.engine import retry
from orchestrator.engine.retry import Policy
from orchestrator.inprocess.line import LOST_ANSWER, Fate, failing
from storage.letters import Answer, Answered, Command, Letter, answers, ask, letters
from tests.english import ENGLISH
from tests.inprocess.house import House, living
from tests.inprocess.reporting import numbers, report
from tests.inprocess.virtual import play
from tests.inprocess.world import Member, World
from tests.storage import replay
from tests.storage.facts import ANN, wrote
from tests.storage.house import House as Storehouse

#: Twilio: Conversations refuses a body it does not like; no later attempt would be taken either.
REFUSED = {"code": 50304, "message": "no", "status": 400, "more_info": ""}


def refusing(service: str, ending: str, body: Any) -> Callable[[str, str, str], Fate | None]:
    def faulty(asked: str, method: str, path: str) -> Fate | None:
        if (asked, method) == (service, "POST") and path.endswith(ending):
            return failing(400, body=body)
        return None

    return faulty


async def operates(house: House, command: Command, *names: str, reason: str = "") -> list[Answered]:
    """As the command line does while the service runs."""
    requests = ask(house.engine, command, names, reason, house.world.time.time())
    found: dict[str, Answered] = await house.world.until(
        "an answer", lambda: len(got := answers(house.engine, requests)) == len(requests) and got
    )
    return [found[request.id] for request in requests]


async def dead(house: House, count: int = 1) -> list[Letter]:
    await house.world.until("dead letters", lambda: len(letters(house.engine)) >= count)
    assert len(letters(house.engine)) == count
    return letters(house.engine)


def test_a_relay_that_died_is_told_once_and_delivered_when_it_is_tried_again(world: World, url: str) -> None:
    async def story() -> None:
        async with living(world, url) as house:
            mia = world.member()
            task = await world.handed_off(mia)
            world.hooks.faulty = refusing("twilio", "/Messages", REFUSED)
            mia.write("please read this")
            await mia.hears("not_delivered")
            (letter,) = await dead(house)
            assert (letter.what, letter.generation) == ("relay_to_desk", 0)
            assert await house.reader.count_letters() == 1

            (again,) = await operates(house, Command.RETRY, letter.name)
            assert again == Answered(Answer.DONE, "back in its lane")
            await world.until("it died again", lambda: [g.generation for g in letters(house.engine)] == [1])
            assert len(mia.heard("not_delivered")) == 1

            world.hooks.faulty = lambda *_: None
            await operates(house, Command.RETRY, letter.name)
            await task.gets("please read this")
            mia.write("and this")
            await task.gets("please read this", "and this")
            assert letters(house.engine) == []
            assert await house.reader.count_letters() == 0

    play(world.time, story())


@pytest.mark.parametrize("tried", ["at once", "before they write", "after they were told"])
def test_a_place_that_died_is_told_once_whenever_it_is_tried_again(
    world: World, url: str, tried: str
) -> None:
    """It could not be told when the member asked. It is told once they can be reached and have written."""

    async def story() -> None:
        async with living(world, url) as house:
            mia, letter = await asks_in_vain(world, house)
            if tried == "at once":
                await operates(house, Command.RETRY, letter.name)
                await world.until(
                    "it died again", lambda: [g.generation for g in letters(house.engine)] == [1]
                )
            world.discord.members.change(mia.name, dms_open=True)
            if tried == "before they write":
                await operates(house, Command.RETRY, letter.name)
                await mia.reads("An agent answers right here")  # of which place is not known yet
            mia.write("here I am")
            await mia.reads(ENGLISH.member["place_first"])
            if tried == "after they were told":
                await operates(house, Command.RETRY, letter.name)
                await world.until("it is done", lambda: letters(house.engine) == [])
            await world.time.sleep(DEFAULT_LIMITS.place)
            assert len(mia.heard("place")) == 1

    play(world.time, story())


def test_a_place_that_died_is_not_told_to_whoever_has_an_agent_by_now(world: World, url: str) -> None:
    async def story() -> None:
        async with living(world, url) as house:
            mia, letter = await asks_in_vain(world, house)
            world.discord.members.change(mia.name, dms_open=True)
            world.tasks()[0].accept("ada")
            await mia.hears("agent_joined")
            await operates(house, Command.RETRY, letter.name)
            await world.until("it is done", lambda: letters(house.engine) == [])
            assert mia.heard("place") == []

    play(world.time, story())


async def asks_in_vain(world: World, house: House) -> tuple[Member, Letter]:
    """A member asks for a person and closes their DMs: the place in the line is a dead letter."""
    mia = world.member()
    mia.helpme()
    await mia.hears("greeting")
    mia.press("agent_requested")
    world.discord.members.change(mia.name, dms_open=False)
    await world.task()
    (letter,) = await dead(house)
    return mia, letter


def test_what_was_sent_before_it_died_is_not_sent_again(
    world: World, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every answer gets lost until the service gives up; the message stood there from the first attempt on."""
    monkeypatch.setattr(retry, "DEFAULT", Policy(attempts=4))

    async def story() -> None:
        async with living(world, url) as house:
            mia = world.member()
            task = await world.handed_off(mia)

            def faulty(service: str, method: str, path: str) -> Fate | None:
                if service != "twilio" or not path.endswith("/Messages"):
                    return None
                return LOST_ANSWER if method == "POST" else failing(400, body=REFUSED)

            world.hooks.faulty = faulty
            mia.write("only once")
            (letter,) = await dead(house)
            world.hooks.faulty = lambda *_: None
            await operates(house, Command.RETRY, letter.name)
            await world.until("it is done", lambda: letters(house.engine) == [])
            mia.write("next")
            await task.gets("only once", "next")

    play(world.time, story())


def test_what_the_member_got_before_it_died_is_not_sent_again_even_much_later(
    world: World, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other messages have followed since, and Discord has forgotten the nonce."""
    monkeypatch.setattr(retry, "DEFAULT", Policy(attempts=3))

    async def story() -> None:
        async with living(world, url) as house:
            mia = world.member()
            task = await world.handed_off(mia)

            def faulty(service: str, method: str, path: str) -> Fate | None:
                lost = (service, method) == ("discord", "POST") and path.endswith("/messages")
                return LOST_ANSWER if lost else None

            world.hooks.faulty = faulty
            task.write("only once")
            (letter,) = await dead(house)
            world.hooks.faulty = lambda *_: None
            await task.noted("not_delivered")
            task.write("next")
            await mia.gets("only once", "next")
            await world.time.sleep(8 * 60)
            await operates(house, Command.RETRY, letter.name)
            await world.until("it is done", lambda: letters(house.engine) == [])
            await world.time.sleep(30)
            await mia.gets("only once", "next")

    play(world.time, story())


def test_a_letter_that_is_tried_again_survives_a_restart(world: World, url: str) -> None:
    async def first() -> str:
        async with living(world, url) as house:
            mia = world.member()
            task = await world.handed_off(mia)
            world.hooks.faulty = refusing("twilio", "/Messages", REFUSED)
            mia.write("hello")
            (letter,) = await dead(house)
            ask(house.engine, Command.RETRY, [letter.name], "", world.time.time())
            await house.kill()
            return task.sid

    async def second() -> None:
        async with living(world, url):
            await world.until("it is there", lambda: world.tasks()[0].from_member() == ["hello"])

    play(world.time, first())
    world.hooks.faulty = lambda *_: None
    play(world.time, second())


def test_a_letter_that_is_dropped_is_gone(world: World, url: str) -> None:
    async def story() -> None:
        async with living(world, url) as house:
            mia = world.member()
            task = await world.handed_off(mia)
            world.hooks.faulty = refusing("twilio", "/Messages", REFUSED)
            mia.write("hello")
            (letter,) = await dead(house)
            world.hooks.faulty = lambda *_: None
            dropped, unknown, twice = await operates(
                house, Command.DROP, letter.name, "nothing", letter.name, reason="asked by telephone"
            )
            assert dropped == Answered(Answer.DONE, "dropped")
            assert unknown == Answered(Answer.REFUSED, "there is no dead letter of that name")
            assert twice == Answered(Answer.REFUSED, "it is not dead but void")
            assert letters(house.engine) == []
            mia.write("next")
            await task.gets("next")

    play(world.time, story())


def test_a_link_of_a_desk_that_was_given_up_is_not_made_late(world: World, url: str) -> None:
    async def story() -> None:
        async with living(world, url) as house:
            mia = world.member()
            world.hooks.faulty = refusing("twilio", "/Conversations", REFUSED)
            mia.helpme()
            await mia.hears("greeting")
            mia.press("agent_requested")
            await mia.hears("desk_failed")
            (letter,) = await dead(house)
            (answered,) = await operates(house, Command.RETRY, letter.name)
            assert answered.answer is Answer.REFUSED
            assert world.tasks() == []

    play(world.time, story())


@pytest.mark.parametrize("asked_for_a_person", [True, False])
def test_an_answer_of_the_bot_is_not_brought_after_a_person_was_asked_for(
    world: World, url: str, asked_for_a_person: bool
) -> None:
    async def story() -> None:
        async with living(world, url) as house:
            mia = world.member()
            mia.helpme()
            await mia.hears("greeting")
            world.discord.members.change(mia.name, dms_open=False)
            mia.write("I forgot my password")
            (letter,) = await dead(house)
            world.discord.members.change(mia.name, dms_open=True)
            if asked_for_a_person:
                mia.press("agent_requested")
                await mia.hears("place")
            (answered,) = await operates(house, Command.RETRY, letter.name)
            assert answered.answer is (Answer.REFUSED if asked_for_a_person else Answer.DONE)
            await world.time.sleep(30.0)
            assert any("password" in text for text in mia.texts()) is not asked_for_a_person

    play(world.time, story())


def test_a_notice_that_dies_is_a_letter_and_no_further_notice(world: World, url: str) -> None:
    """Neither side can be reached: each is told of once, and nobody is told of the telling."""

    async def story() -> None:
        async with living(world, url) as house:
            mia = world.member()
            await world.handed_off(mia)
            forbidden = {"code": 50035, "message": "Invalid Form Body"}
            refusals = iter(range(10))  # two are due; who tells of the telling would go on for ever

            def faulty(service: str, method: str, path: str) -> Fate | None:
                if method != "POST" or service == "webhook" or next(refusals, None) is None:
                    return None
                return failing(400, body=forbidden if service == "discord" else REFUSED)

            world.hooks.faulty = faulty
            mia.write("hello")
            found = await dead(house, 2)
            assert sorted(letter.what for letter in found) == ["relay_to_desk", "say"]
            await world.time.sleep(120)
            assert letters(house.engine) == found

    play(world.time, story())


def test_an_answer_that_was_said_in_the_dm_instead_is_not_tried_again(world: World, url: str) -> None:
    async def story() -> None:
        async with living(world, url) as house:
            mia = world.member()
            world.hooks.faulty = lambda _service, method, _path: (
                failing(404, body={"code": 10015, "message": "Unknown Webhook"})
                if method == "PATCH"
                else None
            )
            fields = {"title": "It crashes", "summary": "always"}
            await report(mia, "bug", fields, lambda: mia.heard("report_filed"))
            (letter,) = await dead(house)
            world.hooks.faulty = lambda *_: None
            (answered,) = await operates(house, Command.RETRY, letter.name)
            assert answered.answer is Answer.REFUSED
            assert "direct message" in answered.detail
            assert numbers(mia) == ["1"]
            assert [a.answer for a in await operates(house, Command.DROP, letter.name)] == [Answer.DONE]

    play(world.time, story())


# --- events that failed


@pytest.fixture
def storehouse(url: str) -> Iterator[Storehouse]:
    found = Storehouse(url)
    yield found
    found.close()


def broken(trigger: Trigger) -> Callable[..., Any]:
    def step(snapshot: Any, event: Any, given: Any) -> Any:
        if event.trigger is trigger:
            raise RuntimeError("a bug")
        return machine_step(snapshot, event, given)

    return step


def test_an_event_whose_step_failed_is_stepped_again(world: World, url: str, storehouse: Storehouse) -> None:
    storehouse.now = world.time.time()
    storehouse.talks(ANN)
    storehouse.arrives(wrote(ANN, "4711", "do read this"), step=broken(Trigger.MEMBER_MESSAGE))
    storehouse.close()

    async def story() -> None:
        async with living(world, url) as house:
            letter = next(found for found in letters(house.engine) if found.what == "member_message")
            assert letter.name == "discord:4711"
            assert "a bug" in letter.reason
            (answered,) = await operates(house, Command.RETRY, letter.name)
            assert answered == Answered(Answer.DONE, "stayed")
            assert letter.name not in [found.name for found in letters(house.engine)]
            rows = await house.reader.messages(["discord:4711"])
            assert [row.body for row in rows] == ["do read this"]
            assert replay.differences(house.engine) == []

    play(world.time, story())


def test_an_event_that_fails_again_is_a_letter_again(storehouse: Storehouse) -> None:
    from storage.letters import again
    from storage.schema import event

    storehouse.talks(ANN)
    step = broken(Trigger.MEMBER_MESSAGE)
    storehouse.arrives(wrote(ANN, "4711"), step=step)
    once = again(storehouse.row(event, source="discord", id="4711"))
    storehouse.arrives(once, step=step)
    twice = again(storehouse.row(event, source="discord", id=once.id))
    assert (once.id, twice.id) == ("4711~1", "4711~2")
    assert {letter.generation for letter in letters(storehouse.engine)} == {0, 1}
    storehouse.arrives(twice)
    assert [row.outcome for row in storehouse.rows(event, source="discord", id="4711~2")] == ["stayed"]
