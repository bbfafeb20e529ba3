"""Merging: both cases say so, what was said stays readable, and an open conversation goes on with what remains."""

from __future__ import annotations

import asyncio

import pytest

from machines.events import Trigger
from storage import codec, schema
from tests.cases.scene import ADA, BEN, TOM, Scene, refused
from tests.storage import replay
from tests.storage.facts import ANN, fired, pressed, wrote
from tests.storage.house import subject_id


async def test_both_cases_say_so_and_everything_is_read_from_the_one_that_remains(scene: Scene) -> None:
    number, talk = await scene.talked()
    survivor = await scene.opened()
    await scene.cases.note(number, ADA, scene.minted(), "of the first")
    await scene.cases.note(survivor, ADA, scene.minted(), "of the second")
    assert refused(await scene.cases.merge(number, BEN, scene.minted(), survivor)) == ("", "closed")
    merged, remains = await scene.shown(number), await scene.shown(survivor)
    assert (merged["merged_into"], remains["merged"]) == (survivor, [number])
    assert [(note["body"], note["case"]) for note in remains["notes"]] == [
        ("of the first", number),
        ("of the second", survivor),
    ]
    assert [found["conversation"] for found in remains["conversations"]] == [talk]
    assert (await scene.told(number))[-1] == ("merged_into", "ben", "closed")
    assert (await scene.told(survivor))[-1] == ("merged_from", "ben", "open")
    assert merged["history"][-1]["data"] == {"into": survivor}
    assert remains["history"][-1]["data"] == {"case": number}
    assert scene.says() == ["case_merged"]
    assert replay.differences(scene.house.engine) == []


async def test_a_chain_of_merges_is_read_from_its_end(scene: Scene) -> None:
    first, second, third = [await scene.opened() for _ in range(3)]
    for case in (first, second, third):
        await scene.cases.note(case, ADA, scene.minted(), f"note {case}")
    await scene.cases.merge(first, ADA, scene.minted(), second)
    await scene.cases.merge(second, ADA, scene.minted(), third)
    shown = await scene.shown(third)
    assert shown["merged"] == [first, second]
    assert [note["case"] for note in shown["notes"]] == [first, second, third]


async def test_there_are_no_circles_and_nothing_goes_into_itself_or_into_what_is_closed(scene: Scene) -> None:
    first, second = await scene.opened(), await scene.opened()
    assert refused(await scene.cases.merge(first, ADA, scene.minted(), first)) == ("into_itself", "open")
    await scene.cases.merge(first, ADA, scene.minted(), second)
    assert refused(await scene.cases.merge(second, ADA, scene.minted(), first)) == ("into_closed", "open")
    assert refused(await scene.cases.merge(first, ADA, scene.minted(), second)) == ("closed", "closed")


async def test_two_cases_that_are_merged_into_each_other_at_once_end_as_one(scene: Scene) -> None:
    first, second = await scene.opened(), await scene.opened()
    there, back = await asyncio.gather(
        scene.cases.merge(first, ADA, scene.minted(), second),
        scene.cases.merge(second, BEN, scene.minted(), first),
    )
    assert sorted((there.error, back.error)) == ["", "into_closed"]
    assert len(scene.says()) == 1


async def test_anothers_help_case_is_refused_and_anothers_report_is_not(scene: Scene) -> None:
    mine, theirs = await scene.opened(), await scene.opened(TOM)
    bug, feature = await scene.opened(ANN, "bug"), await scene.opened(TOM, "feature")
    for case, into in ((mine, theirs), (mine, feature), (bug, theirs)):
        assert (await scene.cases.merge(case, ADA, scene.minted(), into)).error == "into_anothers"
    assert (await scene.cases.merge(bug, ADA, scene.minted(), feature)).error == ""
    [told] = [row for row in scene.house.rows(schema.effect) if row.subject.startswith("case:")]
    assert (told.member, told.kind) == (ANN, "say")
    assert (await scene.shown(feature))["merged"] == [bug]
    later = await scene.cases.note(feature, ADA, scene.minted(), "both of you")
    assert later.error == ""
    assert replay.differences(scene.house.engine) == []


@pytest.mark.parametrize("state", ["bot_faq", "awaiting_agent", "with_agent"])
async def test_the_open_conversation_goes_on_with_the_case_that_remains(scene: Scene, state: str) -> None:
    other = await scene.opened()
    ways = {
        "bot_faq": scene.house.waits,
        "awaiting_agent": scene.house.waits,
        "with_agent": scene.house.talks,
    }
    await scene.cases.resolve(other, ADA, scene.minted(), "solved")
    talk = ways[state](ANN)
    if state == "bot_faq":
        timer = scene.house.timer(talk, Trigger.WAIT)
        scene.house.now = timer.due_at
        scene.house.arrives(fired(timer))
    assert scene.house.state(talk) == state
    await scene.cases.reopen(other, ADA, scene.minted())
    mine = max(await scene.listed())
    assert (await scene.cases.merge(mine, ADA, scene.minted(), other)).error == ""
    row = scene.house.row(schema.conversation, id=talk)
    assert row.case_id == (await scene.reader.case_file(other)).id  # type: ignore[union-attr]
    told = "case_merged" in scene.says()
    assert told == (state != "with_agent"), "in a talk the agent tells it"
    notes = [r for r in scene.house.rows(schema.effect, kind="desk_note") if "case_merged" in r.payload]
    assert len(notes) == (state != "bot_faq")
    assert replay.differences(scene.house.engine) == []


async def test_cancelling_does_not_resolve_the_case_that_the_conversation_was_moved_to(scene: Scene) -> None:
    other = await scene.opened()
    await scene.cases.resolve(other, ADA, scene.minted(), "solved")
    talk = scene.house.waits(ANN)
    await scene.cases.reopen(other, ADA, scene.minted())
    await scene.cases.merge(max(await scene.listed()), ADA, scene.minted(), other)
    scene.house.arrives(pressed(ANN, Trigger.AGENT_REQUEST_CANCELLED, talk))
    assert (await scene.shown(other))["state"] == "open"


async def test_whoever_comes_back_to_a_merged_case_comes_to_the_one_that_remains(scene: Scene) -> None:
    survivor = await scene.opened()
    await scene.cases.resolve(survivor, ADA, scene.minted(), "solved")
    number, talk = await scene.talked()
    assert number != survivor
    await scene.cases.merge(number, ADA, scene.minted(), survivor)
    scene.house.restart()
    again = subject_id(scene.house.arrives(pressed(ANN, Trigger.AGENT_REQUESTED, talk, reopened=True)))
    shown = await scene.shown(survivor)
    assert shown["state"] == "open"
    assert [found["conversation"] for found in shown["conversations"]] == [talk, again]


async def test_one_members_talk_never_decides_anothers_report(scene: Scene) -> None:
    mine, theirs = await scene.opened(ANN, "bug"), await scene.opened(TOM, "bug")
    talk = (await scene.cases.contact(mine, ADA, scene.minted(), "which version?")).conversation
    assert (await scene.cases.merge(mine, ADA, scene.minted(), theirs)).error == ""
    scene.house.arrives(wrote(ANN, "reply", "version 3"))
    scene.house.arrives(pressed(ANN, Trigger.MEMBER_CLOSED, talk))
    assert (await scene.shown(theirs))["state"] == "open"
    assert talk in [found["conversation"] for found in (await scene.shown(theirs))["conversations"]]
    assert replay.differences(scene.house.engine) == []


async def test_what_a_member_does_after_a_merge_does_not_undo_it(scene: Scene) -> None:
    """The writer remembers members between batches: a merge touches two of them."""
    mine, theirs = await scene.opened(ANN, "bug"), await scene.opened(TOM, "bug")
    talk = (await scene.cases.contact(theirs, ADA, scene.minted(), "which version?")).conversation
    await scene.cases.merge(mine, ADA, scene.minted(), theirs)
    scene.house.arrives(pressed(TOM, Trigger.MEMBER_CLOSED, talk))
    context = codec.load(scene.house.row(schema.case_, number=theirs).context)
    assert (context["reason"], len(context["merged"])) == ("solved", 1)
    assert replay.differences(scene.house.engine) == []
