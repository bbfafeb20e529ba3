"""`python -m tests.crash --list [FLOW ...]`: the crash points of every flow, counted by name."""

from __future__ import annotations

import argparse
import tempfile
from collections import Counter
from pathlib import Path

from tests.crash.databases import FileDatabase
from tests.crash.flows import FLOWS
from tests.crash.matrix import Matrix, listed


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.crash", description=__doc__)
    parser.add_argument("--list", action="store_true", required=True, help="list the crash points and exit")
    parser.add_argument("flows", nargs="*", metavar="FLOW", help="only these")
    asked = parser.parse_args().flows
    if unknown := [name for name in asked if name not in FLOWS]:
        parser.error(f"no flow {unknown[0]!r}; there are: {', '.join(FLOWS)}")
    total = 0
    with tempfile.TemporaryDirectory() as folder:
        matrix = Matrix(Path(folder), FileDatabase(Path(folder) / "database"))
        for name, points in listed(matrix, asked or tuple(FLOWS)):
            total += len(points)
            print(f"{name}: {len(points)}")
            for point, number in sorted(Counter(points).items()):
                print(f"    {number:4} {point}")
    print(f"total: {total}")


if __name__ == "__main__":
    main()
