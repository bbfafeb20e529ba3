"""What belongs to a period, whatever clocks do; what is still to be done; and that figures name nobody."""

from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from machines.events import Trigger
from storage import schema
from storage.engines import reader
from storage.reads.figures import MOST_DAYS, Durations, Now
from storage.reads.statistics import StatisticsReader
from storage.values import Result, Status, moment
from tests.storage.facts import ANN, BEN, START, reported
from tests.storage.histories import DAY, Counts, answers, case_of, press, report
from tests.storage.house import House

# --- time


async def test_what_happened_before_the_period_is_left_out(house: House, counts: Counts) -> None:
    """START is nine o'clock: a period of one day reaches back to midnight, that of two a day further."""
    house.now = START - 10 * 3600
    early = house.talks(ANN)
    press(house, BEN, Trigger.SOLVED, answers(house, BEN, "1"))
    report(house, Trigger.DESK_CLOSED, early)
    press(house, ANN, Trigger.RATING, early, rating=3)
    house.now = START
    today, yesterday = await counts(1), await counts(2)
    assert (today.first_response.count, today.resolution.count, today.answerable) == (0, 0, 0)
    assert (sum(today.handoffs.values()), today.ratings.count) == (0, 0)
    assert (yesterday.first_response.count, yesterday.resolution.count, yesterday.answerable) == (1, 1, 2)
    assert (sum(yesterday.handoffs.values()), yesterday.ratings.count) == (1, 1)


async def test_the_first_moment_of_the_period_belongs_to_it(house: House, counts: Counts) -> None:
    midnight = START - 9 * 3600
    for house.now, member in ((midnight, ANN), (midnight - 0.001, BEN)):
        press(house, member, Trigger.SOLVED, answers(house, member, member))
    house.now = START
    assert [(await counts(days)).ended["solved"] for days in (1, 2)] == [1, 2]


async def test_what_began_before_the_period_is_measured_whole(house: House, counts: Counts) -> None:
    talk = house.waits(ANN)
    house.passes(40 * DAY)
    report(house, Trigger.AGENT_JOINED, talk)
    assert (await counts(1)).first_response == Durations(1, 40 * DAY, 40 * DAY)


async def test_a_clock_that_was_set_back_makes_nothing_negative(house: House, counts: Counts) -> None:
    talk = house.waits(ANN)
    house.waits(BEN)
    house.passes(-3600)
    report(house, Trigger.AGENT_JOINED, talk)
    house.passes(-3600)
    report(house, Trigger.DESK_CLOSED, talk)
    found = await counts()
    assert found.first_response == found.resolution == Durations(1, 0.0, 0.0)
    assert found.now == Now(waiting=1, longest_wait=0.0)
    assert (found.ended["handed_off"], sum(found.handoffs.values())) == (1, 2)


@pytest.mark.parametrize(
    ("now", "days", "since"),
    [
        ("2026-03-30T10:00:00+00:00", 1, "2026-03-29T22:00:00+00:00"),  # after the clock was set forward
        ("2026-03-30T10:00:00+00:00", 2, "2026-03-28T23:00:00+00:00"),
        ("2026-10-25T21:59:00+00:00", 1, "2026-10-24T22:00:00+00:00"),  # a day of 25 hours
        ("2026-10-25T23:30:00+00:00", 1, "2026-10-25T23:00:00+00:00"),
        ("2026-01-01T00:30:00+00:00", MOST_DAYS, "2024-12-31T23:00:00+00:00"),
    ],
)
async def test_days_are_those_of_the_operators_clock(house: House, now: str, days: int, since: str) -> None:
    engine = reader(house.url)
    found = await StatisticsReader(engine, ZoneInfo("Europe/Berlin")).statistics(
        datetime.fromisoformat(now), days
    )
    await engine.dispose()
    assert found.period.since == datetime.fromisoformat(since)
    assert found.as_json()["period"] == {
        "days": days,
        "since": since,
        "until": now,
        "time_zone": "Europe/Berlin",
    }


@pytest.mark.parametrize("days", [0, -1, MOST_DAYS + 1])
async def test_a_period_of_no_days_or_of_ages_is_refused(counts: Counts, days: int) -> None:
    with pytest.raises(ValueError, match=f"days: must be 1 to {MOST_DAYS}"):
        await counts(days)


# --- what is to be done


async def test_the_backlog_is_what_is_neither_done_nor_given_up(house: House, counts: Counts) -> None:
    assert (await counts.reader.backlog(moment(START))).effects == 0
    house.talks(ANN)
    house.arrives(reported(Trigger.AGENT_JOINED, None, link=("conversation_sid", "CH9")))
    pending = house.rows(schema.effect, status="pending")
    house.arrives(Result(pending[0].key, 0, Status.DEAD, 3, error="no"))
    house.passes(12)

    found = await counts.reader.backlog(moment(house.now))

    left = pending[1:]
    assert (found.effects, found.lanes) == (len(left), len({row.lane for row in left}))
    assert (found.oldest, found.parked, found.dead_letters) == (12.0, 1, 1)


# --- nobody is named


async def test_figures_name_nobody(house: House, counts: Counts) -> None:
    talk = answers(house, "canary-member", "canary-ref", body="canary answer")
    press(house, "canary-member", Trigger.AGENT_REQUESTED, talk)
    report(house, Trigger.AGENT_JOINED, talk, agent="canary-agent", name="canary name")
    report(house, Trigger.DESK_CLOSED, talk)
    press(house, "canary-member", Trigger.RATING, talk, rating=5)
    press(house, "canary-member", Trigger.COMMENT, talk, body="canary comment")
    told = str((await counts()).as_json())
    assert "canary" not in told
    assert talk not in told
    assert case_of(house, talk) not in told
