"""A committer over a store whose door a test can keep shut."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import text

from orchestrator.engine.commit import Committer
from storage import schema
from storage.apply import Store
from storage.engines import writer
from storage.values import Applied, Batch
from tests.engine.clock import ManualClock, eventually
from tests.storage.facts import wrote
from tests.storage.house import House


class Watched(Store):
    """The store, with a door that a test can keep shut, and a note of every batch."""

    def __init__(self, house: House) -> None:
        super().__init__(house.engine)
        self.batches: list[int] = []
        self.gate = threading.Event()
        self.gate.set()
        self.waiting = threading.Event()

    def apply(self, batch: Batch, now: float, *rest: Any) -> Applied:
        self.waiting.set()
        assert self.gate.wait(10)
        self.batches.append(len(batch))
        return super().apply(batch, now, *rest)


class Till:
    def __init__(self, house: House) -> None:
        self.house = house
        self.store = Watched(house)
        self.clock = ManualClock()
        self.applied: list[Applied] = []
        self.committer = Committer(self.store, self.clock, self.applied.append)

    async def shut(self) -> asyncio.Task[Any]:
        """One commit is under way and does not end before `gate` is set."""
        self.store.waiting.clear()
        self.store.gate.clear()
        first = asyncio.create_task(self.committer.submit([wrote("4100", "first")]))
        await eventually(self.store.waiting.is_set)
        return first


@contextmanager
def locked(house: House) -> Iterator[None]:
    """Another process holds the write lock."""
    other = writer(house.url)
    with other.begin() as connection:
        on_server = other.dialect.name == "postgresql"
        connection.execute(text("LOCK TABLE effect, event" if on_server else "SELECT 1"))
        yield
    other.dispose()


def journal(house: House) -> list[str]:
    return [row.id for row in house.rows(schema.event, source="discord")]
