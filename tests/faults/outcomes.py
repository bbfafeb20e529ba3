"""What may become of a call, and who sees to it that the next ones of a name meet it."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from orchestrator.inprocess.line import (
    LOST_ANSWER,
    LOST_REQUEST,
    NONSENSE,
    Fate,
    NoAnswer,
    failing,
    limited,
)
from orchestrator.sandbox.wire import Answer, Call
from tests.inprocess.world import World

#: How long a time-out takes, and how long after the caller gave up a late request is carried out. Seconds.
TIME_OUT_S, SLOW_S, LATE_S = 8.0, 4.0, 6.0

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Outcome:
    """Of one call."""

    fate: Fate | None = None  #: None: it goes well
    takes: float = 0.0  #: seconds until the caller knows
    late: bool = False  #: no answer comes, and the far side does the work when the caller has given up


OUTCOMES: dict[str, Outcome] = {
    "done, answer lost": Outcome(LOST_ANSWER),
    "reset": Outcome(LOST_REQUEST),
    "429 naming a time": Outcome(limited(3)),
    "429 naming none": Outcome(limited()),
    "500 before": Outcome(failing(500)),
    "500 after": Outcome(failing(500, done=True)),
    "502 in HTML": Outcome(failing(502)),
    "time-out before": Outcome(LOST_REQUEST, takes=TIME_OUT_S),
    "time-out after": Outcome(LOST_ANSWER, takes=TIME_OUT_S),
    "nonsense": Outcome(NONSENSE),
    "an empty object": Outcome(Fate(done=True, answer=Answer(200, {}))),
    "slow": Outcome(takes=SLOW_S),
    "late": Outcome(late=True),
}


@dataclass
class Spoiler:
    """Stands in every line of a world. Nothing goes wrong before something was planted."""

    world: World
    calls: list[str] = field(default_factory=list)  #: every call that was made, as `service.name`
    _planted: dict[str, deque[Outcome]] = field(default_factory=dict)
    _met: set[str] = field(default_factory=set)
    _current: Outcome | None = None
    _slow: float = 0.0

    def __post_init__(self) -> None:
        hooks = self.world.hooks
        hooks.point, hooks.faulty, hooks.pause = self._passes, self._decides, self._waits
        discord, twilio = self.world.discord_rest, self.world.twilio_rest

        def discord_rest(call: Call) -> Answer:
            return self._sooner_or_later(lambda: discord(call))

        def twilio_rest(host: str, call: Call) -> Answer:
            return self._sooner_or_later(lambda: twilio(host, call))

        crm = self.world.crm_takes

        def crm_takes(headers: Mapping[str, str], body: bytes) -> Answer:
            return self._sooner_or_later(lambda: crm(headers, body))

        self.world.crm_takes = crm_takes  # type: ignore[method-assign]
        self.world.discord_rest = discord_rest  # type: ignore[method-assign]
        self.world.twilio_rest = twilio_rest  # type: ignore[method-assign]

    def plant(self, call: str, *outcomes: Outcome) -> None:
        """What the next calls of that name meet, one after the other."""
        self._planted.setdefault(call, deque()).extend(outcomes)

    def met(self, call: str) -> bool:
        """Whether a call of that name met the first of what was planted for it."""
        return call in self._met

    def _passes(self, point: str) -> None:
        call, _, where = point.rpartition(":")
        if where == "before":
            self.calls.append(call)
            planted = self._planted.get(call)
            self._current = planted.popleft() if planted else None
            if self._current is not None:
                self._met.add(call)
            self._slow = self._current.takes if self._current else 0.0

    def _decides(self, _service: str, _method: str, _path: str) -> Fate | None:
        return self._current.fate if self._current else None

    async def _waits(self) -> None:
        """Asked right after a call, before anybody else goes on: the time that it took."""
        if (took := self._slow) > 0:
            self._slow = 0.0
            await self.world.time.sleep(took)

    def _sooner_or_later(self, work: Callable[[], T]) -> T:
        current, self._current = self._current, None
        if current is None or not current.late:
            return work()
        asyncio.get_running_loop().call_later(LATE_S, work)
        raise NoAnswer
