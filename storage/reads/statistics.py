"""The one read model behind `orchestrator stats`, `/stats` and `/metrics`. The same SQL on both databases.

What each figure means stands in docs/statistics.md. Whatever happened in a period is found by
`ix_event_milestone`, in which there are a few rows per conversation; what stood before it in the same
conversation, by `ix_event_subject`. So a read costs what the period holds, however much is stored besides.
Order is told by versions, time by the service's clock: where that was set back, nothing took less than no time.
"""

from __future__ import annotations

import asyncio
from datetime import datetime, tzinfo
from typing import Any

from sqlalchemy import Executable, TextClause, text
from sqlalchemy.ext.asyncio import AsyncEngine

from storage.letters import how_many
from storage.reads.figures import (
    DEFLECTED,
    LEFT_OUT,
    NOT_DEFLECTED,
    REASONS,
    STARS,
    Backlog,
    Durations,
    Now,
    Period,
    Ratings,
    Statistics,
)

#: Median: the middle one, or the mean of the two in the middle. p90: the first that nine of ten do not exceed.
_DISTRIBUTION = """
    SELECT coalesce(max(n), 0) AS n,
           avg(CASE WHEN place IN ((n + 1) / 2, (n + 2) / 2) THEN seconds END) AS median,
           min(CASE WHEN place >= (9 * n + 9) / 10 THEN seconds END) AS p90
    FROM (SELECT seconds, row_number() OVER (ORDER BY seconds) AS place, count(*) OVER () AS n FROM took) AS ranked
"""


def _distribution(took: str) -> TextClause:
    """Of the seconds in the relation `took`, which these words define."""
    return text(took + _DISTRIBUTION)


#: Who is back in the queue after a talk waits since then: the talk was no waiting.
_NOW = text("""
    WITH opened AS MATERIALIZED (
        SELECT c.state, coalesce(c.queued_at, c.created_at) AS queued,
               CASE WHEN c.state = 'awaiting_agent' THEN (
                   SELECT max(e.received_at) FROM event e
                   WHERE e.subject = 'conversation:' || c.id AND e.outcome = 'moved'
                     AND e.from_state = 'with_agent' AND e.to_state = 'awaiting_agent'
               ) END AS back
        FROM conversation c WHERE c.state <> 'closed'
    ), standing AS (
        SELECT state, CASE WHEN back > queued THEN back ELSE queued END AS since FROM opened
    )
    SELECT state, count(*) AS n, max(CASE WHEN :now > since THEN :now - since ELSE 0 END) AS longest
    FROM standing GROUP BY state
""")

#: From the first ask that the member did not take back to the first agent who joined or wrote after it.
_FIRST_RESPONSE = _distribution("""
    WITH came AS MATERIALIZED (
        SELECT e.subject, e.version, e.received_at, (
                   SELECT max(w.version) FROM event w
                   WHERE w.subject = e.subject AND w.version < e.version
                     AND w.trigger = 'agent_request_cancelled' AND w.outcome IN ('moved', 'stayed')
               ) AS withdrawn
        FROM event e
        WHERE (e.outcome = 'moved' OR e.trigger = 'agent_contacts') AND e.received_at >= :since
          AND (e.outcome = 'moved' AND e.to_state = 'with_agent'
               OR e.outcome = 'stayed' AND e.from_state = 'awaiting_agent')
    ), asked AS MATERIALIZED (
        SELECT came.subject, came.version, came.received_at, (
                   SELECT min(a.version) FROM event a
                   WHERE a.subject = came.subject AND a.version < came.version
                     AND a.version > coalesce(came.withdrawn, 0)
                     AND a.outcome = 'moved' AND a.from_state = 'bot_faq' AND a.to_state = 'awaiting_agent'
               ) AS since
        FROM came
    ), took AS (
        SELECT CASE WHEN r.received_at > a.received_at THEN r.received_at - a.received_at ELSE 0 END AS seconds
        FROM asked r JOIN event a ON a.subject = r.subject AND a.version = r.since AND a.outcome = 'moved'
        WHERE NOT EXISTS (
            SELECT 1 FROM event p
            WHERE p.subject = r.subject AND p.version > r.since AND p.version < r.version
              AND (p.outcome = 'moved' AND p.to_state = 'with_agent'
                   OR p.outcome = 'stayed' AND p.trigger = 'agent_contacts' AND p.from_state = 'awaiting_agent')
        )
    )
""")

#: Cases whose last word is that they are resolved: a reopened or merged one is not.
_RESOLVED = """
    WITH resolved AS (
        SELECT CASE WHEN e.received_at > c.created_at THEN e.received_at - c.created_at ELSE 0 END AS seconds,
               coalesce(e.data, '') LIKE '%"reason":"withdrawn"%' AS withdrawn
        FROM event e JOIN case_ c ON c.id = substr(e.subject, 6)
        WHERE e.outcome = 'moved' AND e.received_at >= :since
          AND e.subject LIKE 'case:%' AND e.to_state = 'resolved'
          AND NOT EXISTS (
              SELECT 1 FROM event l
              WHERE l.subject = e.subject AND l.version > e.version
                AND l.outcome = 'moved' AND l.trigger <> 'case_close'
          )
    ), took AS (SELECT seconds FROM resolved WHERE NOT withdrawn)
"""
_RESOLUTION = _distribution(_RESOLVED)
_COUNT_WITHDRAWN = "SELECT count(*) AS n FROM resolved WHERE withdrawn"
_WITHDRAWN = text(_RESOLVED + _COUNT_WITHDRAWN)

#: Each conversation once, by what handed it off first.
_HANDOFFS = text("""
    SELECT reason, count(*) AS n
    FROM (
        SELECT CASE e.trigger
                   WHEN 'agent_requested' THEN
                       CASE WHEN e.data LIKE '%"reopened"\\:true%' THEN 'reopened' ELSE 'asked' END
                   WHEN 'bot_answered' THEN
                       CASE WHEN e.data LIKE '%"kind":"handoff"%' THEN 'bot_decided' ELSE 'bot_unsure' END
                   WHEN 'not_helpful' THEN 'not_helpful'
                   ELSE 'bot_failed'
               END AS reason
        FROM event e
        WHERE e.outcome = 'moved' AND e.received_at >= :since
          AND e.from_state = 'bot_faq' AND e.to_state = 'awaiting_agent'
          AND NOT EXISTS (
              SELECT 1 FROM event b
              WHERE b.subject = e.subject AND b.version < e.version
                AND b.outcome = 'moved' AND b.from_state = 'bot_faq' AND b.to_state = 'awaiting_agent'
          )
    ) AS handed_off
    GROUP BY reason
""")

#: The first of these that holds. A conversation closes once.
_ENDED = text("""
    SELECT how, count(*) AS n
    FROM (
        SELECT CASE
                   WHEN EXISTS (
                       SELECT 1 FROM event h
                       WHERE h.subject = e.subject AND h.version < e.version
                         AND h.outcome = 'moved' AND h.from_state = 'bot_faq' AND h.to_state = 'awaiting_agent'
                   ) THEN 'handed_off'
                   WHEN c.request > 0 THEN 'agent_first'
                   WHEN e.trigger = 'member_blocked' THEN 'blocked'
                   WHEN EXISTS (
                       SELECT 1 FROM conversation n
                       JOIN event o ON o.subject = 'conversation:' || n.id AND o.version = 1
                       WHERE n.member = c.member AND n.created_at > c.created_at
                         AND o.trigger = 'agent_requested' AND o.data LIKE '%"reopened"\\:true%'
                         AND o.address LIKE '%"conversation":"' || c.id || '"%'
                   ) THEN 'reopened'
                   WHEN c.case_id IS NOT NULL THEN 'nobody_there'
                   WHEN e.trigger = 'solved' THEN 'solved'
                   WHEN NOT EXISTS (
                       SELECT 1 FROM message m WHERE m.conversation = c.id AND m.author = 'bot'
                   ) THEN 'unanswered'
                   WHEN e.trigger = 'bot_idle' THEN 'went_quiet'
                   ELSE 'closed_by_member'
               END AS how
        FROM event e JOIN conversation c ON c.id = substr(e.subject, 14)
        WHERE e.outcome = 'moved' AND e.received_at >= :since
          AND e.subject LIKE 'conversation:%' AND e.to_state = 'closed'
    ) AS ended
    GROUP BY how
""")

_RATINGS = text("""
    SELECT rating, count(*) AS n, sum(CASE WHEN comment <> '' THEN 1 ELSE 0 END) AS comments
    FROM feedback WHERE at >= :since GROUP BY rating
""")

_OUTBOX = text("""
    SELECT count(*) AS effects, count(DISTINCT lane) AS lanes, min(due_at) AS oldest
    FROM effect WHERE status = 'pending'
""")
_PARKED = text("SELECT count(*) AS n FROM parked")


class StatisticsReader:
    """Counts on the asynchronous engine, never in the thread that the relays read in. One count at a time."""

    def __init__(self, engine: AsyncEngine, zone: tzinfo) -> None:
        self._engine = engine
        self._zone = zone  #: of the operator's days
        self._turn = asyncio.Lock()

    async def statistics(self, now: datetime, days: int) -> Statistics:
        """The figures of today and the days before it. Raises ValueError for `days` out of range."""
        period = Period.ending(now, days, self._zone)
        at = {"since": period.since.timestamp()}
        async with self._turn, self._engine.connect() as connection:

            async def ask(query: Executable, **values: float) -> list[Any]:
                return list((await connection.execute(query, values or at)).all())

            return Statistics(
                period,
                _now(await ask(_NOW, now=period.until.timestamp())),
                _durations(await ask(_FIRST_RESPONSE)),
                _durations(await ask(_RESOLUTION)),
                int((await ask(_WITHDRAWN))[0].n),
                _counts(REASONS, await ask(_HANDOFFS)),
                _counts((*DEFLECTED, *NOT_DEFLECTED, *LEFT_OUT), await ask(_ENDED)),
                _ratings(await ask(_RATINGS)),
            )

    async def backlog(self, now: datetime) -> Backlog:
        """What is still to be done at this moment."""
        async with self._turn, self._engine.connect() as connection:
            outbox = (await connection.execute(_OUTBOX)).one()
            parked = (await connection.execute(_PARKED)).one()
            letters = (await connection.execute(how_many())).one()
        oldest = now.timestamp() - outbox.oldest if outbox.oldest is not None else 0.0
        return Backlog(outbox.effects, outbox.lanes, max(0.0, oldest), parked.n, int(letters[0] or 0))


def _now(rows: list[Any]) -> Now:
    found = {row.state: row for row in rows}
    counts = {state: int(row.n) for state, row in found.items()}
    waiting = found.get("awaiting_agent")
    return Now(
        counts.get("awaiting_agent", 0),
        float(waiting.longest) if waiting else None,
        counts.get("with_agent", 0),
        counts.get("bot_faq", 0),
    )


def _durations(rows: list[Any]) -> Durations:
    (row,) = rows
    if not row.n:
        return Durations()
    return Durations(int(row.n), float(row.median), float(row.p90))


def _counts(names: tuple[str, ...], rows: list[Any]) -> dict[str, int]:
    """Every name, in that order; what did not happen is 0."""
    found = {row[0]: int(row.n) for row in rows}
    return {name: found.get(name, 0) for name in names}


def _ratings(rows: list[Any]) -> Ratings:
    given = {row.rating: int(row.n) for row in rows}
    return Ratings({stars: given.get(stars, 0) for stars in STARS}, sum(int(row.comments) for row in rows))
