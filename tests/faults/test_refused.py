"""A call that the far side refuses for good: its author has a word about it, once, and the rest goes on."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import pytest

from orchestrator.inprocess.line import failing
from orchestrator.sandbox.twilio.routes import CONVERSATIONS
from orchestrator.sandbox.wire import Call
from storage.letters import letters
from tests.faults.outcomes import Outcome
from tests.faults.stage import Stage, staged
from tests.inprocess.virtual import play
from tests.inprocess.world import Task, World

#: What both say about words that they do not like.
REFUSED = {
    "discord": Outcome(failing(400, body={"code": 50035, "message": "Invalid Form Body"})),
    "twilio": Outcome(failing(400, body={"code": 50304, "message": "no", "status": 400, "more_info": ""})),
}
LONG_S = 600.0


@dataclass(frozen=True)
class Said:
    """What stands on both sides when the refusal comes."""

    task: Task
    mine: str
    theirs: str


Act = Callable[[Stage, Said], object]
Told = Callable[[Stage, Said], Awaitable[object]]


def member_hears(key: str) -> Told:
    async def told(stage: Stage, _said: Said) -> None:
        await stage.mia.hears(key)
        await stage.world.time.sleep(LONG_S)
        assert len(stage.mia.heard(key)) == 1

    return told


def agent_is_told(key: str) -> Told:
    async def told(stage: Stage, said: Said) -> None:
        note = await said.task.noted(key)
        await stage.world.time.sleep(LONG_S)
        assert said.task.notes().count(note) == 1

    return told


@dataclass(frozen=True)
class Refusal:
    """A call that is refused once, what makes it, who hears of it, and the letter that is left."""

    call: str
    act: Act
    told: Told
    letter: str
    goes_on: bool = True  #: the two still talk


REFUSALS = {
    "words to the desk": Refusal(
        "twilio.post", lambda s, _: s.mia.write("no"), member_hears("not_delivered"), "relay_to_desk"
    ),
    "an edit at the desk": Refusal(
        "twilio.edit", lambda s, o: s.mia.edit(o.mine, "no"), member_hears("not_delivered"), "relay_to_desk"
    ),
    "a deletion at the desk": Refusal(
        "twilio.delete", lambda s, o: s.mia.unsend(o.mine), member_hears("not_delivered"), "relay_to_desk"
    ),
    "words to the member": Refusal(
        "discord.send", lambda _, o: o.task.write("no"), agent_is_told("not_delivered"), "relay_to_member"
    ),
    "an edit in the DM": Refusal(
        "discord.edit",
        lambda _, o: o.task.edit(o.theirs, "no"),
        agent_is_told("not_delivered"),
        "relay_to_member",
    ),
    "a deletion in the DM": Refusal(
        "discord.delete",
        lambda _, o: o.task.unsend(o.theirs),
        agent_is_told("not_delivered"),
        "relay_to_member",
    ),
    "another agent": Refusal(
        "twilio.invite",
        lambda _, o: o.task.leave(),
        member_hears("desk_failed"),
        "desk_invite",
        goes_on=False,
    ),
    "the end of a talk": Refusal(
        "twilio.close_conversation",
        lambda s, _: s.mia.press("member_closed"),
        member_hears("closed_by_member"),
        "desk_close",
        goes_on=False,
    ),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_whose_doing_is_refused_for_good_hears_of_it_once_and_the_rest_goes_on(
    world: World, url: str, name: str
) -> None:
    refusal = REFUSALS[name]

    async def story() -> None:
        stage = await staged(world, url)
        task = await world.handed_off(stage.mia)
        said = Said(task, stage.says("one"), stage.replies(task, "two"))
        await stage.heard()
        stage.spoiler.plant(refusal.call, REFUSED[refusal.call.partition(".")[0]])
        refusal.act(stage, said)
        await refusal.told(stage, said)
        assert stage.spoiler.met(refusal.call)
        assert [letter.what for letter in letters(stage.house.engine)] == [refusal.letter]
        if refusal.goes_on:
            stage.mia.write("three")
            task.write("four")
            await world.until("it goes on", lambda: task.from_member()[-1:] == ["three"])
            await world.until("both ways", lambda: stage.mia.from_agent()[-1:] == ["four"])

    play(world.time, story())


def test_an_edit_of_a_copy_that_somebody_removed_at_the_desk_is_no_failure(world: World, url: str) -> None:
    async def story() -> None:
        stage = await staged(world, url)
        task = await world.handed_off(stage.mia)
        mine = stage.says("one")
        await stage.heard()
        (copy,) = [line for line in task.lines() if line["body"] == "one"]
        path = f"/v1/Conversations/{task.show()['conversation_sid']}/Messages/{copy['sid']}"
        login = {"authorization": "Basic QUMxOnNlY3JldA=="}  # AC1:secret
        assert world.twilio.rest(CONVERSATIONS, Call("DELETE", path, headers=login)).status == 204
        stage.mia.edit(mine, "one, corrected")
        stage.said[:] = ["two"]
        stage.mia.write("two")
        await stage.heard()
        assert letters(stage.house.engine) == []
        assert stage.mia.heard("not_delivered") == []

    play(world.time, story())
