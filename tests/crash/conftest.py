"""Fixtures: a matrix for every process of the suite, so that starts are played once."""

from __future__ import annotations

import pytest

from tests.crash.matrix import Matrix


@pytest.fixture(scope="session")
def matrix(tmp_path_factory: pytest.TempPathFactory) -> Matrix:
    return Matrix(tmp_path_factory.mktemp("crash"))
