"""What a count touches: what the period holds, however much is stored besides; and it is never in a writer's way."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import UTC
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.event import listen
from sqlalchemy.ext.asyncio import AsyncEngine

from machines.events import Trigger
from storage.engines import reader
from storage.reads.statistics import StatisticsReader
from storage.values import moment
from tests.storage.facts import ANN, BEN, CAY, START, pressed, reported
from tests.storage.house import House

#: Conversations of two years ago: each was handed off, joined, closed and rated, and its case resolved.
OLD = 20_000
_NUMBERS = f"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {OLD})"
_THEN = START - 2 * 365 * 24 * 3600
_HISTORY = (
    "INSERT INTO member (id) {n} SELECT 'm' || i FROM n",
    """INSERT INTO conversation (id, member, state, version, table_version, context, case_id, request, created_at,
         updated_at, closed_at)
       {n} SELECT 'c' || i, 'm' || i, 'closed', 9, 1, '', 'k' || i, 1, {then} + i, {then} + i, {then} + i FROM n""",
    """INSERT INTO case_ (id, number, member, kind, state, version, table_version, context, created_at, updated_at)
       {n} SELECT 'k' || i, 100 + i, 'm' || i, 'help', 'resolved', 2, 1, '', {then} + i, {then} + i FROM n""",
    "INSERT INTO feedback (conversation, rating, at) {n} SELECT 'c' || i, 5, {then} + i FROM n",
    """INSERT INTO message (id, conversation, member, author, body, version, at, revision, deleted)
       {n} SELECT 'b' || i, 'c' || i, 'm' || i, 'bot', '', 1, {then} + i, 0, false FROM n""",
)
_MOVES = """
    INSERT INTO event (source, id, subject, version, trigger, from_state, to_state, outcome, at, received_at)
    {n} SELECT 'x', '{to}' || i, '{subject}' || i, {version}, '{trigger}', '{came}', '{to}', '{outcome}',
        {then} + i, {then} + i FROM n
"""
_STEPS = (
    ("conversation:c", 1, "member_message", "bot_faq", "bot_faq", "stayed"),
    ("conversation:c", 2, "agent_requested", "bot_faq", "awaiting_agent", "moved"),
    ("conversation:c", 3, "agent_joined", "awaiting_agent", "with_agent", "moved"),
    ("conversation:c", 9, "desk_closed", "with_agent", "closed", "moved"),
    ("case:k", 2, "resolved", "open", "resolved", "moved"),
)


@pytest.fixture
async def engine(house: House) -> AsyncIterator[AsyncEngine]:
    found = reader(house.url)
    yield found
    await found.dispose()


def grows_old(house: House) -> None:
    """A long history, and what the database knows of its tables afterwards."""
    statements = [part.format(n=_NUMBERS, then=_THEN) for part in _HISTORY]
    for subject, version, trigger, came, to, outcome in _STEPS:
        names = {"subject": subject, "trigger": trigger, "came": came, "to": to, "outcome": outcome}
        statements.append(_MOVES.format(n=_NUMBERS, then=_THEN, version=version, **names))
    with house.engine.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)
    with house.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("ANALYZE")


def days_work(house: House) -> None:
    """A talk that ended, one that goes on, and somebody who waits."""
    talk = house.talks(ANN)
    house.arrives(reported(Trigger.DESK_CLOSED, talk), pressed(ANN, Trigger.RATING, talk, rating=5))
    house.talks(BEN)
    house.waits(CAY)


async def test_a_count_looks_up_what_it_needs_and_reads_no_table_through(
    house: House, engine: AsyncEngine
) -> None:
    days_work(house)
    grows_old(house)
    asked: list[tuple[str, Any]] = []
    listen(engine.sync_engine, "before_cursor_execute", lambda *call: asked.append((call[2], call[3])))

    found = await StatisticsReader(engine, UTC).statistics(moment(START), 7)

    assert (found.first_response.count, found.ended["handed_off"], found.now.waiting) == (2, 1, 1)
    queries, plans = list(asked), []
    assert len(queries) == 7
    explain = "EXPLAIN" if house.engine.dialect.name == "postgresql" else "EXPLAIN QUERY PLAN"
    async with engine.connect() as connection:
        for query, values in queries:
            rows = (await connection.exec_driver_sql(f"{explain} {query}", values)).all()
            plans.append("\n".join(str(row[-1]).strip() for row in rows))
    for plan in plans:
        assert not re.search(r"Seq Scan on (event|message|case_|conversation|feedback)", plan), plan
        assert not re.search(r"^SCAN (e|m|feedback)\b|^SCAN c$", plan, re.MULTILINE), plan
    ranges = ("ix_event_milestone (received_at>?)", "Index Cond: (received_at >= ")
    assert sum("ix_event_milestone" in plan and any(words in plan for words in ranges) for plan in plans) == 5
    assert "ix_feedback_at" in plans[-1]
    assert "ix_conversation_open" in plans[0]


async def test_a_writer_does_not_wait_for_a_count(house: House, engine: AsyncEngine) -> None:
    """The count is held in the middle; the commit comes through, and the next count has it."""
    days_work(house)
    counts = StatisticsReader(engine, UTC)
    async with engine.connect() as connection:
        held = await connection.stream(text("SELECT * FROM event"))
        await held.fetchone()
        await asyncio.to_thread(house.waits, "4009")
        await held.close()
    assert (await counts.statistics(moment(START), 7)).now.waiting == 2


async def test_one_count_at_a_time_however_many_ask(house: House, engine: AsyncEngine) -> None:
    days_work(house)
    counts, taken = StatisticsReader(engine, UTC), 0
    most = 0

    def lent(*_: Any) -> None:
        nonlocal taken, most
        taken += 1
        most = max(most, taken)

    def returned(*_: Any) -> None:
        nonlocal taken
        taken -= 1

    listen(engine.sync_engine, "checkout", lent)
    listen(engine.sync_engine, "checkin", returned)
    found = await asyncio.gather(*(counts.statistics(moment(START), days) for days in range(1, 9)))
    assert most == 1
    assert {one.first_response.count for one in found} == {2}
