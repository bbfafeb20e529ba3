"""An event loop whose time is virtual: nobody waits. When nothing is left to do, the next timer is due at once."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

T = TypeVar("T")

#: 2026-03-02, 09:00 UTC: where every story begins. Seconds since the epoch.
START = 1_772_442_000.0


class Stuck(Exception):
    """Everybody waits, and no timer is set: it would stay so for ever."""


@dataclass(slots=True)
class Time:
    """The one clock of a story: of the service, of the providers and of the loop. Outlives them."""

    passed: float = 0.0  #: seconds since the beginning

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.time(), UTC)

    def time(self) -> float:
        return START + self.passed

    def monotonic(self) -> float:
        return self.passed

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


@dataclass(slots=True)
class WallClock:
    """Somebody's own clock over the one time of a story: ahead of it by some seconds, or behind."""

    true: Time
    ahead: float = 0.0  #: seconds

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.time(), UTC)

    def time(self) -> float:
        return self.true.time() + self.ahead

    def monotonic(self) -> float:
        return self.true.monotonic()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


class _Selector(selectors.SelectSelector):
    """Never blocks. What the loop would have waited passes at once."""

    def __init__(self, time: Time) -> None:
        super().__init__()
        self._time = time

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """There are no sockets to look at."""
        if timeout is None:
            raise Stuck
        if timeout > 0:
            self._time.passed += max(timeout, 1e-6)
        return []


class VirtualLoop(asyncio.SelectorEventLoop):
    """Threads and sockets have no place in it: nothing would wait for them.

    What is meant for a thread is done at once, in its place.
    """

    def __init__(self, time: Time) -> None:
        self._virtual = time
        super().__init__(_Selector(time))
        self._clock_resolution = 1e-6  # finer than floats are after months, the loop would spin

    def time(self) -> float:
        return self._virtual.passed

    def run_in_executor(self, executor: Any, func: Callable[..., T], *args: Any) -> asyncio.Future[T]:  # type: ignore[override]
        done: asyncio.Future[T] = self.create_future()
        try:
            done.set_result(func(*args))
        except Exception as error:
            done.set_exception(error)
        return done


def play(time: Time, story: Coroutine[Any, Any, T]) -> T:
    """Run a story to its end in a loop of its own."""
    with asyncio.Runner(loop_factory=lambda: VirtualLoop(time)) as runner:
        return runner.run(story)
