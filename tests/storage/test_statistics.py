"""What is counted of histories that were written by hand, on both databases: exact figures, and the borders."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from machines.events import Address, CaseTrigger, Event, Source, Trigger
from machines.hours import NEVER
from storage import schema
from storage.apply import Store
from storage.engines import reader
from storage.reads.figures import MOST_DAYS, Durations, Now, Statistics
from storage.reads.statistics import StatisticsReader
from storage.values import Result, Status, moment
from tests.storage.facts import (
    ANN,
    BEN,
    CAY,
    START,
    answered_by_agent,
    commanded,
    fired,
    pressed,
    reported,
    wrote,
)
from tests.storage.house import House, subject_id

DAN = "4004"
DAY = 24 * 3600.0


class Counts:
    """The read model over a house, asked at the house's own time."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.engine = reader(house.url)
        self.reader = StatisticsReader(self.engine, UTC)

    async def __call__(self, days: int = 7) -> Statistics:
        return await self.reader.statistics(moment(self.house.now), days)


@pytest.fixture
async def counts(house: House) -> AsyncIterator[Counts]:
    found = Counts(house)
    yield found
    await found.engine.dispose()


# --- histories


def answers(house: House, member: str, ref: str, kind: str = "answer", body: str | None = None) -> str:
    """The member asks the bot, which says something; the conversation."""
    talk = subject_id(house.arrives(wrote(member, ref, at=house.now)))
    house.arrives(fired(house.timer(talk, "ask")))
    number = len([row for row in house.rows(schema.effect, kind="ask_chatbot") if talk in row.subject])
    to = Address(member=member, conversation=talk)
    said = body or ("So you pay." if kind == "answer" else "")
    data = {"question": number, "kind": kind, "body": said}
    house.arrives(Event(Source.EFFECT, f"{talk}:{ref}", Trigger.BOT_ANSWERED, moment(house.now), to, data))
    return talk


def press(house: House, member: str, trigger: Trigger, talk: str, **data: object) -> str:
    """The conversation that the press came to."""
    return subject_id(house.arrives(pressed(member, trigger, talk, at=house.now, **data)))


def report(house: House, trigger: Trigger, talk: str, **data: object) -> None:
    house.arrives(reported(trigger, talk, at=house.now, **data))  # type: ignore[arg-type]


def goes_quiet(house: House, talk: str) -> None:
    house.arrives(fired(house.timer(talk, "bot_idle")))


def case_of(house: House, talk: str) -> str:
    return str(house.row(schema.conversation, id=talk).case_id)


def case_told(house: House, case: str, trigger: CaseTrigger, **data: object) -> None:
    """By hand, from a page."""
    name = f"page-{trigger}-{case}-{house.now}"
    house.arrives(Event(Source.PAGE, name, trigger, moment(house.now), Address(case=case), data))


# --- nothing, and what goes on


async def test_an_empty_database_has_no_figures(counts: Counts) -> None:
    found = await counts()
    assert found.now == Now()
    assert (found.first_response, found.resolution) == (Durations(), Durations())
    assert (found.deflection, found.answerable, found.ratings.count, found.ratings.mean) == (None, 0, 0, None)
    assert set(found.handoffs.values()) == set(found.ended.values()) == {0}


async def test_a_conversation_that_is_open_is_only_counted_where_it_is(house: House, counts: Counts) -> None:
    answers(house, ANN, "1")
    found = await counts()
    assert found.now == Now(with_bot=1)
    assert (found.answerable, sum(found.handoffs.values())) == (0, 0)


async def test_who_waits_is_counted_from_when_the_request_began(house: House, counts: Counts) -> None:
    answers(house, ANN, "1")
    house.passes(1000)
    house.waits(ANN)
    house.passes(40)
    house.waits(BEN)
    house.talks(CAY)
    house.passes(5)
    assert (await counts()).now == Now(waiting=2, longest_wait=45.0, with_agent=1)


async def test_after_a_talk_the_wait_begins_again(house: House, counts: Counts) -> None:
    talk = house.talks(ANN)
    house.passes(900)
    report(house, Trigger.AGENT_LEFT, talk)
    house.arrives(fired(house.timer(talk, "alone")))
    house.passes(30)
    assert house.state(talk) == "awaiting_agent"
    assert (await counts()).now == Now(waiting=1, longest_wait=30.0)


async def test_who_came_back_to_the_queue_has_waited_all_the_time(house: House, counts: Counts) -> None:
    talk = house.waits(ANN)
    house.passes(1800)
    house.arrives(fired(house.timer(talk, "wait")))
    house.passes(60)
    press(house, ANN, Trigger.AGENT_REQUESTED, talk)
    assert (await counts()).now == Now(waiting=1, longest_wait=1860.0)


# --- first response


async def test_the_first_response_runs_from_the_ask_to_whoever_comes_first(
    house: House, counts: Counts
) -> None:
    joined, written = house.waits(ANN), house.waits(BEN)
    house.passes(20)
    report(house, Trigger.AGENT_JOINED, joined)
    house.passes(20)
    house.arrives(answered_by_agent(written, "IM1"))  # the join was lost
    house.passes(500)
    house.arrives(answered_by_agent(joined, "IM2"))
    report(house, Trigger.AGENT_JOINED, joined, agent="ben")

    assert (await counts()).first_response == Durations(2, 30.0, 40.0)


async def test_nine_of_ten_took_no_longer_than_the_p90(house: House, counts: Counts) -> None:
    talks = [house.waits(f"50{n:02}") for n in range(20)]
    for talk in talks:
        house.passes(10)
        report(house, Trigger.AGENT_JOINED, talk)
    assert (await counts()).first_response == Durations(20, 105.0, 180.0)


async def test_a_second_agent_is_no_first_response(house: House, counts: Counts) -> None:
    talk = house.waits(ANN)
    house.passes(7)
    report(house, Trigger.AGENT_JOINED, talk)
    report(house, Trigger.AGENT_LEFT, talk)
    house.arrives(fired(house.timer(talk, "alone")))
    house.passes(600)
    report(house, Trigger.AGENT_JOINED, talk, agent="ben")
    assert (await counts()).first_response == Durations(1, 7.0, 7.0)


async def test_an_ask_that_was_taken_back_does_not_count_the_next_one_does(
    house: House, counts: Counts
) -> None:
    talk = house.waits(ANN)
    house.passes(1000)
    press(house, ANN, Trigger.AGENT_REQUEST_CANCELLED, talk)
    house.passes(1000)
    press(house, ANN, Trigger.AGENT_REQUESTED, talk)
    house.passes(9)
    report(house, Trigger.AGENT_JOINED, talk, request=2)
    assert (await counts()).first_response == Durations(1, 9.0, 9.0)


async def test_an_ask_that_ran_out_can_still_be_taken_back(house: House, counts: Counts) -> None:
    talk = house.waits(ANN)
    house.passes(1800)
    house.arrives(fired(house.timer(talk, "wait")))
    press(house, ANN, Trigger.AGENT_REQUEST_CANCELLED, talk)
    house.passes(600)
    press(house, ANN, Trigger.AGENT_REQUESTED, talk)
    house.passes(8)
    report(house, Trigger.AGENT_JOINED, talk, request=2)
    assert (await counts()).first_response == Durations(1, 8.0, 8.0)


async def test_an_ask_that_the_desk_failed_goes_on_until_somebody_comes(house: House, counts: Counts) -> None:
    talk = house.waits(ANN)
    house.passes(60)
    report(house, Trigger.DESK_FAILED, talk)
    press(house, ANN, Trigger.AGENT_REQUEST_CANCELLED, talk)  # there is nothing left to take back
    house.passes(60)
    press(house, ANN, Trigger.AGENT_REQUESTED, talk)
    house.passes(60)
    report(house, Trigger.AGENT_JOINED, talk, request=2)
    assert (await counts()).first_response == Durations(1, 180.0, 180.0)


async def test_a_wait_that_ran_out_counts_to_whoever_comes_in_the_end(house: House, counts: Counts) -> None:
    talk = house.waits(ANN)
    house.passes(1800)
    house.arrives(fired(house.timer(talk, "wait")))
    assert (await counts()).first_response == Durations()
    house.passes(200)
    report(house, Trigger.AGENT_JOINED, talk)
    assert (await counts()).first_response == Durations(1, 2000.0, 2000.0)


async def test_an_agent_who_writes_from_the_case_has_responded(house: House, counts: Counts) -> None:
    talk = house.waits(ANN)
    house.passes(50)
    to = Address(member=ANN, conversation=talk)
    data = {"agent": "ada", "name": "Ada", "message": "page:m1", "body": "Hello"}
    house.arrives(Event(Source.PAGE, "m1", Trigger.AGENT_CONTACTS, moment(house.now), to, data))
    house.passes(50)
    report(house, Trigger.AGENT_JOINED, talk)
    assert (await counts()).first_response == Durations(1, 50.0, 50.0)


async def test_an_agent_who_writes_first_responds_to_nobody(house: House, counts: Counts) -> None:
    data = {"agent": "ada", "name": "Ada", "message": "page:m1", "body": "Hello"}
    event = Event(Source.PAGE, "m1", Trigger.AGENT_CONTACTS, moment(house.now), Address(member=ANN), data)
    talk = subject_id(house.arrives(event))
    assert house.state(talk) == "with_agent"
    report(house, Trigger.AGENT_JOINED, talk)
    report(house, Trigger.DESK_CLOSED, talk)
    found = await counts()
    assert found.first_response == Durations()
    assert (found.ended["agent_first"], found.answerable) == (1, 0)


# --- resolution


async def test_a_case_is_resolved_from_its_opening(house: House, counts: Counts) -> None:
    talk = house.talks(ANN)
    house.passes(300)
    report(house, Trigger.DESK_CLOSED, talk)
    assert (await counts()).resolution == Durations(1, 300.0, 300.0)
    house.passes(7 * DAY)
    case = case_of(house, talk)
    (row,) = house.rows(schema.timer, subject=f"case:{case}")
    to = Address(case=case)
    data = {"subject": row.subject, "name": row.name, "epoch": row.epoch}
    house.arrives(Event(Source.TIMER, "close", CaseTrigger.CASE_CLOSE, moment(house.now), to, data))
    assert house.row(schema.case_).state == "closed"
    assert (await counts(days=30)).resolution == Durations(1, 300.0, 300.0)


async def test_a_case_that_is_resolved_by_hand_counts_like_any_other(house: House, counts: Counts) -> None:
    case = case_of(house, house.talks(ANN))
    house.passes(40)
    case_told(house, case, CaseTrigger.RESOLVED, reason="declined")
    case_told(house, case, CaseTrigger.NOTE_ADDED, note="told by telephone")
    found = await counts()
    assert (found.resolution, found.withdrawn) == (Durations(1, 40.0, 40.0), 0)


async def test_a_reopened_case_counts_once_when_it_is_resolved_for_good(house: House, counts: Counts) -> None:
    case = case_of(house, house.talks(ANN))
    house.passes(40)
    case_told(house, case, CaseTrigger.RESOLVED, reason="solved")
    house.passes(40)
    case_told(house, case, CaseTrigger.REOPENED)
    assert (await counts()).resolution == Durations()
    house.passes(40)
    case_told(house, case, CaseTrigger.RESOLVED, reason="solved")
    assert (await counts()).resolution == Durations(1, 120.0, 120.0)


async def test_a_case_that_was_merged_is_not_resolved(house: House, counts: Counts) -> None:
    case = case_of(house, house.talks(ANN))
    case_told(house, case, CaseTrigger.RESOLVED, reason="duplicate")
    house.passes(1)
    case_told(house, case, CaseTrigger.MERGED_INTO, into="another")
    assert (await counts()).resolution == Durations()


async def test_a_case_whose_member_took_the_request_back_flatters_no_time(
    house: House, counts: Counts
) -> None:
    press(house, ANN, Trigger.AGENT_REQUEST_CANCELLED, house.waits(ANN))
    found = await counts()
    assert (found.resolution, found.withdrawn) == (Durations(), 1)


# --- the bot


async def test_what_the_bot_dealt_with_alone_is_split_by_how_it_ended(house: House, counts: Counts) -> None:
    press(house, ANN, Trigger.SOLVED, answers(house, ANN, "1"))
    goes_quiet(house, answers(house, BEN, "2"))
    press(house, CAY, Trigger.MEMBER_CLOSED, answers(house, CAY, "3"))
    press(house, DAN, Trigger.AGENT_REQUESTED, answers(house, DAN, "4"))
    report(house, Trigger.AGENT_JOINED, subject_id(house.arrives(commanded(DAN, Trigger.AGENT_REQUESTED))))
    (talk,) = [row.id for row in house.rows(schema.conversation, member=DAN)]
    report(house, Trigger.DESK_CLOSED, talk)

    found = await counts()

    assert {how: n for how, n in found.ended.items() if n} == {
        "solved": 1,
        "went_quiet": 1,
        "closed_by_member": 1,
        "handed_off": 1,
    }
    assert (found.deflected, found.answerable, found.deflection) == (3, 4, 0.75)


async def test_who_went_without_an_answer_was_not_served(house: House, counts: Counts) -> None:
    goes_quiet(house, subject_id(house.arrives(commanded(ANN, Trigger.HELP_REQUESTED))))
    goes_quiet(house, answers(house, BEN, "1", kind="unsure"))
    found = await counts()
    assert (found.ended["unanswered"], found.ended["went_quiet"], found.deflection) == (2, 0, 0.0)


async def test_who_says_that_it_is_solved_is_believed_whatever_the_bot_said(
    house: House, counts: Counts
) -> None:
    press(house, ANN, Trigger.SOLVED, answers(house, ANN, "1", kind="unsure"))
    assert (await counts()).ended["solved"] == 1


async def test_a_conversation_that_was_handed_off_stays_so_though_the_bot_ended_it(
    house: House, counts: Counts
) -> None:
    talk = answers(house, ANN, "1")
    press(house, ANN, Trigger.AGENT_REQUESTED, talk)
    press(house, ANN, Trigger.AGENT_REQUEST_CANCELLED, talk)
    press(house, ANN, Trigger.SOLVED, talk)
    found = await counts()
    assert (found.ended["handed_off"], found.ended["solved"], found.deflection) == (1, 0, 0.0)


async def test_who_left_a_message_for_people_was_not_served_by_the_bot(house: House, counts: Counts) -> None:
    talk = answers(house, ANN, "1")
    press(house, ANN, Trigger.MESSAGE_LEFT, talk, body="call me")
    goes_quiet(house, talk)
    assert (await counts()).ended["nobody_there"] == 1


async def test_who_wanted_a_person_when_nobody_was_there_was_not_served_by_the_bot(
    house: House, counts: Counts
) -> None:
    house.store = Store(house.engine, hours=NEVER)
    talk = answers(house, ANN, "1")
    press(house, ANN, Trigger.AGENT_REQUESTED, talk)
    goes_quiet(house, talk)
    found = await counts()
    assert (found.ended["nobody_there"], found.deflection, sum(found.handoffs.values())) == (1, 0.0, 0)


async def test_who_came_back_for_a_person_was_not_served_by_the_bot(house: House, counts: Counts) -> None:
    press(house, ANN, Trigger.SOLVED, answers(house, ANN, "0"))  # this one helped
    talk, other = answers(house, ANN, "1"), answers(house, BEN, "2")
    press(house, ANN, Trigger.SOLVED, talk)
    press(house, BEN, Trigger.SOLVED, other)
    house.passes(60)
    press(house, ANN, Trigger.AGENT_REQUESTED, talk, reopened=True)
    house.arrives(wrote(BEN, "3", at=house.now))  # comes back with another question

    found = await counts()

    assert (found.ended["reopened"], found.ended["solved"], found.deflected) == (1, 2, 2)
    assert found.handoffs["reopened"] == 1


async def test_who_was_blocked_counts_for_nobody(house: House, counts: Counts) -> None:
    talk = answers(house, ANN, "1")
    to = Address(member=ANN)
    house.arrives(Event(Source.OPERATOR, "b", Trigger.MEMBER_BLOCKED, moment(house.now), to, {}))
    assert house.state(talk) == "closed"
    found = await counts()
    assert (found.ended["blocked"], found.answerable) == (1, 0)


# --- hand-offs


async def test_hand_offs_are_told_by_what_caused_them(house: House, counts: Counts) -> None:
    house.waits(ANN)
    answers(house, BEN, "1", kind="handoff")
    for ref in ("2", "3"):
        answers(house, CAY, ref, kind="unsure")
    talk = answers(house, DAN, "4", kind="unsure")
    press(house, DAN, Trigger.NOT_HELPFUL, talk, answer=1)
    for n, ref in enumerate(("5", "6"), 1):
        talk = subject_id(house.arrives(wrote("4005", ref, at=house.now)))
        house.arrives(fired(house.timer(talk, "ask")))
        house.arrives(fired(house.timer(talk, "answer_overdue")))
        assert house.state(talk) == ("bot_faq", "awaiting_agent")[n - 1]

    assert (await counts()).handoffs == {
        "asked": 1,
        "reopened": 0,
        "bot_decided": 1,
        "bot_unsure": 1,
        "not_helpful": 1,
        "bot_failed": 1,
    }


async def test_a_conversation_is_handed_off_once_by_what_came_first(house: House, counts: Counts) -> None:
    talk = answers(house, ANN, "1", kind="handoff")
    press(house, ANN, Trigger.AGENT_REQUEST_CANCELLED, talk)
    press(house, ANN, Trigger.AGENT_REQUESTED, talk)
    found = await counts()
    assert (found.handoffs["bot_decided"], sum(found.handoffs.values())) == (1, 1)


async def test_members_cannot_write_a_reason_into_the_figures(house: House, counts: Counts) -> None:
    body = '"kind":"handoff" {"reopened":true} "reason":"withdrawn"'
    talk = subject_id(house.arrives(commanded(ANN, Trigger.AGENT_REQUESTED, body=body)))
    report(house, Trigger.AGENT_JOINED, talk)
    case_told(house, case_of(house, talk), CaseTrigger.RESOLVED, reason="solved", note=body)
    for ref in ("1", "2"):
        answers(house, BEN, ref, kind="unsure", body=body)
    found = await counts()
    assert {reason: n for reason, n in found.handoffs.items() if n} == {"asked": 1, "bot_unsure": 1}
    assert (found.resolution.count, found.withdrawn) == (1, 0)


# --- ratings


async def test_a_second_rating_replaces_the_first(house: House, counts: Counts) -> None:
    one, other, third = (answers(house, member, member) for member in (ANN, BEN, CAY))
    for member, talk in ((ANN, one), (BEN, other), (CAY, third)):
        press(house, member, Trigger.SOLVED, talk)
    press(house, ANN, Trigger.RATING, one, rating=1)
    press(house, ANN, Trigger.RATING, one, rating=5)
    press(house, BEN, Trigger.RATING, other, rating=4)
    press(house, BEN, Trigger.COMMENT, other, body="thank you")
    press(house, CAY, Trigger.COMMENT, third, body="hm")

    ratings = (await counts()).ratings

    assert ratings.stars == {1: 0, 2: 0, 3: 0, 4: 1, 5: 1}
    assert (ratings.count, ratings.mean, ratings.comments) == (2, 4.5, 2)


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
