"""The service over PostgreSQL, over sockets: the main job, a database that goes away, and one process at a time."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import psycopg
import pytest

from orchestrator.app import Service
from orchestrator.errors import TryLater, Unreachable
from storage.engines import Locked, ServerLock
from tests.acceptance.conftest import bare
from tests.acceptance.playing import Stage, until
from tests.storage import replay
from tests.storage.databases import tidy
from tests.storage.house import House
from tests.storage.server import server

__all__ = ["bare"]


@pytest.fixture
def shared() -> Iterator[str]:
    yield server().empty()
    tidy()


@pytest.fixture
async def stage(shared: str, bare: Stage, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Stage]:
    """A sandbox, and the service against it, over an empty database."""
    monkeypatch.setenv("DATABASE_URL", shared)
    await bare.start()
    yield bare
    await bare.stop()


def cut(url: str) -> int:
    """Throw out everybody who is connected. Returns how many."""
    with psycopg.connect(url, autocommit=True) as connection:
        others = (
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        return len(connection.execute(f"SELECT pg_terminate_backend(pid) FROM ({others}) o").fetchall())


async def test_one_dm_is_answered_handed_off_talked_over_and_closed(stage: Stage, shared: str) -> None:
    mia = stage.member()
    await mia.helpme()
    await mia.hears("greeting")
    await mia.write("I forgot my password")
    await mia.reads("This should help:")
    await mia.press("agent_requested")
    await mia.hears("place")
    task = await stage.task()
    (transcript,) = await task.notes()
    assert transcript.count("I forgot my password") == 1
    await task.accept("ada")
    await mia.hears("agent_joined")
    for n in range(3):
        await mia.write(f"question {n}")
        await task.write(f"reply {n}")
    await task.gets(*(f"question {n}" for n in range(3)))
    await mia.gets(*(f"reply {n}" for n in range(3)))
    await task.act("complete")
    await mia.press("rating", await mia.hears("goodbye"))
    await mia.hears("rating_thanks")

    await stage.stop()
    house = House(shared)
    assert replay.differences(house.engine) == []
    house.close()


async def test_connections_that_are_cut_are_made_again_and_nothing_is_lost(stage: Stage, shared: str) -> None:
    mia = stage.member()
    task = await stage.handed_off(mia)
    said, replied = [], []
    for n in range(3):
        assert cut(shared) > 0
        said.append(f"question {n}")
        replied.append(f"reply {n}")
        await mia.write(said[-1])
        await task.write(replied[-1])
        await task.gets(*said, within=30)
        await mia.gets(*replied, within=30)


async def test_a_restart_takes_up_what_was_written_meanwhile(stage: Stage) -> None:
    mia = stage.member()
    task = await stage.handed_off(mia)
    await stage.stop()
    await mia.write("two")
    await task.write("reply two")
    await stage.serve()
    await task.gets("two")
    await mia.gets("reply two")


async def test_a_second_service_on_the_same_database_is_sent_away(stage: Stage) -> None:
    with pytest.raises(TryLater, match=r"database \w+ is in use by another process"):
        await Service(stage.settings()).run()


async def run(folder: Path, *command: str, **environment: str) -> tuple[int, str, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "orchestrator",
        *command,
        env={"PATH": "/usr/bin:/bin", "DATA_DIR": str(folder), **environment},
        cwd=folder,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    return process.returncode or 0, out.decode(), err.decode()


async def test_the_command_that_finds_the_database_in_use_ends_with_75_and_a_hint(
    shared: str, tmp_path: Path
) -> None:
    held = ServerLock(shared)
    code, _, err = await run(tmp_path, "db", "upgrade", DATABASE_URL=shared)
    line, hint = err.splitlines()
    assert (code, "is in use by another process" in line, "stop the other one" in hint) == (75, True, True)

    held.release()
    code, out, _ = await run(tmp_path, "db", "upgrade", DATABASE_URL=shared)
    assert (code, out.startswith("schema ")) == (0, True)


async def test_a_server_that_is_not_there_ends_with_69(tmp_path: Path) -> None:
    code, _, err = await run(tmp_path, "db", "upgrade", DATABASE_URL="postgresql://127.0.0.1:9/none")
    assert (code, len(err.splitlines())) == (Unreachable.exit_code, 1), err


def test_the_lock_goes_with_its_process_and_no_sooner(shared: str) -> None:
    held = ServerLock(shared)
    with pytest.raises(Locked):
        ServerLock(shared)
    assert cut(shared) > 0
    ServerLock(shared).release()
    held.release()


async def test_a_lock_is_free_again_after_the_service_has_stopped(stage: Stage, shared: str) -> None:
    await stage.stop()

    async def free() -> bool:
        try:
            ServerLock(shared).release()
        except Locked:
            return False
        return True

    await until("the lock is free", free)
