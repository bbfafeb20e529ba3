"""Fixtures: a migrated database, once per kind of database, and a store over it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.storage.databases import DATABASES, tidy
from tests.storage.house import House


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("template") / "service.db"


@pytest.fixture(params=DATABASES)
def fresh(request: pytest.FixtureRequest, tmp_path: Path, template: Path) -> Iterator[Callable[[], str]]:
    """Makes databases with today's schema, as many as a test wants; each call returns the URL of another."""
    yield lambda: DATABASES[request.param](tmp_path, template)
    tidy()


@pytest.fixture
def url(fresh: Callable[[], str]) -> str:
    """A database with today's schema."""
    return fresh()


@pytest.fixture
def house(url: str) -> Iterator[House]:
    found = House(url)
    yield found
    found.close()
