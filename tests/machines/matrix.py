"""Reads a hand-written matrix, and puts a table into the same form, so that the two can be compared."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from machines.table import Edge, Row, Table

Case = tuple[str, str, str]  #: state, trigger, guard outcome


class Repeated(Exception):
    """The matrix says twice what becomes of one case."""


def written(path: Path) -> dict[Case, str]:
    """What the page says of each case. Raises `Repeated`."""
    found: dict[Case, str] = {}
    for case, becomes in _lines(path.read_text()):
        if case in found:
            raise Repeated(f"{path.name}: {case} stands there twice")
        found[case] = becomes
    return found


def _lines(text: str) -> Iterator[tuple[Case, str]]:
    state = ""
    for line in text.splitlines():
        if line.startswith("## "):
            state = line.removeprefix("## ").strip()
        if not line.startswith("| ") or line.startswith("| trigger "):
            continue
        triggers, outcomes, becomes = (cell.strip() for cell in line.strip("|").split("|"))
        for trigger in triggers.split(", "):
            for outcome in outcomes.split(", "):
                yield (state, trigger, outcome), becomes


def built(table: Table) -> dict[Case, str]:
    """What the table does with each case, in the words of the page."""
    return {(str(row.state), str(row.trigger), row.when): _becomes(row) for row in table.rows}


def _becomes(row: Row) -> str:
    return str(row.to) if isinstance(row, Edge) else f"{row.outcome}: {row.reason}"


def differences(page: dict[Case, str], table: dict[Case, str]) -> list[str]:
    """One line per case in which they are not of one mind; empty when they agree."""
    lines = []
    for case in sorted(page.keys() | table.keys()):
        if page.get(case) != table.get(case):
            name = " x ".join(case)
            lines.append(
                f"{name}: written {page.get(case, 'nowhere')!r}, built {table.get(case, 'nowhere')!r}"
            )
    return lines
