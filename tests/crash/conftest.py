"""Fixtures: a matrix over each database for every process of the suite, so that starts are played once."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.crash.apart import Apart
from tests.crash.databases import FileDatabase, ServerDatabase
from tests.crash.matrix import Matrix
from tests.storage.server import server


@pytest.fixture(scope="session")
def sqlite(tmp_path_factory: pytest.TempPathFactory) -> Matrix:
    folder = tmp_path_factory.mktemp("crash")
    return Matrix(folder, FileDatabase(folder / "database"))


@pytest.fixture(scope="session")
def apart(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Apart]:
    found = Apart(tmp_path_factory.mktemp("crash"))
    yield found
    found.close()


@pytest.fixture(scope="session")
def postgresql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Matrix]:
    database = ServerDatabase(server())
    yield Matrix(tmp_path_factory.mktemp("crash"), database)
    database.close()


@pytest.fixture(params=("sqlite", "postgresql"))
def matrix(request: pytest.FixtureRequest) -> Matrix:
    """Over one database, and over the other."""
    found: Matrix = request.getfixturevalue(request.param)
    return found
