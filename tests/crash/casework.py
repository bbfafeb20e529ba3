"""What agents do with cases, outside a talk and within."""

from __future__ import annotations

from tests.crash.play import Play
from tests.inprocess.casework import Caseworker
from tests.inprocess.world import Member, Task


async def contacted(play: Play) -> None:
    """Of the case that was resolved when the talk ended: the agent writes, and is offered the talk in Flex."""
    ada, mia = await _writes_first(play)
    task: Task = await play.task(2)
    await play.do(task.accept, "ada")
    await play.do(mia.hears, "agent_joined", 2)
    await _talk(play, task)
    assert task.show()["attributes"]["initiatedBy"] == "agent"
    assert ada.show(1)["state"] == "in_progress"


async def contacted_at_once(play: Play) -> None:
    """The same at the built-in desk, where the agent has it at once."""
    ada, mia = await _writes_first(play)
    conversation = (await play.do(lambda: ada.show(1)["conversations"]))[-1]["conversation"]
    task = await play.do(lambda: play.world.desk_task(conversation))
    await _talk(play, task)
    assert mia.heard("agent_joined")[1:] == []


async def _writes_first(play: Play) -> tuple[Caseworker, Member]:
    ada, mia = Caseworker(play.world), play.world.member()
    await play.do(ada.contact, 1, "one more thing")
    await play.do(mia.hears, "contact")
    await play.do(mia.gets, "one more thing")
    return ada, mia


async def _talk(play: Play, task: Task) -> None:
    mia = play.world.member()
    await play.do(mia.write, "what is it?")
    await play.do(task.gets, "what is it?")
    await play.do(task.write, "never mind")
    await play.do(mia.gets, "one more thing", "never mind")


async def worked_on(play: Play) -> None:
    """Taken up again, asked about, answered, and resolved while the member waits."""
    ada, mia = Caseworker(play.world), play.world.member()
    await play.do(ada.reopen, 1)
    await play.do(mia.hears, "case_reopened")
    await play.do(ada.edit, 1, title="No sound", priority="high", tags=["audio"])
    await play.do(ada.assign, 1, "ben")
    await play.do(ada.assign, 1)
    await play.do(ada.note, 1, "restarted the mixer")
    await play.do(ada.ask, 1)
    await play.do(mia.hears, "case_asked")
    await play.press(mia, "case_talk", lambda: mia.heard("place")[1:])
    await play.task(2)
    await play.do(play.world.until, "the reply", lambda: ada.is_told(1, "member_replied"))
    await play.do(ada.resolve, 1)
    await play.do(mia.hears, "case_resolved")


async def merged(play: Play) -> None:
    """While the member waits: the conversation goes on with the case that remains."""
    ada, mia, task = Caseworker(play.world), play.world.member(), await play.task()
    await play.do(ada.open, mia, "No sound")
    await play.do(ada.merge, 1, 2)
    await play.do(mia.hears, "case_merged")
    await play.do(task.noted, "case_merged")
    await play.do(task.accept, "ada")
    await play.do(mia.hears, "agent_joined")
    assert [talk["state"] for talk in ada.show(2)["conversations"]] == ["with_agent"]


async def out_of_reach(play: Play) -> None:
    """The member's DMs are closed: agent and case are told, whatever was to be said."""
    ada, mia = Caseworker(play.world), play.world.member()
    await play.do(_shut, play)
    await play.do(ada.contact, 1, "one more thing")
    await play.do(play.world.until, "a note", lambda: _noted(ada, "not_delivered"))
    task: Task = await play.task(2)
    await play.do(task.noted, "not_delivered")
    await play.do(ada.open, mia, "No sound")
    await play.do(ada.ask, 2)
    await play.do(play.world.until, "word of it", lambda: ada.is_told(2, "delivery_failed"))
    assert mia.heard("case_asked") == []


def _shut(play: Play) -> None:
    play.world.discord.members.change("mia", dms_open=False)


def _noted(ada: Caseworker, note: str) -> bool:
    return any(found["note"] == note for found in ada.show(1)["notes"])
