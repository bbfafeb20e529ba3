"""`orchestrator dead`: beside the service and without it, on a terminal and in a pipe."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from storage import schema
from storage.upgrade import upgrade
from storage.values import Result, Status
from tests.acceptance.playing import free_port
from tests.cli.calling import Command
from tests.cli.conftest import command
from tests.storage.facts import ANN, wrote
from tests.storage.house import House

__all__ = ["command"]


@pytest.fixture
def key(command: Command) -> str:
    """The key of a relay that is dead, in the service's own database."""
    path = command.folder / "data" / "orchestrator.db"
    path.parent.mkdir()
    upgrade(f"sqlite:///{path}")
    house = House(f"sqlite:///{path}")
    house.talks(ANN)
    house.arrives(wrote(ANN, "4711"))
    for row in house.rows(schema.effect, status="pending"):
        status = Status.DEAD if row.kind == "relay_to_desk" else Status.DONE
        house.arrives(Result(row.key, 0, status, 3, error="no such place"))
    (found,) = house.rows(schema.effect, status="dead")
    house.close()
    return str(found.key)


async def test_letters_are_listed_one_a_line(command: Command, key: str) -> None:
    ended = await command("dead", "list")
    assert (ended.code, ended.err) == (0, "")
    (line,) = ended.out.splitlines()
    name, what, _, tries, why = line.split("\t")
    assert (name, what, tries, why) == (key, "relay_to_desk", "3", "no such place")
    (told,) = json.loads((await command("dead", "list", "--json")).out)
    assert (told["name"], told["generation"]) == (key, 0)


async def test_without_a_service_the_command_sees_to_it_itself(command: Command, key: str) -> None:
    ended = await command("dead", "retry", "--all")
    assert (ended.code, ended.out) == (0, f"{key}\tdone: back in its lane\n"), ended.err
    assert (await command("dead", "list")).out == ""
    again = await command("dead", "drop", key, "--json")
    assert again.code == 1
    assert json.loads(again.out)[0]["answer"] == "refused"


async def test_beside_the_service_it_asks_and_waits(command: Command, key: str) -> None:
    """Work goes on with a dead letter: the service is ready, and says that it is degraded."""
    port = str(free_port())
    async with command.running("serve", PORT=port) as service, aiohttp.ClientSession() as session:

        async def ready() -> tuple[int, dict[str, Any]]:
            async with session.get(f"http://127.0.0.1:{port}/readyz") as answer:
                return answer.status, await answer.json()

        assert service.stderr is not None
        async with asyncio.timeout(20):
            while b'"ready"' not in await service.stderr.readline():
                pass
            while (found := await ready())[0] != 200:
                await asyncio.sleep(0.05)
        assert (found[1]["degraded"], found[1]["dead_letters"]) == (True, 1)
        ended = await command("dead", "drop", key, "--reason", "asked by telephone")
        assert (ended.code, ended.out) == (0, f"{key}\tdone: dropped\n"), ended.err
        status, facts = await ready()
        assert (status, facts["degraded"], facts["dead_letters"]) == (200, False, 0)


@pytest.mark.parametrize("args", [("retry",), ("drop", "x", "--all")])
async def test_names_or_all_but_not_both(command: Command, key: str, args: tuple[str, ...]) -> None:
    ended = await command("dead", *args)
    assert ended.code == 2
    assert "give names, or --all" in ended.err


async def test_a_folder_without_a_database_gets_one_line(command: Command, tmp_path: Path) -> None:
    ended = await command("dead", "list")
    assert ended.code == 78
    assert "does not exist" in ended.lines[0]
    assert not (tmp_path / "data").exists()
