"""The service as a child process: what it inherits, how it starts, dies and is killed."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from orchestrator.demo.service import Service, environment
from orchestrator.errors import Fatal
from tests.demo import stand_in

PROGRAM = (sys.executable, stand_in.__file__)


@pytest.fixture
async def service(tmp_path: Path) -> AsyncIterator[Service]:
    child = Service({"DISCORD_TOKEN": "of the sandbox"}, tmp_path, program=PROGRAM)
    yield child
    await child.stop()


def test_the_child_gets_the_sandboxs_account_and_nothing_secret_of_the_caller(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("DISCORD_TOKEN", "TWILIO_AUTH_TOKEN", "DATABASE_URL", "KNOWLEDGE_DIR", "ANNOUNCE_SECRET"):
        monkeypatch.setenv(name, "real")

    made = environment({"DISCORD_TOKEN": "of the sandbox"}, tmp_path, 4000)

    assert "real" not in made.values()
    assert made["DISCORD_TOKEN"] == "of the sandbox"
    assert made["PUBLIC_URL"] == "http://127.0.0.1:4000"
    assert made["DATABASE_URL"] == f"sqlite:///{tmp_path}/demo.db"
    assert len(made["SECRET_KEY"]) >= 32


async def test_it_is_ready_after_start_and_gone_after_stop(service: Service) -> None:
    await service.provision()
    await service.start()
    await service.ready()
    assert service.running

    await service.stop()

    assert not service.running
    async with aiohttp.ClientSession() as session:
        with pytest.raises(aiohttp.ClientConnectionError):
            await session.get(f"{service.url}/readyz")


async def test_a_kill_takes_the_whole_process_group(service: Service, tmp_path: Path) -> None:
    await service.start()
    await service.ready()
    helper = int((tmp_path / "helper.pid").read_text())
    assert is_alive(helper)

    service.kill()
    await service.gone()

    assert not service.running
    deadline = time.monotonic() + 5
    while is_alive(helper) and time.monotonic() < deadline:
        await asyncio.sleep(0.01)
    assert not is_alive(helper)


async def test_a_service_that_dies_at_start_shows_its_last_words(service: Service, tmp_path: Path) -> None:
    (tmp_path / "break").write_text("serve")
    await service.start()
    with pytest.raises(Fatal) as died:
        await service.ready()
    assert "exit code 78" in died.value.what
    assert "PUBLIC_URL" in died.value.hint


async def test_a_failing_provision_is_loud(service: Service, tmp_path: Path) -> None:
    (tmp_path / "break").write_text("provision")
    with pytest.raises(Fatal, match="`provision` ended with exit code 78") as failed:
        await service.provision()
    assert "PUBLIC_URL" in failed.value.hint


async def test_a_service_that_never_becomes_ready_is_given_up(tmp_path: Path) -> None:
    silent = Service({}, tmp_path, program=(sys.executable, "-c", "import time; time.sleep(60)"))
    await silent.start()
    with pytest.raises(Fatal, match="not ready within"):
        await silent.ready(within=0.1)
    silent.kill()
    await silent.gone()


def is_alive(pid: int) -> bool:
    """A zombie whose new parent has not looked yet counts as dead."""
    try:
        os.kill(pid, 0)
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except (ProcessLookupError, FileNotFoundError):
        return False
