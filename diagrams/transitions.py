"""Every row of every table as a document: what a state does with an event, and what that triggers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from machines.table import ALWAYS, Edge, Refusal, Row, Table

_HEAD = """\
# Transitions

Generated from the tables in `machines/` by `python -m diagrams`; do not edit. One row per state, trigger and
answer of its guard (`guard: answer`). *Becomes* is the state afterwards, or `ignored` (recorded, nobody is
told), `refused` (may be answered) or `opens` (starts the next conversation), with the reason. *Does* names
the actions, in order.
"""


def document(tables: Iterable[Table]) -> str:
    return "\n".join([_HEAD, *(rows_of(table) for table in tables)])


def rows_of(table: Table) -> str:
    """The section of one machine."""
    return "\n".join(_lines(table)) + "\n"


def _lines(table: Table) -> Iterator[str]:
    rows: dict[tuple[str, str, str], Row] = {(row.state, row.trigger, row.when): row for row in table.rows}
    yield f"## {table.name} (version {table.version})"
    for state in table.states:
        mark = " (initial)" if state == table.initial else " (final)" if state in table.final else ""
        yield from ("", f"### {table.name}: {state}{mark}", "")
        yield from ("| trigger | when | becomes | does |", "|---|---|---|---|")
        for trigger in table.triggers:
            for when in table.guard_outcomes(state, trigger):
                row = rows[state, trigger, when]
                does = ", ".join(row.does)
                yield f"| {trigger} | {_when(table, row)} | {_becomes(row)} | {does} |"


def _when(table: Table, row: Row) -> str:
    guard = table.guards.get((row.state, row.trigger))
    return f"{guard.name}: {row.when}" if guard else ALWAYS


def _becomes(row: Row) -> str:
    if isinstance(row, Edge):
        return str(row.to) if row.to != row.state else "stays"
    return _refusal(row)


def _refusal(row: Refusal) -> str:
    return f"*{row.outcome}*: {row.reason}"
