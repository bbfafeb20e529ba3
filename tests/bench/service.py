"""The service as a child of the measurement: started, killed, and read as the system's accounts show it."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from time import perf_counter, time
from typing import Any

import aiohttp

from orchestrator.demo.service import environment

PATIENCE_S = 30.0
SETTLED_WITHIN_S = 60.0
POLL_S = 0.01
_TICKS_PER_S = os.sysconf("SC_CLK_TCK")


class Service:
    """`orchestrator serve` in a process group of its own. Address and folder stay from start to start."""

    def __init__(self, account: Mapping[str, str], folder: Path, python: Sequence[str] = ()) -> None:
        """`python`: further arguments of the interpreter, before `-m orchestrator`."""
        folder.mkdir(exist_ok=True)
        self._folder = folder
        self._python = tuple(python)
        self._variables = environment(account, folder, _free_port())
        self._process: asyncio.subprocess.Process | None = None

    async def start(self) -> None:
        """Begin a process; returns at once, see `ready`."""
        with (self._folder / "log").open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, *self._python, "-m", "orchestrator", "serve"),
                env=self._variables,
                cwd=self._folder,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    async def ready(self) -> None:
        """Return when /readyz answers 200. Raises RuntimeError with the end of its log if it never does."""
        deadline = perf_counter() + PATIENCE_S
        while perf_counter() < deadline:
            if self._child.returncode is not None:
                raise RuntimeError(f"the service ended with {self._child.returncode}: {self._last_words()}")
            if await self._get("/readyz") is not None:
                return
            await asyncio.sleep(POLL_S)
        raise RuntimeError(f"the service was not ready within {PATIENCE_S:g} s: {self._last_words()}")

    async def settled(self) -> float:
        """Wait until it has nothing left to send: since when, in seconds since the epoch.

        Raises RuntimeError when that takes too long.
        """
        deadline = perf_counter() + SETTLED_WITHIN_S
        while perf_counter() < deadline:
            asked_at = time()
            health = await self.health()
            if health.get("busy_lanes") == 0:
                return asked_at
            await asyncio.sleep(0.1)
        raise RuntimeError(f"the service was still sending after {SETTLED_WITHIN_S:g} s")

    async def health(self) -> dict[str, Any]:
        """What it says of itself; nothing while it does not answer."""
        return await self._get("/healthz") or {}

    async def kill(self) -> None:
        """SIGKILL to the whole group: nothing of it can tidy up."""
        await self._end(signal.SIGKILL)

    async def stop(self) -> None:
        """SIGTERM, unless it has ended already."""
        await self._end(signal.SIGTERM)

    def cpu_s(self) -> float:
        """Seconds of processor that it has used, all its threads together (proc(5), stat: utime, stime)."""
        fields = Path(f"/proc/{self._child.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / _TICKS_PER_S

    def resident_mb(self) -> float:
        status = Path(f"/proc/{self._child.pid}/status").read_text()
        (line,) = (line for line in status.splitlines() if line.startswith("VmRSS:"))
        return int(line.split()[1]) * 1024 / 1e6

    def descriptors(self) -> int:
        """Files and sockets that it has open."""
        return len(os.listdir(f"/proc/{self._child.pid}/fd"))

    @property
    def database(self) -> str:
        return self._variables["DATABASE_URL"]

    @property
    def _child(self) -> asyncio.subprocess.Process:
        assert self._process is not None, "not started"
        return self._process

    async def _end(self, how: signal.Signals) -> None:
        if self._process is not None and self._process.returncode is None:
            os.killpg(self._process.pid, how)
            await self._process.wait()

    async def _get(self, path: str) -> Any:
        """The JSON of a 200; None for every other answer, and for none."""
        timeout = aiohttp.ClientTimeout(total=2)
        try:
            async with (
                aiohttp.ClientSession(timeout=timeout) as session,
                session.get(self._variables["PUBLIC_URL"] + path) as answer,
            ):
                return await answer.json() if answer.status == 200 else None
        except (aiohttp.ClientError, TimeoutError):
            return None

    def _last_words(self) -> str:
        return (self._folder / "log").read_text(errors="replace")[-400:]


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
