"""The stories. Each begins when the member has been greeted."""

from __future__ import annotations

from machines.snapshot import DEFAULT_LIMITS, Limits
from tests.stories.scene import Json, Scene, Story, done

QUESTION = "I forgot my password"
#: Virtual stories begin on a Monday at nine.
WEEK = "tue-fri 09:00-17:00"
#: How long one may still wait when five minutes are left.
UNTIL_CLOSING_S = 600.0
#: Where time cannot be skipped. Seconds.
SOON = 1.0


def _answers(message: Json) -> bool:
    return message["author"] == "bot" and "assword" in message["content"]


async def straight_through(scene: Scene) -> None:
    mia = scene.mia
    await scene.writes(QUESTION)
    await scene.sees("an answer", _answers)
    task = await scene.asks_for_a_person()
    await scene.taken_up(task)
    await scene.says(task, "Hi! Which address did you sign up with?")
    await scene.writes("mia@example.org")
    await task.gets("mia@example.org")
    await scene.says(task, "I have sent you a new link.")
    await done(task.complete())
    await mia.hears("goodbye")
    await scene.presses("rating")
    await mia.hears("rating_thanks")
    await scene.fills_in("comment", "quick and kind")
    await mia.hears("comment_thanks")
    await scene.presses("transcript_requested")
    await scene.sees("the transcript", lambda message: message["attachments"])
    thanks = await scene.writes("thank you")
    await scene.sees("a reaction", lambda message: message["id"] == thanks and message["reactions"])


async def nobody_available(scene: Scene) -> None:
    await scene.asks_for_a_person()
    await scene.hears_after(DEFAULT_LIMITS.wait, "nobody_came")
    await scene.fills_in("message_left", "Please call me back on Monday")
    await scene.mia.hears("message_kept")


async def outside_hours(scene: Scene) -> None:
    await scene.presses("agent_requested")
    await scene.mia.hears("outside_hours")
    await scene.fills_in("message_left", "Please call me back on Monday")
    await scene.mia.hears("message_kept")


async def closing_time(scene: Scene) -> None:
    await scene.asks_for_a_person()
    await scene.hears_after(UNTIL_CLOSING_S, "outside_hours")


async def cancelled_too_late(scene: Scene) -> None:
    task = await scene.asks_for_a_person()
    await scene.taken_up(task)
    await scene.presses("agent_request_cancelled")
    await scene.mia.hears("who_is_here")
    await scene.says(task, "I am here now, shall we go on?")


async def agent_leaves(scene: Scene) -> None:
    task = await scene.asks_for_a_person()
    await scene.taken_up(task)
    await done(task.leave())
    await scene.mia.hears("all_left")
    again = (await scene.task(2)) if scene.desk == "flex" else task
    await scene.taken_up(again, "ben", 2)


async def member_vanishes(scene: Scene) -> None:
    task = await scene.asks_for_a_person()
    await scene.taken_up(task)
    await scene.says(task, "What does the error say?")
    await scene.hears_after(DEFAULT_LIMITS.member_idle, "idle_resolved")


async def agent_falls_silent(scene: Scene) -> None:
    task = await scene.asks_for_a_person()
    await scene.taken_up(task)
    await scene.writes("It says: error 17")
    await task.gets("It says: error 17")
    await scene.hears_after(DEFAULT_LIMITS.agent_idle, "agent_silent")


async def reopened(scene: Scene) -> None:
    task = await scene.asks_for_a_person()
    await scene.taken_up(task)
    await done(task.complete())
    await scene.mia.hears("goodbye")
    await scene.presses("reopen")
    await scene.mia.hears("place", 2)
    again = await scene.taken_up(await scene.task(2), "ben", 2)
    await scene.says(again, "Welcome back, I have read everything.")


async def something_else(scene: Scene) -> None:
    task = await scene.asks_for_a_person()
    await scene.presses("other_case")
    await scene.mia.hears("other_case")
    await scene.taken_up(task)


async def handed_over(scene: Scene) -> None:
    task = await scene.asks_for_a_person()
    await scene.taken_up(task)
    await done(task.transfer("ben"))
    await scene.mia.hears("transfer")
    await scene.mia.hears("colleague_comes")
    await scene.taken_up(task, "ben", 2)


async def cancelled(scene: Scene) -> None:
    await scene.asks_for_a_person()
    await scene.presses("agent_request_cancelled")
    await scene.mia.hears("withdrawn")


async def ended_by_the_member(scene: Scene) -> None:
    task = await scene.asks_for_a_person()
    await scene.taken_up(task)
    await scene.presses("member_closed")
    await scene.mia.hears("closed_by_member")


async def agent_writes_first(scene: Scene) -> None:
    await ended_by_the_member(scene)
    await scene.later()
    await scene.ada.contact(1, "The new version is out: does it work for you now?")
    await scene.mia.reads("does it work for you now?")
    await scene.writes("It does, thank you!")
    if scene.desk == "flex":
        task = await scene.task(2)
        await scene.taken_up(task, times=2)
        await task.gets("It does, thank you!")


async def merged(scene: Scene) -> None:
    task = await scene.asks_for_a_person()
    await scene.opens_a_case("No sound in calls")
    await scene.ada.merge(1, 2)
    await scene.mia.hears("case_merged")
    await scene.taken_up(task)


STORIES = (
    Story("Straight through", "An answer, a person, a talk, a rating and the transcript.", straight_through),
    Story(
        "Nobody available",
        "Half an hour passes; the case stays open.",
        nobody_available,
        short={"timer_wait": SOON},
    ),
    Story(
        "Outside hours", "When somebody will be there, and a message until then.", outside_hours, hours=WEEK
    ),
    Story(
        "Closing time",
        "The member still waits when the last agent goes home.",
        closing_time,
        limits=Limits(wait=UNTIL_CLOSING_S),
        hours="mon 00:00-09:05; tue-fri 09:00-17:00",
        short=None,
    ),
    Story("Cancelled", "Before anybody came.", cancelled),
    Story("Cancelled too late", "The agent was faster.", cancelled_too_late),
    Story("The agent leaves", "Another one comes, and the member is first in line.", agent_leaves),
    Story("Handed over", "To a colleague, from the built-in desk.", handed_over, desks=("builtin",)),
    Story(
        "The agent falls silent",
        "Somebody else is asked.",
        agent_falls_silent,
        short={"timer_agent_idle_warn": SOON, "timer_agent_idle": 2 * SOON},
    ),
    Story(
        "The member vanishes",
        "They are warned, and it ends when they were told it would.",
        member_vanishes,
        short={"timer_member_idle_warn": SOON, "timer_member_idle": 2 * SOON},
    ),
    Story("Ended by the member", "The agent is told why the task goes.", ended_by_the_member),
    Story("Reopened", "The next agent reads what went before.", reopened),
    Story("Something else", "A second case of the same member.", something_else),
    Story("Merged", "Two cases of the member are one; the conversation goes on with it.", merged),
    Story("An agent writes first", "Hours later, from the case.", agent_writes_first),
)
