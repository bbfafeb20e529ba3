"""Live events of direct messages: one DM's go in after whatever was missed before them.

The gateway tells nothing of what was said between two sessions, so at the beginning of each every DM may lack
something. A member who is heard before their DM was read up has it read at once, and waits for that alone.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from machines.events import Event
from orchestrator.clock import Clock
from orchestrator.errors import Reject, Retry, Unavailable
from orchestrator.ports import Read
from orchestrator.reading import AGAIN_S
from storage.values import Receipt

log = logging.getLogger(__name__)

#: Events submitted together.
AT_ONCE = 100
#: DMs that are remembered at most; one that is forgotten is read once more.
REMEMBERED = 10_000
#: Nothing is kept waiting for longer than this: what is stored out of order is better than what is not answered,
#: and what waits in memory would need its DM read to survive a crash. Seconds.
HOLD_S = 60.0
#: Events of one DM that wait at most, for the same reasons, and so that memory is bounded.
HOLD_AT_MOST = 100

Submit = Callable[[Sequence[Event]], Awaitable[list[Receipt]]]
#: An event, and what is done once it is committed.
Put = tuple[Event, asyncio.Future[None]]


async def insist(submit: Submit, events: Sequence[Event], clock: Clock) -> None:
    """Nobody sends them again: a store that is away is waited for."""
    for start in range(0, len(events), AT_ONCE):
        while True:
            try:
                await submit(events[start : start + AT_ONCE])
                break
            except Unavailable as error:
                await clock.sleep(error.retry_after)
            except Exception:
                log.exception("intake failed")
                break


@dataclass(slots=True)
class Positions:
    """Which DMs lack nothing since this session of the gateway began. Kept in memory only."""

    session: int = 0  #: number of the session
    _read: dict[str, None] = field(default_factory=dict)  # members, the longest known first

    def begin(self) -> None:
        """A new session: something may be missing everywhere."""
        self.session += 1
        self._read.clear()

    def read(self, member: str, session: int) -> None:
        """A member's DM was read up and stored; the reading began in that session."""
        if session != self.session:
            return
        while len(self._read) >= REMEMBERED:
            del self._read[next(iter(self._read))]
        self._read[member] = None

    def missing(self, member: str) -> bool:
        return member not in self._read


@dataclass(slots=True)
class _Held:
    """What waits until one DM was read."""

    waiting: list[Put] = field(default_factory=list)
    patience: asyncio.Timeout | None = None  #: runs while it is being read
    task: asyncio.Task[None] | None = None


@dataclass(slots=True)
class Live:
    """Holds back what members tell whose DM may lack something, and has that read. Others are not concerned.

    Held events are kept in memory: no watermark passes them, since what is marked as read was read and stored,
    so after a crash they are read up like all that was missed. A DM that cannot be read is tried again for
    `HOLD_S`, or until `HOLD_AT_MOST` events wait; then they go in as they are, and what was missed follows once
    the reconciler can read it.
    """

    submit: Submit
    read: Callable[[str], Awaitable[Read]]  #: one member's DM
    clock: Clock
    positions: Positions
    _held: dict[str, _Held] = field(default_factory=dict)

    def holds(self, event: Event, committed: asyncio.Future[None]) -> bool:
        """Whether it is held back, and goes in later. Sync, so that the order of one DM is kept.

        A deletion names its message alone. It may pass: the store parks it until its message is there.
        """
        member = event.to.member
        if member is None:
            return False
        held = self._held.get(member)
        if held is None:
            if not self.positions.missing(member):
                return False
            held = self._held[member] = _Held()
            held.task = asyncio.create_task(self._catch_up(member, held), name="read up one DM")
        held.waiting.append((event, committed))
        if len(held.waiting) >= HOLD_AT_MOST and held.patience and not held.patience.expired():
            held.patience.reschedule(asyncio.get_running_loop().time())
        return True

    async def settled(self) -> None:
        """Returns when nothing is held any more."""
        while self._held:
            await asyncio.gather(*(held.task for held in self._held.values() if held.task))

    async def stop(self) -> None:
        """What is held is lost here, and read up at the next start."""
        tasks = [held.task for held in self._held.values() if held.task]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _catch_up(self, member: str, held: _Held) -> None:
        session = self.positions.session
        read = await self._missed(member, held)
        missed = read.events if read else ()
        while held.waiting:
            waiting, held.waiting = held.waiting, []
            await insist(self.submit, _in_order(missed, [event for event, _ in waiting]), self.clock)
            for _, committed in waiting:
                if not committed.done():
                    committed.set_result(None)
            missed = ()
        # from the last look at what waits until here nobody else had a turn: the next one passes
        del self._held[member]
        self.positions.read(member, session)
        if read:
            try:
                await read.remember()
            except Exception:
                log.exception("remembering what was read failed")  # it is read again: the ledger drops it

    async def _missed(self, member: str, held: _Held) -> Read | None:
        """What was missed; None where nothing can be read, or not in time."""
        try:
            async with asyncio.timeout(HOLD_S) as held.patience:
                return await self._reading(member)
        except TimeoutError:
            log.warning("a DM is not waited for any longer: what was missed there will be told late")
        except Reject as error:
            log.warning("a DM cannot be read", extra={"reason": str(error)})
        finally:
            held.patience = None
        return None

    async def _reading(self, member: str) -> Read:
        """Tried until it can be read. Raises `Reject`."""
        while True:
            after = AGAIN_S
            try:
                return await self.read(member)
            except Retry as error:
                log.warning("reading up a DM put off", extra={"reason": str(error)})
                after = max(AGAIN_S, error.after or 0.0)
            except Reject:
                raise
            except Exception:
                log.exception("reading up a DM failed")
            await self.clock.sleep(after)


def _in_order(read: Sequence[Event], live: Sequence[Event]) -> list[Event]:
    """By the provider's time; what was read tells of both, so its copy counts."""
    known = {(event.source, event.id) for event in read}
    new = [event for event in live if (event.source, event.id) not in known]
    return sorted((*read, *new), key=lambda event: event.at)
