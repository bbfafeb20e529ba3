"""When somebody is there: on any day, in any zone, in the nights in which clocks are set."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as some

from machines.hours import ALL_DAY, ALWAYS, CLOSED, HORIZON, NEVER, WHOLE_DAY, Day, Hours, Span
from machines.timetable import hours

BERLIN, NEW_YORK = ZoneInfo("Europe/Berlin"), ZoneInfo("America/New_York")
LORD_HOWE = ZoneInfo("Australia/Lord_Howe")  #: sets its clocks by half an hour
#: Set its clocks at one minute past midnight: the date went back with them.
GOOSE_BAY = ZoneInfo("America/Goose_Bay")
#: Left out 30 December 2011.
APIA = ZoneInfo("Pacific/Apia")
MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)

#: Around these moments a clock is set.
NIGHTS = {
    BERLIN: (datetime(2026, 3, 29, 1, tzinfo=UTC), datetime(2026, 10, 25, 1, tzinfo=UTC)),
    NEW_YORK: (datetime(2026, 3, 8, 7, tzinfo=UTC), datetime(2026, 11, 1, 6, tzinfo=UTC)),
    LORD_HOWE: (datetime(2026, 4, 4, 15, tzinfo=UTC), datetime(2026, 10, 3, 15, 30, tzinfo=UTC)),
    GOOSE_BAY: (datetime(2010, 3, 14, 4, 1, tzinfo=UTC), datetime(2010, 11, 7, 3, 1, tzinfo=UTC)),
    APIA: (datetime(2011, 12, 30, 10, tzinfo=UTC),),
    UTC: (datetime(2028, 2, 29, tzinfo=UTC),),
}


def days() -> some.SearchStrategy[Day]:
    """Up to three spans; the last may end on the next day."""
    begins = some.lists(some.integers(0, WHOLE_DAY - 1), min_size=2, max_size=6, unique=True).map(sorted)
    several = begins.map(lambda b: tuple(Span(*pair) for pair in zip(b[::2], b[1::2], strict=False)))
    evening = some.tuples(some.integers(1200, WHOLE_DAY - 1), some.integers(0, 1199)).map(
        lambda pair: (Span(pair[0], pair[1] + WHOLE_DAY),)
    )
    return some.one_of(some.just(CLOSED), some.just(ALL_DAY), several, evening)


@some.composite
def moments(draw: some.DrawFn, zone: tzinfo) -> datetime:
    """In the days around a night in which the clock of the zone is set."""
    night = draw(some.sampled_from(NIGHTS[zone]))
    return night + timedelta(seconds=draw(some.integers(-3 * 86_400, 3 * 86_400)))


@some.composite
def places(draw: some.DrawFn) -> tuple[Hours, datetime]:
    """Opening hours somewhere, and a moment."""
    zone = draw(some.sampled_from(list(NIGHTS)))
    at = draw(moments(zone))
    near = [at.astimezone(zone).date() + n * DAY for n in range(-2, 4)]
    dates = draw(some.dictionaries(some.sampled_from(near), days(), max_size=3))
    yearly = draw(
        some.dictionaries(some.sampled_from(near).map(lambda d: (d.month, d.day)), days(), max_size=2)
    )
    week = draw(some.tuples(*[days()] * 7))
    return Hours(week, zone, dates, yearly), at


def shown(at: datetime, zone: tzinfo) -> datetime:
    return at.astimezone(zone).replace(tzinfo=None)


def by_walking(found: Hours, around: datetime) -> set[datetime]:
    """Every minute of the days around a moment at which it is open: somebody watches the clock."""
    begin = around - 2 * DAY
    minutes = [begin + n * MINUTE for n in range(4 * WHOLE_DAY)]
    clock = [(minute, shown(minute, found.zone)) for minute in minutes]
    spans = []
    for n in range(-4, 5):
        day = (around.astimezone(found.zone) + n * DAY).date()
        midnight = datetime(day.year, day.month, day.day)  # noqa: DTZ001
        spans += [(midnight + span.begin * MINUTE, midnight + span.end * MINUTE) for span in found.on(day)]
    opened = set[datetime]()
    for begins, ends in spans:
        first = next((minute for minute, wall in clock if wall >= begins), minutes[-1])
        last = next((minute for minute, wall in clock if wall >= ends), minutes[-1])
        opened |= {minute for minute in minutes if first <= minute < last}
    return opened


def boundaries(found: Hours, begin: datetime, end: datetime) -> list[datetime]:
    """Every moment of a stretch of time at which a span may begin or end, and a second to either side."""
    result = []
    day = begin.astimezone(found.zone).date() - 2 * DAY
    while day <= end.astimezone(found.zone).date() + DAY:
        for span in found.on(day):
            for minutes in (span.begin, span.end):
                midnight = datetime(day.year, day.month, day.day, tzinfo=found.zone)
                for fold in (0, 1):
                    edge = (midnight + minutes * MINUTE).replace(fold=fold).astimezone(UTC)
                    result += [edge + timedelta(seconds=s) for s in (-1, 0, 1)]
        day += DAY
    return [edge for edge in result if begin <= edge < end]


# --- what always holds


@given(places())
@example((ALWAYS, datetime(2026, 3, 2, tzinfo=UTC)))
@example((hours("mon-sun 02:30-02:45", BERLIN), datetime(2026, 3, 29, 0, 50, tzinfo=UTC)))
@example((hours("mon-sun 02:10-02:50", BERLIN), datetime(2026, 10, 24, 23, 50, tzinfo=UTC)))
def test_nobody_is_there_before_it_opens_and_somebody_is_when_it_does(place: tuple[Hours, datetime]) -> None:
    found, at = place
    opens = found.opens_at(at)
    assert found.is_open(at) == (opens == at)
    if opens is None:
        assert not any(found.is_open(at + n * HORIZON / 30) for n in range(30))
        return
    assert found.is_open(opens)
    assert opens - at <= HORIZON
    sampled = [at + (opens - at) * n / 20 for n in range(20)]
    assert not any(found.is_open(t) for t in [*sampled, *boundaries(found, at, opens)] if t < opens)


@given(places())
def test_somebody_is_there_until_it_closes_and_nobody_is_when_it_does(place: tuple[Hours, datetime]) -> None:
    found, at = place
    closes = found.closes_at(at)
    if not found.is_open(at):
        assert closes is None
    elif closes is None:
        assert all(found.is_open(at + n * HORIZON / 30) for n in range(30))
    else:
        assert not found.is_open(closes)
        sampled = [at + (closes - at) * n / 20 for n in range(20)]
        assert all(found.is_open(t) for t in [*sampled, *boundaries(found, at, closes)])


@given(places(), some.integers(-23 * 60, 23 * 60))
def test_it_does_not_matter_in_which_zone_one_asks(place: tuple[Hours, datetime], offset: int) -> None:
    found, at = place
    there = timezone(timedelta(minutes=offset))
    for elsewhere in (at.astimezone(there), at.astimezone(found.zone)):
        assert found.is_open(elsewhere) == found.is_open(at)
        assert found.opens_at(elsewhere) == found.opens_at(at)
        assert found.closes_at(elsewhere) == found.closes_at(at)


@given(places(), some.timedeltas(-DAY, DAY))
def test_a_clock_moved_back_is_told_what_it_was_told_before(
    place: tuple[Hours, datetime], ahead: timedelta
) -> None:
    """Nothing is remembered from one question to the next; and who asks earlier never hears of a later opening."""
    found, at = place
    before = found.opens_at(at)
    other = found.opens_at(at + ahead)
    assert found.opens_at(at) == before
    if ahead <= timedelta(0) and before is not None and before <= at + ahead + HORIZON:
        assert other is not None
        assert other <= before


def test_every_minute_around_every_night_is_as_a_patient_observer_finds_it() -> None:
    week = "mon-sun 00:00-01:10, 01:50-02:05, 02:20-02:40, 03:05-22:30, 23:20-00:20"
    gaps = "mon-sun 00:30-01:30, 02:10-02:50; sat 22:00-02:30"
    for zone, nights in NIGHTS.items():
        for text in (week, gaps.replace("mon-sun", "sun-fri")):
            found = hours(text, zone)
            for night in nights:
                expected = by_walking(found, night)
                for n in range(-5 * 60, 5 * 60):
                    minute = night + n * MINUTE
                    assert found.is_open(minute) == (minute in expected), (zone, text, shown(minute, zone))


# --- days


@pytest.mark.parametrize(
    ("at", "opens"),
    [
        ("2026-03-02 08:59", "2026-03-02 09:00"),
        ("2026-03-02 09:00", "2026-03-02 09:00"),
        ("2026-03-02 12:00", "2026-03-02 13:00"),
        ("2026-03-06 17:00", "2026-03-07 22:00"),  # Friday evening: Saturday night is next
        ("2026-03-08 01:59", "2026-03-08 01:59"),  # Sunday, and Saturday is not over
        ("2026-03-08 02:00", "2026-03-09 09:00"),
        ("2026-12-24 09:00", "2026-12-24 10:00"),  # other hours
        ("2026-12-24 12:00", "2026-12-28 09:00"),  # a holiday, a date that is closed, a Sunday
    ],
)
def test_a_week_with_its_exceptions(at: str, opens: str) -> None:
    found = hours(
        "mon-fri 09:00-12:00, 13:00-17:00; sat 22:00-02:00; 12-24 10:00-12:00; 2026-12-26 closed",
        BERLIN,
        holidays="12-25",
    )
    asked, expected = (datetime.fromisoformat(t).replace(tzinfo=BERLIN) for t in (at, opens))
    assert found.opens_at(asked) == expected.astimezone(UTC)


def test_a_day_that_is_closed_does_not_cut_short_the_evening_before() -> None:
    found = hours("mon-sun 22:00-02:00; 2026-03-03 closed")
    assert found.is_open(datetime(2026, 3, 3, 1, 59, tzinfo=UTC))
    assert found.opens_at(datetime(2026, 3, 3, 2, tzinfo=UTC)) == datetime(2026, 3, 4, 22, tzinfo=UTC)


def test_spans_that_touch_over_midnight_are_one_stretch() -> None:
    found = hours("mon 20:00-24:00; tue 00:00-06:00, 06:00-07:00")
    asked = datetime(2026, 3, 2, 21, tzinfo=UTC)
    assert found.closes_at(asked) == datetime(2026, 3, 3, 7, tzinfo=UTC)


def test_a_night_lasts_into_an_evening_on_which_elsewhere_it_is_the_next_day() -> None:
    found = hours("sat 21:00-20:30", NEW_YORK)
    asked = datetime(2026, 3, 1, 20, tzinfo=NEW_YORK)  # a Sunday; in UTC it is Monday
    assert found.is_open(asked)
    assert found.closes_at(asked) == asked.astimezone(UTC) + 30 * MINUTE


def test_a_date_goes_before_a_day_of_every_year_and_that_before_the_week() -> None:
    found = Hours(
        (ALL_DAY,) * 7,
        dates={date(2026, 12, 24): (Span(60, 120),)},
        yearly={(12, 24): CLOSED, (12, 25): CLOSED},
    )
    assert found.on(date(2026, 12, 24)) == (Span(60, 120),)
    assert found.on(date(2027, 12, 24)) == CLOSED
    assert found.on(date(2026, 12, 23)) == ALL_DAY


# --- nights


@pytest.mark.parametrize(
    ("zone", "text", "asked", "opens", "closes"),
    [
        # the hour that is not there: open as soon as the clock has gone past the time, closed if all of it is skipped
        (BERLIN, "sun 02:30-05:00", "2026-03-28T12:00Z", "2026-03-29T01:00Z", "2026-03-29T03:00Z"),
        (BERLIN, "sun 02:10-02:50", "2026-03-28T12:00Z", "2026-04-05T00:10Z", "2026-04-05T00:50Z"),
        (BERLIN, "sat 22:00-02:30", "2026-03-28T12:00Z", "2026-03-28T21:00Z", "2026-03-29T01:00Z"),
        (NEW_YORK, "sun 02:30-05:00", "2026-03-07T12:00Z", "2026-03-08T07:00Z", "2026-03-08T09:00Z"),
        (LORD_HOWE, "sun 02:15-05:00", "2026-10-03T12:00Z", "2026-10-03T15:30Z", "2026-10-03T18:00Z"),
        # the hour that comes twice: the first time counts, and once is enough
        (BERLIN, "sun 02:30-05:00", "2026-10-24T12:00Z", "2026-10-25T00:30Z", "2026-10-25T04:00Z"),
        (BERLIN, "sat 22:00-02:30", "2026-10-24T12:00Z", "2026-10-24T20:00Z", "2026-10-25T00:30Z"),
        (BERLIN, "sun 02:10-02:50", "2026-10-25T00:50Z", "2026-11-01T01:10Z", "2026-11-01T01:50Z"),
        (NEW_YORK, "sun 01:30-05:00", "2026-10-31T12:00Z", "2026-11-01T05:30Z", "2026-11-01T10:00Z"),
        (LORD_HOWE, "sun 01:45-05:00", "2026-04-04T12:00Z", "2026-04-04T14:45Z", "2026-04-04T18:30Z"),
    ],
)
def test_hours_in_a_night_in_which_the_clock_is_set(
    zone: tzinfo, text: str, asked: str, opens: str, closes: str
) -> None:
    at, begin, end = (datetime.fromisoformat(t) for t in (asked, opens, closes))
    found = hours(text, zone)
    assert found.opens_at(at) == begin
    assert found.closes_at(begin) == end


# --- never, always, seldom


def test_who_never_opens_says_so() -> None:
    at = datetime(2026, 3, 2, tzinfo=UTC)
    assert not NEVER.is_open(at)
    assert NEVER.opens_at(at) is None
    assert hours("2026-03-01 09:00-17:00").opens_at(at) is None
    assert hours("mon-sun closed", BERLIN).opens_at(at) is None


def test_who_is_always_there_never_closes() -> None:
    at = datetime(2026, 3, 29, 1, 30, tzinfo=UTC)
    assert hours("always", BERLIN).opens_at(at) == at
    assert hours("always", BERLIN).closes_at(at) is None


def test_once_a_year_is_found_from_anywhere_in_the_year() -> None:
    found = hours("12-24 10:00-11:00")
    just_over = datetime(2027, 12, 24, 11, tzinfo=UTC)
    assert found.opens_at(just_over) == datetime(2028, 12, 24, 10, tzinfo=UTC)
    assert hours("2027-03-04 00:00-24:00").opens_at(datetime(2026, 3, 2, tzinfo=UTC)) is None
