"""Reconcile: re-read the providers' truth and feed what was missed as events. When; the adapters know how."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from machines.events import Event
from orchestrator.clock import Clock
from orchestrator.engine.waiting import wait
from orchestrator.errors import Reject, Retry, Unavailable
from orchestrator.ports import Read
from storage.values import Receipt

log = logging.getLogger(__name__)

#: How often the Twilio Conversations are re-read without any sign of a gap.
EVERY_S = 180.0
#: Pause before a side that could not be read is read again.
AGAIN_S = 5.0

Source = Callable[[], Awaitable[Read]]


@dataclass(slots=True)
class Reconciler:
    """Reads both sides at the start and on every READY, the desk side every few minutes as well."""

    discord: Source
    twilio: Source
    submit: Callable[[Sequence[Event]], Awaitable[list[Receipt]]]
    clock: Clock
    _task: asyncio.Task[None] | None = None
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    _soon: asyncio.Event = field(default_factory=asyncio.Event)
    _missed: list[Source] = field(default_factory=list)  #: sides that could not be read in full

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="reconcile")

    async def stop(self) -> None:
        if self._task:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def prompt(self) -> None:
        """Something may have been missed: read the desk side soon."""
        self._soon.set()

    async def both(self) -> None:
        """Both sides of every conversation are read, then submitted sorted by the providers' time."""
        await self._read(self.discord, self.twilio)

    async def _read(self, *sources: Source) -> None:
        async with self._lock:
            self._missed = [source for source in self._missed if source not in sources]
            reads: list[tuple[Source, Read]] = []
            for source in sources:
                try:
                    reads.append((source, await source()))
                except (Retry, Reject) as error:
                    log.warning("reconcile put off", extra={"error": str(error)})
                    self._later(source)
                except Exception:
                    log.exception("reading a side failed")
                    self._later(source)
            events = sorted((e for _, read in reads for e in read.events), key=lambda e: e.at)
            await self._submit(events)
            for source, read in reads:
                if not read.complete:
                    self._later(source)
                try:
                    await read.remember()
                except Exception:
                    log.exception("remembering what was read failed")  # it is read again: the ledger drops it
            if events:
                log.info("reconciled", extra={"events": len(events)})

    async def _submit(self, events: Sequence[Event]) -> None:
        """In slices; a database that is away is waited for."""
        for start in range(0, len(events), 100):
            slice_ = events[start : start + 100]
            while True:
                try:
                    await self.submit(slice_)
                    break
                except Unavailable as error:
                    await self.clock.sleep(error.retry_after)

    def _later(self, source: Source) -> None:
        self._missed.append(source)
        self._soon.set()

    async def _run(self) -> None:
        while True:
            await wait(self._soon, EVERY_S, self.clock)
            if self._missed:
                await self.clock.sleep(AGAIN_S)
            self._soon.clear()
            try:
                if self.discord in self._missed:
                    await self.both()
                else:
                    await self._read(self.twilio)
            except Exception:
                log.exception("reconcile failed")
