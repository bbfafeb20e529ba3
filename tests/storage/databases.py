"""The databases that every test of the store runs on. A further one is a further name and a way to make it."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

from storage.upgrade import upgrade


def _sqlite(folder: Path, template: Path) -> str:
    """A copy of a file that was migrated once: migrating takes longer than most tests."""
    if not template.exists():
        upgrade(f"sqlite:///{template}")
    return f"sqlite:///{shutil.copy(template, folder / 'service.db')}"


#: Name -> makes a database with today's schema for one test, and returns its URL.
DATABASES: dict[str, Callable[[Path, Path], str]] = {"sqlite": _sqlite}
