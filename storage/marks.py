"""Small writes besides the one transaction: where reading stands, and events parked for too long."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import Case, Engine, case, delete, select, update

from machines.events import TIMERS
from machines.snapshot import Limits
from machines.table import Outcome
from storage import codec, schema
from storage.record import Journal
from storage.statements import insert_new, upsert
from storage.writing import INSERT_EVENT, journal_row

#: After this time an event whose conversation never came to be is ignored. Seconds.
PARKED_S = 600.0

_WATERMARK = upsert(schema.watermark, ("channel",), ("position",))
_EVENT = insert_new(schema.event, INSERT_EVENT.names[:2], *INSERT_EVENT.names[2:])


def mark_dms(engine: Engine, positions: Mapping[str, str]) -> None:
    """Remember up to where DM channels were read: `dm:{channel}` -> message id."""
    with engine.begin() as connection:
        _WATERMARK.run(connection, list(positions.items()))


def mark_desks(engine: Engine, read: Sequence[tuple[str, int, bool]]) -> None:
    """Remember up to which Index Twilio Conversations were read, and which are done for good."""
    t = schema.link
    with engine.begin() as connection:
        for sid, index, done in read:
            connection.execute(
                update(t)
                .where(t.c.kind == "conversation_sid", t.c.ref == sid)
                .values(read_up_to=index, done=done)
            )


#: Timers that count somebody's silence. Nobody can be blamed for silence while the service was away.
IDLE = ("bot_idle_warn", "bot_idle", "member_idle_warn", "member_idle", "agent_idle_warn", "agent_idle")


def rearm_idle(engine: Engine, now: float, limits: Limits, *, every: bool = False) -> int:
    """Idle timers that fell due while nobody could be heard, or every one, count from now. Returns how many."""
    t = schema.timer
    statement = update(t).where(t.c.name.in_(IDLE)).values(due_at=_from(now, IDLE, limits))
    with engine.begin() as connection:
        return connection.execute(statement if every else statement.where(t.c.due_at <= now)).rowcount


#: Every timer that there is.
LASTING = (*sorted(map(str, TIMERS)), "case_close")
#: No effect waits longer for its next attempt, however far a clock was set back. Seconds.
LONGEST_PAUSE_S = 600.0


def pull_in(engine: Engine, now: float, limits: Limits) -> int:
    """After the clock was set back nothing waits longer than its whole length from now. Returns how many did."""
    t, e = schema.timer, schema.effect
    due, latest = _from(now, LASTING, limits), now + LONGEST_PAUSE_S
    timers = update(t).where(t.c.name.in_(LASTING), t.c.due_at > due).values(due_at=due)
    effects = update(e).where(e.c.status == "pending", e.c.due_at > latest).values(due_at=latest)
    with engine.begin() as connection:
        return connection.execute(timers).rowcount + connection.execute(effects).rowcount


def _from(now: float, names: Sequence[str], limits: Limits) -> Case[float]:
    """When a timer of that name fires that is set now."""
    return case({name: now + _length(name, limits) for name in names}, value=schema.timer.c.name)


def _length(name: str, limits: Limits) -> float:
    """Seconds from the setting of a timer to its firing, at most."""
    return float(getattr(limits, "ask_at_most" if name == "ask" else name))


def drop_parked(engine: Engine, now: float) -> int:
    """Events parked for too long become ignored, with their row in the journal. Returns how many."""
    t = schema.parked
    with engine.begin() as connection:
        rows = connection.execute(select(t).where(t.c.parked_at < now - PARKED_S)).all()
        for row in rows:
            event = codec.load_event(row.event)
            journal = Journal(
                event, None, None, None, None, None, Outcome.IGNORED, f"never came: {row.waits_for}", None
            )
            _EVENT.run(connection, [journal_row(journal, now)])
            connection.execute(delete(t).where(t.c.source == row.source, t.c.id == row.id))
        return len(rows)
