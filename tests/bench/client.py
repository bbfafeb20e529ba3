"""The process that sends: signed webhooks over keep-alive connections, made before the clock starts.

`python -m tests.bench.client` reads one order per line of its input and answers each with a line of figures. An
order is JSON: `port`, `connections`, `requests`, `seed`, and the `talks` that the webhooks are about, which the
next orders may leave out.
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections import deque
from time import perf_counter
from typing import Any
from urllib.parse import urlencode

from twilio.request_validator import RequestValidator

from tests.bench.server import PUBLIC_URL, TOKEN
from tests.bench.talks import Talk, Voices


class Connection(asyncio.Protocol):
    """One keep-alive connection: the next request goes out when the answer to the last one is complete."""

    def __init__(self, left: deque[bytes], took: list[float], statuses: dict[int, int]) -> None:
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._left, self._took, self._statuses = left, took, statuses
        self._answer = b""
        self._sent_at = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def begin(self) -> None:
        """Send the next request, or end where none is left."""
        if self._left:
            self._answer = b""
            self._sent_at = perf_counter()
            self._transport.write(self._left.popleft())
        elif not self.done.done():
            self.done.set_result(None)

    def data_received(self, data: bytes) -> None:
        self._answer += data
        head, end, body = self._answer.partition(b"\r\n\r\n")
        if not end or len(body) < _length(head):
            return
        self._took.append(perf_counter() - self._sent_at)
        status = int(head[9:12])
        self._statuses[status] = self._statuses.get(status, 0) + 1
        self.begin()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.done.done():
            self.done.set_exception(exc or ConnectionError("closed by the server"))


def _length(head: bytes) -> int:
    _, found, rest = head.lower().partition(b"content-length:")
    return int(rest.partition(b"\r\n")[0]) if found else 0


def requests(talks: list[Talk], voices: Voices, amount: int) -> deque[bytes]:
    """Complete HTTP requests, each a message of its own, signed as Twilio signs."""
    validator = RequestValidator(TOKEN)
    made: deque[bytes] = deque()
    for n in range(amount):
        talk = talks[n % len(talks)]
        fields = voices.webhook(talk)
        path = f"/webhooks/twilio/conversations?c={talk.conversation}&r=1"
        signature = validator.compute_signature(PUBLIC_URL + path, fields)
        body = urlencode(fields).encode()
        head = (
            f"POST {path} HTTP/1.1\r\nHost: help.example.org\r\nUser-Agent: TwilioProxy/1.1\r\nAccept: */*\r\n"
            f"Content-Type: application/x-www-form-urlencoded; charset=UTF-8\r\nContent-Length: {len(body)}\r\n"
            f"I-Twilio-Idempotency-Token: {n}\r\nX-Twilio-Signature: {signature}\r\n\r\n"
        )
        made.append(head.encode() + body)
    return made


async def send(port: int, connections: int, left: deque[bytes]) -> dict[str, Any]:
    """Send all of it. Rate, median and 99th percentile in ms, and how often each status came."""
    took: list[float] = []
    statuses: dict[int, int] = {}
    loop = asyncio.get_running_loop()
    pairs = [
        await loop.create_connection(lambda: Connection(left, took, statuses), "127.0.0.1", port)
        for _ in range(connections)
    ]
    start = perf_counter()
    for _, connection in pairs:
        connection.begin()
    await asyncio.gather(*(connection.done for _, connection in pairs))
    seconds = perf_counter() - start
    for transport, _ in pairs:
        transport.close()
    took.sort()
    return {
        "rate": len(took) / seconds,
        "p50_ms": took[len(took) // 2] * 1000,
        "p99_ms": took[len(took) * 99 // 100] * 1000,
        "statuses": statuses,
    }


def main() -> None:
    talks: list[Talk] = []
    for line in sys.stdin:
        order = json.loads(line)
        talks = [Talk(**talk) for talk in order.get("talks", ())] or talks
        left = requests(talks, Voices(order["seed"]), order["requests"])
        figures = asyncio.run(send(order["port"], order["connections"], left))
        print(json.dumps(figures), flush=True)


if __name__ == "__main__":
    main()
