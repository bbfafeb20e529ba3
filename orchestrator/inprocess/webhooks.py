"""Twilio's webhooks in process: what the model means to send is handed over as form fields and query."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from orchestrator.inprocess.line import Line, NoAnswer
from orchestrator.sandbox.twilio.webhook import Webhook
from orchestrator.sandbox.wire import Answer

#: Path, form fields, query -> HTTP status.
Take = Callable[[str, Mapping[str, str], Mapping[str, str]], Awaitable[int]]


class InProcessWebhooks:
    """One attempt each, as Twilio documents it; in order within a lane, lanes beside each other.

    `news` takes up what the model caused; whoever makes the model act calls it afterwards.
    """

    def __init__(self, drain: Callable[[], list[Webhook]], take: Take, line: Line | None = None) -> None:
        self._drain = drain
        self._take = take
        self._line = line or Line("webhook")
        self._lanes: dict[tuple[str, str], deque[Webhook]] = {}
        self._runners: dict[tuple[str, str], asyncio.Task[None]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self.holding = False
        self.held: list[Webhook] = []  #: oldest first; a test may put them into another order

    def news(self) -> None:
        """Sync and loop-safe."""
        for webhook in self._drain():
            if self.holding:
                self.held.append(webhook)
            else:
                self._lanes.setdefault((webhook.family, webhook.lane), deque()).append(webhook)
        self._run_lanes()

    def release(self) -> None:
        """Send what was held, in the order in which it stands there, one after the other."""
        self.holding = False
        held, self.held = self.held, []
        self._start(self._one_by_one(held))

    def close(self) -> None:
        """What is not sent yet is lost, as when nobody listens."""
        for task in self._tasks:
            task.cancel()
        self._lanes.clear()
        self._runners.clear()

    async def deliver(self, webhook: Webhook) -> int | None:
        """One attempt. The status that Twilio sees; None where the request or its answer got lost."""
        parts = urlsplit(webhook.url)

        async def work() -> Answer:
            return Answer(await self._take(parts.path, dict(webhook.fields), dict(parse_qsl(parts.query))))

        try:
            return (await self._line.carry(webhook.family, webhook.method, parts.path, work)).status
        except NoAnswer:
            return None

    def _run_lanes(self) -> None:
        """See to it that every lane is being told; a loop that ended took its tasks with it."""
        for key, lane in self._lanes.items():
            runner = self._runners.get(key)
            if runner is None or runner.done():
                self._runners[key] = self._start(self._run(key, lane))

    def _start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work, name="webhooks")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _run(self, key: tuple[str, str], lane: deque[Webhook]) -> None:
        while lane:
            await self.deliver(lane.popleft())
        del self._lanes[key], self._runners[key]

    async def _one_by_one(self, webhooks: Sequence[Webhook]) -> None:
        for webhook in webhooks:
            await self.deliver(webhook)
