"""Parked events: stepped when the name they wait for comes into being, in the transaction that brings it."""

from __future__ import annotations

from sqlalchemy import Connection, func, select

from storage import codec, schema
from storage.picture import Overtaken
from storage.stepping import Run

#: PostgreSQL: the advisory lock of parking. Taken after the members, before the first write.
_PARKING = 0x7061726B
_ANY_PARKED = select(schema.parked.c.source).limit(1)


def wake_parked(connection: Connection, run: Run) -> None:
    """Step the events that waited for a name which this batch brought into being, until none is left.

    Raises `Overtaken` where another process brought a name into being that this batch would wait for.
    """
    parked = run.record.parked
    if run.picture.lock_rows:
        _keep_parking_apart(connection, run)
    if not parked and connection.execute(_ANY_PARKED).first() is None:
        return
    t = schema.parked
    while run.woken:
        names, run.woken = run.woken, set()
        query = select(t).where(t.c.waits_for.in_(sorted(names)))
        held = [
            (row.parked_at, row.waits_for, codec.load_event(row.event)) for row in connection.execute(query)
        ]
        held.sort(key=lambda row: (row[0], row[2].at))
        earlier = [(waits_for, event) for _, waits_for, event in held]
        waiting = [*earlier, *(now for now in parked.values() if now[0] in names)]
        if waiting:
            run.picture.complete()
        run.wake(waiting)


def _keep_parking_apart(connection: Connection, run: Run) -> None:
    """Who parks an event and who brings its name into being do not see each other's rows before they commit.

    So nobody parks while another names: many may name at once, one parks alone and looks for the names again.
    """
    waited_for = {waits_for for waits_for, _ in run.record.parked.values()}
    if waited_for:
        connection.execute(select(func.pg_advisory_xact_lock(_PARKING)))
        if run.picture.any_of(waited_for):
            raise Overtaken
    elif run.woken:
        connection.execute(select(func.pg_advisory_xact_lock_shared(_PARKING)))
