"""What agents see of cases: pages of them, one of them, and its clocks."""

from __future__ import annotations

from typing import Any

from machines.events import Trigger
from storage import schema
from storage.reads.rows import CaseQuery
from tests.cases.scene import ADA, BEN, TOM, Scene
from tests.storage.facts import ANN, pressed, reported, wrote


async def test_the_newest_come_first_and_pages_neither_repeat_nor_leave_out(scene: Scene) -> None:
    numbers = [await scene.opened() for _ in range(7)]
    pages: list[list[int]] = []
    cursor: Any = 0
    while cursor is not None:
        found = await scene.cases.cases(_query(before=int(cursor), at_most=3))
        pages.append([case["number"] for case in found["cases"]])
        cursor = found["cursor"]
        if len(pages) == 1:
            await scene.opened()  # what is new meanwhile is not on the pages that follow
    assert pages == [numbers[:3:-1], numbers[3:0:-1], numbers[:1]]


async def test_filters_narrow_the_list(scene: Scene) -> None:
    help_, bug = await scene.opened(title="No sound"), await scene.opened(TOM, "bug", "Crash at login")
    over = await scene.opened(title="Über die Schriftgröße", summary="100% too small")
    await scene.cases.assign(bug, ADA, scene.minted(), "ben")
    await scene.cases.resolve(over, ADA, scene.minted(), "solved")
    assert await scene.listed(state="open") == [help_]
    assert await scene.listed(kind="bug") == [bug]
    assert await scene.listed(member=ANN) == [over, help_]
    assert await scene.listed(assignee="ben") == [bug]
    assert await scene.listed(assignee="ben", member=ANN) == []
    assert await scene.listed(words="login CRASH") == [bug]
    assert await scene.listed(words="über") == [over]
    assert await scene.listed(words="0%") == [over]
    assert await scene.listed(words="_") == []


async def test_a_case_shows_its_conversations_with_their_states_and_what_became_of_them(scene: Scene) -> None:
    number, first = await scene.talked()
    scene.house.arrives(pressed(ANN, Trigger.RATING, first, rating=4))
    scene.house.passes(60)
    await scene.cases.reopen(number, BEN, scene.minted())
    scene.house.arrives(pressed(ANN, Trigger.AGENT_REQUESTED, first))
    second = next(row.id for row in scene.house.rows(schema.conversation) if row.id != first)
    shown = await scene.shown(number)
    assert [(found["conversation"], found["state"]) for found in shown["conversations"]] == [
        (first, "closed"),
        (second, "awaiting_agent"),
    ]
    assert (shown["rating"], shown["agents"]) == (4, ["ada"])
    by = {line["what"]: (line["source"], line["from"], line["to"]) for line in shown["history"]}
    assert by["resolved"] == ("tell", "in_progress", "resolved")
    assert by["reopened"] == ("page", "resolved", "open")


async def test_the_clocks_are_shown_and_what_is_late_is_marked_in_the_list(scene: Scene) -> None:
    case = await scene.opened()
    scene.house.passes(30)
    [shown] = (await scene.cases.cases(_query()))["cases"]
    assert (shown["breached"], shown["first_response"]["left_s"]) == (False, 30)
    assert shown["first_response"]["due_at"] == "2026-03-02T09:01:00.000+00:00"
    scene.house.passes(31)
    [shown] = (await scene.cases.cases(_query()))["cases"]
    assert (shown["breached"], shown["first_response"]["breached"]) == (True, True)
    await scene.cases.ask(case, ADA, scene.minted())
    shown = await scene.shown(case)
    assert (shown["resolution"]["due_at"], shown["resolution"]["left_s"]) == (None, 539)
    assert shown["first_response"] == {"due_at": None, "left_s": -1, "met": True, "breached": True}


async def test_reports_that_may_tell_the_same_are_shown_side_by_side(scene: Scene) -> None:
    mine = await scene.opened(ANN, "bug", "No sound after update", summary="mixer shows nothing")
    alike = await scene.opened(TOM, "bug", "After the update no sound", summary="nothing in the mixer")
    await scene.opened(TOM, "bug", "Login button is grey")
    await scene.opened(TOM, "feature", "No sound after update")
    over = await scene.opened(TOM, "bug", "No sound after update")
    await scene.cases.resolve(over, ADA, scene.minted(), "declined")
    shown = await scene.shown(mine)
    assert [found["number"] for found in shown["likely_duplicates"]] == [alike]


async def test_help_cases_are_not_compared(scene: Scene) -> None:
    first, _ = await scene.opened(), await scene.opened(TOM)
    assert (await scene.shown(first))["likely_duplicates"] == []


async def test_what_did_not_reach_the_member_stands_on_the_case(scene: Scene) -> None:
    number, _ = await scene.talked()
    talk = (await scene.cases.contact(number, ADA, scene.minted(), "hello")).conversation
    scene.house.arrives(wrote(ANN, "2"))
    failed = {"about": "page:x", "side": "agent", "reason": "closed"}
    scene.house.arrives(reported(Trigger.DELIVERY_FAILED, talk, **failed))
    assert [note["note"] for note in (await scene.shown(number))["notes"]] == ["not_delivered"]


def _query(**wanted: Any) -> CaseQuery:
    return CaseQuery(**wanted)
