"""The one transaction: what arrived, what it did and what is to be done outside, stored together or not at all."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import Engine
from sqlalchemy.exc import DBAPIError

from machines.hours import ALWAYS, Hours
from machines.snapshot import DEFAULT_LIMITS, Limits
from machines.step import step as machine_step
from storage.drafts import Owners, Recent
from storage.line import Pace
from storage.parking import wake_parked
from storage.picture import Overtaken, Picture
from storage.stepping import Run, StepFunction, random_id
from storage.values import Applied, Batch, SetTimer
from storage.writing import write

#: How often a batch is begun again because another process was faster, before that is taken for an outage.
_ATTEMPTS = 10
#: PostgreSQL: serialization_failure, deadlock_detected.
_OVERTAKEN = ("40001", "40P01")


class Store:
    """Applies batches. An ordinary synchronous object: one writer at a time calls it, from one thread.

    Raises what the database raises; then nothing of the batch was stored and it may be given again.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        limits: Limits = DEFAULT_LIMITS,
        hours: Hours = ALWAYS,
        wait_days: float = 7.0,
        fresh_id: Callable[[], str] = random_id,
        case_webhook: bool = False,
    ) -> None:
        """`wait_days`: of how many days the waits tell how long the next one may be.

        `case_webhook`: whether somebody outside is told of every change of a case.
        """
        self.engine = engine
        self.limits = limits
        self.hours = hours
        self.case_webhook = case_webhook
        self.fresh_id = fresh_id
        self._owners = Owners()
        self._pace = Pace(wait_days)
        self._recent = Recent() if engine.dialect.name == "sqlite" else None
        self._lock_rows = engine.dialect.name == "postgresql"

    def apply(self, batch: Batch, now: float, step: StepFunction = machine_step) -> Applied:
        """Resolve, lock, deduplicate, step and store a batch (1..200 items) in one transaction.

        `now` is the service's clock in seconds since the epoch: the `received_at` of everything in the batch.
        """
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                return self._apply(batch, now, step)
            except BaseException as error:
                self._forget()
                if attempt == _ATTEMPTS or not _was_overtaken(error):
                    raise
        raise AssertionError("unreachable")

    def _apply(self, batch: Batch, now: float, step: StepFunction) -> Applied:
        with self.engine.begin() as connection:
            picture = Picture(connection, self._owners, self._recent, self._lock_rows)
            picture.load(batch)
            run = Run(
                picture,
                step,
                now,
                self.limits,
                self.hours,
                self.fresh_id,
                self._pace,
                case_webhook=self.case_webhook,
            )
            run.take(batch)
            wake_parked(connection, run)
            voided = write(connection, run.record)
        if self._recent is not None:
            self._recent.keep(picture)
        self._owners.trim()
        return Applied(
            run.receipts,
            run.record.effects,
            voided,
            [timer for timer in run.record.timers.values() if isinstance(timer, SetTimer)],
        )

    def _forget(self) -> None:
        """What is held in memory may be what was rolled back."""
        self._owners = Owners()
        self._recent = Recent() if self._recent is not None else None


def _was_overtaken(error: BaseException) -> bool:
    """Another process was in the way, and has got out of it: the same batch can be given again at once."""
    if isinstance(error, Overtaken):
        return True
    return isinstance(error, DBAPIError) and getattr(error.orig, "sqlstate", None) in _OVERTAKEN
