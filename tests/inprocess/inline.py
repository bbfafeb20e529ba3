"""The database without threads: the same statements, carried out where they are asked for."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from functools import cache
from typing import Any, TypeVar, cast

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncEngine

from storage.apply import Store
from storage.engines import writer
from storage.values import Applied, Batch

T = TypeVar("T")

DRIVERS = {"sqlite": "sqlite+pysqlite", "postgresql": "postgresql+psycopg"}


class _Connection:
    """Lent for a query. It stays open until something fails: half of a query would go into opening another."""

    def __init__(self, reader: InlineReader) -> None:
        self._reader = reader
        self._connection: Connection

    async def __aenter__(self) -> _Connection:
        self._connection = self._reader.connection()
        return self

    async def __aexit__(self, failed: object, *_: object) -> None:
        if failed is not None:
            self._reader.close()

    async def execute(self, *args: Any) -> Any:
        return self._connection.execute(*args)


def read_now(reading: Coroutine[Any, Any, T]) -> T:
    """What a coroutine returns that never waits, as every read here."""
    try:
        reading.send(None)
    except StopIteration as ended:
        found: T = ended.value
        return found
    reading.close()
    raise AssertionError("it waits")


@cache
def inline_reader(url: str) -> InlineReader:
    """Made once for an address, like the writer."""
    return InlineReader(url)


class InlineReader:
    """As much of an asynchronous engine as the reader asks of one."""

    def __init__(self, url: str) -> None:
        parsed = make_url(url)
        driver = DRIVERS[parsed.get_backend_name()]
        self.engine = create_engine(parsed.set(drivername=driver), isolation_level="AUTOCOMMIT")
        self._connection: Connection | None = None

    def connect(self) -> _Connection:
        return _Connection(self)

    def connection(self) -> Connection:
        """The one that is open. Whoever takes it reads all that was found before anybody else asks."""
        if self._connection is None:
            self._connection = self.engine.connect()
        return self._connection

    def as_asynchronous(self) -> AsyncEngine:
        return cast("AsyncEngine", self)

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def dispose(self) -> None:
        self.close()
        self.engine.dispose()


@cache
def quick_writer(url: str) -> Engine:
    """The service's own engine. A commit survives the process, though not the machine: nobody waits for a disk.

    Made once for an address and disposed of after every life: half of a short life would go into compiling the
    same statements again.
    """
    engine = writer(url)
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", lambda connection, _: connection.execute("PRAGMA synchronous=OFF"))
    return engine


class MarkedStore(Store):
    """A store whose commits are crash points."""

    point: Callable[[str], None]

    def apply(self, batch: Batch, now: float, *args: Any) -> Applied:
        self.point("commit:before")
        applied = super().apply(batch, now, *args)
        self.point("commit:after")
        return applied
