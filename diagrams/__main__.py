"""`python -m diagrams` writes the files that are made from the tables; `--check` only says which are stale."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from diagrams.files import ROOT, stale, write


def main(arguments: Sequence[str] | None = None, root: Path = ROOT) -> int:
    """Exit code 1 when `--check` finds a stale file."""
    parser = argparse.ArgumentParser(prog="python -m diagrams", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; exit 1 when a file is stale")
    if not parser.parse_args(arguments).check:
        for path in write(root):
            print(f"wrote {path}")
        return 0
    old = stale(root)
    for path in old:
        print(f"stale: {path} (run `python -m diagrams`)")
    return 1 if old else 0


if __name__ == "__main__":
    sys.exit(main())
