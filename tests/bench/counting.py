"""Does a count cost more when more is stored? Two stores with the same week in them, one with a long past besides."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Callable
from datetime import UTC
from functools import partial
from pathlib import Path

from storage.engines import reader
from storage.reads.figures import Statistics
from storage.reads.statistics import StatisticsReader
from tests.bench.growth import multiply
from tests.bench.report import Line
from tests.bench.size import Size
from tests.bench.talks import START, Voices, new_store, populate
from tests.bench.timing import elapsed, interleaved, medians, ratio

GROUP = "Statistics of a week among stored conversations"
YEAR_S = 365 * 24 * 3600


def measure(size: Size, folder: Path) -> list[Line]:
    with asyncio.Runner() as runner:
        stores = {stored: folder / f"{stored}.db" for stored in (size.few, size.many)}
        for stored, file in stores.items():
            _fill(file, week=size.few // 2, past=stored - size.few // 2)
        counts = {str(stored): _count(runner, file) for stored, file in stores.items()}
        results = interleaved({name: partial(elapsed, count) for name, count in counts.items()}, size.rounds)
    costs = medians(results)
    lines = [Line(GROUP, f"{int(name):,} stored", 1e3 * seconds, "ms") for name, seconds in costs.items()]
    more = ratio(results[str(size.many)], results[str(size.few)])
    return [*lines, Line(GROUP, f"{size.many:,} / {size.few:,} stored", more, "x", at_most=1.5)]


def _fill(file: Path, *, week: int, past: int) -> None:
    """Talks of this week, and copies of one of them that lie a year back."""
    store, voices = new_store(file), Voices()
    multiply(file, populate(store, voices, 1)[0], past - 1)
    connection = sqlite3.connect(file)
    connection.execute("UPDATE event SET received_at = received_at - ?", (YEAR_S,))
    connection.execute("UPDATE conversation SET state = 'closed'")
    connection.commit()
    connection.close()
    populate(store, voices, week)
    store.engine.dispose()


def _count(runner: asyncio.Runner, file: Path) -> Callable[[], Statistics]:
    counts = StatisticsReader(reader(f"sqlite:///{file}"), UTC)
    return lambda: runner.run(counts.statistics(START, 7))
