"""What agents of the built-in desk are shown, as desks of a history."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from sqlalchemy import Connection, select

from machines.conversation import State
from machines.events import Event
from machines.testing.history import By, Desk, Entry, Line
from orchestrator.desk.counter import Counter
from storage import schema
from storage.reads.desk import DeskReader
from storage.values import Receipt
from tests.crash.outside import Outside
from tests.english import ENGLISH
from tests.inprocess.inline import inline_reader, read_now
from tests.inprocess.world import Json


def shown(world: Outside, connection: Connection, journal: Sequence[Entry]) -> Iterator[Desk]:
    """Of every conversation that asked for an agent, as it is shown to one who looks now."""
    reader = inline_reader(connection.engine.url.render_as_string(hide_password=False))
    counter = Counter(
        DeskReader(reader.as_asynchronous()), _nobody_submits, world.time, ENGLISH, _nobody_types
    )
    thanks = _after_the_end(connection, journal)
    t = schema.conversation
    for talk in connection.execute(select(t.c.id, t.c.member, t.c.request).where(t.c.request > 0)).all():
        found = read_now(counter.conversation(talk.id))
        assert found is not None
        said = [_said(world, message, thanks) for message in found["messages"]]
        notes = [_note(f"{talk.id}:note:{n}", note) for n, note in enumerate(found["notes"])]
        yield Desk(talk.id, talk.member, talk.id, talk.request, (*said, *notes))
    reader.dispose()


def own(desks: Iterable[Desk]) -> Iterator[str]:
    """What is shown at our own desk is our own rows."""
    for desk in desks:
        yield from (line.id for line in desk.lines)


async def _nobody_types(_channel: str) -> None:
    raise AssertionError("it is only looked at")


async def _nobody_submits(_events: Sequence[Event]) -> Sequence[Receipt]:
    raise AssertionError("it is only looked at")


def _after_the_end(connection: Connection, journal: Iterable[Entry]) -> frozenset[str]:
    """Thanks after the goodbye: they stand in the transcript, and nobody was meant to be brought them."""
    t = schema.message
    brought = set(connection.execute(select(t.c.id).where(t.c.refs != "[]")).scalars())
    ended = (entry for entry in journal if entry.before == entry.after == State.CLOSED)
    return frozenset(entry.id for entry in ended if f"{entry.source}:{entry.id}" not in brought)


def _said(world: Outside, message: Json, thanks: frozenset[str]) -> Line:
    """The row itself is what arrives. Words of members to the bot are shown as well."""
    by_agent, at = message["author"] == "agent", _seconds(message["at"])
    brings = message["author"] == "member" and not message["deleted"] and message["id"] not in thanks
    return Line(
        id=message["id"],
        at=at,
        by=By.AGENT if by_agent else By.SERVICE,
        text=message["body"],
        carries=message["body"] if brings else None,
        earlier=tuple(world.wrote.get(message["id"], ())),
        deleted_at=at if message["deleted"] else None,
        edited_at=_seconds(message["edited_at"]) if message["edited_at"] else None,
    )


def _note(ref: str, note: Json) -> Line:
    return Line(ref, _seconds(note["at"]), By.SERVICE, note["text"], says=note["note"])


def _seconds(stamp: str) -> float:
    return datetime.fromisoformat(stamp).timestamp()
