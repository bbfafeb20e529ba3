"""The process is stopped or killed at any moment of a talk: everything arrives once, and order is kept."""

from __future__ import annotations

import asyncio
import time

import pytest

from orchestrator.errors import ConfigurationError
from orchestrator.setup.provision import provision
from tests.acceptance.playing import Member, Stage, Work, either_desk, until


@pytest.fixture
async def child(bare: Stage) -> Stage:
    """The service runs as a process of its own, until it is killed; its successor runs in this one."""
    await provision(bare.settings(), lambda _line: None)
    await bare.spawn()
    return bare


async def met(stage: Stage) -> None:
    """Wait until the planted faults have been met, so their calls are in flight or answered."""

    async def look() -> bool:
        return not stage.sandbox.faults.planted

    await until("the faults are met", look)


async def writes(task: Work, *texts: str, closes: bool = False) -> None:
    """Flex takes it whoever serves; the client of the built-in desk tries until somebody does."""
    for text in texts:
        await task.write(text)
    if closes:
        await task.complete()


async def both_sides_still_talk(mia: Member, task: Work, before: list[str], replies: list[str]) -> None:
    await mia.write("and on")
    await task.write("we go")
    await task.gets(*before, "and on")
    await mia.gets(*replies, "we go")


@either_desk
async def test_what_was_written_while_the_service_was_down_arrives_once_and_in_order(child: Stage) -> None:
    mia = child.member()
    task = await child.handed_off(mia)
    await mia.write("one")
    await task.gets("one")
    await child.kill()
    await mia.write("two")
    await mia.write("three")
    agent = asyncio.create_task(writes(task, "reply one", "reply two"))
    await child.serve()
    await agent
    await task.gets("one", "two", "three")
    await mia.gets("reply one", "reply two")
    await both_sides_still_talk(mia, task, ["one", "two", "three"], ["reply one", "reply two"])


@either_desk
@pytest.mark.parametrize("how", [{"delay_s": 1.0}, {"lose_reply": True}], ids=["before", "after"])
async def test_a_kill_around_the_send_to_the_member(child: Stage, how: dict[str, object]) -> None:
    """Killed while the post is on its way, or once it arrived and nobody knows: the nonce tells."""
    mia = child.member()
    task = await child.handed_off(mia)
    await child.control.fault("discord", "POST", "/messages$", **how)
    await task.write("reply one")
    await met(child)
    await child.kill()
    agent = asyncio.create_task(writes(task, "reply two"))
    await child.serve()
    await agent
    await mia.gets("reply one", "reply two")
    await both_sides_still_talk(mia, task, [], ["reply one", "reply two"])


async def test_a_kill_after_the_desk_took_a_message_and_before_that_was_recorded(child: Stage) -> None:
    mia = child.member()
    task = await child.handed_off(mia)
    await child.control.fault("twilio", "POST", "/Messages$", lose_reply=True)
    await mia.write("one")
    await met(child)
    await child.kill()
    await mia.write("two")
    await child.serve()
    await task.gets("one", "two")


async def test_a_kill_before_the_desk_took_a_message_sends_it_once_when_that_is_sure(child: Stage) -> None:
    mia = child.member()
    task = await child.handed_off(mia)
    await child.control.fault("twilio", "POST", "/Messages$", abort=True)
    await mia.write("one")
    await met(child)
    await child.kill()
    await mia.write("two")
    await child.serve()
    await task.gets("one", "two", within=40)


@pytest.mark.parametrize("call", ["/Conversations$", "/Participants$", "/Webhooks$", "/Interactions$"])
async def test_a_kill_while_the_desk_opens_opens_it_once(child: Stage, call: str) -> None:
    mia = child.member()
    await mia.helpme()
    await mia.hears("greeting")
    await child.control.fault("twilio", "POST", call, lose_reply=True)
    await mia.press("agent_requested")
    await met(child)
    await child.kill()
    await mia.write("are you there?")
    await child.serve()
    task = await child.task()
    await task.accept("ada")
    await mia.hears("agent_joined")
    await task.gets("are you there?", within=30)
    assert len(await child.tasks()) == 1
    assert len(await mia.heard("agent_joined")) == 1


async def test_an_answer_to_a_greeting_that_was_never_recorded_is_not_lost(child: Stage) -> None:
    """The DM was opened and greeted in, but nobody remembers which one it is."""
    mia = child.member()
    await child.control.fault("discord", "POST", "/messages$", lose_reply=True)
    await mia.helpme()
    await met(child)
    await child.kill()
    await mia.write("How do I reset my password?")
    await child.serve()
    await mia.reads("This should help:")
    assert len(await mia.heard("greeting")) == 1


async def test_what_was_written_before_the_member_was_known_is_left_alone(bare: Stage) -> None:
    mia = bare.member()
    await mia.write("How do I reset my password?")
    await bare.start()
    await mia.helpme()
    await mia.hears("greeting")
    await bare.stop()
    await bare.serve()
    await mia.write("zzgrbl qwrk")
    await mia.hears("unsure")
    assert len(await mia.texts()) == len(["first contact", "greeting", "unsure"])


@either_desk
async def test_an_agent_who_closes_while_the_service_is_down(child: Stage) -> None:
    mia = child.member()
    task = await child.handed_off(mia)
    await child.kill()
    agent = asyncio.create_task(writes(task, "bye", closes=True))
    await child.serve()
    await agent
    await mia.gets("bye")
    await mia.hears("goodbye")
    texts = await mia.texts()
    assert texts.index("**ada:** bye") < len(texts) - 1


async def test_words_that_the_close_overtook_are_told_to_be_undelivered(stage: Stage) -> None:
    """Written before the agent closed, while nobody carried messages: the desk no longer takes them."""
    mia = stage.member()
    task = await stage.handed_off(mia)
    await stage.stop()
    await mia.write("wait, one more thing")
    written = int(time.time())

    async def next_second() -> bool:
        """Read from REST, the close has a time in whole seconds."""
        return time.time() > written + 1

    await until("a close that is clearly later", next_second)
    await task.act("complete")
    await stage.serve()
    await mia.hears("goodbye")
    sorry = await mia.hears("not_delivered_closed")
    assert await task.from_member() == []
    assert "not_delivered" in stage.case_notes()
    await mia.press("reopen", sorry)
    again = await stage.task(2)
    assert "#1." in (await mia.hears("place", times=2))["content"]
    await again.accept("ben")
    await mia.hears("agent_joined", times=2)


async def test_a_question_asked_while_the_service_is_down_is_answered_once(child: Stage) -> None:
    mia = child.member()
    await mia.write("zzgrbl qwrk")
    await mia.hears("unsure")
    await child.kill()
    await mia.write("How do I reset my password?")
    await child.serve()
    await mia.reads("This should help:")
    await mia.write("vvnn xxyy")
    await mia.hears("unsure", times=2)
    assert len([text for text in await mia.texts() if "This should help:" in text]) == 1


async def test_sigterm_with_work_in_flight_ends_with_0_within_10_s_and_loses_nothing(child: Stage) -> None:
    mia = child.member()
    task = await child.handed_off(mia)
    await child.control.fault("discord", "POST", "/messages$", delay_s=1.0)
    await child.control.fault("twilio", "POST", "/Messages$", delay_s=1.0)
    await task.write("reply one")
    await mia.write("one")
    await met(child)
    began = time.monotonic()
    assert child.process is not None
    child.process.terminate()
    async with asyncio.timeout(12):
        code = await child.process.wait()
    assert code == 0
    assert time.monotonic() - began < 10
    log = (child.folder / "service.log").read_text()
    assert "Traceback" not in log
    await mia.write("two")
    await child.serve()
    await task.gets("one", "two")
    await mia.gets("reply one")


@either_desk
async def test_whoever_talks_when_the_desk_is_changed_reaches_an_agent_at_the_new_one(child: Stage) -> None:
    mia = child.member()
    await child.handed_off(mia)
    await child.kill()
    child.desk = child.adjusted["desk"] = "builtin" if child.desk == "flex" else "flex"
    if child.desk == "flex":
        await provision(child.settings(), lambda _line: None)
    await child.serve()
    await mia.hears("desk_lost")
    task = await child.task()
    await task.accept("ben")
    await mia.hears("agent_joined", times=2)
    await task.write("here I am")
    await mia.gets("here I am")


async def test_a_desk_that_is_changed_by_what_was_forgotten_gives_nothing_up(child: Stage) -> None:
    mia = child.member()
    task = await child.handed_off(mia)
    await child.kill()
    child.desk = "builtin"  # nothing of Twilio's is set any more, and nobody says that this is meant
    with pytest.raises(ConfigurationError, match="1 request"):
        await child.serve()
    child.desk = "flex"
    await child.serve()
    await task.write("still here")
    await mia.gets("still here")
    assert await mia.heard("desk_lost") == []
