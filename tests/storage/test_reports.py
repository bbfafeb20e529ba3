"""Reports: an event that names nobody but the member opens a case of its own, once."""

from __future__ import annotations

import pytest

from machines.effects import Kind
from machines.events import Address, CaseTrigger, Event, Source, Trigger
from machines.table import Outcome
from storage import schema
from storage.codec import load
from storage.letters import again
from storage.values import moment
from tests.storage import replay
from tests.storage.facts import ANN, BEN, START, commanded, filed, pressed, reported, wrote
from tests.storage.house import House, subject_id
from tests.storage.test_timers import broken


def test_a_member_nobody_knew_is_known_by_their_report(house: House) -> None:
    (receipt,) = house.arrives(filed(ANN, "71")).receipts
    case = house.row(schema.case_)
    assert (receipt.outcome, receipt.subject, receipt.state) == (Outcome.STAYED, f"case:{case.id}", "open")
    assert (case.member, case.kind, case.state, case.number) == (ANN, "bug", "open", 1)
    kept = load(case.context)
    assert (kept["title"], kept["summary"], kept["channel"]) == ("bug 71", "as soon as I jump", "33")
    member = house.row(schema.member)
    assert (member.id, member.name, member.locale, member.known_since) == (ANN, "Ann", "de", "71")
    assert member.dm_channel is None
    told = house.row(schema.event)
    assert (told.source, told.id, told.trigger, told.subject) == ("discord", "71", "opened", receipt.subject)


def test_it_is_answered_where_it_was_sent_off(house: House) -> None:
    (effect,) = house.arrives(filed(ANN, "71", "feature")).effects
    assert (effect.kind, effect.lane, effect.member) == (Kind.ANSWER_INTERACTION, "interaction:71", ANN)
    assert effect.payload["text"] == "feature_requested"
    assert effect.payload["case"] == house.row(schema.case_).id


@pytest.mark.parametrize("how", ["in one batch", "in two", "after a restart"])
def test_the_same_report_heard_again_does_nothing(house: House, how: str) -> None:
    if how == "in one batch":
        receipts = house.arrives(filed(ANN, "71"), filed(ANN, "71")).receipts
    else:
        house.arrives(filed(ANN, "71"))
        if how == "after a restart":
            house.restart()
        receipts = house.arrives(filed(ANN, "71", title="otherwise")).receipts
    assert receipts[-1].outcome is None
    assert load(house.row(schema.case_).context)["title"] == "bug 71"
    assert (house.size(schema.event), house.size(schema.effect)) == (1, 1)


def test_every_report_is_its_own_case(house: House) -> None:
    house.arrives(filed(ANN, "71"), filed(BEN, "72"), filed(ANN, "73"))
    house.arrives(filed(ANN, "74", "feature"))
    assert sorted((row.number, row.member) for row in house.rows(schema.case_)) == [
        (1, ANN),
        (2, BEN),
        (3, ANN),
        (4, ANN),
    ]


@pytest.mark.parametrize("restarted", [False, True])
def test_who_asks_for_a_person_does_not_join_a_report(house: House, restarted: bool) -> None:
    house.arrives(filed(ANN, "71"))
    if restarted:
        house.restart()
    house.arrives(commanded(ANN, Trigger.AGENT_REQUESTED))
    assert [row.kind for row in sorted(house.rows(schema.case_), key=lambda row: row.number)] == [
        "bug",
        "help",
    ]
    help_case = house.row(schema.case_, kind="help")
    assert house.row(schema.conversation).case_id == help_case.id


def test_a_talk_and_its_case_are_left_as_they_are(house: House) -> None:
    talk = house.talks(ANN)
    before = house.row(schema.conversation), house.row(schema.case_), house.timers(talk)
    house.arrives(filed(ANN, "71", locale="", name=""))
    after = house.row(schema.conversation), house.row(schema.case_, kind="help"), house.timers(talk)
    assert after == before
    assert house.row(schema.case_, kind="bug").number == 2


def test_whoever_is_blocked_is_refused_and_told(house: House) -> None:
    talk = house.talks(ANN)
    house.arrives(reported(Trigger.MEMBER_BLOCKED, talk))
    applied = house.arrives(filed(ANN, "71"))
    assert (applied.receipts[0].outcome, applied.receipts[0].reason) == (Outcome.REFUSED, "blocked")
    (answer,) = applied.effects
    assert (answer.kind, answer.payload["text"], answer.subject) == (
        Kind.ANSWER_INTERACTION,
        "blocked",
        f"member:{ANN}",
    )
    assert house.rows(schema.case_, kind="bug") == []
    assert house.arrives(filed(ANN, "71")).receipts[0].outcome is None


def test_a_report_that_says_nothing_takes_no_number(house: House) -> None:
    applied = house.arrives(filed(ANN, "71", title=" "), filed(ANN, "72"))
    assert applied.receipts[0].reason == "says nothing"
    assert house.row(schema.case_).number == 1
    texts = {effect.lane: effect.payload["text"] for effect in applied.effects}
    assert texts == {"interaction:71": "report_empty", "interaction:72": "bug_reported"}


def test_a_report_that_raises_is_answered_and_can_be_tried_again(house: House) -> None:
    applied = house.arrives(filed(ANN, "71"), step=broken(CaseTrigger.OPENED))
    assert applied.receipts[0].outcome is Outcome.FAILED
    assert {effect.payload["text"] for effect in applied.effects} == {"step_failed"}
    assert house.rows(schema.case_) == []
    (receipt,) = house.arrives(again(house.row(schema.event, outcome="failed"))).receipts
    assert receipt.outcome is Outcome.STAYED
    assert house.row(schema.case_).number == 1


def test_an_opening_that_names_nobody_is_ignored(house: House) -> None:
    event = Event(Source.DISCORD, "71", CaseTrigger.OPENED, moment(START), Address(), {"kind": "bug"})
    assert house.arrives(event).receipts[0].outcome is Outcome.IGNORED
    assert house.rows(schema.case_) == []


def test_an_answer_that_is_dead_is_said_in_the_direct_message(house: House) -> None:
    case = subject_id(house.arrives(filed(ANN, "71")))
    to = Address(member=ANN, case=case)
    dead = {"kind": "answer_interaction", "reason": "gone"}
    event = Event(Source.EFFECT, "k:0:dead", CaseTrigger.DELIVERY_FAILED, moment(START), to, dead)
    (said,) = house.arrives(event).effects
    assert (said.kind, said.lane, said.subject) == (Kind.SAY, f"dm:{ANN}", f"case:{case}")


def test_the_journal_gives_what_is_stored(house: House) -> None:
    house.arrives(filed(ANN, "71"), wrote(ANN, "1"), filed(ANN, "72", "feature"))
    talk = subject_id(house.arrives(pressed(ANN, Trigger.AGENT_REQUESTED, "")))
    house.arrives(reported(Trigger.AGENT_JOINED, talk), filed(BEN, "73", steps="jump"))
    assert replay.differences(house.engine) == []
