"""Opening hours as people write them: what is meant, and which word is wrong."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, date
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as some

from machines import timetable
from machines.hours import ALL_DAY, ALWAYS, CLOSED, NEVER, Span
from machines.timetable import closed_days, hours, zone

OFFICE = (Span(9 * 60, 17 * 60),)


def test_a_week_is_read_day_by_day() -> None:
    found = hours("mon-wed, fri 09:00-17:00; sat 10:00-12:00, 13:30-14:00")
    assert found.week == (
        *(OFFICE,) * 3,
        CLOSED,
        OFFICE,
        (Span(10 * 60, 12 * 60), Span(13 * 60 + 30, 14 * 60)),
        CLOSED,
    )


@pytest.mark.parametrize(
    "text",
    [
        "Mon-Fri 09:00-17:00",
        "monday-friday 9:00-17:00;",
        "mon – fri   09:00 — 17:00",
        "mon,tue, wed thu-fri 09:00-17:00",
        "mon-tue 09:00-17:00\nwed-fri 09:00-17:00",
    ],
)
def test_what_means_the_same_is_read_the_same(text: str) -> None:
    assert hours(text) == hours("mon-fri 09:00-17:00")


def test_a_row_of_days_may_go_over_the_turn_of_the_week_or_of_the_year() -> None:
    assert [n for n, day in enumerate(hours("sat-mon 09:00-17:00").week) if day] == [0, 5, 6]
    assert closed_days("12-30..01-02") == [(12, 30), (12, 31), (1, 1), (1, 2)]
    assert closed_days("02-28..03-01") == [(2, 28), (2, 29), (3, 1)]
    assert closed_days("2026-12-31..2027-01-01") == [date(2026, 12, 31), date(2027, 1, 1)]


def test_times_may_end_on_the_next_day_or_with_this_one() -> None:
    assert hours("fri 22:00-02:00").week[4] == (Span(22 * 60, 26 * 60),)
    assert hours("fri 22:00-00:00").week == hours("fri 22:00-24:00").week
    assert hours("fri 00:00-24:00").week[4] == ALL_DAY


def test_two_words_say_it_all() -> None:
    assert hours("always") == ALWAYS
    assert hours(" Never ") == NEVER


def test_a_holiday_is_closed_unless_a_rule_names_the_day() -> None:
    found = hours("mon-sun 09:00-17:00; 12-24 09:00-17:00", holidays="12-24, 12-25; 2026-04-06")
    assert found.on(date(2026, 12, 24)) == OFFICE
    assert found.on(date(2026, 12, 25)) == CLOSED
    assert found.on(date(2026, 4, 6)) == CLOSED


@pytest.mark.parametrize(
    ("text", "word", "why"),
    [
        ("mon-fri 09:00-17:00; satt 10:00-14:00", "satt", "neither a day"),
        ("mon-fry 09:00-17:00", "mon-fry", "neither a day"),
        ("mon 9-17", "9-17", "neither a day"),
        ("12-24-2026 closed", "12-24-2026", "neither a day"),
        ("mon", "mon", "no times"),
        ("mon 09-17", "09-17", "no times"),
        ("mon 9:00", "9:00", "not written as times are"),
        ("mon 09:00-1700", "09:00-1700", "not written as times are"),
        ("mon ٠٩:00-17:00", "٠٩:00-17:00", "not written as times are"),
        ("mon 09:00-25:00", "09:00-25:00", "not on the clock"),
        ("mon 09:60-17:00", "09:60-17:00", "not on the clock"),
        ("mon 24:00-08:00", "24:00-08:00", "not on the clock"),
        ("mon 09:00-09:00", "09:00-09:00", "ends when it begins"),
        ("mon 09:00-12:00, 11:00-13:00", "11:00-13:00", "begins before"),
        ("mon 22:00-02:00, 23:00-23:30", "23:00-23:30", "begins before"),
        ("mon closed 09:00-17:00", "closed", "beside times"),
        ("09:00-17:00", "09:00-17:00", "without a day"),
        ("mon 09:00-17:00 tue closed", "tue", "semicolon"),
        ("mon-fri 09:00-17:00; fri 09:00-15:00", "fri", "stands there already"),
        ("2026-02-29 closed", "2026-02-29", "no date of the calendar"),
        ("02-30 closed", "02-30", "no date of the calendar"),
        ("2026-12-24..2026-12-23 closed", "2026-12-24..2026-12-23", "ends before it begins"),
        ("2026-01-01..2999-01-01 closed", "2026-01-01..2999-01-01", "longer than a year"),
        ("2026-12-24..12-26 closed", "2026-12-24..12-26", "from a date to a day of every year"),
        ("always; 12-24 closed", "always", "neither a day"),
    ],
)
def test_the_word_that_is_wrong_is_named(text: str, word: str, why: str) -> None:
    with pytest.raises(ValueError, match=why) as refused:
        hours(text)
    assert str(refused.value).startswith(f"'{word}' ")


@pytest.mark.parametrize("text", ["", "  ", ";", "\n;"])
def test_nothing_at_all_is_not_taken_for_an_answer(text: str) -> None:
    with pytest.raises(ValueError, match="says nothing"):
        hours(text)


def test_a_holiday_is_a_date() -> None:
    assert closed_days("") == []
    with pytest.raises(ValueError, match="'sun' is a weekday"):
        closed_days("12-25, sun")


@pytest.mark.parametrize("name", ["Europe/Berln", "Europe", "../Berlin", "/etc/passwd", "CET+1", ""])
def test_a_zone_that_nobody_knows_is_named(name: str) -> None:
    with pytest.raises(ValueError, match="no time zone") as refused:
        zone(name)
    assert f"'{name}'" in str(refused.value)


def test_without_a_database_of_zones_the_way_out_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(name: str) -> ZoneInfo:
        raise timetable.ZoneInfoNotFoundError(name)

    monkeypatch.setattr(timetable, "ZoneInfo", unknown)
    monkeypatch.setattr(timetable, "available_timezones", set)
    assert zone("UTC") is UTC
    with pytest.raises(ValueError, match="install the package tzdata"):
        zone("Europe/Berlin")


@given(some.text(alphabet="monfriclsed0123456789:-., ;\n–\x00ß", max_size=40))
def test_whatever_is_written_is_read_or_refused(text: str) -> None:
    with suppress(ValueError):
        assert len(hours(text, holidays=text).week) == 7
