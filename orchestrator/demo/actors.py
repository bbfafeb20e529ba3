"""The people of the story, acting through the sandbox's control API and nothing else."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import aiohttp

from orchestrator.demo import seen
from orchestrator.demo.seen import Seen

T = TypeVar("T")
POLL = 0.05


class StoryStuck(Exception):
    """What the story waits for did not happen in time, or an act was refused."""


class People:
    """A member and the agents, over HTTP. Every act raises StoryStuck when the sandbox refuses it."""

    def __init__(self, session: aiohttp.ClientSession, url: str, member: str) -> None:
        self._session = session
        self._url = f"{url}/control"
        self.member = member

    # --- the member

    async def command(self, name: str, channel: str) -> None:
        await self._post(f"/members/{self.member}/commands", name=name, channel=channel)

    async def write(self, text: str) -> None:
        await self._post(f"/members/{self.member}/messages", content=text)

    async def press(self, line: seen.Line, button: str) -> None:
        """`button` is a label, or the beginning of a custom id."""
        for custom_id, label in zip(line.buttons, line.labels, strict=True):
            if label == button or custom_id.startswith(button):
                fields = {"message_id": line.id, "custom_id": custom_id}
                await self._post(f"/members/{self.member}/clicks", **fields)
                return
        raise StoryStuck(f"There is no button {button!r} below {line.text!r}; there are {line.labels}.")

    # --- agents

    async def accept(self, task: str, agent: str) -> None:
        await self._post(f"/tasks/{task}/accept", agent=agent)

    async def reply(self, task: str, text: str) -> None:
        await self._post(f"/tasks/{task}/messages", body=text)

    async def complete(self, task: str) -> None:
        await self._post(f"/tasks/{task}/complete")

    # --- trouble

    async def delay(self, service: str, method: str, path: str, seconds: float) -> None:
        """The next such request to `service` waits before its work is done."""
        await self._post("/faults", service=service, method=method, path=path, delay_s=seconds, times=1)

    async def faults_left(self) -> int:
        """Planted faults that no request has met yet."""
        return len(await self._get("/faults"))

    # --- looking

    async def look(self) -> Seen:
        """All of it but the log, which grows long."""
        inbox = await self._get(f"/members/{self.member}/messages")
        return seen.read(self.member, inbox, await self._get("/tasks"), [])

    async def look_closely(self) -> Seen:
        """All of it."""
        inbox = await self._get(f"/members/{self.member}/messages")
        tasks = await self._get("/tasks")
        async with self._session.get(f"{self._url}/log") as answer:
            log = [json.loads(line) for line in (await answer.text()).splitlines()]
        return seen.read(self.member, inbox, tasks, log)

    async def until(self, what: str, found: Callable[[Seen], T | None], within: float = 15.0) -> T:
        """The first thing `found` returns that is not None or False. Raises StoryStuck after `within` s."""

        async def looked() -> T | None:
            return found(await self.look())

        return await until(what, looked, within)

    async def _get(self, path: str) -> Any:
        async with self._session.get(self._url + path) as answer:
            return await answer.json()

    async def _post(self, path: str, /, **fields: Any) -> None:
        async with self._session.post(self._url + path, json=fields) as answer:
            if answer.status >= 400:
                refusal = await answer.json()
                raise StoryStuck(f"POST {path} was refused: {refusal.get('detail')}")


async def until(what: str, look: Callable[[], Awaitable[T | None]], within: float) -> T:
    """Look again and again until there is something to see. Raises StoryStuck at the deadline."""
    deadline = time.monotonic() + within
    while True:
        found = await look()
        if found is not None and found is not False:
            return found
        if time.monotonic() > deadline:
            raise StoryStuck(f"Waited {within:g} s for: {what}.")
        await asyncio.sleep(POLL)
