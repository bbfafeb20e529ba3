"""Somebody whose Discord speaks German is spoken to in German, over sockets; who wrote before is met in time."""

from __future__ import annotations

from orchestrator.setup.provision import provision
from orchestrator.texts.say import words
from tests.acceptance.conftest import bare
from tests.acceptance.playing import Stage, says

__all__ = ["bare"]

GERMAN = words("de")


async def test_a_german_member_reads_german_from_the_greeting_to_the_goodbye(stage: Stage) -> None:
    lena = stage.member("lena")
    await lena.set(locale="de")

    await lena.helpme()
    await lena.told_only(GERMAN.command["look_in_dm"])
    await lena.reads(GERMAN.member["greeting"])
    await lena.write("zzgrbl qwrk vvnn")
    unsure = await lena.reads(GERMAN.member["unsure"])
    assert GERMAN.button["agent_requested"] in [button["label"] for button in unsure["components"]]

    await lena.press("agent_requested")
    await lena.reads("Du kommst als Nächstes dran.")
    task = await stage.task()
    await task.accept("ada")
    await lena.reads("**ada** ist da.")
    await task.write("Hallo Lena")
    await lena.gets("Hallo Lena")
    await task.act("complete")
    await lena.reads("Das Team hat das Gespräch beendet (Fall 1).")
    await lena.press("rating")
    await lena.reads(GERMAN.member["rating_thanks"])
    assert [
        text for text in await lena.texts() if any(says(key, text) for key in ("greeting", "goodbye"))
    ] == []


async def test_a_press_tells_which_language_its_member_speaks(stage: Stage) -> None:
    lena = stage.member("lena")
    await lena.set(locale="de")

    await lena.write("zzgrbl qwrk vvnn")
    await lena.hears("unsure")
    await lena.press("agent_requested")
    await lena.reads("Du kommst als Nächstes dran.")


async def test_agents_read_the_language_of_the_house(bare: Stage) -> None:
    bare.adjusted["default_locale"] = "de"
    await provision(bare.settings(), lambda _line: None)
    await bare.serve()
    mia = bare.member()
    await mia.set(locale="en-US")

    task = await bare.handed_off(mia, None)

    assert await task.notes() == [GERMAN.desk["transcript_empty"]]
    await mia.hears("place")
