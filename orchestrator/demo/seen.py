"""What the two sandboxes saw, as values: the member's DM, the agents' tasks, the log between them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from orchestrator.texts.say import words

#: How the sandbox names our own account.
BOT = "bot"


@dataclass(frozen=True, slots=True)
class Line:
    """A message, in the DM or in a task, as the sandbox holds it at the end."""

    id: str
    at: datetime
    author: str  #: `bot`, the member's name, an agent's name, or the author the service gave at Twilio
    text: str
    buttons: tuple[str, ...] = ()  #: custom ids
    labels: tuple[str, ...] = ()  #: what stands on them


@dataclass(frozen=True, slots=True)
class Task:
    """A task as agents see it, with the whole Twilio Conversation behind it."""

    sid: str
    conversation: str
    status: str
    lines: tuple[Line, ...]


@dataclass(frozen=True, slots=True)
class Exchange:
    """One entry of the sandbox's log."""

    seq: int
    at: datetime  #: when the answer was decided
    by: str  #: `app`, `member:mia`, `agent:ada`, `twilio`, `demo` ...
    to: str
    method: str
    path: str
    request: Mapping[str, Any] = field(default_factory=dict)
    status: int | None = None  #: None where no answer came
    response: Any = None
    fault: str | None = None


@dataclass(frozen=True, slots=True)
class Seen:
    """Everything the checks may know."""

    member: str  #: the member's name
    dm: tuple[Line, ...]  #: oldest first, the member's and the bot's
    tasks: tuple[Task, ...]  #: oldest first
    log: tuple[Exchange, ...]
    private: tuple[Line, ...] = ()  #: all the member sees of the bot, ephemeral answers included

    def bot_lines(self) -> tuple[Line, ...]:
        return tuple(line for line in self.dm if line.author == BOT)

    def acts(self, by: str, method: str, path: str) -> list[Exchange]:
        """Entries of one actor (or kind of actor, `agent:`) whose path matches the expression."""
        return [
            entry
            for entry in self.log
            if entry.by.startswith(by) and entry.method == method and re.search(path, entry.path)
        ]


def read(
    member: str,
    inbox: Sequence[Mapping[str, Any]],
    tasks: Sequence[Mapping[str, Any]],
    log: Sequence[Mapping[str, Any]],
) -> Seen:
    """From the JSON of the control API. Deleted lines are left out: nobody sees them any more."""
    shown = [m for m in inbox if not m["deleted_at"]]
    return Seen(
        member=member,
        dm=tuple(_dm_line(m) for m in shown if "channel" not in m and not m["ephemeral"]),
        private=tuple(_dm_line(m) for m in shown if m["author"] == BOT),
        tasks=tuple(_task(task) for task in tasks),
        log=tuple(_exchange(entry) for entry in log),
    )


def says(key: str, text: str) -> re.Match[str] | None:
    """Whether a DM text begins with the words of `key`; placeholders become groups of the match."""
    pattern = re.escape(words("en").member[key])
    return re.match(re.sub(r"\\{(\w+)\\}", r"(?P<\1>.*?)", pattern), text, re.DOTALL)


def _dm_line(message: Mapping[str, Any]) -> Line:
    embeds = [str(e.get(part) or "") for e in message["embeds"] for part in ("title", "description")]
    return Line(
        id=message["id"],
        at=datetime.fromisoformat(message["at"]),
        author=message["author"],
        text="\n".join(part for part in (message["content"], *embeds) if part),
        buttons=tuple(str(c["custom_id"]) for c in message["components"]),
        labels=tuple(str(c["label"]) for c in message["components"]),
    )


def _task(task: Mapping[str, Any]) -> Task:
    lines = (
        Line(m["sid"], datetime.fromisoformat(m["at"]), m["author"], m["body"] or "")
        for m in task["messages"]
        if not m["deleted_at"]
    )
    return Task(task["sid"], task["conversation_sid"] or "", task["status"], tuple(lines))


def _exchange(entry: Mapping[str, Any]) -> Exchange:
    request = entry["request"]
    return Exchange(
        seq=entry["seq"],
        at=datetime.fromisoformat(entry["at"]),
        by=entry["from"],
        to=entry["to"],
        method=entry["method"],
        path=entry["path"],
        request=request if isinstance(request, Mapping) else {},
        status=entry["status"],
        response=entry["response"],
        fault=entry["fault"],
    )
