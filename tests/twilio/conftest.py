"""A local Twilio for the tests beside this file."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.twilio.serving import Served, serving


@pytest.fixture
async def served() -> AsyncIterator[Served]:
    async with serving() as found:
        yield found
