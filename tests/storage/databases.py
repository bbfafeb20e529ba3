"""The databases that every test of the store runs on. A further one is a further name and a way to make it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from storage.upgrade import upgrade
from tests.storage.server import server


def _sqlite(folder: Path, template: Path) -> str:
    """A copy of a file that was migrated once: migrating takes longer than most tests."""
    if not template.exists():
        upgrade(f"sqlite:///{template}")
    path = folder / "service.db"
    if path.exists():
        path = folder / f"service{len(list(folder.iterdir()))}.db"
    return f"sqlite:///{shutil.copy(template, path)}"


def _postgresql(_folder: Path, _template: Path) -> str:
    return server().database()


#: Name -> makes a database with today's schema for one test, and returns its URL.
DATABASES: dict[str, Callable[[Path, Path], str]] = {"sqlite": _sqlite, "postgresql": _postgresql}


def tidy() -> None:
    """Files go with their folder; databases of a server are dropped."""
    if server.cache_info().currsize:
        server().drop()
