"""The line between a port and a model: where a call can go wrong, where a crash can strike, who goes first.

`discord.send:before` and `discord.send:after` are the crash points of one call: nothing was done yet, and
everything was done there while nobody here knows. A call of the port that makes two requests passes them twice.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from orchestrator.sandbox.wire import Answer


@dataclass(frozen=True, slots=True)
class Fate:
    """What goes wrong with one request."""

    done: bool  #: the far side did the work
    answer: Answer | None = None  #: what comes back in place of its answer; None: nothing comes back


#: Service (`discord`, `twilio`, `webhook`), method, path -> what goes wrong; None: it goes well.
Faulty = Callable[[str, str, str], Fate | None]
#: Told the name of every crash point as it is passed.
Point = Callable[[str], None]
#: Lets others go first. The only place where a port waits.
Pause = Callable[[], Awaitable[None]]
#: What the far side does.
Work = Callable[[], Awaitable[Answer]]

LOST_REQUEST = Fate(done=False)
LOST_ANSWER = Fate(done=True)
NONSENSE = Fate(done=True, answer=Answer(200, "<html>Hello</html>"))


def failing(status: int = 500, *, done: bool = False, body: Any = "<html>Bad gateway</html>") -> Fate:
    """An answer that is an error, before or after the work was done."""
    return Fate(done, Answer(status, body))


def limited(after: float | None = None) -> Fate:
    """429. `after`: the seconds it names; None: it names none."""
    headers = {} if after is None else {"Retry-After": f"{after:g}"}
    return Fate(done=False, answer=Answer(429, "<html>Too many requests</html>", headers))


def well(_service: str, _method: str, _path: str) -> None:
    """Nothing goes wrong."""


def onward(_name: str) -> None:
    """No crash."""


async def at_once() -> None:
    """Nobody else goes first."""


class NoAnswer(Exception):
    """The line broke. Whether the work was done cannot be seen from here."""


@dataclass(frozen=True, slots=True)
class Line:
    """The way to one service and back."""

    service: str
    faulty: Faulty = well
    point: Point = onward
    pause: Pause = at_once

    async def carry(self, name: str, method: str, path: str, work: Work) -> Answer:
        """Do the work on the far side and bring its answer. Raises `NoAnswer` where none arrives."""
        await self.pause()
        self.point(f"{self.service}.{name}:before")
        fate = self.faulty(self.service, method, path)
        answer = await work() if fate is None or fate.done else None
        self.point(f"{self.service}.{name}:after")
        await self.pause()
        arrived = answer if fate is None else fate.answer
        if arrived is None:
            raise NoAnswer
        return arrived


def seconds(answer: Answer) -> float | None:
    """How long a 429 asks to be left alone; None where its header does not say."""
    after = {name.lower(): value for name, value in answer.headers.items()}.get("retry-after")
    return float(after) if after else None
