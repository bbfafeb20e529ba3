"""Sending webhooks as Twilio does: signed, five seconds, one attempt, in order within a lane."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import random
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Mapping
from urllib.parse import urldefrag, urlencode, urlsplit

import aiohttp
from yarl import URL

from orchestrator.sandbox.faults import Fault, Faults
from orchestrator.sandbox.log import Log
from orchestrator.sandbox.twilio.webhook import Webhook

ANSWER_WITHIN_S = 5.0
LOGGED_CHARACTERS = 2000

Lane = tuple[str, str]


def signature(token: str, url: str, fields: Mapping[str, str]) -> str:
    """X-Twilio-Signature: HMAC-SHA1 over the URL and the fields sorted by name (Twilio, webhooks security)."""
    text = url + "".join(name + fields[name] for name in sorted(fields))
    return base64.b64encode(hmac.new(token.encode(), text.encode(), hashlib.sha1).digest()).decode()


class Delivery:
    """Lanes run concurrently, a lane in order; webhooks can be held back, shuffled and duplicated on demand.

    `token` gives the auth token that signs, read anew for every request. Nothing is retried: Twilio documents
    no retries for Conversations webhooks, and their receiver has to live with it.
    """

    def __init__(self, log: Log, faults: Faults, token: Callable[[], str], random: random.Random) -> None:
        self._log = log
        self._faults = faults
        self._token = token
        self._random = random
        self._session: aiohttp.ClientSession | None = None
        self._lanes: dict[Lane, deque[Webhook]] = defaultdict(deque)
        self._runners: dict[Lane, asyncio.Task[None]] = {}
        self.holding = False
        self.held: list[Webhook] = []
        self.duplicates = 0  #: how many of the next webhooks are delivered twice

    async def start(self) -> None:
        timeout = aiohttp.ClientTimeout(total=ANSWER_WITHIN_S)
        self._session = aiohttp.ClientSession(timeout=timeout, auto_decompress=False)

    async def close(self) -> None:
        """Drop what is not sent yet and stop at once."""
        runners = list(self._runners.values())
        for runner in runners:
            runner.cancel()
        await asyncio.gather(*runners, return_exceptions=True)
        self._lanes.clear()
        if self._session:
            await self._session.close()

    def send(self, webhooks: Iterable[Webhook]) -> None:
        """Queue them; returns at once."""
        for webhook in webhooks:
            if self.holding:
                self.held.append(webhook)
            else:
                self._queue((webhook.family, webhook.lane), webhook)

    def release(self, *, shuffled: bool) -> int:
        """Send what was held, one after the other, oldest first or shuffled. Returns how many."""
        released, self.held = self.held, []
        if shuffled:
            self._random.shuffle(released)
        for webhook in released:
            self._queue(("released", ""), webhook)
        return len(released)

    async def idle(self) -> None:
        """Return when every queued webhook has been attempted; held ones do not count."""
        while self._runners:
            await asyncio.gather(*self._runners.values(), return_exceptions=True)

    def _queue(self, lane: Lane, webhook: Webhook) -> None:
        self._lanes[lane].append(webhook)
        if self.duplicates > 0:
            self.duplicates -= 1
            self._lanes[lane].append(webhook)
        if lane not in self._runners:
            self._runners[lane] = asyncio.create_task(self._run(lane))

    async def _run(self, lane: Lane) -> None:
        try:
            while waiting := self._lanes[lane]:
                await self._attempt(waiting.popleft())
        finally:
            self._lanes.pop(lane, None)
            del self._runners[lane]

    async def _attempt(self, webhook: Webhook) -> None:
        fault = self._faults.take("webhook", webhook.method, urlsplit(webhook.url).path)
        if fault and fault.delay_s:
            await asyncio.sleep(fault.delay_s)
        if fault and (fault.abort or fault.status):
            self._record(webhook, fault.status, None, fault)
            return
        status, response = await self._post(webhook)
        if fault and fault.lose_reply:
            status, response = None, None
        self._record(webhook, status, response, fault)

    async def _post(self, webhook: Webhook) -> tuple[int | None, str | None]:
        if self._session is None:
            raise RuntimeError("the delivery is not started")
        url, _ = urldefrag(webhook.url)
        signed = dict(webhook.fields)
        if webhook.method == "GET":
            url, signed = f"{url}{'&' if '?' in url else '?'}{urlencode(webhook.fields)}", {}
        headers = {
            "X-Twilio-Signature": signature(self._token(), url, signed),
            "I-Twilio-Idempotency-Token": webhook.token,
            "User-Agent": "TwilioProxy/1.1",
        }
        if signed:
            headers["Content-Type"] = "application/x-www-form-urlencoded; charset=UTF-8"
        try:
            async with self._session.request(
                webhook.method,
                URL(url, encoded=True),
                data=urlencode(webhook.fields).encode() if signed else None,
                headers=headers,
                allow_redirects=False,
            ) as response:
                text = await response.text(errors="replace")
                return response.status, text[:LOGGED_CHARACTERS]
        except (aiohttp.ClientError, TimeoutError, ValueError) as error:
            return None, f"{type(error).__name__}: {error}"

    def _record(
        self, webhook: Webhook, status: int | None, response: str | None, fault: Fault | None
    ) -> None:
        self._log.add(
            "twilio",
            "webhook",
            webhook.method,
            webhook.url,
            request=dict(webhook.fields),
            status=status,
            response=response,
            fault=fault.name() if fault else None,
        )
