"""What one member and the agents do: where stories start, and the stories themselves."""

from __future__ import annotations

from orchestrator.sandbox.discord.interactions import Kind
from tests.crash.play import Play
from tests.inprocess.reporting import numbers, report
from tests.inprocess.world import Member, Task

GIBBERISH, MORE_GIBBERISH = "zzgrbl qwrk vvnn", "brrf xlopt mnnk"
#: How soon a slip of the pen is corrected. Seconds
SLIP_S = 0.3
BUG = {"title": "It crashes", "summary": "As soon as I jump", "steps": "Jump"}
WISH = {"title": "Nachtmodus", "summary": "Für die Augen"}
#: An answer that Discord does not take is tried for five seconds before it is said in the DM. Seconds
SETTLED_S = 10.0
QUESTION, ANSWER = "I forgot my password", "This should help:"


# --- where stories start


async def nothing(_play: Play) -> None:
    """Nobody has written yet."""


async def greeted(play: Play) -> None:
    await greeted_by(play, play.world.member())


async def greeted_by(play: Play, member: Member) -> None:
    """The member asks for help, and is greeted."""
    await play.command(member, lambda: member.heard("greeting"))


async def queued(play: Play) -> None:
    await play.do(play.world.handed_off, play.world.member(), None)


async def talking(play: Play) -> None:
    mia = play.world.member()
    task = await play.do(play.world.handed_off, mia)
    await play.do(mia.write, "hello")
    await play.do(task.gets, "hello")


async def ended(play: Play) -> None:
    await talking(play)
    task = await play.task()
    await play.do(task.complete)
    await play.do(play.world.member().hears, "goodbye")


# --- stories of the bot


async def helpme(play: Play) -> None:
    await greeted_by(play, play.world.member())


async def answered(play: Play) -> None:
    mia = play.world.member()
    await play.do(mia.write, QUESTION)
    await play.do(mia.reads, ANSWER)
    await play.press(mia, "not_helpful", lambda: mia.heard("offer_person"))
    await play.press(mia, "solved", lambda: mia.heard("solved"))


async def second_miss(play: Play) -> None:
    mia = play.world.member()
    await play.do(mia.write, GIBBERISH)
    await play.do(mia.hears, "unsure")
    await play.do(mia.write, MORE_GIBBERISH)
    task = await play.task()
    await play.do(mia.hears, "place")
    assert all(task.notes()[0].count(words) == 1 for words in (GIBBERISH, MORE_GIBBERISH))


async def hand_off(play: Play) -> None:
    mia = play.world.member()
    await play.press(mia, "agent_requested", lambda: mia.heard("place"))
    await play.task()
    await play.press(mia, "other_case", lambda: mia.heard("other_case"))


# --- stories of reports


async def bug_reported(play: Play) -> None:
    """Each time that it was sent off and taken it is a case, and the member knows its number."""
    mia = play.world.member()
    await play.do(report, mia, "bug", BUG, lambda: numbers(mia))
    await _told_once_each(play, mia, first=1)


async def wished_while_talking(play: Play) -> None:
    """In German, in the middle of a talk, which goes on."""
    mia, task = play.world.member(), await play.task()
    await play.do(play.world.discord.members.change, mia.name, locale="de")
    await play.do(report, mia, "new_feature", WISH, lambda: numbers(mia), "feature-request")
    await play.do(mia.write, "and one more thing")
    await play.do(task.gets, "hello", "and one more thing")
    await _told_once_each(play, mia, first=2)


async def _told_once_each(play: Play, mia: Member, *, first: int) -> None:
    """Numbers have no gaps, so one that was not told is missing among them."""
    await play.do(play.world.time.sleep, SETTLED_S)
    told = sorted(map(int, numbers(mia)))
    sent = [begun for begun in mia.world.discord.interactions.all() if begun.kind is Kind.MODAL_SUBMIT]
    assert told == [*range(first, first + len(told))], told
    assert len(told) <= len(sent)


# --- stories of the queue


async def cancelled(play: Play) -> None:
    mia, task = play.world.member(), await play.task()
    await play.press(mia, "agent_request_cancelled", lambda: mia.heard("withdrawn"))
    await play.do(task.becomes, "canceled")


async def nobody_comes(play: Play) -> None:
    mia = play.world.member()
    await play.do(mia.hears, "nobody_came")
    await play.fill_in(mia, "message_left", "call me back", lambda: mia.heard("message_kept"))


async def outside_hours(play: Play) -> None:
    mia = play.world.member()
    await play.press(mia, "agent_requested", lambda: mia.heard("outside_hours"))
    await play.fill_in(mia, "message_left", "call me back", lambda: mia.heard("message_kept"))


async def accepted(play: Play) -> None:
    mia, task = play.world.member(), await play.task()
    await play.do(mia.write, "is anybody there?")
    await play.do(task.accept, "ada")
    await play.do(mia.hears, "agent_joined")
    await play.do(task.write, "ada here")
    await play.do(mia.gets, "ada here")
    await play.do(task.gets, "is anybody there?")


# --- stories of a talk


async def both_ways(play: Play) -> None:
    mia, task = play.world.member(), await play.task()
    for n in range(2):
        await play.do(mia.write, f"question {n}")
        await play.do(task.write, f"reply {n}")
    await play.do(task.gets, "hello", "question 0", "question 1")
    await play.do(mia.gets, "reply 0", "reply 1")
    await play.do(task.write, "reply 2")
    await play.do(mia.write, "question 2")
    await play.do(mia.gets, "reply 0", "reply 1", "reply 2")
    await play.do(task.gets, "hello", "question 0", "question 1", "question 2")


async def member_edits(play: Play) -> None:
    mia, task = play.world.member(), await play.task()
    first = await play.do(mia.write, "the frist word")
    await play.do(play.world.time.sleep, SLIP_S)
    await play.do(mia.edit, first, "the first word")
    await play.do(play.world.until, "the edit", lambda: task.from_member() == ["hello", "the first word"])


async def agent_edits(play: Play) -> None:
    mia, task = play.world.member(), await play.task()
    first = await play.do(task.write, "the frist reply")
    await play.do(play.world.time.sleep, SLIP_S)
    await play.do(task.edit, first, "the first reply")
    await play.do(play.world.until, "the edit", lambda: mia.from_agent() == ["the first reply"])


async def taken_back(play: Play) -> None:
    """Both delete what they wrote. A crash may swallow the news of a deletion: nobody can read that up."""
    mia, task = play.world.member(), await play.task()
    said = await play.do(mia.write, "never mind")
    replied = await play.do(task.write, "my mistake")
    await play.do(task.gets, "hello", "never mind")
    await play.do(mia.gets, "my mistake")
    await play.do(mia.unsend, said)
    await play.do(task.unsend, replied)
    await play.do(mia.write, "goodbye")
    await play.do(play.world.until, "the next words", lambda: "goodbye" in task.from_member())


async def leaves(play: Play) -> None:
    """The agent leaves, and another one is invited."""
    mia, task = play.world.member(), await play.task()
    await play.do(task.leave)
    await play.do(mia.hears, "all_left")
    other: Task = await play.task(2)
    await play.do(mia.write, "who are you?")
    await play.do(other.accept, "ben")
    await play.do(mia.hears, "agent_joined", 2)
    await play.do(other.write, "ben here")
    await play.do(mia.gets, "ben here")


async def unreachable(play: Play) -> None:
    """The member's DMs are closed: what cannot be delivered is dead, and the agent is told."""
    mia, task = play.world.member(), await play.task()
    await play.do(_doors, mia, open_=False)
    await play.do(task.write, "can you read this?")
    await play.do(task.noted, "unreachable")
    await play.do(_doors, mia, open_=True)
    await play.do(mia.write, "back again")
    await play.do(task.noted, "reachable_again")


def _doors(mia: Member, *, open_: bool) -> None:
    mia.world.discord.members.change(mia.name, dms_open=open_)


async def closed_by_member(play: Play) -> None:
    mia, task = play.world.member(), await play.task()
    await play.press(mia, "member_closed", lambda: mia.heard("closed_by_member"))
    await play.do(play.world.until, "the end of the talk", task.is_closed)


async def falls_silent(play: Play) -> None:
    mia, task = play.world.member(), await play.task()
    await play.do(task.write, "anything else?")
    await play.do(mia.gets, "anything else?")
    await play.do(mia.hears, "idle_resolved")
    await play.do(play.world.until, "the end of the talk", task.is_closed)


async def taken_up(play: Play) -> None:
    """From the greeting to an agent's first word."""
    mia = play.world.member()
    await play.press(mia, "agent_requested", lambda: mia.heard("place"))
    await accepted(play)


async def agent_reacts(play: Play) -> None:
    mia, task = play.world.member(), await play.task()
    message = str(await play.do(mia.write, "it works now"))
    await play.do(task.gets, "hello", "it works now")
    await play.do(task.react, message, "🎉")
    await play.do(mia.hears, "agent_reacted")


async def handed_over(play: Play) -> None:
    """To a named colleague, who takes a while."""
    mia, task = play.world.member(), await play.task()
    await play.do(task.transfer, "ben")
    await play.do(mia.hears, "colleague_comes")
    await play.do(mia.write, "who are you?")
    await play.do(task.accept, "ben")
    await play.do(mia.hears, "agent_joined", 2)
    await play.do(task.gets, "hello", "who are you?")


# --- stories of the end


async def completed(play: Play) -> None:
    mia, task = play.world.member(), await play.task()
    await play.do(task.write, "all done")
    await play.do(task.complete)
    await play.do(mia.hears, "goodbye")
    await play.do(mia.gets, "all done")


async def rated(play: Play) -> None:
    """The member says how it was, in a number and in words, and thanks, which is answered with a reaction."""
    mia = play.world.member()
    await play.press(mia, "rating", lambda: mia.heard("rating_thanks"))
    await play.fill_in(mia, "comment", "quick and kind", lambda: mia.heard("comment_thanks"))
    await play.do(mia.write, "thank you")
    await play.do(play.world.until, "a reaction", lambda: [m for m in mia.dm() if m["reactions"]])


async def transcript(play: Play) -> None:
    mia = play.world.member()
    await play.press(mia, "transcript_requested", lambda: [m for m in mia.dm() if m["attachments"]])


async def reopened(play: Play) -> None:
    mia = play.world.member()
    await play.press(mia, "reopen", lambda: mia.heard("place")[1:])
    again = await play.task(2)
    await play.do(again.accept, "ben")
    await play.do(mia.hears, "agent_joined", 2)


async def followed(play: Play) -> None:
    """From the queue to the rating, and a CRM that is told of all that becomes of the case."""
    mia, task, crm = play.world.member(), await play.task(), play.world.crm
    await play.do(task.accept, "ada")
    await play.do(mia.hears, "agent_joined")
    await play.do(task.complete)
    await play.do(mia.hears, "goodbye")
    await play.press(mia, "rating", lambda: mia.heard("rating_thanks"))
    whole = ["case.opened", "case.agent_joined", "case.resolved", "case.feedback"]
    await play.do(play.world.until, "the CRM knows", lambda: len(crm.types()) >= len(whole))
    assert crm.types() == whole
    assert crm.unsigned == 0


# --- stories of what was missed


def both_write(play: Play) -> None:
    play.world.member().write("are you there?")
    play.world.tasks()[0].write("one moment")


async def read_up(play: Play) -> None:
    mia, task = play.world.member(), await play.task()
    await play.do(task.gets, "hello", "are you there?")
    await play.do(mia.gets, "one moment")


def agent_completes(play: Play) -> None:
    play.world.tasks()[0].write("bye")
    play.world.tasks()[0].complete()


async def closed_meanwhile(play: Play) -> None:
    mia = play.world.member()
    await play.do(mia.hears, "goodbye")
    await play.do(mia.gets, "bye")
