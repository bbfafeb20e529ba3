"""Engines: how the two databases are opened, and who may write. Their errors never quote what was written."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine
from sqlalchemy.pool import NullPool

#: How long a reader waits for a lock that another process holds, in milliseconds.
BUSY_TIMEOUT_MS = 5000


class Locked(Exception):
    """Another process serves from this database file."""


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
        return create_engine(parsed.set(drivername="postgresql+psycopg"), pool_size=2, hide_parameters=True)
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
            parsed.set(drivername="postgresql+psycopg"), pool_size=4, hide_parameters=True
        )
    engine = create_async_engine(
        parsed.set(drivername="sqlite+aiosqlite"),
        pool_size=4,
        connect_args={"isolation_level": None},
        hide_parameters=True,
    )
    event.listen(engine.sync_engine, "connect", _on_connect_reader)
    return engine


def migrator(url: str) -> Engine:
    """An engine for migrations: one connection, plain transactions."""
    parsed = make_url(url)
    if parsed.get_backend_name() == "postgresql":
        return create_engine(parsed.set(drivername="postgresql+psycopg"), poolclass=NullPool)
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


def _begin_immediate(connection: Any) -> None:
    """A deferred transaction that upgrades to a write fails at once, whatever the busy timeout."""
    connection.exec_driver_sql("BEGIN IMMEDIATE")
