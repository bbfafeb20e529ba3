"""Queue maths: how long whoever is at a place in the line may still have to wait, without false precision.

While somebody waits, the line moves up by one every so often: that is its pace, measured over the last days. A place
times the pace is the wait to be expected there, said in coarse steps and always rounded up.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

#: What may be said, in minutes. The first is the floor: nobody is promised less.
STEPS = (5, 10, 15, 20, 30, 45, 60)
#: Stands for every wait above the last step, the ceiling.
MORE = STEPS[-1] + 1
#: Stands for a wait that nobody can tell.
UNKNOWN = 0
#: Of fewer members who were taken up nothing is concluded.
FEWEST = 5
#: A wait counts for no more than this: one that lasted a night would be heard of for days. Seconds.
LONGEST_S = 2 * 3600.0


@dataclass(frozen=True, slots=True)
class Wait:
    """How long one member was in the line for one request. Seconds since the epoch."""

    queued_at: float
    ended_at: float
    taken: bool  #: an agent came; else the member left, or was told that nobody came


def pace(waits: Iterable[Wait]) -> float | None:
    """In how many seconds the line moves up by one while somebody waits; None: too few were taken up to tell.

    The time in which somebody waited, over how many were taken up in it. Waits at the same time count once: they
    shorten each other. One that ended without an agent counts as time in which none came.
    """
    known = list(waits)
    taken = sum(wait.taken for wait in known)
    return _busy(known) / taken if taken >= FEWEST else None


def expected(place: int, every: float | None) -> int:
    """Minutes to be expected at a place (1: next) of a line of that pace: one of `STEPS`, `MORE` or `UNKNOWN`."""
    if every is None or place < 1:
        return UNKNOWN
    minutes = place * every / 60
    return next((step for step in STEPS if minutes <= step), MORE)


def _busy(waits: list[Wait]) -> float:
    """For how many seconds there was somebody in the line."""
    busy, covered = 0.0, float("-inf")
    for wait in sorted(waits, key=lambda wait: (wait.queued_at, wait.ended_at)):
        since, until = max(covered, wait.queued_at), min(wait.ended_at, wait.queued_at + LONGEST_S)
        if until > since:
            busy, covered = busy + until - since, until
    return busy
