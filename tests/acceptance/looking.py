"""Looking at the sandbox over its control API, with patience."""

from __future__ import annotations

import asyncio
import json
import random
import re
import socket
import time
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp

from tests.english import ENGLISH

Json = dict[str, Any]

PATIENCE_S = 30.0
POLL_S = 0.02


async def until(what: str, look: Callable[[], Awaitable[Any]], within: float = PATIENCE_S) -> Any:
    """Look until there is something to see, and return it."""
    deadline = time.monotonic() + within
    while not (found := await look()):
        assert time.monotonic() < deadline, f"waited {within:g} s for: {what}"
        await asyncio.sleep(POLL_S)
    return found


def free_port() -> int:
    """A port that nobody listens on, below those that the system lends to outgoing connections."""
    while True:
        port = random.randrange(12_000, 32_000)
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) != 0:
                return port


def says(key: str, text: str, table: Any = ENGLISH.member) -> re.Match[str] | None:
    """Whether a text is the one of `key`, whatever its placeholders hold."""
    words = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>.*?)", re.escape(" ".join(table[key].split())))
    return re.fullmatch(words, " ".join(text.split()), re.DOTALL)


class Control:
    """The control API. Every refusal fails the test."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self._session = session
        self._url = f"{url}/control"

    async def get(self, path: str) -> Any:
        return await self._ask("GET", path)

    async def post(self, path: str, /, **body: Any) -> Any:
        return await self._ask("POST", path, body)

    async def patch(self, path: str, /, **body: Any) -> Any:
        return await self._ask("PATCH", path, body)

    async def delete(self, path: str) -> Any:
        return await self._ask("DELETE", path)

    async def log(self) -> list[Json]:
        async with self._session.get(f"{self._url}/log") as answer:
            return [json.loads(line) for line in (await answer.text()).splitlines()]

    async def fault(self, service: str, method: str, path: str, **how: Any) -> None:
        await self.post("/faults", service=service, method=method, path=path, **how)

    async def _ask(self, method: str, path: str, body: Json | None = None) -> Any:
        """Who is told that the application did not respond, because it is not connected just now, tries again."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            async with self._session.request(method, self._url + path, json=body) as answer:
                found = await answer.json()
            if answer.status != 409 or found["error"] != "no_answer" or time.monotonic() > deadline:
                assert answer.status < 400, (method, path, body, found)
                return found
            await asyncio.sleep(POLL_S)
