"""A virtual loop whose threads take time: while a commit is on its way to the disk, others go on."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from random import Random
from typing import Any, TypeVar

from tests.inprocess.virtual import Time, VirtualLoop

T = TypeVar("T")


class SeededLoop(VirtualLoop):
    """What is meant for a thread is done at once, and known after a while that `chance` picks.

    One executor is one thread here: its work ends in the order in which it was given.
    """

    def __init__(self, time: Time, chance: Random, takes: float) -> None:
        """`takes`: seconds that a piece of work takes on average."""
        super().__init__(time)
        self._chance = chance
        self._average = takes
        self._free: dict[int, float] = {}  # executor -> when it has done what it was given

    def run_in_executor(self, executor: Any, func: Callable[..., T], *args: Any) -> asyncio.Future[T]:  # type: ignore[override]
        done = super().run_in_executor(executor, func, *args)
        known: asyncio.Future[T] = self.create_future()
        begins = max(self.time(), self._free.get(id(executor), 0.0))
        ends = begins + self._chance.expovariate(1.0) * self._average
        self._free[id(executor)] = ends
        self.call_at(ends, _pass_on, done, known)
        return known


def _pass_on(done: asyncio.Future[T], known: asyncio.Future[T]) -> None:
    if known.cancelled():
        done.exception()
    elif (error := done.exception()) is not None:
        known.set_exception(error)
    else:
        known.set_result(done.result())
