"""Durable webhooks per second and the patience of an idle one, beside the same application without a store."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from itertools import count
from pathlib import Path
from statistics import median
from time import perf_counter
from typing import Any

from tests.bench.report import Line
from tests.bench.size import Size
from tests.bench.timing import interleaved, ratio

LOAD = "Webhooks under load (signed Twilio forms, the client is a second process)"
IDLE = "A webhook while nothing else happens (one connection)"


class Pair:
    """The server and the client, each a process of its own."""

    def __init__(self, server: subprocess.Popen[str], client: subprocess.Popen[str]) -> None:
        self._client = client
        self._seeds = count(2)
        assert server.stdout is not None
        about = json.loads(server.stdout.readline())
        self._ports = {name: about[name] for name in ("durable", "bare")}
        self._talks: list[Any] = about["talks"]

    def send(self, to: str, connections: int, requests: int) -> dict[str, Any]:
        """Figures of so many webhooks to `durable` or `bare`. Raises AssertionError unless all got a 204."""
        order = {"port": self._ports[to], "connections": connections, "requests": requests}
        order |= {"seed": next(self._seeds), "talks": self._talks}
        self._talks = []
        assert self._client.stdin is not None
        assert self._client.stdout is not None
        self._client.stdin.write(json.dumps(order) + "\n")
        self._client.stdin.flush()
        figures: dict[str, Any] = json.loads(self._client.stdout.readline())
        assert figures["statuses"] == {"204": requests}, figures["statuses"]
        return figures


def measure(size: Size, folder: Path) -> list[Line]:
    with _pair(folder, size.members) as pair:
        return [*_load(pair, size), *_idle(pair, size, folder)]


def _load(pair: Pair, size: Size) -> Iterator[Line]:
    waits: dict[str, list[float]] = {"durable": [], "bare": []}

    def rate(to: str) -> float:
        figures = pair.send(to, size.connections, size.requests)
        waits[to].append(figures["p50_ms"])
        return float(figures["rate"])

    rates = interleaved({to: partial(rate, to) for to in waits}, size.rounds)
    for to, name in (("bare", "submit returns at once"), ("durable", "submit commits")):
        note = f"p50 {median(waits[to]):.1f} ms, {size.connections} connections"
        yield Line(LOAD, name, median(rates[to]), "req/s", note=note)
    share = 100 * ratio(rates["durable"], rates["bare"])
    yield Line(LOAD, "durable / at once", share, "%", at_least=60)


def _idle(pair: Pair, size: Size, folder: Path) -> Iterator[Line]:
    with _file(folder / "sync") as descriptor:
        waits = interleaved(
            {
                "sync": lambda: _sync_ms(descriptor, size.idle_requests),
                "bare": lambda: float(pair.send("bare", 1, size.idle_requests)["p50_ms"]),
                "durable": lambda: float(pair.send("durable", 1, size.idle_requests)["p50_ms"]),
            },
            size.rounds,
        )
    floor = [a + b for a, b in zip(waits["sync"], waits["bare"], strict=True)]
    yield Line(IDLE, "fdatasync of 4 kB", median(waits["sync"]), "ms p50")
    yield Line(IDLE, "submit returns at once", median(waits["bare"]), "ms p50")
    yield Line(IDLE, "submit commits", median(waits["durable"]), "ms p50")
    yield Line(IDLE, "durable / (fdatasync + at once)", ratio(waits["durable"], floor), "x", at_most=3)


def _sync_ms(descriptor: int, times: int) -> float:
    """Median of writing a page and waiting until it is on disk."""
    took = []
    for _ in range(times):
        start = perf_counter()
        os.write(descriptor, b"x" * 4096)
        os.fdatasync(descriptor)
        took.append(perf_counter() - start)
    return median(took) * 1000


@contextmanager
def _file(path: Path) -> Iterator[int]:
    descriptor = os.open(path, os.O_CREAT | os.O_WRONLY, 0o600)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


@contextmanager
def _pair(folder: Path, members: int) -> Iterator[Pair]:
    server = _python("tests.bench.server", str(folder), str(members))
    client = _python("tests.bench.client")
    try:
        yield Pair(server, client)
    finally:
        for process in (client, server):
            process.communicate(timeout=20)  # the end of its input is the end of it


def _python(module: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", module, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
