"""By which clock words are dated that came by a command."""

from __future__ import annotations

import pytest

from tests.crash.written_first import truly

#: An hour on at 100, and back to the truth at 200; five seconds back at 300.
JUMPS = [(100.0, 3600.0), (200.0, 0.0), (300.0, -5.0)]


@pytest.mark.parametrize(
    ("shown", "true"),
    [
        (50.0, 50.0),
        (3750.0, 150.0),
        (250.0, 250.0),
        (297.0, 297.0),  # shown twice, the second time at 302
        (310.0, 315.0),
    ],
)
def test_a_time_that_a_clock_showed_is_told_by_the_one_that_nobody_sets(shown: float, true: float) -> None:
    assert truly(shown, JUMPS) == true
    assert truly(shown, []) == shown
