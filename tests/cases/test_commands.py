"""What agents do with a case: what comes of it, who wins, and that a repeat is the same fact."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from machines.events import CaseTrigger, Event, Trigger
from machines.snapshot import Given, Snapshot, Step
from machines.step import step as machine_step
from orchestrator.counters import Agent, CaseReply
from orchestrator.errors import Unavailable
from storage import schema
from tests.cases.scene import ADA, BEN, TOM, Scene, refused
from tests.storage import replay
from tests.storage.facts import ANN, pressed, reported, wrote
from tests.storage.house import subject_id

Act = Callable[[Scene, int, Agent, str], Awaitable[CaseReply]]
TEXTS = {"title": "No sound", "summary": ""}

#: Every command on a case that is open.
COMMANDS: dict[str, Act] = {
    "note": lambda scene, case, agent, minted: scene.cases.note(case, agent, minted, "hello"),
    "edit": lambda scene, case, agent, minted: scene.cases.edit(case, agent, minted, {"tags": ["a"]}),
    "assign": lambda scene, case, agent, minted: scene.cases.assign(case, agent, minted, "ben"),
    "assign to nobody": lambda scene, case, agent, minted: scene.cases.assign(case, agent, minted, ""),
    "ask": lambda scene, case, agent, minted: scene.cases.ask(case, agent, minted),
    "resolve": lambda scene, case, agent, minted: scene.cases.resolve(case, agent, minted, "solved"),
    "contact": lambda scene, case, agent, minted: scene.cases.contact(case, agent, minted, "hello"),
    "merge": lambda scene, case, agent, minted: scene.cases.merge(case, agent, minted, case + 1),
}
of_every_command = pytest.mark.parametrize("act", COMMANDS.values(), ids=COMMANDS.keys())


# --- opening


async def test_an_agent_opens_a_case_for_a_member(scene: Scene) -> None:
    scene.house.arrives(wrote(ANN, "1"))
    texts = {"title": "No sound", "summary": "since the update"}
    reply = await scene.cases.open(ADA, scene.minted(), ANN, "bug", texts, 0)
    assert reply == CaseReply("", "", 1, "open")
    shown = await scene.shown(1)
    assert (shown["kind"], shown["title"], shown["summary"]) == ("bug", "No sound", "since the update")
    assert (shown["member"]["id"], shown["state"], shown["assignee"]) == (ANN, "open", None)
    assert await scene.told(1) == [("opened", "ada", "open")]
    assert scene.says() == [], "it is no news to the member until somebody turns to them"


async def test_a_case_follows_another_one_of_the_same_member(scene: Scene) -> None:
    first = await scene.opened()
    reply = await scene.cases.open(ADA, scene.minted(), ANN, "help", TEXTS, first)
    assert (await scene.shown(reply.number))["follows"] == first
    scene.house.arrives(wrote(TOM, "2"))
    stranger = await scene.cases.open(ADA, scene.minted(), TOM, "help", TEXTS, first)
    assert stranger.error == "unknown_follows"


async def test_who_never_wrote_and_what_does_not_exist_is_unknown(scene: Scene) -> None:
    assert (await scene.cases.open(ADA, scene.minted(), "9", "bug", TEXTS, 0)).error == "unknown_member"
    for act in (COMMANDS["note"], COMMANDS["contact"]):
        assert (await act(scene, 7, ADA, scene.minted())).error == "unknown"
    case = await scene.opened()
    assert (await scene.cases.merge(case, ADA, scene.minted(), 7)).error == "unknown_into"
    assert await scene.cases.case(7) is None


# --- changing


async def test_notes_and_changes_stand_in_the_case_and_in_its_history(scene: Scene) -> None:
    case = await scene.opened()
    await scene.cases.note(case, ADA, scene.minted(), "restarted the mixer")
    changes = {"title": "Silence", "summary": "s", "priority": "urgent", "tags": ["audio"]}
    await scene.cases.edit(case, BEN, scene.minted(), changes)
    assert (await scene.cases.assign(case, ADA, scene.minted(), "ben")).state == "in_progress"
    shown = await scene.shown(case)
    assert (shown["title"], shown["summary"], shown["priority"]) == ("Silence", "s", "urgent")
    assert (shown["tags"], shown["assignee"]) == (["audio"], "ben")
    [note] = shown["notes"]
    assert (note["note"], note["body"], note["by"]) == (
        "agent_note",
        "restarted the mixer",
        {"id": "ada", "name": "Ada"},
    )
    assert await scene.told(case) == [
        ("opened", "ada", "open"),
        ("note_added", "ada", "open"),
        ("edited", "ben", "open"),
        ("assigned", "ada", "in_progress"),
    ]
    await scene.cases.assign(case, ADA, scene.minted(), "")
    assert (await scene.shown(case))["assignee"] is None
    assert scene.says() == []


async def test_a_closed_case_can_still_be_written_upon(scene: Scene) -> None:
    case, other = await scene.opened(), await scene.opened()
    await scene.cases.merge(case, ADA, scene.minted(), other)
    assert (await COMMANDS["note"](scene, case, ADA, scene.minted())).error == ""
    assert (await COMMANDS["edit"](scene, case, ADA, scene.minted())).error == ""


# --- waiting for the member


@pytest.mark.parametrize("way", ["asks for a person", "writes to an agent", "leaves a message"])
async def test_a_case_that_waits_goes_on_when_the_member_replies(scene: Scene, way: str) -> None:
    number, talk = await scene.talked()
    await scene.cases.reopen(number, ADA, scene.minted())
    if way == "writes to an agent":
        scene.house.arrives(pressed(ANN, Trigger.AGENT_REQUESTED, talk))
    assert (await scene.cases.ask(number, ADA, scene.minted())).state == "pending"
    if way == "asks for a person":
        scene.house.arrives(pressed(ANN, Trigger.AGENT_REQUESTED, talk))
    elif way == "writes to an agent":
        scene.house.restart()
        scene.house.arrives(wrote(ANN, "reply", "version 3"))
    else:
        scene.house.arrives(pressed(ANN, Trigger.MESSAGE_LEFT, talk, body="version 3"))
    assert (await scene.shown(number))["state"] == "in_progress"
    assert (await scene.told(number))[-1][0] == "member_replied"


async def test_what_is_said_to_the_bot_is_no_reply(scene: Scene) -> None:
    case = await scene.opened()
    await scene.cases.ask(case, ADA, scene.minted())
    scene.house.arrives(wrote(ANN, "2", "how do I pay?"))
    assert (await scene.shown(case))["state"] == "pending"


# --- who wins


async def test_of_two_who_resolve_the_first_wins_and_the_second_is_told(scene: Scene) -> None:
    case = await scene.opened()
    other = Scene(scene.house, scene.reader)

    async def submit(events: object) -> object:
        won = await other.cases.resolve(case, BEN, "ben-was-a-bit-faster", "declined")
        assert won.error == ""
        return await scene.submit(events)  # type: ignore[arg-type]

    scene.cases.submit = submit  # type: ignore[assignment]
    lost = await scene.cases.resolve(case, ADA, scene.minted(), "solved")
    assert refused(lost) == ("resolved", "resolved")
    assert (await scene.shown(case))["reason"] == "declined"
    assert scene.says() == ["case_declined"]


async def test_what_the_state_forbids_is_refused_with_the_state(scene: Scene) -> None:
    case, other = await scene.opened(), await scene.opened()
    assert refused(await scene.cases.reopen(case, ADA, scene.minted())) == ("not_resolved", "open")
    await scene.cases.ask(case, ADA, scene.minted())
    assert refused(await scene.cases.ask(case, ADA, scene.minted())) == ("pending", "pending")
    await scene.cases.resolve(case, ADA, scene.minted(), "solved")
    for name in ("assign", "assign to nobody", "ask", "resolve"):
        assert refused(await COMMANDS[name](scene, case, ADA, scene.minted())) == ("resolved", "resolved")
    await scene.cases.merge(case, ADA, scene.minted(), other)
    for name in ("assign", "assign to nobody", "ask", "resolve", "contact"):
        assert refused(await COMMANDS[name](scene, case, ADA, scene.minted())) == ("closed", "closed")
    assert refused(await scene.cases.reopen(case, ADA, scene.minted())) == ("closed", "closed")


@of_every_command
async def test_a_command_whose_answer_was_lost_is_done_once_and_answered_when_it_comes_again(
    scene: Scene, act: Act
) -> None:
    case, minted = await scene.opened(), scene.minted()
    await scene.opened()
    scene.trouble = Unavailable("nobody knows whether it was stored")
    with pytest.raises(Unavailable):
        await act(scene, case, ADA, minted)
    facts = scene.house.size(schema.event)
    again = await act(scene, case, ADA, minted)
    assert again.error == ""
    assert await act(scene, case, ADA, minted) == again
    assert scene.house.size(schema.event) == facts
    assert replay.differences(scene.house.engine) == []


@of_every_command
async def test_an_id_belongs_to_one_command_of_one_agent_on_one_case(scene: Scene, act: Act) -> None:
    case, other, minted = await scene.opened(), await scene.opened(), scene.minted()
    await scene.opened()
    assert (await act(scene, case, ADA, minted)).error == ""
    assert (await act(scene, case, BEN, minted)).error == "id_used"
    assert (await act(scene, other, ADA, minted)).error == "id_used"
    assert (await scene.cases.note(case, ADA, minted, "something else")).error == "id_used"


async def test_a_case_is_opened_once_however_often_it_is_asked_for(scene: Scene) -> None:
    scene.house.arrives(wrote(ANN, "1"))
    minted = scene.minted()
    first, again = [await scene.cases.open(ADA, minted, ANN, "bug", TEXTS, 0) for _ in range(2)]
    assert first == again
    assert (await scene.cases.open(ADA, minted, ANN, "feature", TEXTS, 0)).error == "id_used"
    assert scene.house.size(schema.case_) == 1


@pytest.mark.parametrize("name", sorted(COMMANDS.keys() - {"contact"}))
async def test_a_step_of_a_case_that_fails_is_told_to_the_agent_and_not_to_the_member(
    scene: Scene, name: str
) -> None:
    case = await scene.opened()
    await scene.opened()

    def broken(snapshot: Snapshot, event: Event, given: Given) -> Step:
        if isinstance(event.trigger, CaseTrigger):
            raise RuntimeError("a bug")
        return machine_step(snapshot, event, given)

    scene.step = broken
    assert (await COMMANDS[name](scene, case, ADA, scene.minted())).error == "failed"
    assert [row.kind for row in scene.house.rows(schema.effect) if row.subject.startswith("case:")] == [
        "alert"
    ]


# --- writing first


async def test_an_agent_writes_to_a_member_whose_talk_is_long_over(scene: Scene) -> None:
    number, _ = await scene.talked()
    scene.house.passes(3 * 24 * 3600)
    minted = scene.minted()
    reply = await scene.cases.contact(number, ADA, minted, "does it work now?")
    assert (reply.error, reply.number, reply.state) == ("", number, "in_progress")
    talk = scene.house.row(schema.conversation, id=reply.conversation)
    assert talk.state == "with_agent"
    said = scene.house.row(schema.message, conversation=reply.conversation)
    assert (said.id, said.body, said.author, said.withheld) == (
        f"page:{minted}",
        "does it work now?",
        "agent",
        False,
    )
    shown = await scene.shown(number)
    assert [found["conversation"] for found in shown["conversations"]][-1] == reply.conversation
    assert [what for what, _, _ in await scene.told(number)][-3:] == [
        "conversation_linked",
        "agent_contacts",
        "agent_joined",
    ]
    assert replay.differences(scene.house.engine) == []


async def test_where_agents_are_offered_talks_the_one_who_writes_first_is_not_there_yet(scene: Scene) -> None:
    away = Scene(scene.house, scene.reader, present=False)
    number, _ = await away.talked()
    reply = await away.cases.contact(number, ADA, away.minted(), "hello")
    assert reply.state == "open"
    assert (await away.told(number))[-1][0] == "agent_contacts"


async def test_an_agent_writes_into_the_talk_that_is_open(scene: Scene) -> None:
    number, _ = await scene.talked()
    talk = scene.house.talks(ANN)
    reply = await scene.cases.contact(number, BEN, scene.minted(), "by the way")
    assert (reply.error, reply.conversation) == ("", talk)
    assert scene.house.row(schema.message, author="agent").body == "by the way"


async def test_nobody_writes_to_a_blocked_member(scene: Scene) -> None:
    number, talk = await scene.talked()
    blocked = pressed(ANN, Trigger.AGENT_REQUESTED, talk)
    again = subject_id(scene.house.arrives(blocked))
    scene.house.arrives(reported(Trigger.MEMBER_BLOCKED, again))
    before = scene.house.size(schema.effect)
    reply = await scene.cases.contact(number, ADA, scene.minted(), "hello")
    assert reply.error == "blocked"
    assert scene.house.size(schema.effect) == before, "nor is the member told of it"
    await scene.cases.resolve(number, ADA, scene.minted(), "solved")
    assert scene.says() == []


# --- the member is told


async def test_the_member_is_told_once_for_each_act_and_not_within_a_talk(scene: Scene) -> None:
    number, _ = await scene.talked()
    await scene.cases.reopen(number, ADA, scene.minted())
    await scene.cases.ask(number, ADA, scene.minted())
    await scene.cases.resolve(number, ADA, scene.minted(), "no_reply")
    assert scene.says() == ["case_reopened", "case_asked", "case_no_reply"]
    await scene.cases.contact(number, ADA, scene.minted(), "hello")
    await scene.cases.ask(number, ADA, scene.minted())
    await scene.cases.resolve(number, ADA, scene.minted(), "solved")
    assert scene.says() == ["case_reopened", "case_asked", "case_no_reply"]
