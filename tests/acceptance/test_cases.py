"""Cases over sockets, at either desk: agents work on them, members hear of it in their language, and reply."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import Any

import pytest

from orchestrator.setup.provision import provision
from orchestrator.texts.say import Words, words
from tests.acceptance.playing import Json, Member, Stage, either_desk, until

BOTH = pytest.mark.parametrize("locale", ["en-US", "de"])
#: Weeks later. Seconds.
THREE_WEEKS_S = 21 * 24 * 3600


async def talked(stage: Stage, member: Member, agent: str = "ada") -> int:
    """The number of a case whose talk is over."""
    task = await stage.handed_off(member, agent)
    await task.complete()
    await member.hears("goodbye")
    return int((await stage.agent().list("state=resolved"))[0]["number"])


async def speaking(stage: Stage, locale: str) -> tuple[Member, Words]:
    """A member who spoke English until now: stories begin with English words."""
    mia = stage.member()
    return mia, words(locale)


async def turn_to(stage: Stage, member: Member, locale: str) -> None:
    """From now on their Discord is in that language, of which a press tells."""
    await member.set(locale=locale)
    await member.press("rating")
    await member.reads(words(locale).member["rating_thanks"])


async def written_first(stage: Stage, conversation: str, number: int = 2) -> Any:
    """The talk that an agent began, as they have it before them."""
    if stage.desk == "builtin":
        return stage.desk_task(conversation)
    task = await stage.task(number)
    await task.accept("ada")
    return task


def age(stage: Stage, seconds: float) -> None:
    """What happened is longer ago than it was: every time in the database is moved back."""
    columns = {
        "conversation": ("created_at", "updated_at", "queued_at", "closed_at"),
        "case_": ("created_at", "updated_at"),
        "event": ("at", "received_at"),
        "effect": ("due_at", "done_at"),
        "message": ("at", "edited_at"),
        "case_note": ("at",),
        "timer": ("due_at",),
    }
    with closing(sqlite3.connect(stage.folder / "orchestrator.db")) as database, database:
        for table, names in columns.items():
            for name in names:
                database.execute(f"UPDATE {table} SET {name} = {name} - ?", (seconds,))


def says(text: str, **args: object) -> str:
    return text.format_map(args)


@BOTH
@either_desk
async def test_an_agent_writes_first_weeks_later_and_they_talk(stage: Stage, locale: str) -> None:
    mia, said = await speaking(stage, locale)
    ada = stage.agent()
    case = await talked(stage, mia)
    await turn_to(stage, mia, locale)
    await stage.stop()
    age(stage, THREE_WEEKS_S)
    await stage.serve()
    await ada.sees("it closes after a week", case, lambda found: found["state"] == "closed")
    refused = await ada.does("POST", f"/{case}/contact", body="does it work now?")
    assert (refused.status, refused.body["error"], refused.body["state"]) == (409, "closed", "closed")

    member = (await ada.show(case))["member"]["id"]
    again = (await ada.done("POST", "", member=member, kind="help", title="Sound", follows=case))["number"]
    conversation = await ada.contact(again, "does it work now?")
    await mia.reads(says(said.member["contact"], name="ada", number=again))
    await mia.gets("does it work now?")
    task = await written_first(stage, conversation)
    await mia.write("it does")
    await task.gets("it does")
    await task.write("wonderful")
    await mia.gets("does it work now?", "wonderful")
    shown = await ada.show(again)
    assert (shown["state"], shown["follows"]) == ("in_progress", case)
    assert [(talk["conversation"], talk["state"]) for talk in shown["conversations"]] == [
        (conversation, "with_agent")
    ]


@either_desk
async def test_an_agent_writes_first_from_a_resolved_case_and_it_is_open_again(stage: Stage) -> None:
    mia, ada = stage.member(), stage.agent()
    case = await talked(stage, mia)
    conversation = await ada.contact(case, "one more thing")
    await mia.gets("one more thing")
    task = await written_first(stage, conversation)
    await ada.sees("ada has it", case, lambda found: found["state"] == "in_progress")
    if stage.desk == "flex":
        attributes = (await task.show())["attributes"]
        assert (attributes["initiatedBy"], attributes["direction"]) == ("agent", "outbound")
        assert "one more thing" in await task.said_before()
    await task.complete()
    await mia.hears("goodbye", times=2)
    await ada.sees("it is resolved again", case, lambda found: found["state"] == "resolved")


async def test_another_worker_is_not_offered_what_an_agent_began(stage: Stage) -> None:
    mia, ada = stage.member(), stage.agent()
    case = await talked(stage, mia)
    await ada.contact(case, "one more thing")
    task = await stage.task(2)
    url = f"{stage.sandbox.url}/control/tasks/{task.sid}/accept"
    async with stage.session.post(url, json={"agent": "ben"}) as answer:
        assert answer.status == 409


async def test_where_the_account_has_no_such_worker_it_is_a_normal_task_addressed_to_them(
    stage: Stage,
) -> None:
    mia, cleo = stage.member(), stage.agent("cleo")
    case = await talked(stage, mia)
    await cleo.contact(case, "one more thing")
    task = await stage.task(2)
    attributes = (await task.show())["attributes"]
    assert (attributes["initiatedBy"], attributes["addressed_to"]) == ("customer", "cleo")
    await task.accept("ben")
    await mia.hears("agent_joined", times=2)


async def test_where_the_account_refuses_what_agents_begin_it_is_a_normal_task_addressed_to_them(
    stage: Stage,
) -> None:
    mia, ada = stage.member(), stage.agent()
    case = await talked(stage, mia)
    await stage.control.fault("twilio", "POST", "/Interactions$", times=1, status=400, body={"code": 45007})
    await ada.contact(case, "one more thing")
    task = await stage.task(2)
    attributes = (await task.show())["attributes"]
    assert (attributes["initiatedBy"], attributes["addressed_to"]) == ("customer", "ada")
    await mia.gets("one more thing")
    await task.accept("ben")
    await mia.hears("agent_joined", times=2)
    assert len(await stage.tasks()) == 2


@either_desk
async def test_who_cannot_be_reached_is_told_to_the_agent_at_once_and_stands_on_the_case(
    stage: Stage,
) -> None:
    mia, ada = stage.member(), stage.agent()
    case = await talked(stage, mia)
    await mia.set(dms_open=False)
    conversation = await ada.contact(case, "are you there?")
    task = stage.desk_task(conversation) if stage.desk == "builtin" else await stage.task(2)
    await task.noted("unreachable")
    await task.noted("not_delivered")
    await ada.sees("a note", case, lambda found: [n for n in found["notes"] if n["note"] == "not_delivered"])

    other = await ada.open((await ada.show(case))["member"]["id"], "Another thing")
    await ada.done("POST", f"/{other}/ask")
    await ada.sees(
        "word of it", other, lambda found: [h for h in found["history"] if h["what"] == "delivery_failed"]
    )


@BOTH
@either_desk
async def test_a_member_is_asked_and_replies(stage: Stage, locale: str) -> None:
    mia, said = await speaking(stage, locale)
    ada = stage.agent()
    case = await talked(stage, mia)
    await turn_to(stage, mia, locale)
    await ada.done("PATCH", f"/{case}", title="No sound", priority="high", tags=["audio"])
    await ada.done("POST", f"/{case}/reopen")
    named = says(said.member["case_titled"], number=case, title="No sound")
    await mia.reads(says(said.member["case_reopened"], case=named))
    await ada.done("POST", f"/{case}/ask")
    asked = await mia.reads(says(said.member["case_asked"], case=named))
    assert (await ada.show(case))["state"] == "pending"
    assert (await ada.show(case))["resolution"]["due_at"] is None

    await mia.press("case_talk", asked)
    task = await stage.task(2)
    await ada.sees("the reply", case, lambda found: found["state"] == "in_progress")
    await task.accept("ada")
    await mia.write("version 3")
    await task.gets("version 3")
    await task.complete()
    await ada.sees("its end", case, lambda found: found["state"] == "resolved")
    assert (await ada.show(case))["resolution"]["met"] is True


@BOTH
@either_desk
async def test_a_second_case_is_merged_and_the_talk_goes_on_with_what_remains(
    stage: Stage, locale: str
) -> None:
    mia, said = await speaking(stage, locale)
    ada = stage.agent()
    first = await talked(stage, mia)
    await turn_to(stage, mia, locale)
    await mia.press("reopen")
    task = await stage.task(2)
    await mia.press("other_case")
    second: Json = (await until("a second case", lambda: _two(stage)))[0]
    await ada.merge(first, second["number"])
    merged = said.member["case_merged"]
    names = {"case": said.member["case_untitled"], "other": said.member["case_untitled"]}
    named = {
        "case": says(names["case"], number=first),
        "other": says(names["other"], number=second["number"]),
    }
    await mia.reads(says(merged, **named))
    third = await ada.open(second["member"]["id"], "All of it")
    await ada.merge(second["number"], third)
    await task.accept("ada")
    await ada.sees(
        "the talk",
        third,
        lambda found: [talk["state"] for talk in found["conversations"]] == ["closed", "with_agent"],
    )
    assert (await ada.show(third))["merged"] == sorted([first, second["number"]])
    await task.complete()
    await ada.sees("its end", third, lambda found: found["state"] == "resolved")
    assert (await ada.show(first))["merged_into"] == second["number"]


async def _two(stage: Stage) -> list[Json]:
    found = await stage.agent().list("kind=help")
    return found if len(found) == 2 else []


@either_desk
async def test_what_agents_resolve_is_told_once_across_a_kill(bare: Stage) -> None:
    await provision(bare.settings(), lambda _line: None)
    await bare.spawn()
    mia, ada = bare.member(), bare.agent()
    case = await talked(bare, mia)
    await ada.done("POST", f"/{case}/reopen")
    await mia.hears("case_reopened")
    await ada.done("POST", f"/{case}/resolve", reason="declined")
    await bare.kill()
    await bare.spawn()
    await mia.hears("case_declined")
    assert len(await mia.heard("case_declined")) == 1
    assert len(await mia.heard("case_reopened")) == 1


async def test_a_token_is_needed_and_bad_input_gets_one_clear_answer(stage: Stage) -> None:
    async with stage.session.get(f"{stage.url}/cases") as answer:
        assert answer.status == 401
    ada = stage.agent()
    assert (await ada.does("POST", "/99/ask")).status == 404
    bad = await ada.does("POST", "", member="4001", kind="idea", title="x")
    assert (bad.status, bad.body["error"]) == (400, "bad_field")
    assert bad.body["detail"].startswith("kind:")
