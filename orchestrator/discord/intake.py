"""The intake: what Discord tells goes in one line to the store, before anything else is done about it."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field

from machines.events import Event
from orchestrator.clock import Clock
from orchestrator.discord.live import AT_ONCE, Live, Put, Submit, insist

#: What waits may take this long to be submitted when the service stops. Seconds.
STOP_S = 2.0


@dataclass(slots=True)
class Intake:
    """Serial: events are submitted in the order in which they were put, each exactly once per process.

    While held, live events wait: reading up what was missed goes first. Once released, those of a DM that could
    not be read are held back alone.
    """

    submit: Submit
    clock: Clock
    live: Live | None = None  #: None: nothing is missed anywhere
    _queue: asyncio.Queue[Put] = field(default_factory=asyncio.Queue)
    _open: asyncio.Event = field(default_factory=asyncio.Event)
    _task: asyncio.Task[None] | None = None

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="discord intake")

    async def stop(self) -> None:
        """Submit what waits, if it is not held, then stop. What is lost here is read up at the next start."""
        if self._task is None:
            return
        if self._open.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(STOP_S):
                    await self._queue.join()
                    if self.live:
                        await self.live.settled()
        task, self._task = self._task, None
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        if self.live:
            await self.live.stop()

    def put(self, event: Event) -> asyncio.Future[None]:
        """Sync and loop-safe. The future is done once the event is committed."""
        committed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queue.put_nowait((event, committed))
        return committed

    def hold(self) -> None:
        """A new session begins, or none is there."""
        self._open.clear()
        if self.live:
            self.live.positions.begin()

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
            passing = [one for one in taken if not (self.live and self.live.holds(*one))]
            await insist(self.submit, [event for event, _ in passing], self.clock)
            for _, committed in passing:
                if not committed.done():
                    committed.set_result(None)
            for _ in taken:
                self._queue.task_done()
