"""Figures over a period: plain values, counted by `storage.reads.statistics`. Nobody's words or ids are among them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, tzinfo
from typing import Any

#: The longest period that is counted, in days: a year.
MOST_DAYS = 366
#: The period where nobody names one, in days.
DEFAULT_DAYS = 7

#: Why conversations were handed off, see docs/statistics.md.
REASONS = ("asked", "reopened", "bot_decided", "bot_unsure", "not_helpful", "bot_failed")
#: How conversations ended that the bot dealt with alone.
DEFLECTED = ("solved", "went_quiet", "closed_by_member")
#: How the others ended that were the bot's to answer.
NOT_DEFLECTED = ("handed_off", "reopened", "nobody_there", "unanswered")
#: What was never the bot's to answer: left out of the share.
LEFT_OUT = ("agent_first", "blocked")
STARS = (1, 2, 3, 4, 5)


@dataclass(frozen=True, slots=True)
class Period:
    """Whole days by the operator's clock, of which today is the last and goes on."""

    days: int
    since: datetime  #: the midnight with which the first day begins, UTC
    until: datetime  #: now, UTC
    zone: str  #: name of the operator's time zone

    @classmethod
    def ending(cls, now: datetime, days: int, zone: tzinfo) -> Period:
        """Today and the `days - 1` days before it. Raises ValueError for a number outside 1 to `MOST_DAYS`."""
        if not 1 <= days <= MOST_DAYS:
            raise ValueError(f"days: must be 1 to {MOST_DAYS}")
        first = now.astimezone(zone).date() - timedelta(days=days - 1)
        # where the clock skips midnight this is the moment at which it is set forward
        since = datetime.combine(first, time(), zone).astimezone(UTC)
        return cls(days, since, now.astimezone(UTC), str(zone))


@dataclass(frozen=True, slots=True)
class Now:
    """Open conversations at this moment."""

    waiting: int = 0  #: for an agent
    longest_wait: float | None = None  #: seconds; None: nobody waits
    with_agent: int = 0
    with_bot: int = 0


@dataclass(frozen=True, slots=True)
class Durations:
    """How long something took, in seconds. None: there was nothing to measure."""

    count: int = 0
    median: float | None = None
    p90: float | None = None  #: nine of ten took no longer (nearest rank)


@dataclass(frozen=True, slots=True)
class Ratings:
    """What members said of conversations."""

    stars: Mapping[int, int]  #: 1 to 5 -> how many
    comments: int = 0

    @property
    def count(self) -> int:
        return sum(self.stars.values())

    @property
    def mean(self) -> float | None:
        total = sum(stars * times for stars, times in self.stars.items())
        return total / self.count if self.count else None


@dataclass(frozen=True, slots=True)
class Statistics:
    """Everything that is counted. What each figure means, exactly: docs/statistics.md."""

    period: Period
    now: Now
    first_response: Durations
    resolution: Durations
    withdrawn: int  #: cases that were resolved because their member took the request back
    handoffs: Mapping[str, int]  #: every one of `REASONS`
    ended: Mapping[str, int]  #: every one of `DEFLECTED`, `NOT_DEFLECTED`, `LEFT_OUT`
    ratings: Ratings

    @property
    def deflected(self) -> int:
        """Conversations that the bot dealt with alone."""
        return sum(self.ended[how] for how in DEFLECTED)

    @property
    def answerable(self) -> int:
        """Conversations that ended and were the bot's to answer."""
        return self.deflected + sum(self.ended[how] for how in NOT_DEFLECTED)

    @property
    def deflection(self) -> float | None:
        """The share that the bot dealt with alone, 0 to 1. None: none ended."""
        return self.deflected / self.answerable if self.answerable else None

    def as_json(self) -> dict[str, Any]:
        """Names as in docs/statistics.md; durations in seconds, null where there was nothing to measure."""
        return {
            "period": {
                "days": self.period.days,
                "since": self.period.since.isoformat(timespec="seconds"),
                "until": self.period.until.isoformat(timespec="seconds"),
                "time_zone": self.period.zone,
            },
            "now": {
                "waiting": self.now.waiting,
                "longest_wait_s": _rounded(self.now.longest_wait),
                "with_agent": self.now.with_agent,
                "with_bot": self.now.with_bot,
            },
            "first_response": _durations(self.first_response),
            "resolution": {**_durations(self.resolution), "withdrawn": self.withdrawn},
            "bot": {
                "ended": self.answerable,
                "deflected": self.deflected,
                "deflection": _rounded(self.deflection),
                **self.ended,
            },
            "handoffs": {"count": sum(self.handoffs.values()), **self.handoffs},
            "ratings": {
                "count": self.ratings.count,
                "mean": _rounded(self.ratings.mean),
                "comments": self.ratings.comments,
                **{str(stars): times for stars, times in self.ratings.stars.items()},
            },
        }


@dataclass(frozen=True, slots=True)
class Backlog:
    """What the service still has to do."""

    effects: int  #: recorded and not done
    lanes: int  #: destinations with such effects
    oldest: float  #: seconds for which the first of them has been due; 0: none is
    parked: int  #: events whose conversation is not known yet
    dead_letters: int


def _durations(of: Durations) -> dict[str, Any]:
    return {"count": of.count, "median_s": _rounded(of.median), "p90_s": _rounded(of.p90)}


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
