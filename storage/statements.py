"""Prepared statements: compiled once per database, run with tuples. The hot path has no compiler in it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from operator import itemgetter
from typing import Any

import orjson
from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite

_DIALECTS: dict[str, Any] = {
    "sqlite": sqlite.dialect(paramstyle="qmark"),
    "postgresql": postgresql.dialect(paramstyle="format"),  # type: ignore[no-untyped-call]
}


class Statement:
    """A statement of SQLAlchemy Core and the order in which rows give its parameters."""

    def __init__(self, names: Sequence[str], make: Callable[[Any], Any]) -> None:
        """`make` gets the dialect's module, for its own `insert`, and returns the statement."""
        self.names = tuple(names)
        self._make = make
        self._texts: dict[str, tuple[str, Callable[[Any], Any] | None]] = {}

    def run(self, connection: Connection, rows: Iterable[tuple[Any, ...]]) -> None:
        """Run it once per row, in one go. No rows: nothing happens."""
        rows = list(rows)
        if not rows:
            return
        text, order = self._text(connection.dialect.name)
        connection.exec_driver_sql(text, rows if order is None else [order(row) for row in rows])

    def _text(self, dialect: str) -> tuple[str, Callable[[Any], Any] | None]:
        if dialect not in self._texts:
            module = postgresql if dialect == "postgresql" else sqlite
            compiled = self._make(module).compile(dialect=_DIALECTS[dialect], column_keys=list(self.names))
            wanted = tuple(compiled.positiontup)
            order = None if wanted == self.names else itemgetter(*(self.names.index(n) for n in wanted))
            self._texts[dialect] = (str(compiled), order)
        return self._texts[dialect]


class Query:
    """A read by a list, written once for each database: a list is one parameter, so the text never changes."""

    def __init__(self, on_sqlite: str, on_postgresql: str) -> None:
        self._texts = {"sqlite": on_sqlite, "postgresql": on_postgresql}

    def run(self, connection: Connection, first: str, wanted: Sequence[str]) -> Iterable[Any]:
        dialect = connection.dialect.name
        many: Any = orjson.dumps(wanted).decode() if dialect == "sqlite" else list(wanted)
        return connection.exec_driver_sql(self._texts[dialect], (first, many))


def insert(table: Table, *names: str) -> Statement:
    return Statement(names, lambda module: module.insert(table))


def upsert(table: Table, keys: Sequence[str], values: Sequence[str]) -> Statement:
    """Insert; on a known key set `values`, or do nothing where there are none."""

    def make(module: Any) -> Any:
        statement = module.insert(table)
        if not values:
            return statement.on_conflict_do_nothing(index_elements=list(keys))
        return statement.on_conflict_do_update(
            index_elements=list(keys), set_={name: statement.excluded[name] for name in values}
        )

    return Statement((*keys, *values), make)


def insert_new(table: Table, keys: Sequence[str], *others: str) -> Statement:
    """Insert; what is known already stays as it is."""
    return Statement(
        (*keys, *others),
        lambda module: module.insert(table).on_conflict_do_nothing(index_elements=list(keys)),
    )
