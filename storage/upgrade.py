"""Bringing a database to this program's schema, or refusing it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import Connection, inspect, text

from storage.engines import migrator

MIGRATIONS = Path(__file__).parent / "migrations"


class ForeignSchema(Exception):
    """The database holds something else, or was written by a newer program. Nothing was changed."""


def revisions() -> list[str]:
    """Every schema this program knows, oldest first: the numbers that the files of the migrations begin with."""
    return sorted(path.name.partition("_")[0] for path in (MIGRATIONS / "versions").glob("[0-9]*_*.py"))


def head() -> str:
    return revisions()[-1]


def config(connection: Connection) -> Any:
    """Alembic's configuration over an open connection."""
    from alembic.config import Config

    found = Config()
    found.set_main_option("script_location", str(MIGRATIONS))
    found.attributes["connection"] = connection
    return found


def upgrade(url: str) -> tuple[str | None, str]:
    """Migrate to the newest schema. Returns the revisions before and after.

    Raises `ForeignSchema` for a database that is not ours or is newer than this program. Alembic is loaded
    only when there is something to migrate: it costs a quarter of a second and ten megabytes.
    """
    engine = migrator(url)
    try:
        with engine.begin() as connection:
            before = _revision(connection)
            if before != head():
                from alembic import command

                command.upgrade(config(connection), "head")
            return before, head()
    finally:
        engine.dispose()


def _revision(connection: Connection) -> str | None:
    """The schema's number; None for an empty database."""
    tables = set(inspect(connection).get_table_names())
    if "alembic_version" in tables:
        current = connection.scalar(text("SELECT version_num FROM alembic_version"))
        if current is not None:
            if current not in revisions():
                raise ForeignSchema(
                    f"the database has schema {current}, this program knows up to {head()}: use a newer program"
                )
            return str(current)
    if others := sorted(tables - {"alembic_version"}):
        raise ForeignSchema(
            f"the database holds tables of something else ({', '.join(others[:3])}): use an empty one"
        )
    return None
