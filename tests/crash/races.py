"""Stories in which several act at once: two members with an agent each, and an agent against the member."""

from __future__ import annotations

import asyncio
from functools import partial

from orchestrator.sandbox.twilio.errors import ApiError
from tests.crash.play import Play
from tests.crash.stories import greeted_by
from tests.english import ENGLISH
from tests.inprocess.world import Json, Member, Task, World

#: Two members, and who talks to them.
TWO = (("mia", "ada"), ("tom", "ben"))
#: What becomes of a task that the member gave up.
OVER = ("canceled", "wrapping", "completed")

# --- where stories start


async def two_greeted(play: Play) -> None:
    for name, _ in TWO:
        await greeted_by(play, play.world.member(name))


async def two_talking(play: Play) -> None:
    for name, agent in TWO:
        await play.do(play.world.handed_off, play.world.member(name), agent)


async def two_queued(play: Play) -> None:
    for name, _ in TWO:
        await play.do(play.world.handed_off, play.world.member(name), None)


# --- two members


async def two_ask(play: Play) -> None:
    """Two members ask for a person at the same time, and each is talked to by an agent of their own."""
    await play.together(*(partial(_asks_and_talks, name=name, agent=agent) for name, agent in TWO))


async def _asks_and_talks(play: Play, name: str, agent: str) -> None:
    member = play.world.member(name)
    await play.press(member, "agent_requested", lambda: member.heard("place"))
    task: Task = await play.do(_task_of, play.world, member)
    await play.do(task.accept, agent)
    await play.do(member.hears, "agent_joined")
    await _talks(play, member, agent, task)


async def two_talk(play: Play) -> None:
    """Two talks at the same time; one ends, and the other goes on."""
    (one, agent), (other, other_agent) = TWO
    await play.together(
        partial(_goes_on_talking, name=one, agent=agent),
        partial(_says_goodbye, name=other, agent=other_agent),
    )


async def place_changes(play: Play) -> None:
    """Who is in front gives up: the one message of who waits behind them is edited, and says no more than that."""
    mia, tom = (play.world.member(name) for name, _ in TWO)
    await play.press(mia, "agent_request_cancelled", lambda: mia.heard("withdrawn"))
    await play.do(tom.reads, ENGLISH.member["place_first"])
    [place] = tom.heard("place")
    assert [button["label"] for button in place["components"]] == [
        ENGLISH.button["agent_request_cancelled"],
        ENGLISH.button["other_case"],
    ]


async def _goes_on_talking(play: Play, name: str, agent: str) -> None:
    member = play.world.member(name)
    task: Task = await play.do(_task_of, play.world, member)
    await _talks(play, member, agent, task)
    await play.do(member.write, f"{name} once more")
    await play.do(task.gets, f"{name} to {agent}", f"{name} once more")


async def _says_goodbye(play: Play, name: str, agent: str) -> None:
    member = play.world.member(name)
    task: Task = await play.do(_task_of, play.world, member)
    await _talks(play, member, agent, task)
    await play.press(member, "member_closed", lambda: member.heard("closed_by_member"))
    await play.do(play.world.until, "the end of the talk", task.is_closed)


async def _talks(play: Play, member: Member, agent: str, task: Task) -> None:
    """One word each way, and not one of the other talk."""
    await play.do(member.write, f"{member.name} to {agent}")
    await play.do(task.write, f"{agent} to {member.name}")
    await play.do(task.gets, f"{member.name} to {agent}")
    await play.do(member.gets, f"{agent} to {member.name}")


async def _task_of(world: World, member: Member) -> Task:
    """The member's own task, as soon as it is there."""
    identity = f"discord_{world.discord.members.named(member.name).id}"

    def look() -> list[Task]:
        return [task for task in world.tasks() if identity in _identities(world, task)]

    found: list[Task] = await world.until(f"the task of {member.name}", look)
    return found[0]


def _identities(world: World, task: Task) -> list[str]:
    shown = world.twilio.conversation(task.show()["conversation_sid"])
    return [participant["identity"] for participant in shown["participants"]]


# --- agent and member


async def cancel_meets_accept(play: Play, *, turns: int) -> None:
    """The member gives up as an agent takes the task: whoever is heard first, both know how it stands.

    `turns`: how often the service's loop goes round before the agent acts.
    """
    mia, task = play.world.member(), await play.task()

    def settled() -> list[Json]:
        return mia.heard("withdrawn") + mia.heard("agent_joined")

    await play.together(
        lambda strand: strand.press(mia, "agent_request_cancelled", settled),
        lambda strand: strand.do(_accepts_and_writes, task, "ada", "ada here", turns),
    )
    if mia.heard("agent_joined"):
        await play.do(mia.gets, "ada here")
        await play.do(mia.write, "stay, please")
        await play.do(task.gets, "stay, please")
    else:
        await play.do(play.world.until, "the end of the request", lambda: task.show()["status"] in OVER)
        assert mia.from_agent() == []


async def _accepts_and_writes(task: Task, agent: str, text: str, turns: int) -> None:
    for _ in range(turns):
        await asyncio.sleep(0)
    try:
        task.accept(agent)
        task.write(text)
    except ApiError:
        """Too late: the task is gone."""
