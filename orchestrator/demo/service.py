"""The service as the demo's child: a process group that can be started, stopped and killed."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
import signal
import socket
import sys
import time
from collections import deque
from collections.abc import Mapping, Sequence
from pathlib import Path

import aiohttp

from orchestrator.errors import Fatal

#: Seconds until a started service has to answer /readyz with 200.
READY_WITHIN = 20.0
#: Seconds that `provision` may take.
PROVISIONED_WITHIN = 30.0
#: Seconds a stopped service gets to finish before it is killed.
STOPPED_WITHIN = 10.0
#: Lines of the service's own log that are shown when it dies.
LAST_LINES = 20
POLL = 0.05

#: What the child inherits. A list of what may pass, so that no real credential can.
INHERITED = ("PATH", "HOME", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "TMPDIR", "VIRTUAL_ENV", "SYSTEMROOT")
PROGRAM = (sys.executable, "-m", "orchestrator")


class Service:
    """`orchestrator serve` on a port of its own, with its database and log in `folder`.

    The port stays the same from one start to the next: the provider keeps the webhook's address.
    """

    def __init__(self, account: Mapping[str, str], folder: Path, *, program: Sequence[str] = PROGRAM) -> None:
        self._program = tuple(program)
        self._folder = folder
        self._log = folder / "service.log"
        self._process: asyncio.subprocess.Process | None = None
        port = _free_port()
        self.url = f"http://127.0.0.1:{port}"
        self._environment = environment(account, folder, port)

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.returncode is None

    async def provision(self) -> None:
        """Register webhooks and slash commands at the sandbox. Raises Fatal with the log's last lines."""
        process = await self._spawn("provision")
        try:
            async with asyncio.timeout(PROVISIONED_WITHIN):
                code = await process.wait()
        except TimeoutError:
            _signal(process, signal.SIGKILL)
            await process.wait()
            raise Fatal(f"`provision` took more than {PROVISIONED_WITHIN:g} s.", self.last_lines()) from None
        if code != 0:
            raise Fatal(f"`provision` ended with exit code {code}.", self.last_lines())

    async def start(self) -> None:
        """Start it unless it runs; returns at once, see `ready`."""
        if not self.running:
            self._process = await self._spawn("serve")

    async def ready(self, within: float = READY_WITHIN) -> None:
        """Return when /readyz answers 200. Raises Fatal when the service dies or takes longer."""
        deadline = time.monotonic() + within
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=2)) as session:
            while not await _is_ready(session, self.url):
                if self._process is not None and self._process.returncode is not None:
                    code = self._process.returncode
                    raise Fatal(f"The service ended with exit code {code}.", self.last_lines())
                if time.monotonic() > deadline:
                    raise Fatal(f"The service was not ready within {within:g} s.", self.last_lines())
                await asyncio.sleep(POLL)

    def kill(self) -> None:
        """SIGKILL to the whole process group: nothing of it can tidy up."""
        if self._process is not None and self.running:
            _signal(self._process, signal.SIGKILL)

    async def gone(self) -> None:
        """Return when the process has ended."""
        if self._process is not None:
            await self._process.wait()

    async def stop(self) -> None:
        """SIGTERM, and SIGKILL for what is still there after a while."""
        if self._process is None or not self.running:
            return
        _signal(self._process, signal.SIGTERM)
        try:
            async with asyncio.timeout(STOPPED_WITHIN):
                await self._process.wait()
        except TimeoutError:
            self.kill()
            await self._process.wait()

    def last_lines(self) -> str:
        """The end of the service's own log."""
        if not self._log.exists():
            return ""
        with self._log.open(encoding="utf-8", errors="replace") as lines:
            return "  ".join(deque(lines, LAST_LINES)).rstrip()

    async def _spawn(self, command: str) -> asyncio.subprocess.Process:
        with self._log.open("ab") as log:
            return await asyncio.create_subprocess_exec(
                *self._program,
                command,
                env=self._environment,
                cwd=self._folder,  # a `.env` of the caller is not read
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )


def environment(account: Mapping[str, str], folder: Path, port: int) -> dict[str, str]:
    """The child's whole environment: the sandbox's account, places in `folder`, nothing secret of the caller."""
    inherited = {name: os.environ[name] for name in INHERITED if name in os.environ}
    own = {
        "PUBLIC_URL": f"http://127.0.0.1:{port}",
        "HOST": "127.0.0.1",
        "PORT": str(port),
        "DATA_DIR": str(folder),
        "DATABASE_URL": f"sqlite:///{folder / 'demo.db'}",
        "SECRET_KEY": secrets.token_urlsafe(32),
        "PYTHONUNBUFFERED": "1",
    }
    return inherited | dict(account) | own


async def _is_ready(session: aiohttp.ClientSession, url: str) -> bool:
    try:
        async with session.get(f"{url}/readyz") as answer:
            return answer.status == 200
    except (aiohttp.ClientError, TimeoutError):
        return False


def _signal(process: asyncio.subprocess.Process, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, number)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
