"""The demo's one URL: page, control API and the service's own pages, through kill and start."""

from __future__ import annotations

import re
import sys
from collections.abc import AsyncIterator

import aiohttp
import pytest

from orchestrator.demo.actors import until
from orchestrator.demo.parent import Parent
from orchestrator.errors import Fatal, TryLater
from tests.demo import stand_in

PROGRAM = (sys.executable, stand_in.__file__)


@pytest.fixture
async def parent() -> AsyncIterator[Parent]:
    async with Parent(program=PROGRAM) as up:
        yield up


@pytest.fixture
async def browser(parent: Parent) -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession(parent.url) as session:
        yield session


async def test_the_page_brings_no_inline_code_and_forbids_it(browser: aiohttp.ClientSession) -> None:
    async with browser.get("/") as answer:
        html, policy = await answer.text(), answer.headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'")
    assert not re.search(r"<style|style=|\son\w+=|<script[^>]*>[^<]", html)
    for address in re.findall(r'(?:src|href)="(/[^"]+)"', html):
        async with browser.get(address) as file:
            assert file.status == 200
            assert file.content_type in ("text/css", "text/javascript")


async def test_a_file_that_is_not_of_the_page_is_not_found(browser: aiohttp.ClientSession) -> None:
    for name in ("index.html", "..%2Fparent.py", "parent.py"):
        async with browser.get(f"/demo/page/{name}") as answer:
            assert answer.status == 404


async def test_the_control_api_is_on_the_same_port(browser: aiohttp.ClientSession) -> None:
    async with browser.post("/control/members/mia/messages", json={"content": "hello"}) as answer:
        assert answer.status == 201
    async with browser.get("/control/members/mia/messages") as answer:
        assert [message["content"] for message in await answer.json()] == ["hello"]


async def test_the_proxy_passes_requests_on_as_they_are(
    parent: Parent, browser: aiohttp.ClientSession
) -> None:
    headers = {"Cookie": "session=1"}
    async with browser.put("/inspect/a%20b?x=1&x=2", data=b"body", headers=headers) as answer:
        shown = await answer.json()
        assert answer.headers["X-Own"] == "kept"
    assert (shown["method"], shown["path"], shown["body"]) == ("PUT", "/inspect/a%20b?x=1&x=2", "body")
    assert (shown["host"], shown["cookie"]) == (parent.url.removeprefix("http://"), "session=1")


async def test_the_proxy_follows_no_redirect_and_holds_back_no_stream(browser: aiohttp.ClientSession) -> None:
    async with browser.get("/cases", allow_redirects=False) as answer:
        assert (answer.status, answer.headers["Location"]) == (302, "/desk")
    async with browser.get("/desk") as answer:
        assert await answer.content.readline() == b"data: one\n"


async def test_while_the_service_is_down_its_pages_wait_for_it(
    parent: Parent, browser: aiohttp.ClientSession
) -> None:
    async with browser.post("/demo/kill") as answer:
        assert (await answer.json())["state"] == "down"
    async with browser.get("/desk") as answer:
        assert answer.status == 503
        assert 'http-equiv="refresh"' in await answer.text()
    assert not parent.service.running

    async with browser.post("/demo/start") as answer:
        assert answer.status == 202
        assert (await answer.json())["state"] == "starting"

    async def is_up() -> bool:
        async with browser.get("/demo/status") as answer:
            return bool(await answer.json() == {"state": "up", "trouble": ""})

    await until("the service is up", is_up, within=10)
    async with browser.get("/readyz") as answer:
        assert answer.status == 200


async def test_a_stream_that_the_kill_cuts_ends_as_cut(
    parent: Parent, browser: aiohttp.ClientSession
) -> None:
    async with browser.get("/desk") as answer:
        assert await answer.content.readline() == b"data: one\n"
        await parent.kill()
        with pytest.raises(aiohttp.ClientPayloadError):
            await answer.content.read()


async def test_kill_and_start_stand_in_the_sandboxs_log(
    parent: Parent, browser: aiohttp.ClientSession
) -> None:
    await parent.kill()
    await parent.start()
    async with browser.get("/control/log") as answer:
        noted = re.findall(r'"method": "(\w+)", "path": "/"', await answer.text())
    assert noted == ["START", "READY", "KILL", "START", "READY"]


async def test_another_site_cannot_press_the_buttons(parent: Parent, browser: aiohttp.ClientSession) -> None:
    async with browser.post("/demo/kill", headers={"Origin": "http://elsewhere.example"}) as answer:
        assert answer.status == 403
    async with browser.post("/demo/kill", headers={"Origin": parent.url}) as answer:
        assert answer.status == 200


async def test_a_taken_port_is_one_clear_line(parent: Parent) -> None:
    port = int(parent.url.rpartition(":")[2])
    with pytest.raises(TryLater, match=f"Port {port} cannot be used"):
        await Parent(port, program=PROGRAM).up()


async def test_a_service_that_cannot_start_takes_the_demo_down_with_it() -> None:
    parent = Parent(program=(sys.executable, "-c", "raise SystemExit('no PUBLIC_URL')"))
    with pytest.raises(Fatal, match="no PUBLIC_URL"):
        await parent.up()
    async with aiohttp.ClientSession() as session:
        with pytest.raises(aiohttp.ClientConnectionError):
            await session.get(parent.url)
