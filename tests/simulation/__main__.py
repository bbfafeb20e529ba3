"""`python -m tests.simulation SEED`: replay a seed. With `--seeds N`: that one and those after it, counted."""

from __future__ import annotations

import argparse
import logging
import os
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

from tests.simulation.plan import Plan
from tests.simulation.tally import Tally
from tests.simulation.town import Verdict, simulate

#: So many seeds, and no kind of fault may be left out; edges are judged by the tally.
ENOUGH = 300


def main() -> int:
    """1 if a promise was broken, or if something was never met in a run that is long enough."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("seed", type=int)
    parser.add_argument("--seeds", type=int, default=1, metavar="N", help="how many, from this one on")
    asked = parser.parse_args()
    logging.disable()
    with tempfile.TemporaryDirectory() as folder:
        if asked.seeds == 1:
            return _tell(simulate(asked.seed, Path(folder)))
        return _tell_all(range(asked.seed, asked.seed + asked.seeds), Path(folder))


def _tell(verdict: Verdict) -> int:
    print(Plan.of(verdict.seed))
    print(*verdict.log, *verdict.tally.lines(), sep="\n")
    print(*(f"BROKEN: {what}" for what in verdict.broken), sep="\n")
    print(f"seed {verdict.seed}: {'broken' if verdict.broken else 'all promises kept'}")
    return bool(verdict.broken)


def _tell_all(seeds: range, folder: Path) -> int:
    total, broken = Tally(), 0
    with ProcessPoolExecutor(initializer=logging.disable) as pool:
        for verdict in pool.map(partial(_simulated, folder), seeds, chunksize=5):
            total.add(verdict.tally)
            broken += bool(verdict.broken)
            for what in verdict.broken:
                print(f"seed {verdict.seed}: {what}", flush=True)
    print(*total.lines(), sep="\n")
    missing = list(total.missing()) if len(seeds) >= ENOUGH else []
    print(*missing, sep="\n")
    print(f"{len(seeds) - broken} of {len(seeds)} seeds kept all promises")
    return bool(broken or missing)


def _simulated(folder: Path, seed: int) -> Verdict:
    own = folder / str(os.getpid())
    own.mkdir(exist_ok=True)
    return simulate(seed, own)


if __name__ == "__main__":
    sys.exit(main())
