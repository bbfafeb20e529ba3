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
from orchestrator.reading import AGAIN_S
from storage.values import Pending, Receipt, Result, Status

log = logging.getLogger(__name__)

#: How often the Twilio Conversations are re-read without any sign of a gap.
EVERY_S = 180.0
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
    _missed: dict[Source, Source] = field(default_factory=dict)  #: side -> how to read what is left of it
    _failed: bool = False  #: what is left could not be read just now
    _all_read_at: float = 0.0  #: when reading all of the desk side began, by the monotonic clock
    _catching_up: int = 0  #: readings under way that something was missed before

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="reconcile")

    async def stop(self) -> None:
        tasks = [task for task in (self._task, self._quiet) if task]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def prompt(self) -> None:
        """Something may have been missed: read the desk side soon, all of it."""
        self._missed[self.twilio] = self.twilio
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

    async def _read(self, *sides: Source) -> None:
        """Read these sides beside each other; none named: what is left of them, and the desk's if it is time."""
        async with self._lock:
            asked = {side: side for side in sides} or self._left()
            for side in asked:
                self._missed.pop(side, None)
            if asked.get(self.twilio) == self.twilio:
                self._all_read_at = self.clock.monotonic()
            self._failed = False
            try:
                found = await asyncio.gather(*(self._read_one(*one) for one in asked.items()))
                await self._take([(side, read) for side, read in zip(asked, found, strict=True) if read])
            except Exception:
                for side in asked:
                    self._later(side, side)
                raise

    def _left(self) -> dict[Source, Source]:
        due = self.clock.monotonic() - self._all_read_at >= EVERY_S
        return self._missed | ({self.twilio: self.twilio} if due or not self._missed else {})

    async def _read_one(self, side: Source, source: Source) -> Read | None:
        try:
            return await source()
        except (Retry, Reject) as error:
            log.warning("reconcile put off", extra={"error": str(error)})
        except Exception:
            log.exception("reading a side failed")
        self._later(side, source)
        return None

    async def _take(self, reads: Sequence[tuple[Source, Read]]) -> None:
        """Equal times keep the order in which the sides told them: Discord's first, each by conversation."""
        told = [(event, side, read) for side, read in reads for event in read.events]
        told.sort(key=lambda one: one[0].at)
        for start in range(0, len(told), AT_ONCE):
            await self._submit(told[start : start + AT_ONCE])
        for side, read in reads:
            if read.rest:
                self._later(side, read.rest)
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
        for event, side, _ in told:
            if event not in events:
                self._later(side, side)

    def _later(self, side: Source, source: Source) -> None:
        """All of a side includes what is left of it."""
        if self._missed.get(side) != side:
            self._missed[side] = source
        self._failed = True
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
            if self._failed:
                await self.clock.sleep(AGAIN_S)
            with self._behind() if missed else nullcontext():
                self._soon.clear()
                try:
                    await self._read()
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
                    complete = complete and read.rest is None
                    await self._take([(self.discord, replace(read, rest=None))])
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
