"""Fixtures: a world over a fresh database, at the same address for every test."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from storage.upgrade import upgrade
from tests.acceptance.conftest import bare, stage
from tests.faults.stage import PATIENCE_S
from tests.inprocess.world import World

__all__ = ["bare", "stage"]


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with today's schema and nothing in it."""
    file = tmp_path_factory.mktemp("faults") / "migrated.db"
    upgrade(f"sqlite:///{file}")
    return file


@pytest.fixture
def url(migrated: Path) -> str:
    """The address never changes, so that statements stay compiled."""
    file = migrated.with_name("service.db")
    for left in migrated.parent.glob("service.db*"):
        left.unlink()
    return f"sqlite:///{shutil.copy(migrated, file)}"


@pytest.fixture
def world() -> World:
    return World(patience=PATIENCE_S)
