"""Dead letters: effects that are dead and events whose step failed. Listed, tried again, dropped."""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from sqlalchemy import Connection, Engine, Select, exists, func, insert, select, text, union_all, update

from machines.conversation import State
from machines.effects import OPEN_DESK, Kind
from machines.events import CaseTrigger, Event, Source, Trigger
from storage import codec
from storage.schema import conversation, effect, event, operator
from storage.values import Status, moment

_DEAD = text("status = 'dead'")
_FAILED = text("outcome = 'failed'")
_WAITING = text("outcome IS NULL")
#: Asked every second: made once.
_REQUESTS = select(operator).where(_WAITING).order_by(operator.c.asked_at)

#: These opened a desk for a request that was given up when they died: done alone and late they help nobody.
_OVER = frozenset({*OPEN_DESK, Kind.DESK_INVITE})
#: What the bot says in its turn: once a person has been asked for, it says nothing more.
_IN_TURN = frozenset({"answer", "unsure"})
#: Taken for the age of what was written in a future that the clock was set back from: long enough for any look.
LONG_AGO_S = 24 * 3600.0
#: Between the name of an event and how often it was tried again.
_AGAIN = "~"


class Command(StrEnum):
    RETRY = "retry"
    DROP = "drop"


class Answer(StrEnum):
    DONE = "done"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Letter:
    """A dead letter. `name`: the key of an effect, or `source:id` of an event."""

    name: str
    what: str  #: kind of the effect, trigger of the event
    subject: str
    at: float  #: since when, seconds since the epoch
    attempts: int
    generation: int  #: how often it was tried again by an operator
    reason: str


@dataclass(frozen=True, slots=True)
class Request:
    """What an operator asks."""

    id: str
    command: Command
    letter: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Revived:
    """An effect that is pending again."""

    lane: str
    key: str
    since: float  #: when it was tried last


@dataclass(frozen=True, slots=True)
class Answered:
    """What came of a request."""

    answer: Answer
    detail: str
    revived: Revived | None = None


def letters(engine: Engine) -> list[Letter]:
    """Every dead letter, oldest first."""
    with engine.connect() as connection:
        found = [
            Letter(
                row.key,
                row.kind,
                row.subject,
                row.done_at or row.due_at,
                row.attempts,
                row.generation,
                row.last_error or "",
            )
            for row in connection.execute(select(effect).where(_DEAD))
        ]
        for row in connection.execute(_failed(event)):
            name = f"{row.source}:{row.id}"
            _, again = _parted(row.id)
            found.append(Letter(name, row.trigger, row.subject, row.received_at, 1, again, row.reason))
    return sorted(found, key=lambda letter: letter.at)


def how_many() -> Select[Any]:
    """A query for their number."""
    dead = select(func.count().label("n")).select_from(effect).where(_DEAD)
    counts = union_all(dead, _failed(func.count().label("n"))).subquery()
    return select(func.sum(counts.c.n))


def _failed(*columns: Any) -> Select[Any]:
    """Events whose step failed and that nobody saw to. A timer is set again by itself."""
    seen_to = exists().where(
        operator.c.letter == event.c.source + ":" + event.c.id, operator.c.outcome == str(Answer.DONE)
    )
    return select(*columns).select_from(event).where(_FAILED, event.c.source != str(Source.TIMER), ~seen_to)


# --- asking


def ask(engine: Engine, command: Command, names: Iterable[str], reason: str, now: float) -> list[Request]:
    """Leave requests for whoever serves."""
    requests = [Request(secrets.token_hex(16), command, name, reason) for name in names]
    if not requests:
        return []
    rows = [
        {
            "id": r.id,
            "command": str(r.command),
            "letter": r.letter,
            "reason": r.reason,
            "asked_at": now + n / 1e6,
        }
        for n, r in enumerate(requests)
    ]
    with engine.begin() as connection:
        connection.execute(insert(operator), rows)
    return requests


def answers(engine: Engine, requests: Iterable[Request]) -> dict[str, Answered]:
    """What came of them so far, by their ids."""
    t = operator
    with engine.connect() as connection:
        rows = connection.execute(select(t).where(t.c.id.in_([r.id for r in requests])))
        return {row.id: Answered(Answer(row.outcome), row.detail) for row in rows if row.outcome}


# --- seeing to it


def waiting() -> Select[Any]:
    """A query for the requests that nobody has seen to, oldest first."""
    return _REQUESTS


def request_of(row: Any) -> Request:
    return Request(row.id, Command(row.command), row.letter, row.reason)


def see_to(engine: Engine, request: Request, now: float) -> Answered | Event | None:
    """Do what is asked. An event is returned: it is to be submitted, and answered afterwards.

    None: somebody else was faster.
    """
    with engine.begin() as connection:
        t = operator
        ours = select(t.c.id).where(t.c.id == request.id, _WAITING)
        if engine.dialect.name == "postgresql":
            ours = ours.with_for_update()
        if connection.execute(ours).first() is None:
            return None
        found = _on_effect(connection, request, now) or _on_event(connection, request)
        if isinstance(found, Answered):
            _answer(connection, request, found)
        return found


def answer(engine: Engine, request: Request, answered: Answered) -> None:
    with engine.begin() as connection:
        _answer(connection, request, answered)


def _answer(connection: Connection, request: Request, answered: Answered) -> None:
    values = {"outcome": str(answered.answer), "detail": answered.detail}
    connection.execute(update(operator).where(operator.c.id == request.id).values(values))


def _on_effect(connection: Connection, request: Request, now: float) -> Answered | None:
    """Back into its lane, with the same key and one generation further; or void, with the reason."""
    t = effect
    row = connection.execute(select(t).where(t.c.key == request.letter)).first()
    if row is None:
        return None
    if row.status != Status.DEAD:
        return Answered(Answer.REFUSED, f"it is not dead but {row.status}")
    change = update(t).where(t.c.key == row.key)
    if request.command is Command.DROP:
        error = f"dropped: {request.reason}" if request.reason else "dropped"
        values = {"status": str(Status.VOID), "done_at": now, "last_error": error}
        connection.execute(change.values(values))
        return Answered(Answer.DONE, "dropped")
    if row.kind in _OVER:
        return Answered(Answer.REFUSED, "its request was given up; the member can ask for a person again")
    if row.kind == Kind.SAY and _comes_too_late(connection, row):
        return Answered(Answer.REFUSED, "it is not the bot's turn any more; the conversation has gone on")
    if row.kind == Kind.ANSWER_INTERACTION and "case" in codec.load(row.payload):
        return Answered(Answer.REFUSED, "its member was written a direct message instead")
    values = {
        "status": str(Status.PENDING),
        "generation": row.generation + 1,
        "attempts": 0,
        "due_at": made if (made := _made_at(connection, row)) <= now else now - LONG_AGO_S,
        "done_at": None,
    }
    connection.execute(change.values(values))
    return Answered(Answer.DONE, "back in its lane", Revived(row.lane, row.key, row.done_at or now))


def _comes_too_late(connection: Connection, row: Any) -> bool:
    """An answer of the bot's, and the conversation is not with the bot now."""
    if codec.load(row.payload).get("text") not in _IN_TURN:
        return False
    t = conversation
    state = connection.scalar(select(t.c.state).where(t.c.id == row.subject.partition(":")[2]))
    return bool(state != State.BOT_FAQ)


def _made_at(connection: Connection, row: Any) -> float:
    """When the effect came into being: it may have been done at any time since."""
    stem, _, _ = row.key.rpartition(":")
    version = stem.rpartition(":")[0].rpartition(":")[2]
    at = None
    if version.isdigit():
        t = event
        query = select(t.c.received_at).where(t.c.subject == row.subject, t.c.version == int(version))
        at = connection.scalar(query.limit(1))
    return float(at or row.done_at or row.due_at)


def _on_event(connection: Connection, request: Request) -> Answered | Event:
    """A failed event has another name when it is tried again: the ledger holds the first one."""
    source, _, ref = request.letter.partition(":")
    t = event
    row = connection.execute(select(t).where(t.c.source == source, t.c.id == ref, _FAILED)).first()
    if row is None or source == Source.TIMER:
        return Answered(Answer.REFUSED, "there is no dead letter of that name")
    if request.command is Command.DROP:
        return Answered(Answer.DONE, "dropped")
    return again(row)


def again(row: Any) -> Event:
    """The event of a journal row, to be stepped once more."""
    ref, times = _parted(row.id)
    of_case = str(row.subject or "").startswith("case:")
    trigger = CaseTrigger(row.trigger) if of_case else Trigger(row.trigger)
    address, data = codec.address(codec.load(row.address)), codec.load(row.data)
    first = Event(Source(row.source), ref, trigger, moment(row.at), address, data)
    return replace(first, id=f"{ref}{_AGAIN}{times + 1}")


def _parted(ref: str) -> tuple[str, int]:
    stem, mark, times = ref.rpartition(_AGAIN)
    return (stem, int(times)) if mark and times.isdigit() else (ref, 0)
