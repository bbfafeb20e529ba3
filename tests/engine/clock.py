"""A clock that stands until a test moves it."""

from __future__ import annotations

import asyncio
import heapq
import time
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import count

from tests.storage.facts import START


class ManualClock:
    """`advance` wakes whoever sleeps, each at their own time, in order."""

    def __init__(self, start: float = START) -> None:
        self._time = self._start = start
        self._sleepers: list[tuple[float, int, asyncio.Future[None]]] = []
        self._numbers = count()

    def now(self) -> datetime:
        return datetime.fromtimestamp(self._time, UTC)

    def time(self) -> float:
        return self._time

    def monotonic(self) -> float:
        return self._time - self._start

    async def sleep(self, seconds: float) -> None:
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._time + seconds, next(self._numbers), woken))
        await woken

    @property
    def sleeping(self) -> int:
        return sum(1 for _, _, woken in self._sleepers if not woken.done())

    async def advance(self, seconds: float) -> None:
        """Time passes. Everything that is due on the way has happened when this returns."""
        end = self._time + seconds
        await settle()
        while self._sleepers and self._sleepers[0][0] <= end:
            at, _, woken = heapq.heappop(self._sleepers)
            if woken.done():
                continue
            self._time = max(self._time, at)
            woken.set_result(None)
            await settle()
        self._time = end
        await settle()


async def settle(rounds: int = 30) -> None:
    """Let every task go on until it waits for something from outside the loop."""
    for _ in range(rounds):
        await asyncio.sleep(0)


async def eventually(holds: Callable[[], bool], seconds: float = 5.0) -> None:
    """Wait for what threads bring about. Raises if it does not come in time."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            raise AssertionError("it did not come about in time")
        await asyncio.sleep(0.002)


class WallClock(ManualClock):
    """Its wall can be set apart from the time that passes, as people, daylight and sleep do."""

    _shift: float = 0.0

    def set(self, seconds: float) -> None:
        """The wall clock goes forward, or back; no time passes."""
        self._shift += seconds

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.time(), UTC)

    def time(self) -> float:
        return super().time() + self._shift
