"""Fixtures: a world, and a migrated database at the same address for every test, so that statements stay compiled."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.inprocess.world import World
from tests.storage.conftest import template
from tests.storage.databases import DATABASES, tidy

__all__ = ["template"]


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("inprocess")


@pytest.fixture(params=DATABASES)
def database(request: pytest.FixtureRequest, folder: Path, template: Path) -> Iterator[Callable[[], str]]:
    """Makes a fresh database with today's schema in place of the one before."""

    def made() -> str:
        for left in folder.iterdir():
            left.unlink()
        return DATABASES[request.param](folder, template)

    yield made
    tidy()


@pytest.fixture
def url(database: Callable[[], str]) -> str:
    return database()


@pytest.fixture
def world() -> World:
    return World()
