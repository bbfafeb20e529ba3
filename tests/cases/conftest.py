"""Fixtures: agents of cases over a store, over each kind of database."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from storage.engines import reader
from storage.reads.cases import CaseReader
from tests.cases.scene import Scene
from tests.storage.conftest import fresh, house, template, url
from tests.storage.house import House

__all__ = ["fresh", "house", "template", "url"]


@pytest.fixture
async def scene(house: House) -> AsyncIterator[Scene]:
    engine = reader(house.url)
    yield Scene(house, CaseReader(engine))
    await engine.dispose()
