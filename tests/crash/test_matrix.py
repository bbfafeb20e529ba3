"""Every crash point of every flow: killed there, started again, and nothing is lost, doubled or stuck."""

from __future__ import annotations

from random import Random

import pytest

from tests.crash.flows import FLOWS
from tests.crash.matrix import Matrix

#: Tests of one flow: they share its points, so that workers can share the flow.
SHARES = 2
TWICE_A_FLOW, TWICE_A_FLOW_LONG = 2, 240


@pytest.mark.parametrize("share", range(SHARES))
@pytest.mark.parametrize("flow", FLOWS)
def test_a_crash_at_any_point_loses_and_doubles_nothing(matrix: Matrix, flow: str, share: int) -> None:
    wrong = {point: found for point, found in matrix.every(flow, share=share, of=SHARES) if found}
    assert wrong == {}


@pytest.mark.parametrize("flow", FLOWS)
def test_a_crash_while_recovering_from_a_crash(matrix: Matrix, flow: str) -> None:
    _crash_twice(matrix, flow, TWICE_A_FLOW)


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("flow", FLOWS)
def test_many_crashes_while_recovering_from_a_crash(matrix: Matrix, flow: str) -> None:
    """21 flows: 5,000 and some."""
    _crash_twice(matrix, flow, TWICE_A_FLOW_LONG)


def test_the_points_of_a_flow_are_the_same_in_every_life(matrix: Matrix) -> None:
    assert matrix.points("agent completes") == matrix.points("agent completes")


def test_commits_and_calls_of_both_providers_are_crash_points(matrix: Matrix) -> None:
    points = matrix.points("hand-off")
    for name in ("commit", "discord.send", "twilio.create_interaction", "twilio.post", "discord.acknowledge"):
        assert points.count(f"{name}:before") == points.count(f"{name}:after") > 0


def _crash_twice(matrix: Matrix, flow: str, times: int) -> None:
    chance = Random(f"twice/{flow}")
    for _ in range(times):
        at, wrong = matrix.twice(flow, chance)
        assert not wrong, f"{flow}, killed at points {at}: {wrong}"
