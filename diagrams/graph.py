"""A table as a graph: states are nodes, and all rows from one state to another are one arrow."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from machines.table import ALWAYS, Edge, Outcome, Refusal, Table


@dataclass(frozen=True, slots=True)
class Arrow:
    """Everything that leads from one state to another."""

    source: str
    target: str
    labels: tuple[str, ...]  #: `trigger`, or `trigger [guard outcomes]`, in the order of the table


@dataclass(frozen=True, slots=True)
class Graph:
    """What a picture of a machine shows."""

    name: str
    initial: str
    final: frozenset[str]
    nodes: tuple[str, ...]
    arrows: tuple[Arrow, ...]  #: between two states
    loops: tuple[Arrow, ...]  #: from a state to itself
    opens: tuple[Arrow, ...]  #: from a state to the initial one of the next conversation


def graph(table: Table) -> Graph:
    between: dict[tuple[str, str], list[Edge]] = {}
    for row in table.edges:
        between.setdefault((str(row.state), str(row.to)), []).append(row)
    arrows = [Arrow(source, target, _labels(rows)) for (source, target), rows in between.items()]
    opening: dict[str, list[Refusal]] = {}
    for refusal in table.refusals:
        if refusal.outcome is Outcome.OPENS:
            opening.setdefault(str(refusal.state), []).append(refusal)
    initial = str(table.initial)
    order = {str(state): place for place, state in enumerate(table.states)}
    arrows.sort(key=lambda arrow: (order[arrow.source], order[arrow.target]))
    return Graph(
        name=table.name,
        initial=initial,
        final=frozenset(str(state) for state in table.final),
        nodes=tuple(order),
        arrows=tuple(arrow for arrow in arrows if arrow.source != arrow.target),
        loops=tuple(arrow for arrow in arrows if arrow.source == arrow.target),
        opens=tuple(Arrow(state, initial, _labels(rows)) for state, rows in opening.items()),
    )


def _labels(rows: Iterable[Edge | Refusal]) -> tuple[str, ...]:
    outcomes: dict[str, list[str]] = {}
    for row in rows:
        outcomes.setdefault(str(row.trigger), []).append(row.when)
    return tuple(
        trigger if whens == [ALWAYS] else f"{trigger} [{', '.join(whens)}]"
        for trigger, whens in outcomes.items()
    )
