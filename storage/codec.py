"""Rows to values and back: snapshots, events, compact JSON."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import orjson
from sqlalchemy import Row

from machines.events import Address, CaseTrigger, Event, Source, Trigger
from machines.snapshot import CaseContext, Context, Snapshot
from storage.values import Pending


class UnknownVersion(Exception):
    """A row was written by a newer program. It is left alone."""


def dump(value: Any) -> str:
    """Compact JSON. Mappings and tuples are written as objects and arrays."""
    return orjson.dumps(value, default=_plain).decode()


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} is not JSON")


def load(text: str) -> Any:
    return orjson.loads(text)


def conversation_snapshot(row: Row[Any]) -> Snapshot:
    return Snapshot(
        "conversation",
        row.id,
        row.member,
        row.state,
        row.version,
        Context.from_json(orjson.loads(row.context)),
        row.table_version,
    )


def case_snapshot(row: Row[Any]) -> Snapshot:
    return Snapshot(
        "case",
        row.id,
        row.member,
        row.state,
        row.version,
        CaseContext.from_json(orjson.loads(row.context)),
        row.table_version,
    )


def address_json(to: Address) -> dict[str, Any]:
    data: dict[str, Any] = {}
    for name in ("member", "conversation", "request", "link", "message", "case"):
        value = getattr(to, name)
        if value is not None:
            data[name] = value
    return data


def address(data: Mapping[str, Any]) -> Address:
    values = dict(data)
    if values.get("link"):
        values["link"] = tuple(values["link"])
    return Address(**values)


def dump_event(event: Event) -> str:
    return dump(
        {
            "source": event.source,
            "id": event.id,
            "trigger": event.trigger,
            "case": isinstance(event.trigger, CaseTrigger),
            "at": event.at.timestamp(),
            "to": address_json(event.to),
            "data": event.data,
        }
    )


def load_event(text: str) -> Event:
    data = orjson.loads(text)
    name = data["trigger"]
    return Event(
        source=Source(data["source"]),
        id=data["id"],
        trigger=CaseTrigger(name) if data.get("case") else Trigger(name),
        at=datetime.fromtimestamp(data["at"], UTC),
        to=address(data["to"]),
        data=data["data"],
    )


def pending(row: Row[Any]) -> Pending:
    return Pending(
        key=row.key,
        subject=row.subject,
        member=row.member,
        lane=row.lane,
        kind=row.kind,
        payload=orjson.loads(row.payload),
        due_at=row.due_at,
        attempts=row.attempts,
        generation=row.generation,
        replaces=row.replaces,
        seq=row.seq,
    )
