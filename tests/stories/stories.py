"""The stories. Each begins when the member has been greeted."""

from __future__ import annotations

from machines.snapshot import DEFAULT_LIMITS, Limits
from machines.timetable import hours
from tests.inprocess.casework import Caseworker
from tests.stories.scene import Scene, Story

QUESTION = "I forgot my password"
#: Stories begin on a Monday at nine.
WEEK = hours("tue-fri 09:00-17:00")
#: Nothing of the first conversation is under way any more by then.
LATER_S = 7200.0
#: How long one may still wait when five minutes are left.
UNTIL_CLOSING_S = 600.0


async def straight_through(scene: Scene) -> None:
    mia = scene.mia
    before = len(mia.texts())
    mia.write(QUESTION)
    await scene.world.until("an answer", lambda: len(mia.texts()) > before)
    task = await scene.asks_for_a_person()
    await scene.taken_up(task)
    await scene.says(task, "Hi! Which address did you sign up with?")
    mia.write("mia@example.org")
    await task.gets("mia@example.org")
    await scene.says(task, "I have sent you a new link.")
    await scene.agent(task.complete())
    await mia.hears("goodbye")
    mia.press("rating")
    await mia.hears("rating_thanks")
    await scene.fills_in("comment", "quick and kind")
    await mia.hears("comment_thanks")
    mia.press("transcript_requested")
    await scene.world.until("the transcript", lambda: [m for m in mia.dm() if m["attachments"]])
    thanks = mia.write("thank you")
    await scene.world.until(
        "a reaction", lambda: [m for m in mia.dm() if m["id"] == thanks and m["reactions"]]
    )


async def nobody_available(scene: Scene) -> None:
    await scene.asks_for_a_person()
    await scene.hears_after(DEFAULT_LIMITS.wait, "nobody_came")
    await scene.fills_in("message_left", "Please call me back on Monday")
    await scene.mia.hears("message_kept")


async def outside_hours(scene: Scene) -> None:
    scene.mia.press("agent_requested")
    await scene.mia.hears("outside_hours")
    await scene.fills_in("message_left", "Please call me back on Monday")
    await scene.mia.hears("message_kept")


async def closing_time(scene: Scene) -> None:
    await scene.asks_for_a_person()
    await scene.hears_after(UNTIL_CLOSING_S, "outside_hours")


async def cancelled_too_late(scene: Scene) -> None:
    task = await scene.asks_for_a_person()
    await scene.taken_up(task)
    scene.mia.press("agent_request_cancelled")
    await scene.mia.hears("who_is_here")
    await scene.says(task, "I am here now, shall we go on?")


async def agent_leaves(scene: Scene) -> None:
    task = await scene.asks_for_a_person()
    await scene.taken_up(task)
    await scene.agent(task.leave())
    await scene.mia.hears("all_left")
    again = (await scene.world.task(2)) if scene.world.desk == "flex" else task
    await scene.taken_up(again, "ben", 2)


async def member_vanishes(scene: Scene) -> None:
    task = await scene.asks_for_a_person()
    await scene.taken_up(task)
    await scene.says(task, "What does the error say?")
    await scene.hears_after(DEFAULT_LIMITS.member_idle, "idle_resolved")


async def agent_falls_silent(scene: Scene) -> None:
    task = await scene.asks_for_a_person()
    await scene.taken_up(task)
    scene.mia.write("It says: error 17")
    await task.gets("It says: error 17")
    await scene.hears_after(DEFAULT_LIMITS.agent_idle, "agent_silent")


async def reopened(scene: Scene) -> None:
    task = await scene.asks_for_a_person()
    await scene.taken_up(task)
    await scene.agent(task.complete())
    await scene.mia.hears("goodbye")
    scene.mia.press("reopen")
    await scene.mia.hears("place", 2)
    again = await scene.taken_up(await scene.world.task(2), "ben", 2)
    await scene.says(again, "Welcome back, I have read everything.")


async def something_else(scene: Scene) -> None:
    task = await scene.asks_for_a_person()
    scene.mia.press("other_case")
    await scene.mia.hears("other_case")
    await scene.taken_up(task)


async def handed_over(scene: Scene) -> None:
    task = await scene.asks_for_a_person()
    await scene.taken_up(task)
    await scene.agent(task.transfer("ben"))
    await scene.mia.hears("transfer")
    await scene.mia.hears("colleague_comes")
    await scene.taken_up(task, "ben", 2)


async def cancelled(scene: Scene) -> None:
    await scene.asks_for_a_person()
    scene.mia.press("agent_request_cancelled")
    await scene.mia.hears("withdrawn")


async def ended_by_the_member(scene: Scene) -> None:
    task = await scene.asks_for_a_person()
    await scene.taken_up(task)
    scene.mia.press("member_closed")
    await scene.mia.hears("closed_by_member")


async def agent_writes_first(scene: Scene) -> None:
    await ended_by_the_member(scene)
    await scene.world.time.sleep(LATER_S)
    await Caseworker(scene.world).contact(1, "The new version is out: does it work for you now?")
    await scene.mia.reads("does it work for you now?")
    scene.mia.write("It does, thank you!")
    if scene.world.desk == "flex":
        task = await scene.world.task(2)
        await scene.taken_up(task, times=2)
        await task.gets("It does, thank you!")


async def merged(scene: Scene) -> None:
    task = await scene.asks_for_a_person()
    ada = Caseworker(scene.world)
    await ada.open(scene.mia, "No sound in calls")
    await ada.merge(1, 2)
    await scene.mia.hears("case_merged")
    await scene.taken_up(task)


STORIES = (
    Story("Straight through", "An answer, a person, a talk, a rating and the transcript.", straight_through),
    Story("Nobody available", "Half an hour passes; the case stays open.", nobody_available),
    Story(
        "Outside hours", "When somebody will be there, and a message until then.", outside_hours, hours=WEEK
    ),
    Story(
        "Closing time",
        "The member still waits when the last agent goes home.",
        closing_time,
        limits=Limits(wait=UNTIL_CLOSING_S),
        hours=hours("mon 00:00-09:05; tue-fri 09:00-17:00"),
    ),
    Story("Cancelled", "Before anybody came.", cancelled),
    Story("Cancelled too late", "The agent was faster.", cancelled_too_late),
    Story("The agent leaves", "Another one comes, and the member is first in line.", agent_leaves),
    Story("Handed over", "To a colleague, from the built-in desk.", handed_over, desks=("builtin",)),
    Story("The agent falls silent", "Somebody else is asked.", agent_falls_silent),
    Story(
        "The member vanishes", "They are warned, and it ends when they were told it would.", member_vanishes
    ),
    Story("Ended by the member", "The agent is told why the task goes.", ended_by_the_member),
    Story("Reopened", "The next agent reads what went before.", reopened),
    Story("Something else", "A second case of the same member.", something_else),
    Story("Merged", "Two cases of the member are one; the conversation goes on with it.", merged),
    Story("An agent writes first", "Hours later, from the case.", agent_writes_first),
)
