"""Pictures and documents of the machines, made from their tables and checked against them."""

from __future__ import annotations

from collections.abc import Callable

from diagrams.graph import graph
from diagrams.mermaid import mermaid
from diagrams.transitions import rows_of
from machines.step import TABLES
from machines.table import Table

FORMATS: dict[str, Callable[[Table], str]] = {
    "mermaid": lambda table: mermaid(graph(table)),
    "markdown": rows_of,
}


def render(machine: str, fmt: str = "mermaid") -> str:
    """One machine as text. Raises ValueError for an unknown machine or format; it names the known ones."""
    if machine not in TABLES:
        raise ValueError(f"no machine {machine!r}; there are: {', '.join(sorted(TABLES))}")
    if fmt not in FORMATS:
        raise ValueError(f"no format {fmt!r}; there are: {', '.join(sorted(FORMATS))}")
    return FORMATS[fmt](TABLES[machine])
