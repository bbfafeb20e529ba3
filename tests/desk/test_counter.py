"""Commands at the counter: who wins, what is answered, and that a repeat is the same fact."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from machines.events import Trigger
from orchestrator.counters import Agent, Reply
from orchestrator.errors import Retry, Unavailable
from storage import schema
from tests.desk.scene import ADA, BEN, SAID, TOM, Scene, reacted
from tests.storage.facts import ANN, pressed, wrote
from tests.storage.house import subject_id

Act = Callable[[Scene, str, Agent, str], Awaitable[Reply]]

COMMANDS: dict[str, Act] = {
    "claim": lambda scene, talk, agent, minted: scene.counter.claim(talk, agent, minted, join=False),
    "write": lambda scene, talk, agent, minted: scene.counter.write(talk, agent, minted, "hello"),
    "leave": lambda scene, talk, agent, minted: scene.counter.leave(talk, agent, minted),
    "react": lambda scene, talk, agent, minted: scene.counter.react(talk, agent, minted, SAID, "👍"),
    "transfer": lambda scene, talk, agent, minted: scene.counter.transfer(talk, agent, minted, to="ben"),
    "close": lambda scene, talk, agent, minted: scene.counter.close(talk, agent, minted),
}
of_every_command = pytest.mark.parametrize("act", COMMANDS.values(), ids=COMMANDS.keys())


# --- who wins


async def test_the_first_of_two_claims_wins_and_the_second_hears_who_has_it(scene: Scene) -> None:
    talk = scene.waits()
    won = await scene.counter.claim(talk, ADA, scene.minted(), join=False)
    lost = await scene.counter.claim(talk, BEN, scene.minted(), join=False)
    assert won == Reply("", "", "with_agent", (ADA,))
    assert (lost.error, lost.agents) == ("taken", (ADA,))
    assert "Ada" in lost.detail


async def test_a_claim_that_another_one_overtakes_loses(scene: Scene) -> None:
    """Both saw it waiting; the table decides."""
    talk, other = scene.waits(), Scene(scene.house, scene.reader)

    async def submit(events: object) -> object:
        assert not (await other.counter.claim(talk, BEN, other.minted() + "-ben", join=False)).error
        return await scene.submit(events)  # type: ignore[arg-type]

    scene.counter.submit = submit  # type: ignore[assignment]
    assert (await scene.counter.claim(talk, ADA, scene.minted(), join=False)).error == "taken"


async def test_who_joins_knowingly_comes_beside_the_one_who_has_it(scene: Scene) -> None:
    talk = await scene.talks(ADA)
    joined = await scene.counter.claim(talk, BEN, scene.minted(), join=True)
    assert (joined.error, joined.agents) == ("", (ADA, BEN))


async def test_claiming_what_one_has_is_no_conflict(scene: Scene) -> None:
    talk = await scene.talks(ADA)
    assert (await scene.counter.claim(talk, ADA, scene.minted(), join=False)).error == ""


async def test_a_claim_that_the_members_cancel_overtakes_finds_it_over(scene: Scene) -> None:
    talk = scene.waits()
    scene.meanwhile = [scene.cancels(talk)]
    reply = await scene.counter.claim(talk, ADA, scene.minted(), join=False)
    assert (reply.error, reply.state, reply.agents) == ("over", "bot_faq", ())


async def test_words_that_the_end_overtook_are_withheld_and_their_author_is_told(scene: Scene) -> None:
    talk = await scene.talks()
    scene.house.passes(5)
    scene.meanwhile = [scene.ends(talk)]
    minted = scene.minted()
    assert (await scene.counter.write(talk, ADA, minted, "too late")).error == "over"
    assert (await scene.counter.write(talk, ADA, minted, "too late")).error == "over"
    assert scene.house.row(schema.message, id=f"page:{minted}").withheld


@pytest.mark.parametrize("command", ["leave", "transfer", "close"])
async def test_a_command_that_the_end_overtook_finds_it_over(scene: Scene, command: str) -> None:
    talk = await scene.talks()
    scene.meanwhile = [scene.ends(talk)]
    assert (await COMMANDS[command](scene, talk, ADA, scene.minted())).error == "over"


async def test_a_hand_over_by_one_who_left_meanwhile_says_nothing_to_the_member(scene: Scene) -> None:
    talk = await scene.talks(ADA, BEN)
    other = Scene(scene.house, scene.reader)

    async def submit(events: object) -> object:
        assert not (await other.counter.leave(talk, ADA, "left-in-another-window")).error
        return await scene.submit(events)  # type: ignore[arg-type]

    scene.counter.submit = submit  # type: ignore[assignment]
    assert (await scene.counter.transfer(talk, ADA, scene.minted(), to="cleo")).error == "not_here"
    row = await scene.reader.request(talk)
    assert row is not None
    assert row.agents == (("ben", "Ben"),)
    assert row.addressed == ""


# --- repeats


@of_every_command
async def test_a_command_whose_answer_was_lost_is_done_once_and_answered_when_it_comes_again(
    scene: Scene, act: Act
) -> None:
    talk = await scene.talks() if act is not COMMANDS["claim"] else scene.waits()
    minted = scene.minted()
    scene.trouble = Unavailable("nobody knows whether it was stored")
    with pytest.raises(Unavailable):
        await act(scene, talk, ADA, minted)
    facts = scene.house.size(schema.event)
    assert (await act(scene, talk, ADA, minted)).error == ""
    assert scene.house.size(schema.event) == facts


@of_every_command
async def test_a_repeat_after_the_end_is_answered_like_the_first(scene: Scene, act: Act) -> None:
    talk = await scene.talks() if act is not COMMANDS["claim"] else scene.waits()
    minted = scene.minted()
    first = await act(scene, talk, ADA, minted)
    scene.house.arrives(scene.ends(talk))
    again = await act(scene, talk, ADA, minted)
    assert first.error == ""
    assert (again.error, again.state) == (first.error, first.state)


@pytest.mark.parametrize("command", ["leave", "transfer", "close"])
async def test_a_copy_that_is_carried_out_between_two_looks_is_no_reason_to_refuse(
    scene: Scene, command: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first attempt was taken for lost, and was only slow."""
    talk, minted = await scene.talks(), scene.minted()
    act, reader = COMMANDS[command], scene.reader

    def then_the_copy(name: str) -> None:
        look = getattr(reader, name)

        async def looks(*args: object) -> object:
            monkeypatch.undo()
            found = await look(*args)
            assert not (await act(scene, talk, ADA, minted)).error
            return found

        monkeypatch.setattr(reader, name, looks)

    then_the_copy("fact")
    then_the_copy("request")
    assert (await act(scene, talk, ADA, minted)).error == ""


@of_every_command
async def test_an_id_that_was_used_for_something_else_is_refused(scene: Scene, act: Act) -> None:
    talk = await scene.talks(ADA, BEN)
    minted = scene.minted()
    assert not (await scene.counter.write(talk, BEN, minted, "mine")).error
    assert (await act(scene, talk, ADA, minted)).error == "id_used"
    assert [m["body"] for m in (await scene.counter.conversation(talk) or {})["messages"]] == [
        "how do I pay?",
        "mine",
    ]


async def test_an_id_of_another_conversation_is_refused(scene: Scene) -> None:
    talk, minted = await scene.talks(), scene.minted()
    assert not (await scene.counter.write(talk, ADA, minted, "hello")).error
    other = scene.house.talks(TOM)
    assert (await scene.counter.write(other, ADA, minted, "hello")).error == "id_used"


# --- what is not possible


@of_every_command
async def test_a_conversation_that_nobody_had_is_unknown(scene: Scene, act: Act) -> None:
    assert (await act(scene, "0" * 32, ADA, scene.minted())).error == "unknown"
    assert scene.submits == 0


@of_every_command
async def test_what_is_over_stays_as_it_is(scene: Scene, act: Act) -> None:
    talk = await scene.talks()
    scene.house.arrives(scene.ends(talk))
    submits = scene.submits
    assert (await act(scene, talk, ADA, scene.minted())).error == "over"
    assert scene.submits == submits


@pytest.mark.parametrize("command", ["write", "leave", "transfer", "close"])
async def test_who_is_not_there_can_only_claim(scene: Scene, command: str) -> None:
    talk = await scene.talks(ADA)
    assert (await COMMANDS[command](scene, talk, BEN, scene.minted())).error == "not_here"


async def test_a_step_that_fails_is_told_as_such_each_time(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    talk = await scene.talks()
    minted = scene.minted()

    def broken(*_: object) -> None:
        raise RuntimeError

    arrives = scene.house.arrives
    monkeypatch.setattr(scene.house, "arrives", lambda *events: arrives(*events, step=broken))
    assert [(await scene.counter.write(talk, ADA, minted, "hello")).error for _ in range(2)] == ["failed"] * 2


# --- silence, coming and going


async def test_who_fell_silent_may_go_on_unless_somebody_else_has_it(scene: Scene) -> None:
    talk = await scene.talks(ADA)
    scene.house.arrives(wrote(ANN, "1"))
    scene.fires(talk, Trigger.AGENT_IDLE)
    assert (await scene.counter.claim(talk, BEN, scene.minted(), join=False)).error == ""
    assert (await scene.counter.write(talk, ADA, scene.minted(), "back")).error == "not_here"
    assert not (await scene.counter.leave(talk, BEN, scene.minted())).error


async def test_who_fell_silent_has_it_again_by_claiming(scene: Scene) -> None:
    talk = await scene.talks(ADA)
    scene.house.arrives(wrote(ANN, "1"))
    scene.fires(talk, Trigger.AGENT_IDLE)
    assert (await scene.counter.queue("ada"))["waiting"][0]["conversation"] == talk
    assert (await scene.counter.claim(talk, ADA, scene.minted(), join=False)).error == ""
    assert [row["conversation"] for row in (await scene.counter.queue("ada"))["mine"]] == [talk]


async def test_a_hand_over_stands_in_the_queue_under_the_name_of_whom_it_is_for(scene: Scene) -> None:
    talk = await scene.talks(ADA)
    assert not (await scene.counter.transfer(talk, ADA, scene.minted(), to="ben")).error
    [waiting] = (await scene.counter.queue(""))["waiting"]
    assert (waiting["addressed_to"], waiting["state"], waiting["place"]) == ("ben", "with_agent", None)
    assert not (await scene.counter.claim(talk, BEN, scene.minted(), join=False)).error
    row = await scene.reader.request(talk)
    assert row is not None
    assert row.addressed == ""


# --- changing what was said


async def test_an_agent_changes_and_takes_back_their_own_words(scene: Scene) -> None:
    talk, minted = await scene.talks(), scene.minted()
    await scene.counter.write(talk, ADA, minted, "frist")
    assert (await scene.counter.edit(talk, ADA, minted, "first")).error == ""
    assert scene.house.row(schema.message, id=f"page:{minted}").body == "first"
    assert (await scene.counter.unsend(talk, ADA, minted)).error == ""
    assert (await scene.counter.unsend(talk, ADA, minted)).error == ""
    row = scene.house.row(schema.message, id=f"page:{minted}")
    assert (row.deleted, row.revision) == (True, 2)


async def test_a_change_counts_though_the_clock_was_set_back(scene: Scene) -> None:
    talk, minted = await scene.talks(), scene.minted()
    await scene.counter.write(talk, ADA, minted, "frist")
    scene.house.passes(-3600)
    await scene.counter.edit(talk, ADA, minted, "first")
    await scene.counter.edit(talk, ADA, minted, "first of all")
    assert scene.house.row(schema.message, id=f"page:{minted}").body == "first of all"


async def test_the_same_change_once_more_changes_nothing(scene: Scene) -> None:
    talk, minted = await scene.talks(), scene.minted()
    await scene.counter.write(talk, ADA, minted, "frist")
    for _ in range(2):
        assert (await scene.counter.edit(talk, ADA, minted, "first")).error == ""
    assert scene.house.row(schema.message, id=f"page:{minted}").revision == 1


async def test_nobody_changes_what_is_not_theirs(scene: Scene) -> None:
    talk, minted = await scene.talks(ADA, BEN), scene.minted()
    await scene.counter.write(talk, ADA, minted, "hello")
    scene.house.arrives(wrote(ANN, "1"))
    assert (await scene.counter.edit(talk, BEN, minted, "bye")).error == "not_yours"
    assert (await scene.counter.unsend(talk, ADA, "1")).error == "unknown"
    assert (await scene.counter.unsend("0" * 32, ADA, minted)).error == "unknown"


async def test_an_answer_names_what_it_answers(scene: Scene) -> None:
    talk = await scene.talks()
    minted = scene.minted()
    await scene.counter.write(talk, ADA, minted, "Which one?")
    scene.arrived(minted, "5001")
    for ref, to in (("4001", "discord:5001"), ("4002", f"discord:{SAID}"), ("4003", "discord:9")):
        scene.house.arrives(wrote(ANN, ref, "this", reply_to=to))
    shown = (await scene.counter.conversation(talk) or {})["messages"]
    assert [m["reply_to"] for m in shown] == [None, None, minted, SAID, None]


async def test_the_member_reads_with_what_an_agent_reacted(scene: Scene) -> None:
    talk = await scene.talks()
    assert not (await scene.counter.react(talk, ADA, scene.minted(), SAID, "👍")).error
    assert (await scene.counter.react(talk, ADA, scene.minted(), "7777", "👍")).error == "unknown"
    assert [args for text, args in scene.said() if text == "agent_reacted"] == [{"emoji": "👍"}]


async def test_typing_is_shown_where_somebody_is_there_to_type_and_recorded_nowhere(scene: Scene) -> None:
    talk = await scene.talks()
    facts = scene.house.size(schema.event)
    assert (await scene.counter.types(talk, ADA)).error == ""
    assert len(scene.typing) == 1
    assert (await scene.counter.types(talk, BEN)).error == "not_here"
    assert (await scene.counter.types("nobody's", ADA)).error == "unknown"
    assert len(scene.typing) == 1
    scene.trouble = Retry("Discord is away")
    assert (await scene.counter.types(talk, ADA)).error == ""
    assert scene.house.size(schema.event) == facts
    scene.house.arrives(scene.ends(talk))
    assert (await scene.counter.types(talk, ADA)).error == "over"


async def test_words_can_be_anything_that_a_client_can_send(scene: Scene) -> None:
    talk, minted = await scene.talks(), scene.minted()
    assert not (await scene.counter.write(talk, ADA, minted, "a\0b \ud800 *c* \u202e")).error
    assert scene.house.row(schema.message, id=f"page:{minted}").body == "a\ufffdb \ufffd *c* \u202e"
    assert (await scene.counter.write(talk, ADA, minted, "a\0b \ud800 *c* \u202e")).error == ""


# --- looking


async def test_the_queue_has_what_nobody_has_the_longest_waiting_first(scene: Scene) -> None:
    first = scene.waits()
    scene.house.passes(10)
    second = scene.house.waits(TOM)
    scene.house.passes(10)
    await scene.counter.claim(scene.house.waits("4003"), ADA, scene.minted(), join=False)
    queue = await scene.counter.queue("ada")
    assert [(row["conversation"], row["place"]) for row in queue["waiting"]] == [(first, 1), (second, 2)]
    assert [row["member"]["id"] for row in queue["mine"]] == ["4003"]
    assert (await scene.counter.queue("ben"))["mine"] == []


async def test_a_request_whose_member_was_told_that_nobody_came_can_still_be_claimed(scene: Scene) -> None:
    talk = scene.waits()
    scene.fires(talk, Trigger.WAIT)
    [waiting] = (await scene.counter.queue(""))["waiting"]
    assert (waiting["conversation"], waiting["state"], waiting["place"]) == (talk, "bot_faq", None)
    assert (await scene.counter.claim(talk, ADA, scene.minted(), join=False)).state == "with_agent"


async def test_who_takes_up_what_was_reopened_finds_what_went_before(scene: Scene) -> None:
    first = await scene.talks()
    await scene.counter.close(first, ADA, scene.minted())
    again = scene.house.arrives(pressed(ANN, Trigger.AGENT_REQUESTED, first, reopened=True))
    second = subject_id(again)
    shown = await scene.counter.conversation(second)
    assert shown is not None
    assert (shown["case"], shown["same_case"]) == (1, [first])


async def test_notes_of_every_request_are_shown_and_those_of_others_are_not(scene: Scene) -> None:
    talk = await scene.talks()
    other = scene.house.talks(TOM)
    for conversation, member, emoji in ((talk, ANN, "+1"), (other, TOM, "-1")):
        assert scene.house.state(conversation) == "with_agent"
        scene.house.arrives(wrote(member, f"{member}1"), reacted(member, f"{member}1", emoji))
    shown = await scene.counter.conversation(talk)
    assert shown is not None
    assert [(note["note"], note["request"]) for note in shown["notes"]] == [("member_reacted", 1)]
    assert "+1" in shown["notes"][0]["text"]


async def test_a_database_that_cannot_be_read_is_told_as_unavailable(scene: Scene) -> None:
    talk = await scene.talks()
    with scene.house.engine.begin() as connection:
        connection.exec_driver_sql("ALTER TABLE event RENAME TO event_gone")
    with pytest.raises(Unavailable):
        await scene.counter.write(talk, ADA, scene.minted(), "hello")
