"""Fixtures: a dispatcher with its two sides, and a migrated database."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.engine.outbox import Office
from tests.engine.till import Till
from tests.storage.conftest import fresh, house, template, url
from tests.storage.house import House

__all__ = ["fresh", "house", "office", "template", "url"]


@pytest.fixture
async def office() -> AsyncIterator[Office]:
    """Started over an empty outbox, and stopped at the end."""
    made = Office()
    await made.dispatcher.start()
    yield made
    await made.dispatcher.stop(grace=0.0)


@pytest.fixture
async def till(house: House) -> AsyncIterator[Till]:
    made = Till(house)
    made.committer.start()
    yield made
    made.store.gate.set()
    await made.committer.close()
