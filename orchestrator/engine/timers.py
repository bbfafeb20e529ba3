"""Timers: rows become events when their time has come. The near ones are held in memory, the table has all."""

from __future__ import annotations

import asyncio
import heapq
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from machines.events import Address, CaseTrigger, Event, Source, Trigger
from orchestrator.clock import Clock
from orchestrator.engine.waiting import wait
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


class TimerTable(Protocol):
    async def timers(self, before: float) -> list[SetTimer]: ...


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
    """Fires timers by submitting them. The store ignores one that was voided or set anew."""

    table: TimerTable
    submit: Callable[[Sequence[Event]], Awaitable[list[Receipt]]]
    clock: Clock
    _heap: list[tuple[float, str, str, int]] = field(default_factory=list)
    _known: set[tuple[str, str, int]] = field(default_factory=set)
    _changed: asyncio.Event = field(default_factory=asyncio.Event)
    _task: asyncio.Task[None] | None = None

    def start(self) -> None:
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
        swept = -SWEEP_S
        while True:
            if self.clock.monotonic() - swept >= SWEEP_S:
                swept = self.clock.monotonic()
                await self._sweep()
            await self._fire_due()
            await self._wait()

    async def _sweep(self) -> None:
        try:
            self.accept(await self.table.timers(self.clock.time() + HORIZON_S))
        except Exception as error:
            log.warning("reading timers failed", extra={"error": type(error).__name__})

    async def _fire_due(self) -> None:
        now = self.clock.time()
        due: list[SetTimer] = []
        while self._heap and self._heap[0][0] <= now:
            at, subject, name, epoch = heapq.heappop(self._heap)
            self._known.discard((subject, name, epoch))
            due.append(SetTimer(subject, name, at, epoch))
        for start in range(0, len(due), AT_ONCE):
            try:
                await self.submit([event_of(timer) for timer in due[start : start + AT_ONCE]])
            except Exception as error:
                # the rows are still there: the next sweep finds them
                log.warning("timers put off", extra={"count": len(due), "error": type(error).__name__})

    async def _wait(self) -> None:
        """Until the next timer, at most a tick: a wall clock that was moved is noticed."""
        pause = TICK_S
        if self._heap:
            pause = min(pause, max(0.0, self._heap[0][0] - self.clock.time()))
        self._changed.clear()
        await wait(self._changed, pause, self.clock)
