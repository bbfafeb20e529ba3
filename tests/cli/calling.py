"""The command line as a process of its own, against a sandbox in this one."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random

from orchestrator.sandbox import server
from tests import warm
from tests.acceptance.playing import free_port


@dataclass(frozen=True)
class Ended:
    """What a command left behind."""

    code: int | None
    out: str
    err: str

    @property
    def lines(self) -> list[str]:
        """What it complained of, log lines left out."""
        return [line for line in self.err.splitlines() if not line.startswith("{")]


@dataclass
class Command:
    """`python -m orchestrator` with a whole environment of its own."""

    sandbox: server.Sandbox
    folder: Path

    def environment(self, **changes: str | None) -> dict[str, str]:
        """The sandbox's account and places in `folder`; a change to None leaves a setting out."""
        port = str(free_port())
        own = {"PATH": "/usr/bin:/bin", "DATA_DIR": str(self.folder / "data"), "PORT": port}
        found = {**self.sandbox.account(), **own, "PUBLIC_URL": f"http://127.0.0.1:{port}", **changes}
        return {name: value for name, value in found.items() if value is not None}

    async def __call__(self, *args: str, within: float = 20.0, **changes: str | None) -> Ended:
        """Run it to its end."""
        async with self.running(*args, **changes) as process:
            async with asyncio.timeout(within):
                out, err = await process.communicate()
            return Ended(process.returncode, out.decode(), err.decode())

    @asynccontextmanager
    async def running(self, *args: str, **changes: str | None) -> AsyncIterator[warm.Process]:
        """Start it; it is killed at the end if it still runs."""
        process = await warm.start(*args, env=self.environment(**changes), cwd=self.folder)
        try:
            yield process
        finally:
            if process.returncode is None:
                with contextlib.suppress(ProcessLookupError):
                    process.kill()
                await process.wait()


@asynccontextmanager
async def command(folder: Path) -> AsyncIterator[Command]:
    sandbox = await server.start(random=Random(7), environ={})
    try:
        yield Command(sandbox, folder)
    finally:
        await sandbox.close()
