"""Two processes at one PostgreSQL: whatever they do at once, the tables are as if they had taken turns."""

from __future__ import annotations

import multiprocessing
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from itertools import count
from typing import Any

import pytest
from sqlalchemy import event, text

from machines.events import Event, Trigger
from machines.table import Outcome
from storage import schema
from storage.stepping import random_id
from storage.values import Applied, Item, Link, Result, Status
from tests.storage import replay
from tests.storage.databases import tidy
from tests.storage.facts import ANN, BEN, START, answered_by_agent, edited, pressed, reported, wrote
from tests.storage.house import House, subject_id
from tests.storage.server import server

ROUNDS = 15
PATIENCE_S = 20.0


class Pair:
    """Two stores with engines of their own over one database, each in a thread of its own."""

    def __init__(self, url: str) -> None:
        self.one, self.two = House(url), House(url)
        self._threads = ThreadPoolExecutor(max_workers=2)
        for house in (self.one, self.two):
            house.store.fresh_id = random_id

    def close(self) -> None:
        self._threads.shutdown()
        self.one.close()
        self.two.close()

    def at_once(self, one: list[Item], two: list[Item]) -> tuple[Applied, Applied]:
        gate = threading.Barrier(2)

        def arrives(house: House, batch: list[Item]) -> Applied:
            gate.wait(PATIENCE_S)
            return house.arrives(*batch)

        first = self._threads.submit(arrives, self.one, one)
        second = self._threads.submit(arrives, self.two, two)
        return first.result(PATIENCE_S), second.result(PATIENCE_S)

    def overlapping(self, one: list[Item], two: list[Item], *, at: str) -> tuple[Applied, Applied]:
        """The first stops before a statement that begins like this; the second runs until it has to wait."""
        with stopped(self.one, at) as (reached, go_on):
            first = self._threads.submit(self.one.arrives, *one)
            assert reached.wait(PATIENCE_S)
            second = self._threads.submit(self.two.arrives, *two)
            self._waits(second)
            go_on.set()
            return first.result(PATIENCE_S), second.result(PATIENCE_S)

    def _waits(self, running: Future[Applied]) -> None:
        """Until somebody waits for a lock."""
        waiting = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
        deadline = time.monotonic() + PATIENCE_S
        with self.two.engine.connect() as connection:
            while not connection.scalar(waiting):
                assert not running.done(), "it did not have to wait"
                assert time.monotonic() < deadline
                connection.rollback()


@contextmanager
def stopped(house: House, at: str) -> Iterator[tuple[threading.Event, threading.Event]]:
    reached, go_on = threading.Event(), threading.Event()

    def before(_c: Any, _cursor: Any, statement: str, _p: Any, _x: Any, _many: bool) -> None:
        if statement.startswith(at) and not reached.is_set():
            reached.set()
            assert go_on.wait(PATIENCE_S)

    event.listen(house.engine, "before_cursor_execute", before)
    try:
        yield reached, go_on
    finally:
        go_on.set()
        event.remove(house.engine, "before_cursor_execute", before)


@pytest.fixture
def shared() -> Iterator[str]:
    yield server().database()
    tidy()


@pytest.fixture
def pair(shared: str) -> Iterator[Pair]:
    made = Pair(shared)
    yield made
    made.close()


def open_ones(house: House, member: str) -> int:
    rows = house.rows(schema.conversation, member=member)
    return sum(1 for row in rows if row.state != "closed")


# --- the same thing at once


def test_the_same_event_at_once_is_one_row_with_one_set_of_effects(pair: Pair) -> None:
    pair.one.talks(ANN)
    for n in range(ROUNDS):
        told = wrote(ANN, f"m{n}")
        first, second = pair.at_once([told], [told])
        assert sorted(applied.receipts[0].duplicate for applied in (first, second)) == [False, True]
        assert sorted(len(applied.effects) for applied in (first, second)) == [0, 1]
    assert len(pair.one.rows(schema.effect, kind="relay_to_desk")) == ROUNDS
    assert replay.differences(pair.one.engine) == []


def test_the_same_first_words_at_once_are_one_conversation(pair: Pair) -> None:
    for n in range(ROUNDS):
        told = wrote(f"40{n:02}", f"m{n}")
        first, second = pair.at_once([told], [told])
        assert sorted(applied.receipts[0].duplicate for applied in (first, second)) == [False, True]
    assert pair.one.size(schema.conversation) == ROUNDS


def test_two_openers_at_once_are_one_conversation(pair: Pair) -> None:
    for n in range(ROUNDS):
        member = f"41{n:02}"
        ask = pressed(member, Trigger.AGENT_REQUESTED, "")
        first, second = pair.at_once([wrote(member, f"m{n}")], [ask])
        assert subject_id(first) == subject_id(second) != ""
        assert open_ones(pair.one, member) == 1
    assert replay.differences(pair.one.engine) == []


def test_the_same_result_at_once_counts_once(pair: Pair) -> None:
    talk = pair.one.waits(ANN)
    (route,) = pair.one.rows(schema.effect, kind="desk_route")
    told = reported(Trigger.AGENT_JOINED, talk, ref="joined")
    done = Result(route.key, 0, Status.DONE, 1, events=(told,))
    first, second = pair.at_once([done], [done])
    assert sorted(bool(applied.effects) for applied in (first, second)) == [False, True]
    assert pair.one.state(talk) == "with_agent"


def test_a_close_against_an_opener_leaves_one_open_conversation_or_none(pair: Pair) -> None:
    for n in range(ROUNDS):
        member = f"42{n:02}"
        talk = subject_id(pair.one.arrives(wrote(member, f"first{n}")))
        pair.at_once([pressed(member, Trigger.MEMBER_CLOSED, talk)], [wrote(member, f"then{n}")])
        assert open_ones(pair.one, member) <= 1
        assert pair.one.state(talk) == "closed"
        rows = pair.one.rows(schema.message, member=member)
        assert {row.body for row in rows} == {"how do I pay?"}
        assert len(rows) == 2
    assert replay.differences(pair.one.engine) == []


def test_two_members_taken_in_opposite_order_never_wait_for_each_other_for_ever(pair: Pair) -> None:
    for n in range(ROUNDS):
        ann, ben = wrote(ANN, f"a{n}"), wrote(BEN, f"b{n}")
        pair.at_once([ann, wrote(BEN, f"bb{n}")], [ben, wrote(ANN, f"aa{n}")])
    assert pair.one.size(schema.message) == 4 * ROUNDS
    assert replay.differences(pair.one.engine) == []


def test_members_whom_nobody_knew_are_met_by_both_at_once(pair: Pair) -> None:
    for n in range(ROUNDS):
        members = [f"43{n:02}{i}" for i in range(6)]
        one = [wrote(member, f"one{n}{member}") for member in members]
        two = [wrote(member, f"two{n}{member}") for member in reversed(members)]
        pair.at_once(one, two)
    assert pair.one.size(schema.conversation) == 6 * ROUNDS
    assert pair.one.size(schema.message) == 12 * ROUNDS


def test_cases_opened_at_once_have_numbers_without_doubles_or_gaps(pair: Pair) -> None:
    for n in range(ROUNDS):
        one = [pressed(f"44{n:02}{i}", Trigger.AGENT_REQUESTED, "") for i in range(3)]
        two = [pressed(f"45{n:02}{i}", Trigger.AGENT_REQUESTED, "") for i in range(3)]
        pair.at_once([*one], [*two])
    numbers = sorted(row.number for row in pair.one.rows(schema.case_))
    assert numbers == list(range(1, 6 * ROUNDS + 1))


# --- one in the middle of the other's transaction


def test_who_waited_for_a_member_sees_what_was_recorded_meanwhile(pair: Pair) -> None:
    pair.one.talks(ANN)
    told = wrote(ANN, "1")
    _, second = pair.overlapping([told], [told], at="INSERT INTO event")
    assert second.receipts[0].duplicate
    assert pair.one.size(schema.message) == 1


def test_who_waited_for_a_member_sees_what_they_closed_meanwhile(pair: Pair) -> None:
    talk = pair.one.talks(ANN)
    close = pressed(ANN, Trigger.MEMBER_CLOSED, talk)
    _, second = pair.overlapping([close], [wrote(ANN, "1", at=START + 1)], at="INSERT INTO event")
    assert subject_id(second) not in ("", talk)


def test_two_openers_after_a_close_are_one_conversation(pair: Pair) -> None:
    """There is no open conversation that could be locked: the member is."""
    pair.one.arrives(pressed(ANN, Trigger.MEMBER_CLOSED, pair.one.talks(ANN)))
    words, ask = wrote(ANN, "1", at=START + 1), pressed(ANN, Trigger.AGENT_REQUESTED, "")
    first, second = pair.overlapping([words], [ask], at="INSERT INTO event")
    assert subject_id(first) == subject_id(second)
    assert open_ones(pair.one, ANN) == 1


def test_who_waited_for_a_member_edits_the_message_as_it_is_now(pair: Pair) -> None:
    pair.one.talks(ANN)
    pair.one.arrives(wrote(ANN, "1", "one"))
    first, second = edited(ANN, "1", "two", START + 1), edited(ANN, "1", "three", START + 2)
    pair.overlapping([first], [second], at="INSERT INTO event")
    row = pair.one.row(schema.message)
    assert (row.body, row.revision) == ("three", 2)


def test_who_waited_for_a_member_does_not_repeat_an_edit_told_twice(pair: Pair) -> None:
    pair.one.talks(ANN)
    pair.one.arrives(wrote(ANN, "1", "one"))
    told = [edited(ANN, "1", "two", START + 1) for _ in range(2)]
    _, second = pair.overlapping([told[0]], [told[1]], at="INSERT INTO event")
    assert second.receipts[0].duplicate


def test_an_edit_that_names_no_member_finds_the_message_written_meanwhile(pair: Pair) -> None:
    talk = pair.one.talks(ANN)
    late = edited("", "IM1", "hello you", START + 1, source=answered_by_agent(talk, "IM1").source)
    _, second = pair.overlapping([answered_by_agent(talk, "IM1")], [late], at="INSERT INTO message")
    assert second.receipts[0].outcome is Outcome.STAYED
    assert pair.one.row(schema.message).body == "hello you"
    assert pair.one.size(schema.parked) == 0


def test_a_report_does_not_wait_for_a_link_that_was_written_meanwhile(pair: Pair) -> None:
    talk = pair.one.waits(ANN)
    (route,) = pair.one.rows(schema.effect, kind="desk_route")
    named = Result(route.key, 0, Status.DONE, 1, links=(Link("task_sid", "WT1", talk, 1),))
    joined = reported(Trigger.AGENT_JOINED, None, link=("task_sid", "WT1"))
    _, second = pair.overlapping([named], [joined], at="INSERT INTO link")
    assert second.receipts[0].outcome is Outcome.MOVED
    assert pair.one.state(talk) == "with_agent"


def test_a_deadlock_that_the_database_breaks_is_no_outage(pair: Pair) -> None:
    """An operator's statement that locks in another order than we do."""
    pair.one.arrives(wrote(ANN, "1"), wrote(BEN, "2"))
    lock = "SELECT 1 FROM member WHERE id = '{}' FOR UPDATE"
    with pair.two.engine.begin() as other:
        other.execute(text("SET LOCAL deadlock_timeout = '10s'"))
        other.execute(text(lock.format(BEN)))
        running = pair._threads.submit(pair.one.arrives, wrote(ANN, "3"), wrote(BEN, "4"))
        pair._waits(running)
        other.execute(text(lock.format(ANN)))
    assert [receipt.outcome for receipt in running.result(PATIENCE_S).receipts] == [Outcome.STAYED] * 2


# --- processes


def hammer(url: str, start: Any, members: list[str], events: int) -> None:
    """A process of its own: every member says the same things that the other process has them say."""
    house = House(url)
    house.store.fresh_id = random_id
    refs = count()
    batches: list[list[Event]] = [
        [wrote(member, f"{member}-{next(refs)}", f"{n}") for member in members] for n in range(events)
    ]
    start.wait(PATIENCE_S)
    for batch in batches:
        house.arrives(*batch)
    house.close()


@pytest.mark.parametrize("orders", [("456", "456"), ("456", "654")], ids=["same-order", "opposite"])
def test_two_processes_that_are_told_the_same_store_it_once(shared: str, orders: tuple[str, str]) -> None:
    context = multiprocessing.get_context("spawn")
    start = context.Barrier(2)
    processes = [
        context.Process(target=hammer, args=(shared, start, [f"46{c}" for c in order], 20))
        for order in orders
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0, 0]
    house = House(shared)
    assert house.size(schema.conversation) == 3
    refs = {row.id for row in house.rows(schema.message)}
    assert len(refs) == house.size(schema.message)
    assert replay.differences(house.engine) == []
    house.close()
