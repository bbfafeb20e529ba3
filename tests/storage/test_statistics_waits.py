"""Who waits, for how long until somebody came, and until a case was resolved: exact figures of histories by hand."""

from __future__ import annotations

from machines.events import Address, CaseTrigger, Event, Source, Trigger
from storage import schema
from storage.reads.figures import Durations, Now
from storage.values import moment
from tests.storage.facts import ANN, BEN, CAY, answered_by_agent, fired
from tests.storage.histories import DAY, Counts, answers, case_of, case_told, press, report, reported_case
from tests.storage.house import House, subject_id

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
    case_told(house, case, CaseTrigger.MERGED_INTO, into=reported_case(house, ANN))
    assert (await counts()).resolution == Durations()


async def test_a_case_whose_member_took_the_request_back_flatters_no_time(
    house: House, counts: Counts
) -> None:
    press(house, ANN, Trigger.AGENT_REQUEST_CANCELLED, house.waits(ANN))
    found = await counts()
    assert (found.resolution, found.withdrawn) == (Durations(), 1)
