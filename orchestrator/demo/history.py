"""The course of a story, read from what the sandboxes saw: who said what when, hand-offs, times of silence."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from orchestrator.demo.seen import BOT, Exchange, Line, Seen, Task, says

_LONG_AGO = datetime.min.replace(tzinfo=UTC)
_NEVER = datetime.max.replace(tzinfo=UTC)
_DELAY = re.compile(r"delay=([\d.]+)s")
_CALLBACK = re.compile(r"^/interactions/(\d+)/.*callback")


@dataclass(frozen=True, slots=True)
class Said:
    """Something a person wrote, by the sandbox's log."""

    at: datetime
    text: str


@dataclass(frozen=True, slots=True)
class Handoff:
    """The time in which the member waits for an agent or talks to one, as the DM shows it."""

    line: Line  #: the one with the case number and the place
    number: str
    place: str
    goodbye: Line | None = None  #: None while it is not over
    goodbye_number: str = ""

    def covers(self, at: datetime) -> bool:
        return self.line.at < at < (self.goodbye.at if self.goodbye else _NEVER)


@dataclass(frozen=True, slots=True)
class Question:
    """What the member wrote to the bot in one go, and the bot's lines up to the next thing that happened."""

    lines: tuple[Line, ...]
    answers: tuple[Line, ...]


def handoffs(seen: Seen) -> list[Handoff]:
    """Oldest first."""
    found: list[Handoff] = []
    for line in seen.bot_lines():
        if told := says("place", line.text):
            found.append(Handoff(line, told["number"], told["place"]))
        elif (over := says("goodbye", line.text)) and found and found[-1].goodbye is None:
            waiting = found.pop()
            found.append(Handoff(waiting.line, waiting.number, waiting.place, line, over["number"]))
    return found


def questions(seen: Seen) -> list[Question]:
    """Oldest first. A line of the bot ends a question; what follows a hand-off or a goodbye answers none."""
    talks = handoffs(seen)
    found: list[tuple[list[Line], list[Line]]] = []
    asking = answering = False
    for line in seen.dm:
        if any(talk.covers(line.at) for talk in talks) or _borders_a_talk(line):
            asking = answering = False
        elif line.author != BOT:
            if not asking:
                found.append(([], []))
            found[-1][0].append(line)
            asking = answering = True
        elif answering:
            found[-1][1].append(line)
            asking = False
    return [Question(tuple(lines), tuple(answers)) for lines, answers in found]


def member_said(seen: Seen) -> list[Said]:
    """What the member wrote, in order, whether or not the service ever saw it."""
    posts = seen.acts(f"member:{seen.member}", "POST", r"/messages$")
    return [Said(e.at, str(e.request["content"])) for e in posts]


def agent_said(seen: Seen, task: Task) -> list[Said]:
    """What agents wrote in a task, in order."""
    posts = seen.acts("agent:", "POST", rf"^/tasks/{task.sid}/messages$")
    return [Said(e.at, str(e.request["body"])) for e in posts]


def from_service(seen: Seen, task: Task) -> list[Line]:
    """The lines of a task that no agent wrote: the transcript, what was relayed, notes."""
    agents = {e.by.removeprefix("agent:") for e in seen.acts("agent:", "POST", r"^/tasks/")}
    return [line for line in task.lines if line.author not in agents]


def killed(seen: Seen) -> datetime | None:
    """When the service was killed first."""
    return next((e.at for e in seen.acts("demo", "KILL", "")), None)


def started_again(seen: Seen) -> datetime:
    """When the next process began, after the first kill: every request from before is of the killed one."""
    since = killed(seen) or _NEVER
    return next((e.at for e in seen.acts("demo", "START", "") if e.at > since), _NEVER)


def down_times(seen: Seen) -> list[tuple[datetime, datetime]]:
    """From the beginning and from each kill until the service was ready again."""
    times: list[tuple[datetime, datetime]] = []
    since: datetime | None = _LONG_AGO
    for entry in seen.log:
        if entry.by == "demo" and entry.method == "READY" and since is not None:
            times.append((since, entry.at))
            since = None
        elif entry.by == "demo" and entry.method in ("KILL", "STOP") and since is None:
            since = entry.at
    return times if since is None else [*times, (since, _NEVER)]


def within(at: datetime, times: Iterable[tuple[datetime, datetime]]) -> bool:
    return any(since <= at <= until for since, until in times)


def began(exchange: Exchange) -> datetime:
    """When a request arrived: the log has the time of the answer, a planted delay comes before it."""
    delay = _DELAY.search(exchange.fault or "")
    return exchange.at - timedelta(seconds=float(delay[1]) if delay else 0.0)


def completions(seen: Seen) -> list[tuple[datetime, Task]]:
    """When an agent completed which task."""
    acts = seen.acts("agent:", "POST", r"^/tasks/\w+/complete$")
    return [(e.at, task) for e in acts for task in seen.tasks if f"/tasks/{task.sid}/" in e.path]


def presses(seen: Seen, action: str = "") -> list[Exchange]:
    """The member's clicks on buttons whose custom id begins with `action`."""
    clicks = seen.acts(f"member:{seen.member}", "POST", r"/clicks$")
    return [e for e in clicks if str(e.request["custom_id"]).startswith(action)]


def acknowledgements(seen: Seen) -> dict[str, datetime]:
    """Interaction id -> when Discord took the service's answer."""
    taken = [e for e in seen.acts("app", "POST", _CALLBACK.pattern) if e.status in (200, 204)]
    return {match[1]: e.at for e in taken if (match := _CALLBACK.match(e.path))}


def interaction(exchange: Exchange) -> str:
    """The id of the interaction that a click or command began."""
    return str(exchange.response["id"])


def count_turns(one: Sequence[Said], other: Sequence[Said]) -> int:
    """How often the word passes from one side to the other."""
    order = sorted([(said.at, 0) for said in one] + [(said.at, 1) for said in other])
    return sum(a[1] != b[1] for a, b in pairwise(order))


def _borders_a_talk(line: Line) -> bool:
    return says("place", line.text) is not None or says("goodbye", line.text) is not None
