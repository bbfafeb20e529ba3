"""Reconcile: re-read the providers' truth and feed what was missed as events. When; the adapters know how."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from typing import Protocol

from machines.effects import Kind
from machines.events import Event
from orchestrator.clock import Clock
from orchestrator.engine.waiting import wait
from orchestrator.errors import Reject, Retry, Unavailable
from orchestrator.ports import Made, Read
from storage.values import Pending, Receipt, Result, Status

log = logging.getLogger(__name__)

#: How often the Twilio Conversations are re-read without any sign of a gap.
EVERY_S = 180.0
#: Pause before a side that could not be read is read again.
AGAIN_S = 5.0
#: Pause between two quiet direct messages: reading them is in nobody's way.
QUIET_PAUSE_S = 1.0
#: Events submitted together.
AT_ONCE = 100

Source = Callable[[], Awaitable[Read]]
Adopt = Callable[[Sequence[Made]], Awaitable[None]]


@dataclass(slots=True)
class Reconciler:
    """Reads both sides at the start and on every READY, the desk side every few minutes as well."""

    discord: Source
    twilio: Source
    submit: Callable[[Sequence[Event]], Awaitable[list[Receipt]]]
    clock: Clock
    quiet: Callable[[], AsyncIterator[Read]] | None = None  #: direct messages without recent conversation
    adopt: Adopt | None = None  #: told which messages of ours were found
    _task: asyncio.Task[None] | None = None
    _quiet: asyncio.Task[None] | None = None
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    _soon: asyncio.Event = field(default_factory=asyncio.Event)
    _missed: list[Source] = field(default_factory=list)  #: sides that could not be read in full
    _catching_up: int = 0  #: readings under way that something was missed before

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="reconcile")

    async def stop(self) -> None:
        tasks = [task for task in (self._task, self._quiet) if task]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def prompt(self) -> None:
        """Something may have been missed: read the desk side soon."""
        self._soon.set()

    @property
    def behind(self) -> bool:
        """Has something that may have been missed not been submitted yet?"""
        return self._soon.is_set() or self._catching_up > 0

    async def both(self) -> None:
        """Both sides of every conversation are read, then submitted sorted by the providers' time."""
        with self._behind():
            await self._read(self.discord, self.twilio)
        self._start_quiet()

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
            await self._take(reads)

    async def _take(self, reads: Sequence[tuple[Source, Read]]) -> None:
        told = [(event, source, read) for source, read in reads for event in read.events]
        told.sort(key=lambda one: one[0].at)
        for start in range(0, len(told), AT_ONCE):
            await self._submit(told[start : start + AT_ONCE])
        for source, read in reads:
            if not read.complete:
                self._later(source)
            try:
                await read.remember()
                if self.adopt and read.made:
                    await self.adopt(read.made)
            except Exception:
                log.exception("remembering what was read failed")  # it is read again: the ledger drops it
        if told:
            log.info("reconciled", extra={"events": len(told)})

    async def _submit(self, told: Sequence[tuple[Event, Source, Read]]) -> None:
        """A database that is away is waited for. What live events have overtaken is read anew."""
        while True:
            events = [event for event, _, read in told if read.still(event)]
            try:
                await self.submit(events)
                break
            except Unavailable as error:
                await self.clock.sleep(error.retry_after)
        for event, source, _ in told:
            if event not in events and source not in self._missed:
                self._later(source)

    def _later(self, source: Source) -> None:
        self._missed.append(source)
        self._soon.set()

    @contextmanager
    def _behind(self) -> Iterator[None]:
        self._catching_up += 1
        try:
            yield
        finally:
            self._catching_up -= 1

    async def _run(self) -> None:
        while True:
            await wait(self._soon, EVERY_S, self.clock)
            missed = self._soon.is_set()
            if self._missed:
                await self.clock.sleep(AGAIN_S)
            with self._behind() if missed else nullcontext():
                self._soon.clear()
                try:
                    if self.discord in self._missed:
                        await self._read(self.discord, self.twilio)
                    else:
                        await self._read(self.twilio)
                except Exception:
                    log.exception("reconcile failed")

    # --- the quiet ones

    def _start_quiet(self) -> None:
        """From the newest on, also when an earlier round has not ended: what was missed since may be new."""
        if self._quiet:
            self._quiet.cancel()
        if self.quiet:
            self._quiet = asyncio.create_task(self._read_quiet(self.quiet), name="quiet reconcile")

    async def _read_quiet(self, quiet: Callable[[], AsyncIterator[Read]]) -> None:
        complete = False
        while not complete:
            complete = True
            try:
                async for read in quiet():
                    complete = complete and read.complete
                    await self._take([(self.discord, replace(read, complete=True))])
                    await self.clock.sleep(QUIET_PAUSE_S)
            except Exception:
                log.exception("reading quiet direct messages failed")
                complete = False
            if not complete:
                await self.clock.sleep(EVERY_S)


class Effects(Protocol):
    """As much of the reader as adopting needs."""

    async def effects(self, keys: Iterable[str]) -> list[tuple[Pending, Status]]: ...


async def adopt(
    outbox: Effects, settle: Callable[[str, Result], Awaitable[None]], made: Sequence[Made]
) -> None:
    """Effects whose message stands on the far side are done, whatever we heard of them."""
    by_key = {found.key: found for found in made}
    for effect, status in await outbox.effects(by_key):
        found = by_key[effect.key]
        if status is Status.DONE and not found.healed:
            continue
        message = effect.payload.get("message") if effect.kind == Kind.RELAY_TO_DESK else None
        log.info("found done", extra={"key": effect.key})
        result = Result(
            effect.key,
            effect.generation,
            Status.DONE,
            effect.attempts,
            ref=found.ref,
            message=message,
            refs=(found.ref,) if message else (),
        )
        await settle(effect.lane, result)
