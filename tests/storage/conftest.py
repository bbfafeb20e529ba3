"""Fixtures: a migrated database, once per kind of database, and a store over it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.storage.databases import DATABASES
from tests.storage.house import House


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("template") / "service.db"


@pytest.fixture(params=DATABASES)
def url(request: pytest.FixtureRequest, tmp_path: Path, template: Path) -> str:
    """A fresh database with today's schema."""
    return DATABASES[request.param](tmp_path, template)


@pytest.fixture
def house(url: str) -> Iterator[House]:
    found = House(url)
    yield found
    found.close()
