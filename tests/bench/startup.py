"""How long the service takes to be ready, and how much memory it holds then."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path
from statistics import median
from time import perf_counter

import aiohttp

from orchestrator.demo.service import environment
from orchestrator.sandbox.server import start
from tests.bench.report import Line
from tests.bench.size import Size

GROUP = "Starting (orchestrator serve against the sandbox)"
PATIENCE_S = 30.0
_IMPORT = "import time; t = time.perf_counter(); import machines.step; print(time.perf_counter() - t)"


def measure(size: Size, folder: Path) -> list[Line]:
    imports = [_import_ms() for _ in range(max(1, size.starts))]
    lines = [Line(GROUP, "import machines.step", median(imports), "ms", at_most=100)]
    if size.starts:
        took, memory = asyncio.run(_starts(size.starts, folder))
        lines += [
            Line(GROUP, "exec to /readyz 200", median(took), "s", at_most=2.5),
            Line(GROUP, "resident memory when ready", median(memory), "MB", at_most=120),
        ]
    return lines


def _import_ms() -> float:
    done = subprocess.run([sys.executable, "-c", _IMPORT], check=True, capture_output=True, text=True)
    return float(done.stdout) * 1000


async def _starts(times: int, folder: Path) -> tuple[list[float], list[float]]:
    """Seconds and megabytes of each start on a database of its own. Raises RuntimeError if one fails."""
    sandbox = await start()
    try:
        starts = [await _start(sandbox.account(), folder / str(n)) for n in range(times)]
    finally:
        await sandbox.close()
    return [seconds for seconds, _ in starts], [megabytes for _, megabytes in starts]


async def _start(account: dict[str, str], folder: Path) -> tuple[float, float]:
    folder.mkdir()
    variables = environment(account, folder, _free_port())
    with (folder / "log").open("wb") as log:
        begun = perf_counter()
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "orchestrator", "serve", env=variables, cwd=folder, stdout=log, stderr=log
        )
    try:
        await _ready(process, variables["PUBLIC_URL"])
        return perf_counter() - begun, _resident_mb(process.pid)
    except RuntimeError as error:
        raise RuntimeError(f"{error}: {(folder / 'log').read_text()[-400:]}") from None
    finally:
        if process.returncode is None:
            process.terminate()
        await process.wait()


async def _ready(process: asyncio.subprocess.Process, url: str) -> None:
    deadline = perf_counter() + PATIENCE_S
    async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=2)) as session:
        while perf_counter() < deadline:
            if process.returncode is not None:
                raise RuntimeError(f"the service ended with exit code {process.returncode}")
            try:
                async with session.get(f"{url}/readyz") as answer:
                    if answer.status == 200:
                        return
            except (aiohttp.ClientError, TimeoutError):
                pass
            await asyncio.sleep(0.01)
    raise RuntimeError(f"the service was not ready within {PATIENCE_S:g} s")


def _resident_mb(pid: int) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    (line,) = (line for line in status.splitlines() if line.startswith("VmRSS:"))
    return int(line.split()[1]) * 1024 / 1e6


def _free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
