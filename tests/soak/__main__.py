"""`python -m tests.soak [--seconds N]`: one run, a line per sample, and what was found. Exit 0: nothing."""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from functools import partial
from pathlib import Path

from tests.soak.run import HOUR_S, Load, run


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--seconds", type=float, default=HOUR_S, help="how long members come and talk")
    parser.add_argument("--rate", type=float, default=Load.rate, help="messages per second, both ways")
    parser.add_argument("--seats", type=int, default=Load.seats, help="members who talk at once")
    parser.add_argument("--stay", type=float, default=Load.stay, help="seconds that each talks, on average")
    parser.add_argument("--every", type=float, default=Load.every, help="seconds between two samples")
    say = partial(print, flush=True)
    with tempfile.TemporaryDirectory(prefix="soak-") as folder:
        outcome = asyncio.run(run(Load(**vars(parser.parse_args())), Path(folder), say))
    say(f"{outcome.said} messages in {outcome.conversations} conversations")
    found = [*outcome.wrong, *outcome.grown]
    say("\n".join(found) or "all arrived once and in order, all is done, and nothing grew")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
