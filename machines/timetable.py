"""How opening hours are written, and what they mean: `mon-fri 09:00-12:00, 13:00-17:00; 12-24..01-02 closed`.

Rules stand between semicolons: days, then `closed` or the times. Days are weekdays (`mon`, `sat-sun`), dates
(`2026-12-24`) or days of every year (`12-24`); two dots make a row of dates. `22:00-02:00` ends on the next day,
`00:00-24:00` is a whole day, and `always` or `never` is all there is to say where it is true. What no rule speaks
of is closed. Whoever cannot read a word raises ValueError and names it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, date, timedelta, tzinfo
from itertools import pairwise
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from machines.hours import ALL_DAY, CLOSED, WHOLE_DAY, Day, Hours, Span

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_NAMES = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_NUMBERS = {name: n for names in (WEEKDAYS, _NAMES) for n, name in enumerate(names)}
#: Has a 29 February.
_LEAP_YEAR = 2000
_A_YEAR = 366

#: A weekday by number, Monday 0; a date; or month and day of every year.
Key = int | date | tuple[int, int]


def hours(text: str, zone: tzinfo = UTC, holidays: str = "") -> Hours:
    """Opening hours as they are written. `holidays` are days on which it is closed unless a rule names them."""
    week: dict[int, Day] = {}
    dates: dict[date, Day] = {}
    yearly: dict[tuple[int, int], Day] = {}
    for key, day in _rules(text).items():
        if isinstance(key, int):
            week[key] = day
        elif isinstance(key, date):
            dates[key] = day
        else:
            yearly[key] = day
    for key in closed_days(holidays):
        if isinstance(key, date):
            dates.setdefault(key, CLOSED)
        else:
            yearly.setdefault(key, CLOSED)
    mon, tue, wed, thu, fri, sat, sun = (week.get(n, CLOSED) for n in range(7))
    return Hours((mon, tue, wed, thu, fri, sat, sun), zone, dates, yearly)


def closed_days(text: str) -> list[date | tuple[int, int]]:
    """Dates and days of every year: `2026-04-06, 12-25, 12-31..01-01`."""
    found: list[date | tuple[int, int]] = []
    for word in _words(text):
        for key in _days(word):
            if isinstance(key, int):
                raise ValueError(f"'{word}' is a weekday, not a date such as 2026-12-24 or 12-24")
            found.append(key)
    return found


def zone(name: str) -> tzinfo:
    """The time zone of that name in the IANA database."""
    if name == "UTC":
        return UTC  # known without a database
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        if not available_timezones():
            raise ValueError(
                "this system has no time zone database; install the package tzdata, or set UTC"
            ) from None
        raise ValueError(f"'{name}' is no time zone of the IANA database, such as Europe/Berlin") from None


# --- rules


def _rules(text: str) -> dict[Key, Day]:
    said = text.strip().lower()
    if said in ("always", "never"):
        return dict.fromkeys(range(7), ALL_DAY if said == "always" else CLOSED)
    found: dict[Key, Day] = {}
    for rule in re.split(r"[;\n]", said):
        if words := _words(rule):
            for key, word, day in _rule(words):
                if key in found:
                    raise ValueError(f"'{word}' names a day that stands there already")
                found[key] = day
    if not found:
        raise ValueError("says nothing; 'always' and 'never' are words for it")
    return found


def _rule(words: list[str]) -> Iterator[tuple[Key, str, Day]]:
    """Every day that a rule speaks of, the word that named it, and what holds on it."""
    days = [word for word in words if not _is_time(word)]
    times = words[len(days) :]
    if not days:
        raise ValueError(f"'{words[0]}' stands without a day")
    for word in words[: len(days)]:
        if _is_time(word):
            raise ValueError(f"'{days[-1]}' stands behind times; a semicolon begins the next rule")
    keys = [(key, word) for word in days for key in _days(word)]
    if not times:
        raise ValueError(f"'{days[-1]}' has no times such as 09:00-17:00, and is not said to be closed")
    day = _day(times)
    yield from ((key, word, day) for key, word in keys)


def _words(text: str) -> list[str]:
    """Between blanks, commas or semicolons; a dash of any kind, blanks around it or not, joins two into one."""
    return re.sub(r"[,;]", " ", re.sub(r"\s*[-–—]\s*", "-", text.lower())).split()


# --- days


def _days(word: str) -> list[Key]:
    if word in _NUMBERS:
        return [_NUMBERS[word]]
    first, _, last = word.partition("-")
    if first in _NUMBERS and last in _NUMBERS:
        begin = _NUMBERS[first]
        return [(begin + n) % 7 for n in range((_NUMBERS[last] - begin) % 7 + 1)]
    first, dots, last = word.partition("..")
    if not dots:
        return [_date(word, word)]
    one, other = _date(first, word), _date(last, word)
    if isinstance(one, date) and isinstance(other, date):
        return [*_dates(one, other, word)]
    if isinstance(one, tuple) and isinstance(other, tuple):
        return [*_days_of_the_year(one, other)]
    raise ValueError(f"'{word}' goes from a date to a day of every year")


def _date(text: str, word: str) -> date | tuple[int, int]:
    """`2026-12-24` or `12-24`."""
    match = re.fullmatch(r"(?:(\d{4})-)?(\d\d)-(\d\d)", text, re.ASCII)
    if match is None:
        raise ValueError(f"'{word}' is neither a day (mon, sat-sun, 2026-12-24, 12-24) nor times")
    year, month, day = match.groups()
    try:
        found = date(int(year or _LEAP_YEAR), int(month), int(day))
    except ValueError:
        raise ValueError(f"'{word}' is no date of the calendar") from None
    return found if year else (found.month, found.day)


def _dates(first: date, last: date, word: str) -> Iterator[date]:
    length = (last - first).days + 1
    if not 0 < length <= _A_YEAR:
        raise ValueError(f"'{word}' " + ("ends before it begins" if length <= 0 else "is longer than a year"))
    return (first + timedelta(days=n) for n in range(length))


def _days_of_the_year(first: tuple[int, int], last: tuple[int, int]) -> Iterator[tuple[int, int]]:
    """Over the turn of the year, if the last of them comes before the first in the calendar."""
    begin, end = (date(_LEAP_YEAR, *day).timetuple().tm_yday for day in (first, last))
    for n in range((end - begin) % _A_YEAR + 1):
        day = date(_LEAP_YEAR, 1, 1) + timedelta(days=(begin - 1 + n) % _A_YEAR)
        yield day.month, day.day


# --- times


def _is_time(word: str) -> bool:
    return word == "closed" or ":" in word


def _day(words: list[str]) -> Day:
    if "closed" in words:
        if len(words) > 1:
            raise ValueError("'closed' stands beside times")
        return CLOSED
    spans = sorted((_span(word), word) for word in words)
    for (one, _), (other, word) in pairwise(spans):
        if other.begin < one.end:
            raise ValueError(f"'{word}' begins before what stands before it ends")
    return tuple(span for span, _ in spans)


def _span(word: str) -> Span:
    match = re.fullmatch(r"(\d\d?):(\d\d)-(\d\d?):(\d\d)", word, re.ASCII)
    if match is None:
        raise ValueError(f"'{word}' is not written as times are: 09:00-17:00")
    hour, minute, last_hour, last_minute = map(int, match.groups())
    begin, end = hour * 60 + minute, last_hour * 60 + last_minute
    if minute > 59 or last_minute > 59 or begin >= WHOLE_DAY or end > WHOLE_DAY:
        raise ValueError(f"'{word}' is not on the clock, which goes from 00:00 to 24:00")
    if begin == end:
        raise ValueError(f"'{word}' ends when it begins; a whole day is 00:00-24:00")
    return Span(begin, end if end > begin else end + WHOLE_DAY)
