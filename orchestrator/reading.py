"""How one provider is read up: several channels beside each other, and no more of it once it is in trouble."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import TypeVar

from orchestrator.clock import Clock
from orchestrator.errors import Reject, Retry

log = logging.getLogger(__name__)

C = TypeVar("C")
T = TypeVar("T")

#: Channels of one provider that are read beside each other. Enough that a start with fifty of them is a matter of
#: a second or two at 50 ms a call; few enough to leave room for live traffic below what the providers bear
#: (Discord: 50 requests a second for a bot; Twilio: about 100 at once for an account).
AT_ONCE = 8
#: A round that has taken this long begins no more reads: slow must not mean that nothing is served. Seconds.
PATIENCE_S = 10.0
#: A provider that asks to be left alone for no longer than this is waited for, else the read is put off. Seconds.
SHORT_S = 5.0
#: Pause before what could not be read is read again. Seconds.
AGAIN_S = 5.0


class Reading:
    """The turns in which one provider is read. Make one per provider and let all that reads it use that."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._rest_until = 0.0  # by the monotonic clock; the provider asked to be left alone until then

    @asynccontextmanager
    async def one(self) -> AsyncIterator[None]:
        """A turn to read one channel. Raises `Retry` if the provider asked to be left alone for long."""
        async with self._slots:
            rest = self._rest_until - self._clock.monotonic()
            if rest > SHORT_S:
                raise Retry("asked to be left alone", after=rest)
            if rest > 0:
                await self._clock.sleep(rest)
            try:
                yield
            except Retry as error:
                if error.after is not None:
                    self._rest_until = max(self._rest_until, self._clock.monotonic() + error.after)
                raise

    async def every(
        self, channels: Sequence[C], read: Callable[[C], Awaitable[T]]
    ) -> tuple[list[T], list[C]]:
        """Read all of them: what each told, in the order of the channels, and those that are left.

        After the first that fails no further one is begun, nor once `PATIENCE_S` have passed. Those that failed
        are the last of what is left, so that the next round gets past them. One that is refused is not left:
        there is nothing to be had.
        """
        told: dict[int, T] = {}
        failed: list[int] = []
        waiting = deque(range(len(channels)))
        until = self._clock.monotonic() + PATIENCE_S

        async def work() -> None:
            while waiting and not failed and self._clock.monotonic() < until:
                number = waiting.popleft()
                try:
                    async with self.one():
                        told[number] = await read(channels[number])
                except Reject as error:
                    log.warning("a channel cannot be read", extra={"reason": str(error)})
                except Retry as error:
                    log.warning("reading up put off", extra={"reason": str(error)})
                    failed.append(number)
                except Exception:
                    log.exception("reading a channel failed")
                    failed.append(number)

        async with asyncio.TaskGroup() as workers:
            for _ in range(min(AT_ONCE, len(channels))):
                workers.create_task(work())
        left = [channels[number] for number in (*waiting, *sorted(failed))]
        return [told[number] for number in sorted(told)], left
