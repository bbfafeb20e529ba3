"""The intake: what Discord tells goes in one line to the store, before anything else is done about it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from machines.events import Event
from orchestrator.clock import Clock
from orchestrator.errors import Unavailable
from storage.values import Receipt

log = logging.getLogger(__name__)

#: Events submitted together.
AT_ONCE = 100


@dataclass(slots=True)
class Intake:
    """Serial: events are submitted in the order in which they were put, each exactly once per process.

    While held, live events wait: reading up what was missed goes first.
    """

    submit: Callable[[Sequence[Event]], Awaitable[list[Receipt]]]
    clock: Clock
    _queue: asyncio.Queue[tuple[Event, asyncio.Future[None]]] = field(default_factory=asyncio.Queue)
    _open: asyncio.Event = field(default_factory=asyncio.Event)
    _task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="discord intake")

    async def stop(self) -> None:
        """Submit what waits, if it is not held, then stop. What is lost here is read up at the next start."""
        if self._task is None:
            return
        if self._open.is_set():
            try:
                async with asyncio.timeout(2.0):
                    await self._queue.join()
            except TimeoutError:
                pass
        task, self._task = self._task, None
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    def put(self, event: Event) -> asyncio.Future[None]:
        """Sync and loop-safe. The future is done once the event is committed."""
        committed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queue.put_nowait((event, committed))
        return committed

    def hold(self) -> None:
        self._open.clear()

    def release(self) -> None:
        self._open.set()

    @property
    def released(self) -> bool:
        return self._open.is_set()

    async def _run(self) -> None:
        while True:
            taken = [await self._queue.get()]
            await self._open.wait()
            while len(taken) < AT_ONCE and not self._queue.empty():
                taken.append(self._queue.get_nowait())
            await self._submit([event for event, _ in taken])
            for _, committed in taken:
                self._queue.task_done()
                if not committed.done():
                    committed.set_result(None)

    async def _submit(self, events: list[Event]) -> None:
        """Nobody sends them again: a store that is away is waited for."""
        while True:
            try:
                await self.submit(events)
                return
            except Unavailable as error:
                await self.clock.sleep(error.retry_after)
            except Exception:
                log.exception("intake failed")
                return
