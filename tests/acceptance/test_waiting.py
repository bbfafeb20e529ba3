"""Waiting: one message says where the member stands and how long it may take, and follows them to the front."""

from __future__ import annotations

import pytest

from machines.queue import FEWEST, STEPS, UNKNOWN
from orchestrator.discord.send import place_text
from orchestrator.texts.say import text, words
from tests.acceptance.playing import Json, Member, Stage, either_desk, until

PRIVACY = "https://example.org/privacy"
LANGUAGES = pytest.mark.parametrize("locale", ["en", "de"])


def place_message(place: int, minutes: int, locale: str, number: int) -> str:
    said = words(locale)
    return text(said.member, "place", {"number": number, "place": place_text(place, minutes, said)})


async def line_of(member: Member, shown: str) -> Json:
    """The one message of the bot that says so."""
    await member.reads(shown)
    [found] = [message for message in await member.dm() if message["content"] == shown]
    return found


@either_desk
@LANGUAGES
async def test_one_message_follows_the_member_to_the_front_of_the_line(bare: Stage, locale: str) -> None:
    bare.adjusted |= {"timer_place": 0.3}
    await bare.start()
    for n in range(FEWEST):
        task = await bare.handed_off(bare.member(f"member{n}"))
        await task.complete()
    await bare.stop()
    await bare.serve()  # it is known by now how long people wait here
    mia, lena = bare.member(), bare.member("lena")
    await lena.set(locale=locale)
    await bare.handed_off(mia, None)
    await lena.helpme()
    await lena.reads(words(locale).member["greeting"])
    await lena.press("agent_requested")
    first = await line_of(lena, place_message(2, STEPS[0], locale, FEWEST + 2))
    assert first["edited_at"] is None

    await mia.press("agent_request_cancelled")

    now = await line_of(lena, place_message(1, STEPS[0], locale, FEWEST + 2))
    assert (now["id"], [button["custom_id"].split(":")[0] for button in now["components"]]) == (
        first["id"],
        ["agent_request_cancelled", "other_case"],
    )
    task = await bare.task(FEWEST + 2)
    await task.accept("ada")
    joined = await lena.reads("**ada**")
    assert joined["content"] == text(words(locale).member, "agent_joined", {"name": "ada"})
    await task.write("hello")
    await lena.gets("hello")
    assert await line_of(lena, now["content"]) == now


@either_desk
async def test_without_waits_to_go_by_no_number_of_minutes_is_told(bare: Stage) -> None:
    await bare.start()
    mia = bare.member()
    await bare.handed_off(mia, None)
    await line_of(mia, place_message(1, UNKNOWN, "en", 1))


@either_desk
async def test_a_place_that_changed_while_the_service_was_down_is_edited_once_it_is_back(bare: Stage) -> None:
    bare.adjusted |= {"timer_place": 0.3}
    await bare.start()
    mia, tom = bare.member(), bare.member("tom")
    await bare.handed_off(mia, None)
    await bare.handed_off(tom, None)
    second = await line_of(tom, place_message(2, UNKNOWN, "en", 2))
    await mia.press("agent_request_cancelled")
    await bare.stop()
    await bare.serve()
    first = await line_of(tom, place_message(1, UNKNOWN, "en", 2))
    assert first["id"] == second["id"]


# --- the first contact


@LANGUAGES
async def test_who_reads_along_is_told_once_and_for_all(bare: Stage, locale: str) -> None:
    bare.adjusted |= {"privacy_url": PRIVACY}
    await bare.start()
    lena = bare.member("lena")
    await lena.set(locale=locale)
    told = text(words(locale).member, "first_contact_privacy", {"privacy_url": PRIVACY})
    await lena.helpme()
    await lena.reads(words(locale).member["greeting"])
    await lena.write("zzgrbl qwrk vvnn")
    await lena.reads(words(locale).member["unsure"])
    await lena.press("solved")
    await lena.reads(words(locale).member["solved"])
    await bare.stop()
    await bare.serve()
    await lena.write("brrf xlopt mnnk")

    async def answered_again() -> bool:
        return (await lena.texts()).count(words(locale).member["unsure"]) == 2

    await until("another answer", answered_again)
    assert (await lena.texts())[0] == told
    assert [shown for shown in await lena.texts() if PRIVACY in shown] == [told]


@pytest.mark.parametrize("how", [{"lose_reply": True}, {"status": 500}], ids=["lost answer", "500"])
async def test_a_first_contact_that_meets_a_fault_is_made_once(stage: Stage, how: Json) -> None:
    mia = stage.member()
    await stage.control.fault("discord", "POST", "/messages$", **how)
    await mia.write("zzgrbl qwrk vvnn")
    await mia.hears("unsure")
    assert [key for key in ("first_contact", "unsure") for _ in await mia.heard(key)] == [
        "first_contact",
        "unsure",
    ]
