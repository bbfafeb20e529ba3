"""Engines: how the two databases are opened, and who may write. Their errors never quote what was written."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, event, func, select
from sqlalchemy.engine import URL, ExceptionContext, make_url
from sqlalchemy.exc import DataError, DBAPIError, OperationalError
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

#: How long a reader waits for a lock that another process holds, in milliseconds.
BUSY_TIMEOUT_MS = 5000
#: How long PostgreSQL may take to answer a new connection, in seconds.
CONNECT_TIMEOUT_S = 5
#: PostgreSQL: the advisory lock of the one process that serves from a database.
_SERVING = 0x73657276

#: PostgreSQL: classes of errors that the driver files otherwise.
_KINDS: dict[str, type[DBAPIError]] = {"42": OperationalError, "54": DataError}


class Locked(Exception):
    """Another process serves from this database."""


class LockFile:
    """Held by the one process that writes to a SQLite file. Goes with the process, however it ends."""

    def __init__(self, database: Path) -> None:
        self.path = database.with_name(database.name + ".lock")
        self._file = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._file)
            raise Locked(f"{database} is in use by another process (lock {self.path})") from error

    def release(self) -> None:
        os.close(self._file)


class ServerLock:
    """The same for a PostgreSQL database: a connection of its own holds it, and it goes with that."""

    def __init__(self, url: str) -> None:
        self._engine = migrator(url)
        try:
            self._connection = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
            held = self._connection.scalar(select(func.pg_try_advisory_lock(_SERVING)))
        except BaseException:
            self._engine.dispose()
            raise
        if not held:
            self.release()
            database = self._engine.url.database
            raise Locked(f"database {database} is in use by another process (advisory lock {_SERVING})")

    def release(self) -> None:
        self._connection.close()
        self._engine.dispose()


def database_file(url: str) -> Path | None:
    """The file of a SQLite URL; None for PostgreSQL and for databases in memory."""
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite" or not parsed.database or parsed.database == ":memory:":
        return None
    return Path(parsed.database)


def writer(url: str) -> Engine:
    """The synchronous engine of the one writer thread. SQLite: WAL, every commit on disk, BEGIN IMMEDIATE."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "postgresql":
        engine = create_engine(
            parsed.set(drivername="postgresql+psycopg"),
            pool_size=2,
            hide_parameters=True,
            isolation_level="READ COMMITTED",  # each statement sees what was committed before it, see Picture
            connect_args={"connect_timeout": CONNECT_TIMEOUT_S},
        )
        event.listen(engine, "connect", _on_connect_postgresql)
        event.listen(engine, "handle_error", _speak_plainly, retval=True)
        return engine
    _prepare_folder(parsed)
    engine = create_engine(
        parsed.set(drivername="sqlite+pysqlite"),
        connect_args={"check_same_thread": False},
        pool_size=1,
        hide_parameters=True,
    )
    event.listen(engine, "connect", _on_connect)
    event.listen(engine, "begin", _begin_immediate)
    return engine


def reader(url: str) -> AsyncEngine:
    """The asynchronous engine of pages, adapters and sweeps. It never writes."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "postgresql":
        return create_async_engine(
            parsed.set(drivername="postgresql+psycopg"),
            pool_size=4,
            hide_parameters=True,
            connect_args={
                "connect_timeout": CONNECT_TIMEOUT_S,
                "options": "-c default_transaction_read_only=on",
            },
        )
    engine = create_async_engine(
        parsed.set(drivername="sqlite+aiosqlite"),
        pool_size=4,
        connect_args={"isolation_level": None},
        hide_parameters=True,
    )
    event.listen(engine.sync_engine, "connect", _on_connect_reader)
    return engine


def sqlite_reader(url: str) -> Engine:
    """The synchronous engine of the one thread that answers the service's own reads. It never writes."""
    engine = create_engine(
        make_url(url).set(drivername="sqlite+pysqlite"),
        connect_args={"check_same_thread": False, "isolation_level": None},
        pool_size=1,
        hide_parameters=True,
    )
    event.listen(engine, "connect", _on_connect_reader)
    return engine


def migrator(url: str) -> Engine:
    """An engine for migrations: one connection, plain transactions."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "postgresql":
        return create_engine(
            parsed.set(drivername="postgresql+psycopg"),
            poolclass=NullPool,
            hide_parameters=True,
            connect_args={"connect_timeout": CONNECT_TIMEOUT_S},
        )
    _prepare_folder(parsed)
    engine = create_engine(parsed.set(drivername="sqlite+pysqlite"), poolclass=NullPool)
    event.listen(engine, "connect", _on_connect)
    event.listen(engine, "begin", _begin_immediate)
    return engine


def _prepare_folder(url: URL) -> None:
    if url.database and url.database != ":memory:":
        Path(url.database).parent.mkdir(parents=True, exist_ok=True, mode=0o700)


def _on_connect(connection: Any, _record: Any) -> None:
    connection.isolation_level = (
        None  # transactions begin where the engine says so, not where sqlite3 guesses
    )
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        f"busy_timeout={BUSY_TIMEOUT_MS}",
        "foreign_keys=ON",
        "wal_autocheckpoint=4000",  # pages: a checkpoint in the middle of a burst costs as much as ten commits
        "temp_store=MEMORY",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _on_connect_reader(connection: Any, _record: Any) -> None:
    cursor = connection.cursor()
    for pragma in (f"busy_timeout={BUSY_TIMEOUT_MS}", "query_only=ON", "temp_store=MEMORY"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _on_connect_postgresql(connection: Any, _record: Any) -> None:
    connection.autocommit = True
    connection.execute(f"SET lock_timeout = {BUSY_TIMEOUT_MS}")
    connection.autocommit = False


def _speak_plainly(context: ExceptionContext) -> DBAPIError | None:
    """Errors of PostgreSQL as the callers of `Store.apply` understand them.

    It quotes the row that it refuses below what it says: only the first line is kept. A value too long for an
    index (class 54) is to blame itself; tables that are missing or forbidden (class 42) are an outage.
    """
    original = context.original_exception
    for error in (original, context.sqlalchemy_exception):
        if error is not None and error.args:
            error.args = (str(error.args[0]).partition("\n")[0], *error.args[1:])
    kind = _KINDS.get(str(getattr(original, "sqlstate", None))[:2])
    return kind(context.statement, None, original, hide_parameters=True) if kind else None


def _begin_immediate(connection: Any) -> None:
    """A deferred transaction that upgrades to a write fails at once, whatever the busy timeout."""
    connection.exec_driver_sql("BEGIN IMMEDIATE")
