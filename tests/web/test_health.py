"""Health, and what every answer carries."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from orchestrator.errors import Unavailable
from tests.web.serving import Recorder, running
from web import health


async def test_a_living_process_says_so_without_asking_the_store() -> None:
    async def never() -> tuple[bool, dict[str, Any]]:
        raise AssertionError("asked the store")

    async with running(store=Recorder(health={"version": "1"}), ready=never) as local:
        answer = await local.request("GET", "/healthz")

    assert (answer.status, answer.body) == (200, {"status": "ok", "version": "1"})


@pytest.mark.parametrize(("ready", "status"), [(True, 200), (False, 503)])
async def test_readiness_is_a_status_with_the_facts(ready: bool, status: int) -> None:
    facts = {"database": "ok", "gateway": "connected", "outbox_age_s": 0.4}
    async with running(store=Recorder(ready=(ready, facts))) as local:
        answer = await local.request("GET", "/readyz")

    assert (answer.status, answer.body) == (status, {"ready": ready, **facts})


async def test_a_check_that_does_not_answer_is_not_ready(monkeypatch: pytest.MonkeyPatch) -> None:
    async def stuck() -> tuple[bool, dict[str, Any]]:
        await asyncio.Event().wait()
        return True, {}

    monkeypatch.setattr(health, "READY_SECONDS", 0.05)
    async with running(ready=stuck) as local:
        answer = await local.request("GET", "/readyz")

    assert (answer.status, answer.body) == (503, {"ready": False, "detail": "no answer within 0.05 s"})


async def test_a_store_that_is_down_is_not_ready() -> None:
    async def down() -> tuple[bool, dict[str, Any]]:
        raise Unavailable("the database is down")

    async with running(ready=down) as local:
        answer = await local.request("GET", "/readyz")

    assert (answer.status, answer.body["detail"]) == (503, "the database is down")


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/nowhere", "/webhooks/twilio/conversations"])
async def test_every_answer_carries_the_security_headers_and_no_version(path: str) -> None:
    async with running() as local:
        headers = (await local.request("GET", path)).headers

    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cache-Control"] == "no-store"
    assert headers["Strict-Transport-Security"].startswith("max-age=")
    assert "Server" not in headers


async def test_without_https_nobody_is_told_to_insist_on_it() -> None:
    async with running(public_url="http://127.0.0.1:3900") as local:
        assert "Strict-Transport-Security" not in (await local.request("GET", "/healthz")).headers


async def test_an_unknown_page_is_a_json_error() -> None:
    async with running() as local:
        answer = await local.request("GET", "/nowhere")

    assert (answer.status, answer.body) == (404, {"error": "not_found", "detail": "Not Found"})
