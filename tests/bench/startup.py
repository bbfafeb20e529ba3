"""How long the service takes to be ready, and how much memory it holds then."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from pathlib import Path
from statistics import median
from time import perf_counter

from orchestrator.sandbox.server import start
from tests.bench.report import Line
from tests.bench.service import Service
from tests.bench.size import Size

GROUP = "Starting (orchestrator serve against the sandbox)"
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
    service = Service(account, folder)
    begun = perf_counter()
    try:
        await service.start()
        await service.ready()
        return perf_counter() - begun, service.resident_mb()
    finally:
        await service.stop()
