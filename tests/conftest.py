"""Settings of every suite."""

from __future__ import annotations

import gc
import os
import shutil
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

#: What tests store need not outlive the machine: it stands in memory where there is plenty.
MEMORY, PLENTY = Path("/dev/shm"), 8 * 2**30
if "TMPDIR" not in os.environ and os.access(MEMORY, os.W_OK) and shutil.disk_usage(MEMORY).free > PLENTY:
    os.environ["TMPDIR"] = str(MEMORY)
    tempfile.tempdir = None

# these machines are shared: how long an example takes says nothing about the code
settings.register_profile("project", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("project")


def pytest_collection_finish(session: pytest.Session) -> None:
    """Thousands of tests were collected, and stay: nobody need look through them again and again for garbage."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
