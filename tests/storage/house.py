"""A store with its database, as a test uses it: facts arrive, rows are looked at, the process is restarted."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import count
from typing import Any

from sqlalchemy import Engine, Row, Table, func, select

from machines.events import Trigger
from machines.step import step as machine_step
from storage import schema
from storage.apply import Store
from storage.engines import writer
from storage.values import Applied, Item, SetTimer, moment
from tests.storage.facts import START, pressed, reported

StepFunction = Callable[..., Any]


class House:
    """Every test's own database. Ids and names are counted, so that two houses can be compared."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.now = START
        self.engine: Engine
        self.store: Store
        self._ids: Iterator[int] = count(1)
        self._names: Iterator[int] = count(1)
        self.open()

    def open(self) -> None:
        self.engine = writer(self.url)
        self.store = Store(self.engine, fresh_id=lambda: f"{next(self._ids):032x}")

    def close(self) -> None:
        self.engine.dispose()

    def restart(self) -> None:
        """A new process finds what the old one left in the tables."""
        self.close()
        self.open()

    def arrives(self, *items: Item, step: StepFunction = machine_step) -> Applied:
        """One batch."""
        return self.store.apply(list(items), self.now, step)

    def passes(self, seconds: float) -> None:
        self.now += seconds

    # --- looking

    def rows(self, table: Table, **where: Any) -> list[Row[Any]]:
        query = select(table).where(*(table.c[name] == value for name, value in where.items()))
        with self.engine.connect() as connection:
            return list(connection.execute(query.order_by(*table.primary_key.columns)))

    def row(self, table: Table, **where: Any) -> Row[Any]:
        (found,) = self.rows(table, **where)
        return found

    def size(self, table: Table) -> int:
        with self.engine.connect() as connection:
            return int(connection.scalar(select(func.count()).select_from(table)) or 0)

    def everything(self) -> dict[str, list[tuple[Any, ...]]]:
        """The contents of every table. Numbers of effects begin with 1 and have no gaps, as only SQLite's do."""
        found = {
            table.name: [tuple(row) for row in self.rows(table)] for table in schema.metadata.sorted_tables
        }
        found["effect"] = [(n, *row[1:]) for n, row in enumerate(found["effect"], 1)]
        return found

    def state(self, conversation: str) -> str:
        return str(self.row(schema.conversation, id=conversation).state)

    def timer(self, conversation: str, name: str) -> SetTimer:
        row = self.row(schema.timer, subject=f"conversation:{conversation}", name=name)
        return SetTimer(row.subject, row.name, row.due_at, row.epoch)

    def timers(self, conversation: str) -> set[str]:
        return {row.name for row in self.rows(schema.timer, subject=f"conversation:{conversation}")}

    # --- well-trodden ways

    def waits(self, member: str) -> str:
        """The member asks for a person; the desk is open. Returns the conversation."""
        applied = self.arrives(pressed(member, Trigger.AGENT_REQUESTED, "", self._name()))
        conversation = subject_id(applied)
        self.arrives(reported(Trigger.DESK_OPENED, conversation, ref=self._name()))
        return conversation

    def talks(self, member: str) -> str:
        """The member asks for a person, who comes."""
        conversation = self.waits(member)
        self.arrives(reported(Trigger.AGENT_JOINED, conversation, ref=self._name()))
        return conversation

    def _name(self) -> str:
        return f"way-{next(self._names)}"


def subject_id(applied: Applied, n: int = 0) -> str:
    return applied.receipts[n].subject.partition(":")[2]


@dataclass(frozen=True)
class HouseClock:
    """The time of a house as whoever serves in it asks for it. Nobody sleeps there."""

    house: House

    def now(self) -> datetime:
        return moment(self.house.now)

    def time(self) -> float:
        return self.house.now

    def monotonic(self) -> float:
        return self.house.now

    async def sleep(self, _seconds: float) -> None:
        raise AssertionError("nobody sleeps in a house that is moved by hand")
