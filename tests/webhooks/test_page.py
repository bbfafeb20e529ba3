"""The page for who writes a receiver: what it lists exists, what it shows is true, and its receiver works."""

from __future__ import annotations

import asyncio
import json
import re
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from diagrams.files import ROOT
from machines.events import CaseTrigger
from orchestrator.webhooks import sign
from orchestrator.webhooks.cases import render
from orchestrator.webhooks.post import TIMEOUT_S
from tests.acceptance.conftest import bare
from tests.acceptance.looking import free_port, until
from tests.acceptance.playing import Stage
from tests.inprocess.crm import SECRET
from tests.webhooks.receiver import Receiver
from tests.webhooks.test_cases import CASE, CHANGE

__all__ = ["bare"]

PAGE = (ROOT / "docs/case-webhooks.md").read_text()
EXAMPLE, RECEIVER = (re.findall(rf"```{what}\n(.*?)```", PAGE, re.DOTALL) for what in ("json", "python"))
LINES_AT_MOST = 20


def test_every_type_of_event_is_listed_and_no_other() -> None:
    assert re.findall(r"^\| `(case\.\w+)` \|", PAGE, re.MULTILINE) == [f"case.{name}" for name in CaseTrigger]


def test_the_example_has_every_field_of_a_body_and_no_other() -> None:
    shown, sent = json.loads(EXAMPLE[0]), json.loads(render(CHANGE, CASE))
    assert shape(shown) == shape(sent)
    assert shown["type"] == sent["type"]


def shape(value: Any) -> Any:
    """Names of fields, in their order."""
    return [(name, shape(inner)) for name, inner in value.items()] if isinstance(value, dict) else None


def test_the_time_that_a_receiver_has_is_the_one_that_is_waited() -> None:
    assert f"within {TIMEOUT_S:g} seconds" in PAGE


def test_the_receiver_is_short_enough_to_be_read() -> None:
    assert len(RECEIVER[0].splitlines()) <= LINES_AT_MOST


@pytest.fixture
async def port(tmp_path: Path) -> AsyncIterator[int]:
    """The page's receiver runs, and writes what it takes to `taken`."""
    file, port = tmp_path / "receiver.py", free_port()
    file.write_text(RECEIVER[0])
    with (tmp_path / "taken").open("wb") as out, (tmp_path / "log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            str(file),
            env={"CASE_WEBHOOK_SECRET": SECRET, "PORT": str(port)},
            stdout=out,
            stderr=log,
        )
        try:
            await until("it listens", lambda: listens(port))
            yield port
        finally:
            process.kill()
            await process.wait()


async def listens(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return True


def taken(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "taken").read_text().splitlines()]


async def test_the_receiver_follows_a_case_of_the_service(bare: Stage, port: int, tmp_path: Path) -> None:
    bare.receiver = Receiver(url=f"http://127.0.0.1:{port}/cases")
    await bare.start()
    mia = bare.member()
    task = await bare.handed_off(mia)
    await task.complete()
    await mia.hears("goodbye")

    async def look() -> bool:
        return len(taken(tmp_path)) >= 3

    await until("the receiver knows", look)
    assert [event["type"] for event in taken(tmp_path)] == [
        "case.opened",
        "case.agent_joined",
        "case.resolved",
    ]
    assert [event["data"]["change"]["version"] for event in taken(tmp_path)] == [1, 2, 3]


async def test_the_receiver_drops_repeats_and_believes_nobody_else(port: int, tmp_path: Path) -> None:
    key, now, body = sign.key(SECRET), int(time.time()), b'{"type": "case.opened"}'
    good = sign.headers(key, "case:a:1:0:0", now, body)
    stale = sign.headers(key, "case:a:2:0:0", now - 3600, body)
    forged = {**good, "Webhook-Id": "case:a:3:0:0"}
    rotated = sign.headers(key, "case:a:4:0:0", now, body)
    rotated["Webhook-Signature"] = f"v1,c29tZW9uZSBlbHNl {rotated['Webhook-Signature']}"
    async with aiohttp.ClientSession() as session:
        statuses = []
        for headers in (good, good, stale, forged, rotated):
            async with session.post(f"http://127.0.0.1:{port}", data=body, headers=headers) as answer:
                statuses.append(answer.status)
    assert statuses == [204, 204, 401, 401, 204]
    assert len(taken(tmp_path)) == 2
