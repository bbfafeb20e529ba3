"""Group commit: what arrived while the last commit ran shares the next one. One writer thread, one hop a batch."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from sqlalchemy.exc import DatabaseError, IntegrityError, InterfaceError, InternalError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from machines.events import Event
from machines.snapshot import Step
from machines.step import step as machine_step
from machines.table import Outcome
from orchestrator.clock import Clock
from orchestrator.errors import Unavailable
from orchestrator.texts.plain import storable_data
from storage.apply import Store
from storage.stepping import StepFunction
from storage.values import Applied, Item, Receipt, Result, Status

log = logging.getLogger(__name__)

T = TypeVar("T")

#: Items of one transaction. More would only make the first of them wait.
MAX_BATCH = 200
#: Items that may wait for a commit; beyond that senders are told to come back.
MAX_WAITING = 10_000
#: Wait before a result is offered to a database that failed.
PAUSE_S = 0.5

_OUTAGES = (OperationalError, InterfaceError, InternalError, PoolTimeout)


@dataclass(slots=True, eq=False)
class _Submission:
    """What one caller gave, to be committed as a whole."""

    items: Sequence[Item]
    done: asyncio.Future[list[Receipt]]
    results: bool  #: effect results are kept and offered again: nobody else would


@dataclass(slots=True)
class Committer:
    """The door to the store. Start it, submit, and close it when nothing more will come."""

    store: Store
    clock: Clock
    on_applied: Callable[[Applied], None]  #: sync, loop-safe, no I/O
    on_unknown: Callable[[], None] = lambda: None  #: a commit failed and may have been stored; likewise
    _waiting: deque[_Submission] = field(default_factory=deque)
    _arrived: asyncio.Event = field(default_factory=asyncio.Event)
    _thread: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(max_workers=1, thread_name_prefix="writer")
    )
    _task: asyncio.Task[None] | None = None
    _size: int = 0
    _unknown: bool = False  #: an earlier commit may have been stored
    _closing: bool = False

    def start(self) -> None:
        self._task = asyncio.create_task(self._run(), name="commit")

    async def close(self) -> None:
        """Commit what waits, then stop."""
        self._closing = True
        self._arrived.set()
        if self._task is not None:
            await asyncio.shield(self._task)
        self._thread.shutdown(wait=True)

    async def submit(self, events: Sequence[Event]) -> list[Receipt]:
        """Commit events together; one receipt each, in order. Cancelling the caller changes nothing.

        Raises `Unavailable` when the queue is full or the database cannot take it. Give them again then: should
        the database have taken them all the same, the ledger drops them.
        """
        if not events:
            return []
        if self._size >= MAX_WAITING or self._closing:
            raise Unavailable("too much is waiting to be stored")
        return await self._enqueue(list(events), results=False)

    async def finish(self, result: Result) -> None:
        """Commit the result of an effect. Returns when it is stored, however long the database is away."""
        await self._enqueue([result], results=True)

    async def run(self, write: Callable[[], T]) -> T:
        """Run a small write of its own in the writer thread, between two batches."""
        return await asyncio.shield(asyncio.get_running_loop().run_in_executor(self._thread, write))

    async def _enqueue(self, items: Sequence[Item], *, results: bool) -> list[Receipt]:
        done: asyncio.Future[list[Receipt]] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Submission(items, done, results))
        self._size += len(items)
        self._arrived.set()
        return await asyncio.shield(done)

    async def _run(self) -> None:
        while True:
            while not self._waiting:
                if self._closing:
                    return
                self._arrived.clear()
                await self._arrived.wait()
            await self._commit(self._take())

    def _take(self) -> list[_Submission]:
        """The submissions of the next batch: as many as fit, always at least one."""
        taken = [self._waiting.popleft()]
        size = len(taken[0].items)
        while self._waiting and size + len(self._waiting[0].items) <= MAX_BATCH:
            taken.append(self._waiting.popleft())
            size += len(taken[-1].items)
        self._size -= size
        return taken

    async def _commit(self, taken: list[_Submission]) -> None:
        try:
            await self._apply(taken)
        except Exception as error:
            if _is_outage(error):
                await self._put_off(taken, error)
            else:
                await self._isolate(taken, error)

    async def _apply(self, taken: list[_Submission], step: StepFunction = machine_step) -> None:
        batch = [item for submission in taken for item in submission.items]
        applied = await self._in_thread(batch, step)
        try:
            if self._unknown:
                # what an earlier one may have left goes before what this one wants done
                self._unknown = False
                self.on_unknown()
            self.on_applied(applied)
        except Exception:
            log.exception("handing over failed")  # it is stored: the sweeps find it
        receipts = iter(applied.receipts)
        for submission in taken:
            mine = [next(receipts) for item in submission.items if isinstance(item, Event)]
            if not submission.done.done():
                submission.done.set_result(mine)

    async def _in_thread(self, batch: Sequence[Item], step: StepFunction) -> Applied:
        """A conflict in the ledger means that another process was first: the repeat sees its row."""
        loop = asyncio.get_running_loop()
        apply = self.store.apply
        for attempt in (1, 2):
            try:
                return await loop.run_in_executor(self._thread, apply, batch, self.clock.time(), step)
            except IntegrityError:
                if attempt == 2:
                    raise
        raise AssertionError("unreachable")

    async def _put_off(self, taken: list[_Submission], error: Exception) -> None:
        """The database is locked, full or gone. Senders are told; results wait here.

        If it was lost during the commit itself, the batch may be stored, and be known to nobody.
        """
        log.warning("store unavailable", extra={"error": type(error).__name__})
        self._unknown = True
        self.on_unknown()
        results = [s for s in taken if s.results and not self._closing]
        for submission in taken:
            if submission not in results:
                _fail(submission, Unavailable("the database cannot be written"))
        if results:
            for submission in reversed(results):
                self._waiting.appendleft(submission)
                self._size += len(submission.items)
            await self.clock.sleep(PAUSE_S)

    async def _isolate(self, taken: list[_Submission], error: Exception) -> None:
        """Something in the batch cannot be stored: halve it until the culprit stands alone."""
        if len(taken) > 1:
            middle = len(taken) // 2
            await self._commit(taken[:middle])
            await self._commit(taken[middle:])
            return
        (culprit,) = taken
        if len(culprit.items) > 1:
            await self._halve(culprit)
            return
        log.error("cannot be stored", extra={"error": type(error).__name__})
        plain = [_bare(item, error) for item in culprit.items if isinstance(item, Result)]
        if plain and plain != culprit.items:
            # without its end in the table the effect would be carried out again, and again
            await self._commit([_Submission(plain, culprit.done, culprit.results)])
            return
        if plain:
            _fail(culprit, error)
            return
        await self._refuse(culprit, error)

    async def _refuse(self, culprit: _Submission, error: Exception) -> None:
        """One event that cannot be stored ends like one whose step raised: in the journal, and its author is told.

        What it brought goes with it as far as the database takes that.
        """

        def step(*_: object) -> Step:
            raise error

        (event,) = (item for item in culprit.items if isinstance(item, Event))
        for brought in (storable_data(event.data), _routing(event.data)):
            plain = _Submission([replace(event, data=brought)], culprit.done, culprit.results)
            try:
                await self._apply([plain], step)
                return
            except Exception as again:
                if _is_outage(again):
                    await self._put_off([plain], again)
                    return
        if not culprit.done.done():
            culprit.done.set_result([Receipt(Outcome.FAILED, reason=type(error).__name__)])

    async def _halve(self, culprit: _Submission) -> None:
        """What was given together is stored by halves: only the one that cannot be stored is left out."""
        middle = len(culprit.items) // 2
        receipts: list[Receipt] = []
        try:
            for items in (culprit.items[:middle], culprit.items[middle:]):
                half = _Submission(items, asyncio.get_running_loop().create_future(), culprit.results)
                await self._commit([half])
                receipts += await half.done
        except Unavailable as error:
            _fail(culprit, error)
            return
        if not culprit.done.done():
            culprit.done.set_result(receipts)


def _is_outage(error: Exception) -> bool:
    """Whether it is the database that fails, and not what it was given: locked, full, read-only, damaged, gone."""
    return isinstance(error, _OUTAGES) or type(error) is DatabaseError


def _routing(data: Mapping[str, Any]) -> dict[str, Any]:
    """What says where an event belongs and whom to answer, and none of what it brought."""
    return {name: data[name] for name in ("subject", "name", "epoch", "interaction") if name in data}


def _bare(result: Result, error: BaseException) -> Result:
    """A result that cannot be stored, as a dead letter: what it caused is lost, and the operator sees it."""
    reason = f"its result cannot be stored: {type(error).__name__}"
    return Result(result.key, result.generation, Status.DEAD, result.attempts, error=reason)


def _fail(submission: _Submission, error: BaseException) -> None:
    if not submission.done.done():
        submission.done.set_exception(error)
        # the caller may be gone; its exception has been seen here
        submission.done.exception()


def ignore(_applied: Any) -> None:
    """For stores that nobody dispatches from."""
