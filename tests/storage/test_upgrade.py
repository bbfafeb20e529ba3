"""Bringing a database to today's schema, and leaving alone what is not ours."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Engine, event, inspect, text

from storage import schema
from storage.engines import writer
from storage.upgrade import ForeignSchema, head, revisions, upgrade
from tests.storage.databases import tidy
from tests.storage.server import server


@pytest.fixture(params=["sqlite", "postgresql"])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database without any table."""
    yield server().empty() if request.param == "postgresql" else f"sqlite:///{tmp_path / 'service.db'}"
    tidy()


def execute(url: str, *statements: str) -> None:
    engine = writer(url)
    with engine.begin() as connection:
        for statement in statements:
            connection.execute(text(statement))
    engine.dispose()


def tables(url: str) -> set[str]:
    engine = writer(url)
    found = set(inspect(engine).get_table_names())
    engine.dispose()
    return found


def test_an_empty_database_gets_todays_schema(empty: str) -> None:
    assert upgrade(empty) == (None, head())
    assert tables(empty) == {*schema.metadata.tables, "alembic_version"}


def test_a_database_of_today_stays_as_it_is(empty: str) -> None:
    upgrade(empty)
    assert upgrade(empty) == (head(), head())


def test_the_newest_revision_is_the_head() -> None:
    assert head() == revisions()[-1] == max(revisions())


def test_the_migrations_make_the_schema_that_the_code_speaks_of(url: str) -> None:
    engine = writer(url)
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, schema.metadata) == []
    engine.dispose()


def test_postgresql_compares_keys_byte_by_byte_whatever_language_it_sorts_in() -> None:
    """Readers ask for the range from "subject:" to "subject;", which is empty in the order of English."""
    address = server().database()
    engine = writer(address)
    (key,) = (column for column in inspect(engine).get_columns("effect") if column["name"] == "key")
    engine.dispose()
    assert getattr(key["type"], "collation", None) == "C"


def test_the_counter_of_cases_is_there(url: str) -> None:
    engine = writer(url)
    with engine.connect() as connection:
        rows = connection.execute(schema.counter.select()).all()
    engine.dispose()
    assert [tuple(row) for row in rows] == [("case", 0)]


def test_a_database_of_something_else_is_refused_and_left_alone(empty: str) -> None:
    execute(empty, "CREATE TABLE orders (id INTEGER)")
    with pytest.raises(ForeignSchema, match=r"tables of something else \(orders\)"):
        upgrade(empty)
    assert tables(empty) == {"orders"}


def test_a_database_of_a_newer_program_is_refused_and_left_alone(empty: str) -> None:
    upgrade(empty)
    execute(empty, "UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(ForeignSchema, match=f"schema 9999, this program knows up to {head()}"):
        upgrade(empty)


def test_a_migration_that_is_cut_short_leaves_nothing(empty: str) -> None:
    """Half a schema would be taken for somebody else's, and refused for ever."""
    seen: list[str] = []

    def cut(_c: Any, _cursor: Any, statement: str, _p: Any, _x: Any, _many: bool) -> None:
        if statement.lstrip().upper().startswith("CREATE TABLE"):
            seen.append(statement)
            if len(seen) == 5:
                raise KeyboardInterrupt

    event.listen(Engine, "before_cursor_execute", cut)
    try:
        with pytest.raises(KeyboardInterrupt):
            upgrade(empty)
    finally:
        event.remove(Engine, "before_cursor_execute", cut)

    assert tables(empty) == set()
    assert upgrade(empty) == (None, head())
