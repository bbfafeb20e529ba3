"""Opening hours: when somebody is there, told by the clock on their wall. Pure; whoever asks brings the moment.

A time of day stands for the first moment at which that clock shows it or, where it is set forward past it, shows
something later. So nobody opens or closes twice in the night that has an hour twice, and what was to begin in the
hour that a night lacks begins when the clock is set. Hours belong to the day on which they begin: a day that is
closed does not cut short what began the evening before.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import lru_cache

#: How far ahead is looked for a change: far enough for a day that comes once a year.
HORIZON = timedelta(days=366)
#: Minutes.
WHOLE_DAY = 24 * 60
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """From `begin` to just before `end`, in minutes after the midnight with which its day begins.

    `end` is later than `begin` by a day at most; beyond `WHOLE_DAY` it lies on the next day.
    """

    begin: int
    end: int


#: The spans of one day, in order and apart from each other. Empty: closed.
Day = tuple[Span, ...]

CLOSED: Day = ()
ALL_DAY: Day = (Span(0, WHOLE_DAY),)


@dataclass(frozen=True, slots=True)
class Hours:
    """A week, and the days that differ from it. A date goes before a day of every year, that before the week.

    Moments are aware datetimes in any zone; those given back are UTC.
    """

    week: tuple[Day, ...]  #: seven, Monday first
    zone: tzinfo = UTC
    dates: Mapping[date, Day] = field(default_factory=dict, hash=False)
    yearly: Mapping[tuple[int, int], Day] = field(default_factory=dict, hash=False)  #: (month, day)

    def on(self, day: date) -> Day:
        """What holds on that day."""
        if day in self.dates:
            return self.dates[day]
        return self.yearly.get((day.month, day.day), self.week[day.weekday()])

    def is_open(self, at: datetime) -> bool:
        return self.opens_at(at) == at.astimezone(UTC)

    def opens_at(self, at: datetime) -> datetime | None:
        """The first moment from `at` on at which it is open; `at` itself if it is. None: not within a year."""
        if not self._ever:
            return None
        at = at.astimezone(UTC)
        for begin, _ in self._stretches(at):
            return max(begin, at)
        return None

    @property
    def _ever(self) -> bool:
        """Whether any day is open at all. A year of days need not be gone through to see that none is."""
        return any(self.week) or any(self.dates.values()) or any(self.yearly.values())

    def closes_at(self, at: datetime) -> datetime | None:
        """The end of the stretch around `at`. None: it is closed, or does not close within a year."""
        at = reached = at.astimezone(UTC)
        for begin, end in self._stretches(at):
            if begin > reached:
                break
            reached = max(reached, end)
        return reached if at < reached <= at + HORIZON else None

    def _stretches(self, at: datetime) -> Iterator[tuple[datetime, datetime]]:
        """When it is open from `at` on, in order; the first may have begun before. They may touch or overlap."""
        until = at + HORIZON
        day, last = (moment.astimezone(self.zone).date() for moment in (at, until))
        day -= _DAY  # what begins in the evening may last until today
        while day <= last + _DAY:  # a clock set back over midnight shows a day that was over
            for span in self.on(day):
                begin, end = _moment(day, span.begin, self.zone), _moment(day, span.end, self.zone)
                if max(begin, at) < end and begin <= until:
                    yield begin, end
            day += _DAY


@lru_cache(maxsize=2048)  # every batch asks for the same few days
def _moment(day: date, minutes: int, zone: tzinfo) -> datetime:
    return _first(datetime.combine(day, time()) + timedelta(minutes=minutes), zone)


def _first(wall: datetime, zone: tzinfo) -> datetime:
    """The first moment at which the zone's clock shows `wall` or later. To the second."""
    moment = wall.replace(tzinfo=zone, fold=0).astimezone(UTC)  # of two, the earlier
    if _shown(moment, zone) == wall:
        return moment
    # the clock never shows it: it is set forward somewhere between here and there
    before, after = int(wall.replace(tzinfo=zone, fold=1).timestamp()), int(moment.timestamp())
    while after - before > 1:
        middle = (before + after) // 2
        if _shown(datetime.fromtimestamp(middle, UTC), zone) < wall:
            before = middle
        else:
            after = middle
    return datetime.fromtimestamp(after, UTC)


def _shown(moment: datetime, zone: tzinfo) -> datetime:
    return moment.astimezone(zone).replace(tzinfo=None)


ALWAYS = Hours((ALL_DAY,) * 7)
NEVER = Hours((CLOSED,) * 7)
