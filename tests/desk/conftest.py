"""Fixtures: a counter over a store, over each kind of database."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from storage.engines import reader
from storage.reads.desk import DeskReader
from tests.desk.scene import Scene
from tests.storage.conftest import fresh, house, template, url
from tests.storage.house import House

__all__ = ["fresh", "house", "template", "url"]


@pytest.fixture
async def scene(house: House) -> AsyncIterator[Scene]:
    engine = reader(house.url)
    yield Scene(house, DeskReader(engine))
    await engine.dispose()
