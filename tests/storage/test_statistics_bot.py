"""What the bot dealt with alone, why it handed off, and what members said of it: exact figures of histories by hand."""

from __future__ import annotations

from machines.events import Address, CaseTrigger, Event, Source, Trigger
from machines.hours import NEVER
from storage import schema
from storage.apply import Store
from storage.values import moment
from tests.storage.facts import ANN, BEN, CAY, commanded, fired, wrote
from tests.storage.histories import DAN, Counts, answers, case_of, case_told, goes_quiet, press, report
from tests.storage.house import House, subject_id

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
