"""Storage that fails: callers are told to come back, nothing is stored by halves, and it recovers by itself."""

from __future__ import annotations

import asyncio
import errno
import secrets
import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, event, text
from sqlalchemy.exc import OperationalError

from machines.events import Event, Trigger
from machines.table import Outcome
from orchestrator.engine.database import opened
from orchestrator.errors import ConfigurationError, Unavailable
from storage import engines, schema
from storage.engines import writer
from storage.upgrade import head
from storage.values import Result, Status
from tests.engine.clock import eventually
from tests.engine.till import Till, locked
from tests.storage import replay
from tests.storage.databases import DATABASES
from tests.storage.facts import ANN, BEN, pressed, reported, wrote
from tests.storage.house import House


@pytest.fixture
async def till(house: House) -> AsyncIterator[Till]:
    made = Till(house)
    made.committer.start()
    yield made
    await made.committer.close()


@pytest.fixture
def file(tmp_path: Path, template: Path) -> Iterator[House]:
    """A house over a SQLite file."""
    found = House(DATABASES["sqlite"](tmp_path, template))
    yield found
    found.close()


def only(house: House, name: str) -> bool:
    return house.engine.dialect.name == name


async def is_sent_away(till: Till, *events: Event) -> None:
    with pytest.raises(Unavailable):
        await till.committer.submit(events)


async def takes(till: Till, *events: Event) -> None:
    receipts = await till.committer.submit(events)
    assert [receipt.outcome for receipt in receipts] == [Outcome.STAYED] * len(events)


# --- the database fails


@contextmanager
def failing(engine: Engine, n: int) -> Iterator[list[str]]:
    """The n-th statement of a transaction meets an I/O error; the commit counts as the last one."""
    met: list[str] = []

    def fails(what: str) -> None:
        met.append(what)
        if len(met) == n:
            raise OperationalError(what, None, OSError(errno.EIO, "disk I/O error"))

    def statement(_c: Any, _cursor: Any, what: str, _p: Any, _x: Any, _many: bool) -> None:
        fails(what)

    def commit(_connection: Any) -> None:
        fails("COMMIT")

    event.listen(engine, "before_cursor_execute", statement)
    event.listen(engine, "commit", commit)
    try:
        yield met
    finally:
        event.remove(engine, "before_cursor_execute", statement)
        event.remove(engine, "commit", commit)


async def test_an_io_error_at_any_statement_stores_nothing_and_the_next_try_stores_all(till: Till) -> None:
    till.house.talks(BEN)
    ask = [wrote(BEN, "1"), pressed(ANN, Trigger.AGENT_REQUESTED, "")]
    n = 0
    while True:
        n += 1
        before = till.house.everything()
        with failing(till.house.engine, n) as met:
            try:
                await till.committer.submit(ask)
            except Unavailable:
                pass
            else:
                break
        assert len(met) == n
        assert till.house.everything() == before, f"left by {met[-1]}"
    assert n > 8
    assert till.house.size(schema.conversation) == 2
    assert replay.differences(till.house.engine) == []


async def test_a_result_survives_an_io_error_at_any_statement(till: Till) -> None:
    await till.committer.submit([pressed(ANN, Trigger.AGENT_REQUESTED, "")])
    keys = [effect.key for effect in till.applied[0].effects][:3]
    for n, key in enumerate(keys, 1):
        with failing(till.house.engine, n):
            finishing = asyncio.create_task(till.committer.finish(Result(key, 0, Status.DONE, 1)))
            await eventually(lambda: till.clock.sleeping == 1)
        await till.clock.advance(1.0)
        await finishing
        assert till.house.row(schema.effect, key=key).status == "done"


async def test_a_writer_that_holds_the_database_sends_callers_away(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engines, "BUSY_TIMEOUT_MS", 20)
    till = Till(house)
    till.committer.start()
    with locked(house):
        await asyncio.gather(*(is_sent_away(till, wrote(ANN, f"{n}")) for n in range(3)))
    await takes(till, *(wrote(ANN, f"{n}") for n in range(3)))
    await till.committer.close()


async def test_a_full_disk_sends_callers_away_until_there_is_room(file: House) -> None:
    till = Till(file)
    till.committer.start()
    await takes(till, wrote(ANN, "0"))
    with file.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA max_page_count = 1")  # no less than it has
    await is_sent_away(till, *(wrote(ANN, f"long-{n}", "x" * 4000) for n in range(20)))
    with file.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA max_page_count = 1000000")
    await takes(till, *(wrote(ANN, f"long-{n}", "x" * 4000) for n in range(20)))
    await till.committer.close()
    assert replay.differences(file.engine) == []


async def test_a_database_that_became_read_only_sends_callers_away_until_it_is_not(house: House) -> None:
    till = Till(house)
    till.committer.start()
    refuse, take = ("PRAGMA query_only = ON", "PRAGMA query_only = OFF")
    if only(house, "postgresql"):
        refuse, take = (f"SET SESSION CHARACTERISTICS AS TRANSACTION READ {how}" for how in ("ONLY", "WRITE"))
    await takes(till, wrote(ANN, "0"))
    for statement in (refuse, take):
        connection = house.engine.raw_connection()
        connection.cursor().execute(statement)
        connection.commit()
        connection.close()
        if statement == refuse:
            await is_sent_away(till, wrote(ANN, "1"))
    await takes(till, wrote(ANN, "1"))
    await till.committer.close()


async def test_tables_that_are_not_there_are_no_fault_of_what_is_to_be_stored(till: Till) -> None:
    await takes(till, wrote(ANN, "0"))
    for before, after in (("event", "elsewhere"), ("elsewhere", "event")):
        if before == "elsewhere":
            await is_sent_away(till, wrote(ANN, "1"))
        with till.house.engine.begin() as connection:
            connection.execute(text(f"ALTER TABLE {before} RENAME TO {after}"))
    await takes(till, wrote(ANN, "1"))


async def test_a_damaged_file_swallows_nothing(file: House, tmp_path: Path) -> None:
    till = Till(file)
    till.committer.start()
    file.close()
    path = tmp_path / "service.db"
    path.write_bytes(path.read_bytes()[:8192])
    await is_sent_away(till, wrote(ANN, "1"), wrote(BEN, "2"))
    await till.committer.close()


# --- connections that are lost


@contextmanager
def cut_at_commit(house: House, *, stored: bool) -> Iterator[None]:
    """The connection is lost before the database carried out the commit, or after it and before it said so."""
    dialect = house.engine.dialect
    real = dialect.do_commit

    def lost(connection: Any) -> None:
        if stored:
            real(connection)
        if only(house, "postgresql"):
            throw_out(house)
            connection.execute("SELECT 1")  # now the driver knows
        if not stored:
            connection.rollback()
        assert dialect.dbapi is not None
        raise dialect.dbapi.OperationalError("the connection is lost")

    dialect.do_commit = lost  # type: ignore[method-assign]
    try:
        yield
    finally:
        dialect.do_commit = real  # type: ignore[method-assign]


def throw_out(house: House) -> None:
    """End every other connection to the database."""
    other = writer(house.url)
    with other.connect() as connection:
        connection.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        )
    other.dispose()


async def test_a_connection_lost_before_the_commit_stores_nothing_and_is_made_again(till: Till) -> None:
    talk = till.house.talks(ANN)
    for n in range(3):
        before = till.house.everything()
        with cut_at_commit(till.house, stored=False):
            await is_sent_away(till, wrote(ANN, f"{n}"))
        assert till.house.everything() == before
        await takes(till, wrote(ANN, f"{n}"))
    assert till.house.state(talk) == "with_agent"
    assert replay.differences(till.house.engine) == []


async def test_a_connection_lost_after_the_commit_stores_it_once(till: Till) -> None:
    """Nobody knows that it was stored: the sender comes back, and the next message is for the same state."""
    till.house.talks(ANN)
    for n in range(3):
        with cut_at_commit(till.house, stored=True), pytest.raises(Unavailable):
            await till.committer.submit([wrote(ANN, f"{n}")])
        (again,) = await till.committer.submit([wrote(ANN, f"{n}")])
        assert again.duplicate
        await takes(till, wrote(ANN, f"next-{n}"))
    assert len(till.house.rows(schema.effect, kind="relay_to_desk")) == 6
    assert replay.differences(till.house.engine) == []


@pytest.mark.parametrize("stored", [False, True])
async def test_a_result_whose_commit_was_lost_counts_once(till: Till, *, stored: bool) -> None:
    talk = till.house.waits(ANN)
    (route,) = till.house.rows(schema.effect, kind="desk_route")
    joined = reported(Trigger.AGENT_JOINED, talk, ref="joined")
    with cut_at_commit(till.house, stored=stored):
        done = Result(route.key, 0, Status.DONE, 1, events=(joined,))
        finishing = asyncio.create_task(till.committer.finish(done))
        await eventually(lambda: till.clock.sleeping == 1)
    await till.clock.advance(1.0)
    await finishing
    assert till.house.row(schema.effect, key=route.key).status == "done"
    assert till.house.state(talk) == "with_agent"
    assert len(till.house.rows(schema.event, id="joined")) == 1


async def test_connections_that_were_cut_while_nothing_happened_are_made_again(till: Till) -> None:
    await takes(till, wrote(ANN, "1"))
    if only(till.house, "postgresql"):
        throw_out(till.house)
        with pytest.raises(Unavailable):
            await till.committer.submit([wrote(ANN, "2")])
    await takes(till, wrote(ANN, "2"))


# --- values that cannot be stored


def with_nul(ref: str) -> Event:
    return wrote("4200", ref, "a\0b")


def with_lone_surrogate(ref: str) -> Event:
    return wrote("4200", ref, "a\ud800b")


def with_endless_name(ref: str) -> Event:
    return replace(wrote("4200", ref), id=secrets.token_hex(20_000))


@pytest.mark.parametrize("culprit", [with_nul, with_lone_surrogate, with_endless_name])
async def test_a_poisoned_row_fails_alone(till: Till, culprit: Callable[[str], Event]) -> None:
    await till.committer.submit([wrote(ANN, "0")])
    first = await till.shut()
    calls = (
        [[wrote(BEN, f"b{n}")] for n in range(7)]
        + [[culprit("bad")]]
        + [[wrote(ANN, f"a{n}")] for n in range(7)]
    )
    tasks = [asyncio.create_task(till.committer.submit(events)) for events in calls]
    await asyncio.sleep(0)
    till.store.gate.set()
    await first
    outcomes = [(await task)[0].outcome for task in tasks]

    assert Outcome.FAILED not in outcomes[:7] + outcomes[8:]
    storable = only(till.house, "sqlite") and culprit is not with_lone_surrogate
    assert (outcomes[7] is Outcome.FAILED) is not storable
    assert len(till.house.rows(schema.message, member=BEN)) == 7
    assert len(till.house.rows(schema.message, member=ANN)) == 8


# --- files that were tampered with


def test_a_database_whose_write_ahead_log_was_deleted_is_the_one_of_the_last_checkpoint(
    file: House, tmp_path: Path
) -> None:
    file.arrives(wrote(ANN, "1"))
    copy = tmp_path / "copy"
    copy.mkdir()
    shutil.copy(tmp_path / "service.db", copy)  # as a kill leaves it, and without its log

    with opened(f"sqlite:///{copy / 'service.db'}") as revisions:
        assert revisions == (head(), head())
    house = House(f"sqlite:///{copy / 'service.db'}")
    assert house.size(schema.event) == 0
    house.arrives(wrote(ANN, "1"))
    assert house.size(schema.event) == 1
    with house.engine.connect() as connection:
        assert connection.scalar(text("PRAGMA integrity_check")) == "ok"
    house.close()


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9])
def test_a_truncated_copy_is_refused_in_one_line_and_left_alone(
    file: House, tmp_path: Path, share: float
) -> None:
    file.arrives(*(wrote(ANN, f"{n}") for n in range(50)))
    file.close()
    path = tmp_path / "service.db"
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    left = path.read_bytes()

    with pytest.raises(ConfigurationError, match="cannot be used as a database") as refused, opened(file.url):
        pytest.fail("it was opened")

    assert len(str(refused.value).splitlines()) == 1
    assert path.read_bytes() == left
