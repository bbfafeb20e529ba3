"""`python -m tests.bench`: measure, print one table, write the figures down. It never fails."""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from time import perf_counter

from tests.bench import counting, engine, growth, kill, relay, startup, steps, webhooks
from tests.bench.report import Line, as_json, table
from tests.bench.size import FULL, Size

Measurement = Callable[[Size, Path], list[Line]]

MEASUREMENTS: dict[str, Measurement] = {
    "step": lambda size, _: steps.measure(size),
    "engine": engine.measure,
    "webhook": webhooks.measure,
    "start": startup.measure,
    "growth": growth.measure,
    "statistics": counting.measure,
    "relay": relay.measure,
    "kill": kill.measure,
}


def main() -> None:
    options = _options()
    size = replace(FULL, many=1_000_000) if options.deep else FULL
    start = perf_counter()
    lines = run(size, options.only or list(MEASUREMENTS), lambda text: print(text, file=sys.stderr))
    options.json.write_text(json.dumps(as_json(lines, perf_counter() - start), indent=2) + "\n")
    print(table(lines))


def run(size: Size, names: list[str], say: Callable[[str], None] = lambda _: None) -> list[Line]:
    """The named measurements in a folder of their own; one that breaks is told and left out."""
    lines: list[Line] = []
    for name in names:
        start = perf_counter()
        try:
            with tempfile.TemporaryDirectory(prefix="bench-", ignore_cleanup_errors=True) as folder:
                lines += MEASUREMENTS[name](size, Path(folder))
        except Exception as error:
            say(f"{name}: not measured, {type(error).__name__}: {error}")
            continue
        say(f"{name}: {perf_counter() - start:.0f} s")
    return lines


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--json", type=Path, default=Path("bench.json"), help="where the figures go")
    parser.add_argument("--deep", action="store_true", help="a million stored conversations; takes minutes")
    parser.add_argument("--only", action="append", choices=MEASUREMENTS, help="one measurement; repeatable")
    return parser.parse_args()


if __name__ == "__main__":
    main()
