"""How the databases are opened: what is on disk after a commit, who may write, and what the others get."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from storage import engines
from storage.engines import Locked, LockFile, database_file, reader, writer


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'deep' / 'service.db'}"


def test_every_commit_is_on_disk_and_readers_do_not_wait(sqlite_url: str) -> None:
    engine = writer(sqlite_url)
    with engine.begin() as connection:
        pragmas = {
            name: connection.scalar(text(f"PRAGMA {name}"))
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    engine.dispose()
    assert pragmas == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 5000}


def test_a_transaction_holds_the_write_lock_from_its_beginning(
    sqlite_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Begun late, a second writer would fail with a stale snapshot, which no waiting mends."""
    monkeypatch.setattr(engines, "BUSY_TIMEOUT_MS", 50)
    first, second = writer(sqlite_url), writer(sqlite_url)
    with first.begin() as one:
        one.execute(text("SELECT 1"))
        with pytest.raises(OperationalError, match="database is locked"), second.begin():
            pytest.fail("two writers at once")
    with second.begin() as two:
        two.execute(text("CREATE TABLE t (a)"))
    for engine in (first, second):
        engine.dispose()


def test_a_second_writer_waits_for_the_first(sqlite_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "BUSY_TIMEOUT_MS", 100)
    first, second = writer(sqlite_url), writer(sqlite_url)
    with first.begin():
        before = time.monotonic()
        with pytest.raises(OperationalError), second.begin():
            pytest.fail("two writers at once")
        assert time.monotonic() - before >= 0.09
    for engine in (first, second):
        engine.dispose()


async def test_a_reader_cannot_write(sqlite_url: str) -> None:
    engine = writer(sqlite_url)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE t (a)"))
    pages = reader(sqlite_url)
    async with pages.connect() as reading:
        with pytest.raises(OperationalError, match="readonly"):
            await reading.execute(text("INSERT INTO t VALUES (1)"))
    await pages.dispose()
    engine.dispose()


async def test_a_reader_sees_the_last_commit_while_a_transaction_is_open(sqlite_url: str) -> None:
    engine = writer(sqlite_url)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE t (a)"))
    pages = reader(sqlite_url)
    with engine.begin() as connection:
        connection.execute(text("INSERT INTO t VALUES (1)"))
        async with pages.connect() as reading:
            assert (await reading.execute(text("SELECT count(*) FROM t"))).scalar() == 0
    async with pages.connect() as reading:
        assert (await reading.execute(text("SELECT count(*) FROM t"))).scalar() == 1
    await pages.dispose()
    engine.dispose()


def test_one_process_serves_a_file(tmp_path: Path) -> None:
    database = tmp_path / "service.db"
    held = LockFile(database)
    with pytest.raises(Locked, match=r"service\.db is in use by another process"):
        LockFile(database)
    held.release()
    LockFile(database).release()


def test_the_folder_of_a_new_database_is_made_for_its_owner_alone(sqlite_url: str, tmp_path: Path) -> None:
    engine = writer(sqlite_url)
    engine.connect().close()
    engine.dispose()
    assert (tmp_path / "deep").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize(
    ("url", "file"),
    [
        ("sqlite:////var/lib/service.db", Path("/var/lib/service.db")),
        ("sqlite:///service.db", Path("service.db")),
        ("sqlite:///:memory:", None),
        ("postgresql://localhost/service", None),
    ],
)
def test_the_file_of_a_url(url: str, file: Path | None) -> None:
    assert database_file(url) == file


def test_the_database_is_an_ordinary_file(sqlite_url: str, tmp_path: Path) -> None:
    engine = writer(sqlite_url)
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE t (a)"))
    engine.dispose()
    with sqlite3.connect(tmp_path / "deep" / "service.db") as plain:
        assert plain.execute("PRAGMA integrity_check").fetchone() == ("ok",)
