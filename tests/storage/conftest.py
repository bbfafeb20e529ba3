"""Fixtures: a migrated database, once per kind of database, and a store over it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest

from tests.storage.databases import DATABASES, tidy
from tests.storage.histories import Counts
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


@pytest.fixture
async def counts(house: House) -> AsyncIterator[Counts]:
    """The read model of the statistics over the house."""
    found = Counts(house)
    yield found
    await found.engine.dispose()
