"""What was measured, beside its limit: a table for people and JSON for programs."""

from __future__ import annotations

import os
import platform
import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Line:
    """One measured value. A limit is either a ceiling (`at_most`) or a floor (`at_least`), or there is none."""

    group: str
    name: str
    value: float
    unit: str
    at_most: float | None = None
    at_least: float | None = None
    note: str = ""

    @property
    def verdict(self) -> str:
        """`ok`, `over`, or nothing where there is no limit."""
        if self.at_most is None and self.at_least is None:
            return ""
        too_much = self.at_most is not None and self.value > self.at_most
        too_little = self.at_least is not None and self.value < self.at_least
        return "over" if too_much or too_little else "ok"

    @property
    def limit(self) -> str:
        if self.at_most is not None:
            return f"<= {figure(self.at_most)}"
        return "" if self.at_least is None else f">= {figure(self.at_least)}"


def figure(value: float) -> str:
    """Three significant digits or so, thousands apart."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def table(lines: Sequence[Line]) -> str:
    """Aligned plain text, a heading per group."""
    cells = [
        (line.name, figure(line.value), line.unit, line.limit, line.verdict, line.note) for line in lines
    ]
    name, value, unit, limit, verdict = (max(len(row[n]) for row in cells) for n in range(5))
    text: list[str] = []
    group = None
    for line, row in zip(lines, cells, strict=True):
        if line.group != group:
            group = line.group
            text += ["", group]
        shown = (
            f"  {row[0]:<{name}}  {row[1]:>{value}} {row[2]:<{unit}}  {row[3]:<{limit}}  {row[4]:<{verdict}}"
        )
        text.append(f"{shown}  {row[5]}".rstrip())
    return "\n".join(text[1:])


def as_json(lines: Sequence[Line], seconds: float) -> dict[str, Any]:
    return {
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "cpus": os.cpu_count(),
        "load": round(os.getloadavg()[0], 2),
        "seconds": round(seconds, 1),
        "lines": [
            {
                "group": line.group,
                "name": line.name,
                "value": round(line.value, 4),
                "unit": line.unit,
                "at_most": line.at_most,
                "at_least": line.at_least,
                "verdict": line.verdict,
                "note": line.note,
            }
            for line in lines
        ],
    }
