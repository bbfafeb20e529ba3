"""Bringing a database to this program's schema, or refusing it."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, inspect

from storage.engines import migrator


class ForeignSchema(Exception):
    """The database holds something else, or was written by a newer program. Nothing was changed."""


def config(connection: Connection | None = None) -> Config:
    found = Config()
    found.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    found.attributes["connection"] = connection
    return found


def head() -> str:
    return str(ScriptDirectory.from_config(config()).get_current_head())


def upgrade(url: str) -> tuple[str | None, str]:
    """Migrate to the newest schema. Returns the revisions before and after.

    Raises `ForeignSchema` for a database that is not ours or is newer than this program.
    """
    engine = migrator(url)
    try:
        with engine.begin() as connection:
            before = _revision(connection)
            command.upgrade(config(connection), "head")
            return before, head()
    finally:
        engine.dispose()


def _revision(connection: Connection) -> str | None:
    current = MigrationContext.configure(connection).get_current_revision()
    known = {revision.revision for revision in ScriptDirectory.from_config(config()).walk_revisions()}
    if current is not None and current not in known:
        raise ForeignSchema(
            f"the database has schema {current}, this program knows up to {head()}: use a newer program"
        )
    tables = set(inspect(connection).get_table_names()) - {"alembic_version"}
    if current is None and tables:
        raise ForeignSchema(
            f"the database holds tables of something else ({', '.join(sorted(tables)[:3])}): use an empty one"
        )
    return current
