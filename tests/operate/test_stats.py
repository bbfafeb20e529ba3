"""`orchestrator stats`: beside the service and without it, and the same figures that the service tells."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import aiohttp
import pytest

from machines.events import Trigger
from storage.upgrade import upgrade
from tests.acceptance.playing import free_port
from tests.cli.calling import Command
from tests.cli.conftest import command
from tests.storage.facts import ANN, BEN, pressed, reported
from tests.storage.house import House
from tests.web.prometheus import parse

__all__ = ["command"]


@pytest.fixture
def house(command: Command) -> House:
    """The service's own database: one member was helped within 90 seconds, another waits; all is delivered."""
    path = command.folder / "data" / "orchestrator.db"
    path.parent.mkdir()
    upgrade(f"sqlite:///{path}")
    found = House(f"sqlite:///{path}")
    found.now = time.time() - 200
    talk = found.waits(ANN)
    found.passes(90)
    found.arrives(reported(Trigger.AGENT_JOINED, talk))
    found.arrives(reported(Trigger.DESK_CLOSED, talk))
    found.arrives(pressed(ANN, Trigger.RATING, talk, at=found.now, rating=4))
    found.waits(BEN)
    with closing(sqlite3.connect(path)) as database:
        database.execute("UPDATE effect SET status = 'done', done_at = due_at")
        database.execute("DELETE FROM timer")
        database.commit()
    found.close()
    return found


async def test_figures_are_a_table_for_people_and_json_for_programs(command: Command, house: House) -> None:
    shown = await command("stats", "--days", "2")
    assert (shown.code, shown.err) == (0, "")
    lines = [" ".join(line.split()) for line in shown.out.splitlines()]
    assert lines[0].startswith("2 days by the clock of UTC, since 20")
    for line in ("waiting for an agent 1", "median 1 min 30 s", "the member asked 2", "mean 4.00"):
        assert line in lines
    assert "dealt with by the bot alone 0 of 1, 0 %" in lines

    told = json.loads((await command("stats", "--json", "--days", "2", TIME_ZONE="Europe/Berlin")).out)
    assert told["period"]["time_zone"] == "Europe/Berlin"
    assert told["first_response"] == {"count": 1, "median_s": 90.0, "p90_s": 90.0}
    assert told["ratings"]["4"] == told["now"]["waiting"] == 1


async def test_the_service_tells_the_same_as_the_command(command: Command, house: House) -> None:
    port = str(free_port())
    address, bearer = f"http://127.0.0.1:{port}", {"Authorization": "Bearer canary-token"}
    async with (
        command.running("serve", PORT=port, METRICS_TOKEN="canary-token") as service,
        aiohttp.ClientSession(headers=bearer) as session,
    ):
        assert service.stderr is not None
        async with asyncio.timeout(20):
            while b'"ready"' not in (line := await service.stderr.readline()):
                assert line, "it ended"
        async with session.get(f"{address}/stats?days=2") as answer:
            served = await answer.json()
        beside = json.loads((await command("stats", "--json", "--days", "2")).out)
        async with session.get(f"{address}/metrics") as answer:
            families = parse(await answer.text())
    for told in (served, beside):
        del told["period"]["until"]
        assert told["now"].pop("longest_wait_s") >= 110
    assert served == beside
    samples = families["orchestrator_first_response_seconds"].samples
    assert samples == {frozenset({("quantile", "0.5")}): 90, frozenset({("quantile", "0.9")}): 90}
    assert families["orchestrator_ready"].samples == {frozenset(): 1}


@pytest.mark.parametrize("days", ["0", "367", "-1", "x", "1.5", ""])
async def test_a_period_that_cannot_be_meant_is_a_usage_error(command: Command, days: str) -> None:
    ended = await command("stats", "--days", days)
    assert (ended.code, ended.out) == (2, "")
    assert ended.err.count("Invalid value for '--days'") == 1
    assert "Traceback" not in ended.err


async def test_looking_makes_no_database(command: Command, tmp_path: Path) -> None:
    ended = await command("stats")
    assert ended.code == 78
    assert "does not exist" in ended.lines[0]
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("content", ["", "Dear reader, " * 100])
async def test_a_file_that_holds_no_tables_of_ours_is_one_line_and_stays_as_it_is(
    command: Command, tmp_path: Path, content: str
) -> None:
    (tmp_path / "letter.db").write_text(content)
    ended = await command("stats", DATABASE_URL=f"sqlite:///{tmp_path}/letter.db")
    assert ended.code == 78
    assert ended.lines[0].startswith("orchestrator: the database cannot be read")
    assert len(ended.lines) == 2
    assert (tmp_path / "letter.db").read_text() == content


async def test_a_database_that_is_away_is_one_line(command: Command) -> None:
    ended = await command("stats", DATABASE_URL="postgresql://canary:secret@127.0.0.1:9/nowhere")
    assert ended.code == 69
    assert ended.lines[0].startswith("orchestrator: the database does not answer")
    assert "secret" not in ended.err
