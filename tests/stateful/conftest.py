"""Fixtures: a migrated database, made once; and silence, because everything that fails here fails on purpose."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest

from tests.storage.conftest import template

__all__ = ["template"]


@pytest.fixture(autouse=True)
def silence() -> Iterator[None]:
    logging.disable()
    yield
    logging.disable(logging.NOTSET)
