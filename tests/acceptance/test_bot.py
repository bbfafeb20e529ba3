"""While the bot answers: commands, bursts, misses, and the ways to a person and back."""

from __future__ import annotations

import re

import pytest

from tests.acceptance.playing import Stage, either_desk


async def test_helpme_with_a_question_answers_it_and_says_where(stage: Stage) -> None:
    mia = stage.member()
    await mia.helpme("How do I reset my password?")
    assert "assword" in (await mia.reads("This should help:"))["content"]
    await mia.told_only("I wrote you a direct message")


async def test_a_burst_is_one_question_with_one_answer(stage: Stage) -> None:
    mia = stage.member()
    for text in ("hi there", "I want to know", "how to reset my password"):
        await mia.write(text)
    await mia.reads("This should help:")
    await mia.write("zzgrbl")
    await mia.hears("unsure")
    assert len(await mia.texts()) == len(["first contact", "answer", "unsure"])


async def test_the_second_miss_calls_an_agent(stage: Stage) -> None:
    mia = stage.member()
    await mia.write("zzgrbl qwrk")
    await mia.hears("unsure")
    await mia.write("vvnn xxyy")
    await mia.hears("place")
    (transcript,) = await (await stage.task()).notes()
    assert transcript.index("zzgrbl qwrk") < transcript.index("vvnn xxyy")


async def test_an_answer_that_does_not_help_offers_a_person(stage: Stage) -> None:
    mia = stage.member()
    await mia.write("How do I reset my password?")
    answer = await mia.reads("This should help:")
    await mia.press("not_helpful", answer)
    await mia.hears("offer_person")
    await mia.press("not_helpful", answer)
    await mia.press("solved", answer)
    await mia.hears("solved")
    assert len(await mia.heard("offer_person")) == 1
    assert await stage.tasks() == []


@either_desk
async def test_cancel_while_waiting_withdraws_the_task(stage: Stage) -> None:
    mia = stage.member()
    task = await stage.handed_off(mia, agent=None)
    await mia.press("agent_request_cancelled")
    await mia.hears("withdrawn")
    await task.closes()
    await mia.write("How do I reset my password?")
    await mia.reads("This should help:")


async def test_solved_while_waiting_closes_and_withdraws(stage: Stage) -> None:
    mia = stage.member()
    await mia.write("How do I reset my password?")
    answer = await mia.reads("This should help:")
    await mia.press("agent_requested")
    task = await stage.task()
    await mia.press("solved", answer)
    await mia.hears("solved")
    await task.becomes("canceled", "completed")


async def test_a_press_too_many_opens_no_second_task(stage: Stage) -> None:
    mia = stage.member()
    await mia.helpme()
    greeting = await mia.hears("greeting")
    for _ in range(3):
        await mia.press("agent_requested", greeting)
    await mia.hears("place", times=3)
    await stage.task()
    assert len(await stage.tasks()) == 1


async def test_a_question_edited_before_it_is_asked_is_asked_as_corrected(bare: Stage) -> None:
    bare.adjusted |= {"timer_ask": 0.6, "timer_ask_at_most": 2.0}
    await bare.start()
    mia = bare.member()
    message = await mia.write("zzgrbl qwrk")
    await mia.edit(message, "How do I reset my password?")
    await mia.reads("This should help:")


async def test_a_question_deleted_before_it_is_asked_is_not_asked(bare: Stage) -> None:
    bare.adjusted |= {"timer_ask": 0.6, "timer_ask_at_most": 2.0}
    await bare.start()
    mia = bare.member()
    await mia.unsend(await mia.write("How do I reset my password?"))
    await mia.write("zzgrbl qwrk")
    await mia.hears("unsure")
    assert len(await mia.texts()) == len(["first contact", "unsure"])


@pytest.mark.parametrize("question", ["", "How do I reset my password?"])
async def test_helpme_with_closed_dms_says_so_where_it_was_asked(stage: Stage, question: str) -> None:
    mia = stage.member()
    await mia.set(dms_open=False)
    await mia.helpme(question)
    await mia.told_only("your direct messages are closed")
    assert await mia.texts() == []


async def test_after_a_restart_old_buttons_still_work(stage: Stage) -> None:
    mia = stage.member()
    await mia.helpme()
    greeting = await mia.hears("greeting")
    await stage.stop()
    await stage.serve()
    await mia.press("agent_requested", greeting)
    await stage.task()


@either_desk
async def test_a_message_for_later_goes_on_the_case(bare: Stage) -> None:
    bare.adjusted |= {"timer_wait": 0.5}
    await bare.start()
    mia = bare.member()
    await bare.handed_off(mia, agent=None)
    sorry = await mia.hears("nobody_came")
    assert re.search(r"#1\b", sorry["content"])
    await mia.fills_in(await mia.press("message_left", sorry), "Call me on Monday")
    await mia.hears("message_kept")


@either_desk
async def test_a_request_that_expired_is_taken_up_again_without_a_second_task(bare: Stage) -> None:
    bare.adjusted |= {"timer_wait": 0.5}
    await bare.start()
    mia = bare.member()
    task = await bare.handed_off(mia, agent=None)
    await mia.hears("nobody_came")
    await mia.write("zzgrbl qwrk")
    await mia.hears("unsure")
    await task.accept("ada")
    await mia.hears("agent_joined")

    await task.reads("zzgrbl qwrk")
    await mia.write("hello ada")
    await task.reads("hello ada")
    assert len(await bare.tasks()) == 1
