"""Settings of every suite."""

from __future__ import annotations

import gc
import os
import tempfile

import pytest
from hypothesis import HealthCheck, settings

from tests.memory import memory

if "TMPDIR" not in os.environ and (place := memory()):
    os.environ["TMPDIR"] = str(place)
    tempfile.tempdir = None

# these machines are shared: how long an example takes says nothing about the code
settings.register_profile("project", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("project")

#: Tests that take ten seconds and more, by the clock. Begun last, they would be waited for at the end.
LONG_ONES = {
    "test_the_whole_story_holds",
    "test_there_is_no_way_to_two_owners_two_requests_or_two_cases",
    "test_a_thousand_who_wait_are_each_told_once_that_the_first_one_went",
    "test_a_kill_before_the_desk_took_a_message_sends_it_once_when_that_is_sure",
    "test_members_come_talk_and_go_and_every_message_arrives_once_and_in_order",
}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: getattr(item, "originalname", item.name) not in LONG_ONES)


def pytest_collection_finish(session: pytest.Session) -> None:
    """Thousands of tests were collected, and stay: nobody need look through them again and again for garbage."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)
