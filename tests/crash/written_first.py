"""Words with which agents began: they came by a command, and agents in Flex read them in the transcript."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from sqlalchemy import Connection, select

from machines.effects import Kind
from machines.testing.history import By, Desk, Line, by
from machines.testing.relayed import APOLOGIES, GRAIN_S
from storage import schema
from tests.crash.outside import Outside


def among(desks: Iterable[Desk], world: Outside, connection: Connection) -> Iterator[Desk]:
    """The desks of Flex, and one for each of these words, with what agents read there of deliveries.

    They overtake what agents say in Flex at the same moment: that comes by another way. They are dated by the clock
    that dates the notes.
    """
    there = list(desks)
    yield from there
    t, effects = schema.message, schema.effect
    relays = connection.execute(select(effects.c.payload).where(effects.c.kind == Kind.RELAY_TO_MEMBER))
    sent = [json.loads(payload) for payload in relays.scalars()]
    rows = connection.execute(select(t).where(t.c.id.startswith("page:")).order_by(t.c.version)).all()
    for row in rows:
        ref = row.id.partition(":")[2]
        number = next((int(found["request"]) for found in sent if found["message"] == row.id), 0)
        at = truly(row.at, world.jumps) + world.ahead[1] - GRAIN_S
        line = Line(id=ref, at=at, by=By.AGENT, text=row.body, earlier=tuple(world.wrote.get(ref, ())))
        notes = [
            note
            for desk in there
            if (desk.conversation, desk.request) == (row.conversation, number)
            for note in by(desk.lines, By.SERVICE)
            if note.says in APOLOGIES
        ]
        notes += [replace(line, id=key, by=By.SERVICE, says=says) for key, says in _noted(connection, row.id)]
        of = schema.conversation
        closed_at = connection.scalar(select(of.c.closed_at).where(of.c.id == row.conversation))
        # of a close that came before these words, and was heard of after them, nobody could know
        unheard = closed_at is not None and closed_at < row.at
        yield Desk(ref, row.member, "" if unheard else row.conversation, number, (line, *notes))


def _noted(connection: Connection, message: str) -> Iterator[tuple[str, str]]:
    """What cases say of it: agents read it there, also where no desk stands open any more."""
    t = schema.case_note
    query = select(t.c.key, t.c.note).where(t.c.data.contains(message, autoescape=True))
    yield from (tuple(row) for row in connection.execute(query) if row.note in APOLOGIES)


def truly(shown: float, jumps: Sequence[tuple[float, float]]) -> float:
    """When the service's clock showed that, by the one time of all; of a time that it showed twice, the first."""
    spans = [(float("-inf"), 0.0), *jumps]
    ends = [*(since for since, _ in jumps), float("inf")]
    found = (
        shown - ahead for (since, ahead), end in zip(spans, ends, strict=True) if since <= shown - ahead < end
    )
    return next(found, shown - spans[-1][1])
