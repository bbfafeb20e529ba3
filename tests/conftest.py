"""Settings of every suite."""

from __future__ import annotations

import gc

import pytest
from hypothesis import HealthCheck, settings

# these machines are shared: how long an example takes says nothing about the code
settings.register_profile("project", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("project")


def pytest_collection_finish(session: pytest.Session) -> None:
    """Thousands of tests were collected, and stay: nobody need look through them again and again for garbage."""
    gc.collect()
    gc.freeze()
