"""How long members waited, and where they are in the line. Queries, for whoever has a connection."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import Select, func, literal_column, select, text, union_all

from machines.queue import Wait
from storage.schema import conversation, wait

#: So many of the latest waits are enough to tell the pace of a line.
AT_MOST = 200
_AWAITING = text("state = 'awaiting_agent'")


def latest_waits(since: float, at_most: int = AT_MOST) -> Select[Any]:
    """Waits that ended since then, the latest first: rows for `wait_of`."""
    t = wait
    query = select(t.c.queued_at, t.c.ended_at, t.c.taken).where(t.c.ended_at >= since)
    return query.order_by(t.c.ended_at.desc()).limit(at_most)


def wait_of(row: Any) -> Wait:
    return Wait(row.queued_at, row.ended_at, bool(row.taken))


def end_of_line() -> Select[int, Any]:
    """How many wait, and since when the last of them does."""
    t = conversation
    return select(func.count(), func.max(t.c.queued_at)).where(_AWAITING)


def places(conversations: Collection[str]) -> Select[Any]:
    """(id, place) of each: 1 is next. Of one that is not in the line, the place that it would come back to.

    The line is walked once for all of them.
    """
    t = conversation
    line = select(t.c.id, t.c.queued_at, literal_column("1").label("waits")).where(_AWAITING)
    beside = select(t.c.id, t.c.queued_at, literal_column("0").label("waits")).where(
        t.c.id.in_(sorted(conversations)), t.c.state != "awaiting_agent"
    )
    every = union_all(line, beside).subquery()
    ahead = func.sum(every.c.waits).over(order_by=(every.c.queued_at, every.c.id), rows=(None, -1))
    placed = select(every.c.id, (func.coalesce(ahead, 0) + 1).label("place")).subquery()
    return select(placed.c.id, placed.c.place).where(placed.c.id.in_(sorted(conversations)))
