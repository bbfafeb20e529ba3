"""What a step that raises leaves behind, and what a transaction that fails leaves: nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from sqlalchemy import Engine, event
from sqlalchemy.exc import IntegrityError

from machines.events import Source, Trigger
from machines.table import Outcome
from storage import schema
from storage.stepping import random_id
from storage.values import Item, Link, Result, Status
from tests.storage.facts import (
    ANN,
    BEN,
    START,
    answered_by_agent,
    deleted,
    edited,
    fired,
    pressed,
    reported,
    wrote,
)
from tests.storage.house import House, subject_id
from tests.storage.test_timers import broken


class Cut(Exception):
    """The database went away in the middle of a transaction."""


@contextmanager
def counting(engine: Engine, *, cut_at: int = 0) -> Iterator[list[str]]:
    """The statements of what happens inside; the `cut_at`-th fails instead of being carried out."""
    statements: list[str] = []

    def before(_c: Any, _cursor: Any, statement: str, _p: Any, _x: Any, _many: bool) -> None:
        statements.append(statement)
        if len(statements) == cut_at:
            raise Cut(statement)

    event.listen(engine, "before_cursor_execute", before)
    try:
        yield statements
    finally:
        event.remove(engine, "before_cursor_execute", before)


# --- a step that raises


def test_a_step_that_raises_changes_nothing_and_the_rest_of_the_batch_goes_on(house: House) -> None:
    talk = house.talks(ANN)
    snapshot, timers = house.row(schema.conversation), house.rows(schema.timer)

    applied = house.arrives(
        answered_by_agent(talk, "IM1"), wrote(BEN, "1"), step=broken(Trigger.AGENT_MESSAGE)
    )

    assert [receipt.outcome for receipt in applied.receipts] == [Outcome.FAILED, Outcome.STAYED]
    assert house.row(schema.conversation, id=talk) == snapshot
    assert house.rows(schema.timer, subject=f"conversation:{talk}") == timers
    row = house.row(schema.event, id="IM1")
    assert (row.outcome, row.reason, row.version) == (
        "failed",
        "RuntimeError: a broken action",
        snapshot.version,
    )


def test_a_step_that_raises_tells_the_member_and_the_operator_once(house: House) -> None:
    talk = house.talks(ANN)
    told = answered_by_agent(talk, "IM1")

    first = house.arrives(told, step=broken(Trigger.AGENT_MESSAGE))
    second = house.arrives(told, step=broken(Trigger.AGENT_MESSAGE))

    assert [(e.lane, e.payload["text"]) for e in first.effects] == [
        (f"dm:{ANN}", "step_failed"),
        ("operator", "step_failed"),
    ]
    assert second.effects == []


def test_an_opener_that_raises_starts_nothing(house: House) -> None:
    applied = house.arrives(wrote(ANN, "1"), step=broken(Trigger.MEMBER_MESSAGE))
    assert applied.receipts[0].outcome is Outcome.FAILED
    assert house.size(schema.conversation) == 0
    assert subject_id(house.arrives(wrote(ANN, "2"))) != ""


def test_the_edit_after_one_that_failed_is_not_taken_for_it(house: House) -> None:
    house.talks(ANN)
    house.arrives(wrote(ANN, "1", "a"))
    house.arrives(edited(ANN, "1", "b", START + 1), step=broken(Trigger.MEMBER_EDITED))

    applied = house.arrives(edited(ANN, "1", "c", START + 2))

    assert applied.receipts[0].outcome is Outcome.STAYED
    assert house.row(schema.message).body == "c"


# --- a transaction that fails


def scene(house: House) -> list[Item]:
    """A batch that writes to nearly every table, over a database in which it has something to change."""
    talk = house.talks(ANN)
    house.arrives(wrote(ANN, "1", "helo"))
    other = subject_id(house.arrives(wrote(BEN, "9")))
    house.arrives(fired(house.timer(other, "ask")))
    house.arrives(deleted("77"))
    relay = house.rows(schema.effect, kind="relay_to_desk")[0]
    place = house.rows(schema.effect, kind="place")[0]
    link = Link("conversation_sid", "CH1", talk, 1)
    return [
        Result(relay.key, 0, Status.DONE, 1, ref="x", links=(link,), message="discord:1", refs=("x",)),
        Result(place.key, 0, Status.PENDING, 1, due_at=START + 3, dm_channel=(ANN, "555")),
        edited(ANN, "1", "hello", START + 1),
        answered_by_agent(talk, "IM1"),
        pressed(BEN, Trigger.AGENT_REQUESTED, other),
        wrote("4003", "5"),
        wrote(ANN, "77"),
        edited(ANN, "88", "early", START + 1),
        edited("", "IM1", "hello you", START + 1, source=Source.TWILIO),
        pressed(ANN, Trigger.MEMBER_CLOSED, talk),
    ]


def test_a_transaction_is_stored_as_a_whole_or_not_at_all(fresh: Callable[[], str]) -> None:
    whole = House(fresh())
    batch = scene(whole)
    with counting(whole.engine) as statements:
        whole.arrives(*batch)
    wanted = whole.everything()

    cut = House(fresh())
    scene(cut)
    before = cut.everything()
    counted = cut.store.fresh_id
    cut.store.fresh_id = random_id
    for n in range(1, len(statements) + 1):
        with counting(cut.engine, cut_at=n), pytest.raises(Cut):
            cut.arrives(*batch)
        assert cut.everything() == before, f"statement {n} left something: {statements[n - 1]}"
    cut.store.fresh_id = counted

    cut.arrives(*batch)

    assert cut.everything() == wanted
    for house in (whole, cut):
        house.close()


def test_what_was_rolled_back_is_not_believed_by_the_next_batch(house: House) -> None:
    talk = house.waits(ANN)
    (route,) = house.rows(schema.effect, kind="desk_route")
    named = Result(route.key, 0, Status.DONE, 1, links=(Link("task_sid", "WT1", talk, 1),))
    with counting(house.engine) as statements:
        house.arrives(Result(route.key, 0, Status.PENDING, 1))
    with counting(house.engine, cut_at=len(statements) + 1), pytest.raises(Cut):
        house.arrives(named)

    applied = house.arrives(reported(Trigger.AGENT_JOINED, None, link=("task_sid", "WT1")))

    assert applied.receipts[0].outcome is Outcome.PARKED
    house.arrives(named)
    assert house.state(talk) == "with_agent"


def test_a_conflict_in_the_database_is_raised_and_nothing_is_stored(house: House) -> None:
    house.arrives(wrote(ANN, "1", channel="the-same"))
    before = house.everything()
    with pytest.raises(IntegrityError) as refused:
        house.arrives(wrote(BEN, "2", "a secret", channel="the-same"))
    assert house.everything() == before
    assert "the-same" not in str(refused.value)


# --- how much a batch costs


def relayed(house: House, n: int) -> list[Item]:
    members = [f"50{i}" for i in range(n)]
    for member in members:
        house.talks(member)
    return [wrote(member, f"m{member}") for member in members]


def settled(house: House, n: int) -> list[Item]:
    talks = [subject_id(house.arrives(wrote(f"60{i}", f"q{i}"))) for i in range(n)]
    house.arrives(*(fired(house.timer(talk, "ask")) for talk in talks))
    data = {"question": 1, "kind": "unsure", "body": ""}
    return [pressed("", Trigger.BOT_ANSWERED, talk, **data) for talk in talks]


@pytest.mark.parametrize("batch_of", [relayed, settled], ids=["relays", "answers"])
def test_a_hundred_events_cost_as_many_statements_as_one(
    house: House, batch_of: Callable[[House, int], list[Item]]
) -> None:
    batch = batch_of(house, 100)
    house.arrives(batch[0])
    with counting(house.engine) as one:
        house.arrives(batch[1])
    with counting(house.engine) as many:
        house.arrives(*batch[2:])
    assert len(many) == len(one)
    assert len(one) <= 20
