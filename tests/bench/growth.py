"""Does an event cost more when more is stored? Two stores, the same number of members talking in each."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Column, Text

from machines.events import Event
from storage import schema
from storage.apply import Store
from tests.bench.engine import store_rate
from tests.bench.report import Line, figure
from tests.bench.size import Size
from tests.bench.talks import NOW, Talk, Voices, new_store, populate
from tests.bench.timing import interleaved, medians, ratio

GROUP = "An event among stored conversations (batches of 100)"
BATCH = 100
#: Who talks, in both stores.
TALKING = 500


@dataclass(frozen=True, slots=True)
class _Side:
    store: Store
    turns: Iterator[Event]


def measure(size: Size, folder: Path) -> list[Line]:
    sides = {stored: _side(folder / f"{stored}.db", stored) for stored in (size.few, size.many)}
    results = interleaved(
        {str(stored): partial(_microseconds, side, size.growth_events) for stored, side in sides.items()},
        size.rounds,
    )
    for side in sides.values():
        side.store.engine.dispose()
    costs = medians(results)
    lines = [Line(GROUP, f"{stored:,} stored", costs[str(stored)], "us/event") for stored in sides]
    more = ratio(results[str(size.many)], results[str(size.few)])
    name = f"{size.many:,} / {size.few:,} stored"
    megabytes = (folder / f"{size.many}.db").stat().st_size / 1e6
    return [*lines, Line(GROUP, name, more, "x", at_most=1.1, note=f"{figure(megabytes)} MB")]


def _microseconds(side: _Side, events: int) -> float:
    return 1e6 / store_rate(side.store, side.turns, events, BATCH)


def _side(file: Path, stored: int) -> _Side:
    """A store with that many conversations, of which a few hundred go on."""
    store, voices = new_store(file), Voices()
    talks = populate(store, voices, min(TALKING, stored))
    store.apply([voices.agent_says(talks[0]), voices.member_says(talks[0].member)], NOW)
    multiply(file, talks[0], stored - len(talks))
    return _Side(store, voices.turns(talks))


#: Table -> the rows of one talk in it.
_ROWS = {
    "member": "t.id = :member",
    "conversation": "t.id = :conversation",
    "case_": "t.id = :case",
    "event": "t.subject IN (:subject, :case_subject)",
    "effect": "t.subject IN (:subject, :case_subject)",
    "timer": "t.subject IN (:subject, :case_subject)",
    "link": "t.conversation = :conversation",
    "message": "t.conversation = :conversation",
    "wait": "t.conversation = :conversation",
}
_ALL_DONE = "UPDATE effect SET status = 'done', done_at = due_at WHERE status = 'pending'"
_COPIES = """
CREATE TEMP TABLE copy AS
WITH RECURSIVE copies(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM copies WHERE n < ?)
SELECT n, cast(50000000 + n AS TEXT) AS member, lower(hex(randomblob(16))) AS conversation,
       lower(hex(randomblob(16))) AS case_id, lower(hex(randomblob(8))) AS noise FROM copies
"""
#: Names that providers gave: a copy puts noise before them.
_GIVEN = ("event.id", "message.id", "link.ref", "member.dm_channel")


def multiply(file: Path, talk: Talk, times: int) -> None:
    """Copy everything that is stored of one talk, with names of its own for every copy. All effects are done."""
    connection = sqlite3.connect(file)
    connection.execute(_ALL_DONE)
    connection.execute(_COPIES, (times,))
    (case,) = connection.execute("SELECT id FROM case_ WHERE member = ?", (talk.member,)).fetchone()
    values = {"member": talk.member, "conversation": talk.conversation, "case": case}
    values |= {"subject": f"conversation:{talk.conversation}", "case_subject": f"case:{case}"}
    for table, where in _ROWS.items():
        columns = [column for column in schema.metadata.tables[table].columns if column.name != "seq"]
        names = ", ".join(f'"{column.name}"' for column in columns)
        copied = ", ".join(_copied(column) for column in columns)
        connection.execute(
            f"INSERT INTO {table} ({names}) SELECT {copied} FROM {table} AS t, copy WHERE {where}", values
        )
    connection.commit()
    connection.close()


def _copied(column: Column[Any]) -> str:
    """What a column holds in a copy."""
    name, original = f"{column.table.name}.{column.name}", f't."{column.name}"'
    if name == "case_.number":
        return "copy.n + 1000000"
    if name == "member.id" or column.name == "member":
        return "copy.member"
    if name in _GIVEN:
        return f"copy.noise || {original}"
    if isinstance(column.type, Text):
        return f"replace(replace({original}, :conversation, copy.conversation), :case, copy.case_id)"
    return original
