"""The command line, ready to be called."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.cli.calling import Command
from tests.cli.calling import command as made


@pytest.fixture
async def command(tmp_path: Path) -> AsyncIterator[Command]:
    async with made(tmp_path) as found:
        yield found
