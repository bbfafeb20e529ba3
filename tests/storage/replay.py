"""Replay: stepping the journal again, from nothing but the journal, must give what is stored."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Connection, Engine, Row, select

from machines.effects import Effect, effect_key
from machines.events import CaseTrigger, Event, Source, Trigger
from machines.snapshot import Given, Snapshot, Step
from machines.step import new_case, new_conversation, step
from machines.table import Outcome
from storage import codec, schema

#: An effect as replay compares it: lane, kind, payload.
Wanted = tuple[str, str, Any]
#: Stored effects: subject -> key -> row.
Effects = dict[str, dict[str, Row[Any]]]


@dataclass
class Replayed:
    """What the journal of one subject gives."""

    snapshot: Snapshot
    effects: dict[str, Wanted] = field(default_factory=dict)  #: by key
    voided: set[str] = field(default_factory=set)  #: keys that a later step did not want any more


def differences(engine: Engine) -> list[str]:
    """Where the tables differ from a replay of the journal, in words; empty if nowhere."""
    with engine.connect() as connection:
        effects = _effects(connection)
        return [
            *_of_machine(connection, "conversation", effects),
            *_of_machine(connection, "case", effects),
        ]


def replay(connection: Connection, start: Snapshot) -> Replayed:
    """Step every event that the journal has for a subject, in order, with the facts it was given."""
    t = schema.event
    replayed = Replayed(start)
    for row in connection.execute(select(t).where(t.c.subject == start.subject).order_by(t.c.version)):
        if row.outcome == Outcome.FAILED:
            continue  # it changed nothing
        event = _event(row)
        given = Given.from_json(codec.load(row.given))
        if replayed.snapshot.version == 0 and start.machine == "conversation":
            locale = event.data.get("locale") or "en"
            replayed.snapshot = new_conversation(start.id, start.member, locale)
        _apply(replayed, step(replayed.snapshot, event, given))
    return replayed


def _effects(connection: Connection) -> Effects:
    """Every effect, read at once: there is no index by subject."""
    t = schema.effect
    found: Effects = {}
    query = select(t.c.key, t.c.subject, t.c.lane, t.c.kind, t.c.payload, t.c.status)
    for row in connection.execute(query):
        if ":failed:" not in row.key:  # the store's own word about a step that raised
            found.setdefault(row.subject, {})[row.key] = row
    return found


def _of_machine(connection: Connection, machine: str, effects: Effects) -> Iterator[str]:
    table = schema.conversation if machine == "conversation" else schema.case_
    for row in connection.execute(select(table)):
        stored = codec.conversation_snapshot(row) if machine == "conversation" else codec.case_snapshot(row)
        start = (new_conversation if machine == "conversation" else new_case)(row.id, row.member)
        replayed = replay(connection, start)
        if replayed.snapshot != stored:
            yield f"{stored.subject}: stored {stored}, replayed {replayed.snapshot}"
        yield from _of_effects(effects.get(stored.subject, {}), replayed)


def _of_effects(stored: Mapping[str, Row[Any]], replayed: Replayed) -> Iterator[str]:
    for key in stored.keys() - replayed.effects.keys():
        yield f"{key}: stored, but no step of the journal wants it"
    for key, wanted in replayed.effects.items():
        row = stored.get(key)
        if row is None:
            if key not in replayed.voided:
                yield f"{key}: wanted, but not stored"
        elif (row.lane, row.kind, codec.load(row.payload)) != wanted:
            yield f"{key}: stored {row.lane} {row.kind} {row.payload}, replayed {wanted}"
        elif row.status == "void" and key not in replayed.voided:
            yield f"{key}: void, but no step of the journal says so"


def _apply(replayed: Replayed, done: Step) -> None:
    after = done.snapshot
    for void in done.voids:
        replayed.voided |= {
            key
            for key, (lane, kind, _) in replayed.effects.items()
            if lane == void.lane and (not void.kinds or kind in void.kinds)
        }
    for n, effect in enumerate(done.effects):
        if effect.replaces:
            # who carried the mark is not part of the comparison: any earlier one of its lane and kind may
            replayed.voided |= {
                key
                for key, (lane, kind, _) in replayed.effects.items()
                if lane == effect.lane and kind == effect.kind
            }
        replayed.effects[effect_key(after.subject, after.version, n)] = _wanted(effect)
    replayed.snapshot = after


def _wanted(effect: Effect) -> Wanted:
    return effect.lane, str(effect.kind), codec.load(codec.dump(effect.payload))


def _event(row: Row[Any]) -> Event:
    source = Source(row.source)
    of_case = row.subject.startswith("case:")
    return Event(
        source,
        row.id,
        CaseTrigger(row.trigger) if of_case else Trigger(row.trigger),
        datetime.fromtimestamp(row.at, UTC),
        codec.address(codec.load(row.address)),
        codec.load(row.data),
    )
