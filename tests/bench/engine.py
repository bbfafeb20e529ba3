"""Events per second without HTTP: the store alone and behind the committer, beside bare sqlite3."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from functools import partial
from itertools import islice
from pathlib import Path

from machines.events import Event
from orchestrator.clock import SystemClock
from orchestrator.engine.commit import Committer, ignore
from storage.apply import Store
from tests.bench.raw import RawUnits
from tests.bench.report import Line
from tests.bench.size import Size
from tests.bench.talks import NOW, Voices, new_store, populate
from tests.bench.timing import Repetition, elapsed, interleaved, medians, ratio

GROUP = "The engine without HTTP (SQLite, a commit is on disk)"
BATCHES = (1, 10, 100)


def measure(size: Size, folder: Path) -> list[Line]:
    voices, store = Voices(), new_store(folder / "engine.db")
    turns = voices.turns(populate(store, voices, size.members))
    raw = RawUnits(folder / "raw.db", size.members)
    repetitions: dict[str, Repetition] = {}
    for batch in BATCHES:
        events = min(size.events, 30 * batch + 100)  # small batches show their cost sooner
        repetitions[f"raw {batch}"] = partial(raw.rate, events, batch)
        repetitions[f"store {batch}"] = partial(store_rate, store, turns, events, batch)
    repetitions["committer"] = partial(_committer_rate, store, turns, size)
    results = interleaved(repetitions, size.rounds)
    raw.close()
    store.engine.dispose()
    return list(_lines(results, size))


def _lines(results: dict[str, list[float]], size: Size) -> Iterator[Line]:
    rates = medians(results)
    for batch in BATCHES:
        each = f"{batch} event{'s' * (batch > 1)} per commit"
        yield Line(GROUP, f"raw sqlite3, {each}", rates[f"raw {batch}"], "events/s")
        yield Line(GROUP, f"Store.apply, {each}", rates[f"store {batch}"], "events/s")
    full = results["raw 100"]
    yield Line(GROUP, f"Committer, {size.in_flight} in flight", rates["committer"], "events/s")
    for name, rate in (("Store.apply", "store 100"), ("Committer", "committer")):
        share = 100 * ratio(results[rate], full)
        yield Line(GROUP, f"{name} / raw, 100 per commit", share, "%", at_least=60)


def store_rate(store: Store, turns: Iterator[Event], events: int, batch: int) -> float:
    """Events per second that are stored in batches of that size."""
    batches = [list(islice(turns, min(batch, events - first))) for first in range(0, events, batch)]

    def run() -> None:
        for items in batches:
            store.apply(items, NOW)

    return events / elapsed(run)


def _committer_rate(store: Store, turns: Iterator[Event], size: Size) -> float:
    events = list(islice(turns, size.events))
    return size.events / asyncio.run(_commit(store, events, size.in_flight))


async def _commit(store: Store, events: list[Event], in_flight: int) -> float:
    """Seconds until all are stored, `in_flight` senders each waiting for their own."""
    committer = Committer(store, SystemClock(), ignore)
    committer.start()
    left = iter(events)

    async def sender() -> None:
        for event in left:
            await committer.submit([event])

    loop = asyncio.get_running_loop()
    start = loop.time()
    await asyncio.gather(*(sender() for _ in range(in_flight)))
    seconds = loop.time() - start
    await committer.close()
    return seconds
