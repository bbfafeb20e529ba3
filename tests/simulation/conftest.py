"""Fixtures: a folder for every process of the suite, so that its database is migrated once."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("town")


@pytest.fixture(autouse=True)
def silent() -> Iterator[None]:
    """Nobody reads what thousands of failed calls have to say; keeping it would cost more than the calls."""
    logging.disable()
    yield
    logging.disable(logging.NOTSET)
