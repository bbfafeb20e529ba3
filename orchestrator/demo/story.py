"""The headless story: a member, a bot, two agents and a crash, played against the real service."""

from __future__ import annotations

import sys
import time

import aiohttp

from orchestrator.demo import checks, report
from orchestrator.demo.actors import People, StoryStuck, until
from orchestrator.demo.history import handoffs
from orchestrator.demo.parent import Parent
from orchestrator.demo.seen import BOT, Line, Seen, Task, says
from orchestrator.errors import Fatal
from orchestrator.texts.say import words

MEMBER = "mia"
HELP_CHANNEL = "customer-service"
#: One question, typed in two messages.
BURST = ("I think I forgot my password", "and the reset email never arrived")
#: No article of the sample knowledge base answers this.
UNANSWERABLE = "Which bus goes to the concert hall on Sundays?"
#: (member, agent), each before the other's next.
TALK = (
    ("My address changed last week, maybe that is why?", "Hi Mia, I am looking at your account now."),
    ("It is the one with the blue avatar.", "Found it, the old address is still in there."),
    ("Can you change it for me?", "I can. Which address shall it be?"),
    ("mia@example.org, please.", "Done. A fresh link is on its way."),
    ("I see it in my inbox!", "It works once, for one hour."),
)
#: Under way when the service is killed.
CUT = ("The page says that the link is broken :(", "Copy the whole link, it spans two lines.")
#: Written while it is down.
DOWN = ("Now it asks for a code from my phone.", "That is the second factor, type the six digits.")
AFTER = "One more thing: how do I invite a friend?"
LATER = "It is about my account again."

#: Seconds for which the requests that the kill cuts are held up.
HELD = 2.0
#: Seconds until everything that was in doubt has to have arrived: the service looks before it repeats.
RECOVERED_WITHIN = 40.0


async def run() -> int:
    """Play it, print it, judge it. 0 when every check holds. Raises Fatal when the service does not start."""
    began = time.monotonic()
    async with Parent() as parent, aiohttp.ClientSession() as session:
        people = People(session, parent.url, MEMBER)
        stuck = ""
        try:
            await _play(people, parent)
        except StoryStuck as error:
            stuck = f"The story got stuck. {error}\n  {parent.last_lines()}\n"
        except Fatal as error:
            stuck = f"The service did not come up again. {error}\n"
        _progress("")
        seen = await people.look_closely()
        results = checks.judge(seen)
        sys.stdout.write(report.story(seen, results))
        sys.stdout.write(f"{time.monotonic() - began:.1f} s\n{stuck}")
    return 0 if all(check.ok for check in results) and not stuck else 1


async def _play(people: People, parent: Parent) -> None:
    _progress("the member asks")
    await _ask_the_bot(people)
    _progress("an agent takes over")
    task = await _reach_an_agent(people, "ada")
    await _talk(people, task)
    _progress("the service is killed")
    await _crash(people, parent, task)
    _progress("the agent completes")
    await _finish(people, task)
    _progress("the member comes back")
    await _come_back(people)


async def _ask_the_bot(people: People) -> None:
    await people.command("helpme", HELP_CHANNEL)
    await people.until(
        "the greeting", lambda seen: any(says("greeting", line.text) for line in seen.bot_lines())
    )
    for text in BURST:
        await people.write(text)
    await people.until("an answer", lambda seen: _answer(seen, after=BURST[-1]))
    await people.write(UNANSWERABLE)
    await people.until("an admission", lambda seen: _answer(seen, after=UNANSWERABLE))


async def _reach_an_agent(people: People, agent: str, number: int = 1) -> str:
    """Press the button below the bot's last line; returns the sid of the task."""
    seen = await people.look()
    await people.press(seen.bot_lines()[-1], words("en").button["agent_requested"])
    await people.until("case number and place", lambda seen: len(handoffs(seen)) == number)
    task = await people.until("a task", lambda seen: _task(seen, number))
    await people.accept(task.sid, agent)
    await people.until(
        "who joined",
        lambda seen: len([line for line in seen.dm if says("agent_joined", line.text)]) == number,
    )
    return task.sid


async def _talk(people: People, task: str) -> None:
    for question, reply in TALK:
        await people.write(question)
        await people.reply(task, reply)
    texts = [text for turn in TALK for text in turn]
    await people.until("all they said", lambda seen: _arrived(seen, task, *texts))


async def _crash(people: People, parent: Parent, task: str) -> None:
    """Kill it while a request to each side is under way; both write while it is down; start it again."""
    await people.delay("twilio", "POST", r"/Conversations/\w+/Messages$", HELD)
    await people.delay("discord", "POST", r"^/channels/\d+/messages$", HELD)
    await people.write(CUT[0])
    await people.reply(task, CUT[1])

    async def both_under_way() -> bool:
        return await people.faults_left() == 0

    await until("requests under way", both_under_way, HELD)
    await parent.kill()
    await people.write(DOWN[0])
    await people.reply(task, DOWN[1])
    await parent.start()
    await people.until(
        "what was cut and missed", lambda seen: _arrived(seen, task, *CUT, *DOWN), RECOVERED_WITHIN
    )


async def _finish(people: People, task: str) -> None:
    await people.complete(task)
    over = await people.until("the goodbye", lambda seen: handoffs(seen)[0].goodbye)
    await people.press(over, "rating")
    await people.until("thanks", lambda seen: any(says("rating_thanks", line.text) for line in seen.private))


async def _come_back(people: People) -> None:
    await people.write(AFTER)
    await people.until("an answer", lambda seen: _answer(seen, after=AFTER))
    task = await _reach_an_agent(people, "ben", number=2)
    await people.write(LATER)
    await people.until("the last word", lambda seen: _arrived(seen, task, LATER))


def _answer(seen: Seen, *, after: str) -> Line | None:
    """The bot's first line behind the member's line of that text."""
    texts = [line.text for line in seen.dm]
    if after not in texts:
        return None
    behind = seen.dm[texts.index(after) + 1 :]
    return next((line for line in behind if line.author == BOT), None)


def _task(seen: Seen, number: int) -> Task | None:
    """The task of that number, once it is there."""
    return seen.tasks[number - 1] if len(seen.tasks) >= number else None


def _arrived(seen: Seen, sid: str, *texts: str) -> bool:
    """Whether every text stands on both sides, by whom ever it was written."""
    task = next(task for task in seen.tasks if task.sid == sid)
    sides = [" ".join(line.text for line in side) for side in (seen.dm, task.lines)]
    return all(text in side for text in texts for side in sides)


def _progress(text: str) -> None:
    """One line that is overwritten; on a terminal only."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r\033[K{text}")
        sys.stderr.flush()
