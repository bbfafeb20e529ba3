"""Timers: rows become events when their time has come. The near ones are held in memory, the table has all."""

from __future__ import annotations

import asyncio
import heapq
import logging
import math
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Protocol

from sqlalchemy import Engine

from machines.events import Address, CaseTrigger, Event, Source, Trigger
from machines.snapshot import Limits
from orchestrator.clock import Clock
from orchestrator.engine.waiting import wait
from storage.marks import IDLE, pull_in, rearm_idle
from storage.values import Receipt, SetTimer, moment

log = logging.getLogger(__name__)

#: Timers due within this time are held in memory.
HORIZON_S = 60.0
#: How often the table is read for them.
SWEEP_S = 30.0
#: The wall clock is compared at least this often.
TICK_S = 1.0
#: Timers fired together: after a long pause thousands may be due.
AT_ONCE = 100
#: A wall clock that is this much further on than the time that passed has jumped, or the machine was asleep.
JUMP_S = 300.0
#: While nobody can be heard, timers that count no silence wait this long, and no longer.
PATIENCE_S = 60.0


class TimerTable(Protocol):
    async def timers(self, before: float) -> list[SetTimer]: ...


class Setting(Protocol):
    """Sets timers anew when the clock, or the hearing, was not to be relied on."""

    async def rearm_idle(self, *, every: bool) -> None:
        """Idle timers that fell due, or every one of them, count from now."""
        ...

    async def pull_in(self) -> None:
        """Nothing is due later than its whole length from now: a clock that was set back delays nobody."""
        ...


@dataclass(frozen=True, slots=True)
class Rows:
    """`Setting` over the database, in the writer thread. `then`: the outbox may have changed as well."""

    run: Callable[[Callable[[], Any]], Awaitable[Any]]
    engine: Engine
    limits: Limits
    clock: Clock
    then: Callable[[], None]

    async def rearm_idle(self, *, every: bool) -> None:
        await self.run(partial(rearm_idle, self.engine, self.clock.time(), self.limits, every=every))

    async def pull_in(self) -> None:
        if await self.run(partial(pull_in, self.engine, self.clock.time(), self.limits)):
            self.then()


def event_of(timer: SetTimer) -> Event:
    """The firing of a timer. Its name holds the epoch, so each setting fires once."""
    machine, _, subject = timer.subject.partition(":")
    conversation = subject if machine == "conversation" else None
    return Event(
        Source.TIMER,
        f"{timer.subject}:{timer.name}:{timer.epoch}",
        Trigger(timer.name) if conversation else CaseTrigger(timer.name),
        moment(timer.due_at),
        Address(conversation=conversation, case=None if conversation else subject),
        {"subject": timer.subject, "name": timer.name, "epoch": timer.epoch},
    )


@dataclass(slots=True)
class Timers:
    """Fires timers by submitting them. The store ignores one that was voided or set anew.

    `hearing` is False while members or agents may have spoken without having been heard: nobody's silence is
    counted then. Once all was read, idle timers that fell due meanwhile count from then on.
    """

    table: TimerTable
    submit: Callable[[Sequence[Event]], Awaitable[list[Receipt]]]
    clock: Clock
    hearing: Callable[[], bool] = lambda: True
    setting: Setting | None = None
    _heap: list[tuple[float, str, str, int]] = field(default_factory=list)
    _known: set[tuple[str, str, int]] = field(default_factory=set)
    _changed: asyncio.Event = field(default_factory=asyncio.Event)
    _task: asyncio.Task[None] | None = None
    _swept: float = -math.inf  #: monotonic
    _seen: tuple[float, float] = (0.0, 0.0)  #: wall and monotonic clock at the last look
    _deaf_since: float | None = None  #: monotonic; None: everybody is heard
    _rearm: str = ""  #: which idle timers are still to be set anew: none, `due` or `every`
    _pull_in: bool = True  #: the clock may have been set back, before the start as well
    _kept: bool = False  #: something is due and may not fire yet

    def start(self) -> None:
        self._seen = self.clock.time(), self.clock.monotonic()
        self._deaf_since = self.clock.monotonic()  # nobody was heard before the start
        self._task = asyncio.create_task(self._run(), name="timers")

    async def stop(self) -> None:
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def accept(self, timers: Iterable[SetTimer]) -> None:
        """Take freshly committed timers. Sync and loop-safe."""
        horizon = self.clock.time() + HORIZON_S
        for timer in timers:
            key = (timer.subject, timer.name, timer.epoch)
            if timer.due_at <= horizon and key not in self._known:
                self._known.add(key)
                heapq.heappush(self._heap, (timer.due_at, *key))
                self._changed.set()

    async def _run(self) -> None:
        while True:
            self._look_at_clock()
            self._listen()
            await self._set_anew()
            if self.clock.monotonic() - self._swept >= SWEEP_S:
                self._swept = self.clock.monotonic()
                await self._sweep()
            await self._fire_due()
            await self._wait()

    # --- clock and hearing

    def _look_at_clock(self) -> None:
        """Sleep looks like a jump forward, and means the same: nobody was heard for so long."""
        was, self._seen = self._seen, (self.clock.time(), self.clock.monotonic())
        jump = (self._seen[0] - was[0]) - (self._seen[1] - was[1])
        if jump > JUMP_S:
            log.warning("the clock jumped", extra={"seconds": round(jump)})
            self._rearm = "every"
        elif jump < -TICK_S:
            log.warning("the clock was set back", extra={"seconds": round(-jump)})
            self._pull_in = True
        if abs(jump) > TICK_S:
            self._swept = -math.inf  # what was far may be near

    def _listen(self) -> None:
        if not self.hearing():
            if self._deaf_since is None:
                self._deaf_since = self.clock.monotonic()
        elif self._deaf_since is not None:
            self._deaf_since = None
            self._rearm = self._rearm or "due"

    async def _set_anew(self) -> None:
        """What is held in memory is read again afterwards: a timer that is set anew keeps its name."""
        if not self._pull_in and (not self._rearm or self._deaf_since is not None):
            return
        try:
            if self.setting and self._pull_in:
                await self.setting.pull_in()
            self._pull_in = False
            if self.setting and self._rearm and self._deaf_since is None:
                await self.setting.rearm_idle(every=self._rearm == "every")
            if self._deaf_since is None:
                self._rearm = ""
        except Exception as error:
            log.warning("timers not set anew", extra={"error": type(error).__name__})
            return
        self._heap.clear()
        self._known.clear()
        self._swept = -math.inf

    def _may_fire(self, name: str) -> bool:
        if name in IDLE:
            return self._deaf_since is None and not self._rearm
        return self._deaf_since is None or self.clock.monotonic() - self._deaf_since >= PATIENCE_S

    # --- firing

    async def _sweep(self) -> None:
        try:
            self.accept(await self.table.timers(self.clock.time() + HORIZON_S))
        except Exception as error:
            log.warning("reading timers failed", extra={"error": type(error).__name__})

    async def _fire_due(self) -> None:
        due = self._take_due(self.clock.time())
        for start in range(0, len(due), AT_ONCE):
            try:
                await self.submit([event_of(timer) for timer in due[start : start + AT_ONCE]])
            except Exception as error:
                # the rows are still there: the next sweep finds them
                log.warning("timers put off", extra={"count": len(due), "error": type(error).__name__})

    def _take_due(self, now: float) -> list[SetTimer]:
        due: list[SetTimer] = []
        kept: list[tuple[float, str, str, int]] = []
        while self._heap and self._heap[0][0] <= now:
            at, subject, name, epoch = entry = heapq.heappop(self._heap)
            if self._may_fire(name):
                self._known.discard((subject, name, epoch))
                due.append(SetTimer(subject, name, at, epoch))
            else:
                kept.append(entry)
        for entry in kept:
            heapq.heappush(self._heap, entry)
        self._kept = bool(kept)
        return due

    async def _wait(self) -> None:
        """Until the next timer, at most a tick: a wall clock that was moved is noticed."""
        pause = TICK_S
        if self._heap and not self._kept:
            pause = min(pause, max(0.0, self._heap[0][0] - self.clock.time()))
        self._changed.clear()
        await wait(self._changed, pause, self.clock)
