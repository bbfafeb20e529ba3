"""The database of a life: one address for all of them, and states of it that were kept under a name."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterable, Sequence
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from typing import Protocol

import psycopg
from psycopg import sql

from storage import schema
from storage.upgrade import upgrade
from tests.storage.server import Server

#: Today's schema, and nothing in it: kept from the beginning.
EMPTY = "empty"


class Database(Protocol):
    """Nobody may be connected while it is kept or brought back, but for a life that was just killed."""

    @property
    def url(self) -> str:
        """Never changes, so that statements stay compiled."""

    def keep(self, name: str) -> None:
        """Remember what stands in it."""

    def bring_back(self, name: str) -> None:
        """As it was when it was kept under this name."""

    def committed(self) -> bytes:
        """A digest of every row of every table."""

    def close(self) -> None:
        """Leave nothing behind."""


class FileDatabase:
    """SQLite. A copy takes the write-ahead log along, as a killed life has left it."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self._folder = folder
        self._file = folder / "service.db"
        upgrade(self.url)
        self.keep(EMPTY)

    @property
    def url(self) -> str:
        return f"sqlite:///{self._file}"

    def keep(self, name: str) -> None:
        kept = self._folder / name
        shutil.rmtree(kept, ignore_errors=True)
        kept.mkdir()
        for file in self._files():
            shutil.copy(file, kept)

    def bring_back(self, name: str) -> None:
        for file in self._files():
            file.unlink()
        for file in (self._folder / name).iterdir():
            shutil.copy(file, self._folder)

    def committed(self) -> bytes:
        found = sha256()
        with closing(sqlite3.connect(self._file)) as connection:
            for table in schema.metadata.sorted_tables:
                found.update(repr(connection.execute(f"SELECT * FROM {table.name}").fetchall()).encode())
        return found.digest()

    def close(self) -> None:
        """The folder goes with its owner."""

    def _files(self) -> Iterable[Path]:
        return list(self._folder.glob(f"{self._file.name}*"))


class ServerDatabase:
    """PostgreSQL. What is kept is a schema of its own beside the one that is served from.

    Copying rows takes a fraction of what `CREATE DATABASE ... TEMPLATE` takes. Connections are opened for each
    act: a process that is forked must not share one. Until the server has seen that a life was killed, its locks
    stand, and what is done here waits for them.
    """

    def __init__(self, server: Server) -> None:
        self._server = server
        self._name = f"{server.prefix}_crash"
        self._tables = [table.name for table in schema.metadata.sorted_tables]
        self._administer("DROP DATABASE IF EXISTS {} WITH (FORCE)")
        self._administer("CREATE DATABASE {} TEMPLATE template0")
        upgrade(self.url)
        self.keep(EMPTY)

    @property
    def url(self) -> str:
        return self._address(self._name)

    def keep(self, name: str) -> None:
        acts = [f"DROP SCHEMA IF EXISTS {name} CASCADE", f"CREATE SCHEMA {name}"]
        acts += [f"CREATE TABLE {name}.{table} AS TABLE public.{table}" for table in self._tables]
        self._run(acts)

    def bring_back(self, name: str) -> None:
        acts = [f"TRUNCATE {', '.join(self._tables)} RESTART IDENTITY"]
        acts += [f"INSERT INTO {table} SELECT * FROM {name}.{table}" for table in self._tables]
        acts.append("SELECT setval(pg_get_serial_sequence('effect', 'seq'), max(seq)) FROM effect")
        self._run(acts)

    def committed(self) -> bytes:
        found = sha256()
        with psycopg.connect(self.url) as connection:
            for table in self._tables:
                found.update(repr(connection.execute(f"TABLE {table}".encode()).fetchall()).encode())
        return found.digest()

    def close(self) -> None:
        self._administer("DROP DATABASE {} WITH (FORCE)")

    def _run(self, acts: Sequence[str]) -> None:
        """In one transaction, and one trip."""
        with psycopg.connect(self.url) as connection:
            connection.execute("; ".join(acts).encode())

    def _administer(self, act: str) -> None:
        with psycopg.connect(self._address(self._server.admin.database), autocommit=True) as connection:
            connection.execute(sql.SQL(act).format(sql.Identifier(self._name)))

    def _address(self, database: str | None) -> str:
        found = self._server.admin.set(drivername="postgresql", database=database)
        return found.render_as_string(hide_password=False)
