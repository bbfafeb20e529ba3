"""Bug reports and wishes: a form in the member's language becomes a case of its own, and its number is told."""

from __future__ import annotations

import asyncio

import pytest

from orchestrator.sandbox.discord.sessions import Dispatch
from orchestrator.setup.provision import provision
from orchestrator.texts.say import words
from tests.acceptance.conftest import bare
from tests.acceptance.playing import Json, Member, Stage, until

__all__ = ["bare"]

GERMAN = words("de")
TITLE, SUMMARY, STEPS = "It crashes", "As soon as I jump\nthe game is gone", "Jump"


async def _numbered(member: Member, number: int, title: str = TITLE) -> Json:
    return await member.told_only(f"case #{number}: {title}.")


def _channel(stage: Stage, name: str) -> str:
    channel = stage.sandbox.discord.world.text_channel(name)
    assert channel is not None
    return str(channel.id)


async def test_a_bug_is_reported_in_a_channel_and_becomes_a_case(stage: Stage) -> None:
    mia = stage.member()
    form = await mia.opens("bug")
    assert form["title"] == "Report a bug"
    assert [(f["label"], f["required"], f["max_length"]) for f in form["fields"]] == [
        ("Title", True, 100),
        ("What happens?", True, 3000),
        ("How to see it, and what did you expect?", False, 1000),
    ]

    await mia.reports(title=f"  {TITLE} ", summary=SUMMARY, steps=STEPS)

    shown = await mia.told_only("Thank you, your bug report is case #1: It crashes.")
    assert shown["ephemeral"]
    (case,) = stage.cases()
    assert (case["number"], case["kind"], case["state"]) == (1, "bug", "open")
    assert (case["title"], case["summary"], case["steps"]) == (TITLE, SUMMARY, STEPS)
    assert case["channel"] == _channel(stage, "bug-report")
    found = await stage.agent().show(1)
    read_by_agents = (found["title"], found["summary"], found["steps"], found["channel"])
    assert read_by_agents == (TITLE, SUMMARY, STEPS, case["channel"])
    assert await mia.dm() == []


async def test_a_wish_is_told_in_german_and_becomes_a_case(stage: Stage) -> None:
    lena = stage.member("lena")
    await lena.set(locale="de")
    form = await lena.opens("new_feature", "feature-request")
    assert form["title"] == GERMAN.form["feature"]
    assert [f["label"] for f in form["fields"]] == [GERMAN.form["title"], GERMAN.form["feature_summary"]]

    await lena.reports("new_feature", "feature-request", title="Nachtmodus", summary="Für die Augen")

    await lena.told_only("Danke, dein Vorschlag ist jetzt Fall 1: Nachtmodus.")
    (case,) = stage.cases()
    assert (case["kind"], case["title"]) == ("feature", "Nachtmodus")
    assert case["channel"] == _channel(stage, "feature-request")


async def test_the_other_two_stories_german_bug_and_english_wish(stage: Stage) -> None:
    lena, mia = stage.member("lena"), stage.member()
    await lena.set(locale="de")
    form = await lena.opens("bug")
    assert [f["label"] for f in form["fields"]] == [
        GERMAN.form["title"],
        GERMAN.form["bug_summary"],
        GERMAN.form["steps"],
    ]
    await lena.reports(title="Absturz", summary="Beim Springen")
    await lena.told_only("Danke, deine Fehlermeldung ist jetzt Fall 1: Absturz.")
    await mia.reports("new_feature", title="Night mode", summary="For the eyes")
    await mia.told_only("Thank you, your idea is case #2: Night mode.")


async def test_in_the_direct_message_too_where_no_channel_is_noted(stage: Stage) -> None:
    mia = stage.member()
    await mia.reports(channel=None, title=TITLE, summary=SUMMARY)
    await _numbered(mia, 1)
    (case,) = stage.cases()
    assert "channel" not in case


@pytest.mark.parametrize("blank", [{"title": "   "}, {"summary": "\n \n"}, {"title": "\u200b"}], ids=repr)
async def test_blanks_are_no_report_and_the_member_is_told(stage: Stage, blank: dict[str, str]) -> None:
    mia = stage.member()
    await mia.reports(**{"title": TITLE, "summary": SUMMARY} | blank)
    await mia.told_only("Nothing was sent: title and description both need words.")
    await mia.reports(title=TITLE, summary=SUMMARY)
    await _numbered(mia, 1)
    assert len(stage.cases()) == 1


async def test_the_longest_that_discord_lets_through_is_kept_whole(stage: Stage) -> None:
    mia = stage.member()
    longest = {"title": "\U0001f41e" * 100, "summary": "{" * 3000, "steps": "ß" * 1000}
    await mia.reports(**longest)
    await _numbered(mia, 1, longest["title"])
    (case,) = stage.cases()
    assert {name: case[name] for name in longest} == longest


async def test_closed_direct_messages_are_no_obstacle(stage: Stage) -> None:
    mia = stage.member()
    await mia.set(dms_open=False)
    await mia.reports(title=TITLE, summary=SUMMARY)
    await _numbered(mia, 1)
    assert await mia.dm() == []


async def test_two_members_at_once_have_a_case_each(stage: Stage) -> None:
    names = ("mia", "tom")
    await asyncio.gather(*(stage.member(n).reports(title=f"of {n}", summary=SUMMARY) for n in names))
    for name in names:
        await stage.member(name).told_only(f": of {name}.")
    members = {str(stage.sandbox.discord.members.named(name).id): f"of {name}" for name in names}
    assert {case["member"]: case["title"] for case in stage.cases()} == members
    assert [case["number"] for case in stage.cases()] == [1, 2]


async def test_the_same_report_sent_twice_is_two_cases_for_agents_to_merge(stage: Stage) -> None:
    mia = stage.member()
    for number in (1, 2):
        await mia.reports(title=TITLE, summary=SUMMARY)
        await _numbered(mia, number)
    assert [case["title"] for case in stage.cases()] == [TITLE, TITLE]


async def test_a_submit_that_is_heard_twice_is_one_case(stage: Stage) -> None:
    mia, model = stage.member(), stage.sandbox.discord
    told: list[Dispatch] = []
    original = model.sessions.dispatch

    def twice(event: str, data: Json, intent: int | None) -> None:
        for _ in range(1 + (event == "INTERACTION_CREATE" and data["type"] == 5)):
            told.append(Dispatch(len(told), event, data))
            original(event, data, intent)

    model.sessions.dispatch = twice  # type: ignore[method-assign]
    await mia.reports(title=TITLE, summary=SUMMARY)
    await _numbered(mia, 1)
    await mia.reports(title="another", summary=SUMMARY)
    await _numbered(mia, 2, "another")
    assert len([d for d in told if d.event == "INTERACTION_CREATE" and d.data["type"] == 5]) == 4
    assert [case["title"] for case in stage.cases()] == [TITLE, "another"]


async def test_a_talk_goes_on_undisturbed_and_its_case_is_another(stage: Stage) -> None:
    mia = stage.member()
    await mia.reports(title=TITLE, summary=SUMMARY)
    await _numbered(mia, 1)
    task = await stage.handed_off(mia)
    before = await mia.texts()
    await mia.reports("new_feature", title="Night mode", summary="For the eyes")
    await mia.told_only("Thank you, your idea is case #3: Night mode.")
    await mia.write("hello ada")
    await task.gets("hello ada")
    await task.write("hello mia")
    await mia.gets("hello mia")
    assert [text for text in await mia.texts() if text not in before] == ["**ada:** hello mia"]
    assert [(case["kind"], case["state"]) for case in stage.cases()] == [
        ("bug", "open"),
        ("help", "in_progress"),
        ("feature", "open"),
    ]
    assert ["conversations" in case for case in stage.cases()] == [False, True, False]


async def test_a_report_opens_no_conversation(stage: Stage) -> None:
    mia = stage.member()
    await mia.reports(title=TITLE, summary=SUMMARY)
    await _numbered(mia, 1)
    await mia.helpme()
    await mia.hears("greeting")
    await mia.press("agent_requested")
    assert "#2" in (await mia.hears("place"))["content"]


async def test_an_answer_that_discord_refuses_reaches_the_member_as_a_direct_message(stage: Stage) -> None:
    """Discord's answer to what was not acknowledged in time. It is tried for five seconds, then given up."""
    mia = stage.member()
    await stage.control.fault(
        "discord",
        "PATCH",
        "/@original$",
        times=-1,
        status=404,
        body={"code": 10015, "message": "Unknown Webhook"},
    )
    await mia.reports(title=TITLE, summary=SUMMARY)
    said = await mia.hears("report_filed")
    assert "#1: It crashes." in said["content"]
    assert len(stage.cases()) == 1


async def test_a_report_outlives_the_process_that_committed_it(bare: Stage) -> None:
    """Killed between the commit and the answer: the member is shown the number by the next process."""
    await provision(bare.settings(), lambda _line: None)
    await bare.spawn()
    mia = bare.member()
    await bare.control.fault("discord", "PATCH", "/@original$", times=1, delay_s=60)
    interaction = await mia.reports(title=TITLE, summary=SUMMARY)

    async def acknowledged() -> bool:
        return bool((await bare.control.get(f"/interactions/{interaction}"))["acknowledged_at"])

    await until("the acknowledgement", acknowledged)
    await bare.kill()
    assert [case["title"] for case in bare.cases()] == [TITLE]
    await bare.control.delete("/faults")
    await bare.spawn()
    await _numbered(mia, 1)
    assert len(bare.cases()) == 1
