"""An agent of cases over HTTP. A client tries again with the same id until it is answered."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import aiohttp

from tests.acceptance.looking import PATIENCE_S, POLL_S, Json, until
from tests.acceptance.tasks import Answer


@dataclass
class Caseworker:
    session: aiohttp.ClientSession
    url: str
    token: str
    name: str = "ada"

    async def does(self, method: str, path: str, *, minted: str = "", **body: Any) -> Answer:
        """A command, whatever it is answered with."""
        agent = {"id": self.name, "name": self.name}
        return await self._insist(method, path, {"agent": agent, "id": minted or str(uuid4()), **body})

    async def done(self, method: str, path: str, **body: Any) -> Json:
        """A command that has to succeed."""
        answer = await self.does(method, path, **body)
        assert answer.status < 300, (method, path, answer)
        return answer.body

    async def open(self, member: str, title: str, kind: str = "help") -> int:
        return int((await self.done("POST", "", member=member, title=title, kind=kind))["number"])

    async def merge(self, case: int, into: int) -> None:
        await self.done("POST", f"/{case}/merge", into=into)

    async def contact(self, case: int, body: str) -> str:
        """The conversation."""
        return str((await self.done("POST", f"/{case}/contact", body=body))["conversation"])

    async def show(self, case: int) -> Json:
        answer = await self._insist("GET", f"/{case}")
        assert answer.status == 200, answer
        return answer.body

    async def list(self, query: str = "") -> list[Json]:
        answer = await self._insist("GET", f"?{query}")
        assert answer.status == 200, answer
        found: list[Json] = answer.body["cases"]
        return found

    async def sees(self, what: str, case: int, look: Callable[[Json], Any]) -> Any:
        """Wait until the case shows something."""

        async def found() -> Any:
            return look(await self.show(case))

        return await until(what, found)

    async def _insist(self, method: str, path: str, body: Json | None = None) -> Answer:
        headers = {"Authorization": f"Bearer {self.token}"}
        deadline = time.monotonic() + 3 * PATIENCE_S
        while True:
            try:
                async with self.session.request(
                    method, f"{self.url}/cases{path}", json=body, headers=headers
                ) as given:
                    answer = Answer(given.status, await given.json())
                if answer.status < 500:
                    return answer
            except aiohttp.ClientError:
                pass
            assert time.monotonic() < deadline, f"nobody answers {method} {path}"
            await asyncio.sleep(POLL_S)
