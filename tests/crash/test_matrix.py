"""Every crash point of every flow: killed there, started again, and nothing is lost, doubled or stuck."""

from __future__ import annotations

from itertools import pairwise
from random import Random

import pytest

from tests.crash.apart import Apart
from tests.crash.flows import FLOWS
from tests.crash.matrix import Matrix, kind

#: Tests of one flow: they share its points, so that workers can share the flow.
SHARES = 2
TWICE_A_FLOW, TWICE_A_FLOW_LONG, TWICE_A_FLOW_POSTGRESQL = 1, 200, 10
#: Of five.
KINDS_POSTGRESQL = 1


@pytest.mark.parametrize("share", range(SHARES))
@pytest.mark.parametrize("flow", FLOWS)
def test_a_crash_at_any_point_loses_and_doubles_nothing(apart: Apart, flow: str, share: int) -> None:
    wrong = {point: found for point, found in apart.twins(flow, share, SHARES) if found}
    assert wrong == {}


@pytest.mark.parametrize("flow", FLOWS)
def test_a_crash_at_points_of_several_kinds_over_postgresql(postgresql: Matrix, flow: str) -> None:
    spread = postgresql.spread(flow, Random(f"spread/{flow}"), KINDS_POSTGRESQL)
    assert {point: found for point, found in spread if found} == {}


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize("flow", FLOWS)
def test_a_crash_at_any_point_over_postgresql(postgresql: Matrix, flow: str) -> None:
    wrong = {point: found for point, found in postgresql.every(flow) if found}
    assert wrong == {}


@pytest.mark.parametrize("flow", list(FLOWS)[::2])
def test_a_crash_while_recovering_from_a_crash(sqlite: Matrix, flow: str) -> None:
    _crash_twice(sqlite, flow, TWICE_A_FLOW)


def test_a_crash_while_recovering_from_a_crash_over_either_database(matrix: Matrix) -> None:
    _crash_twice(matrix, "rating", 1)


@pytest.mark.long
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("flow", FLOWS)
def test_many_crashes_while_recovering_from_a_crash(sqlite: Matrix, flow: str) -> None:
    """5,000 in all."""
    _crash_twice(sqlite, flow, TWICE_A_FLOW_LONG)


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize("flow", FLOWS)
def test_a_crash_while_recovering_from_a_crash_over_postgresql(postgresql: Matrix, flow: str) -> None:
    _crash_twice(postgresql, flow, TWICE_A_FLOW_POSTGRESQL)


def test_a_kill_inside_a_transaction_leaves_nothing_of_it_and_a_kill_behind_it_all(matrix: Matrix) -> None:
    """What is stored changes where a transaction was let go on, and nowhere else."""
    points, stored, _ = zip(*matrix.left("helpme"), strict=True)
    changed = [point for point, (one, other) in zip(points, pairwise(stored), strict=False) if one != other]
    assert set(changed) == {"transaction:written"}
    commits = [number for number, point in enumerate(points) if point == "commit:before"]
    for number in commits:
        assert points[number : number + 3] == ("commit:before", "transaction:written", "commit:after")
        assert stored[number] == stored[number + 1] != stored[number + 2]


def test_a_life_whose_twin_is_killed_leaves_what_it_leaves_when_it_is_killed_itself(sqlite: Matrix) -> None:
    assert list(sqlite.left_by_twins("agent completes")) == list(sqlite.left("agent completes"))


def test_the_points_of_a_flow_are_the_same_in_every_life(matrix: Matrix) -> None:
    assert matrix.points("agent completes") == matrix.points("agent completes")


def test_commits_and_calls_of_both_providers_are_crash_points(matrix: Matrix) -> None:
    points = matrix.points("hand-off")
    for name in ("commit", "discord.send", "twilio.create_interaction", "twilio.post", "discord.acknowledge"):
        assert points.count(f"{name}:before") == points.count(f"{name}:after") > 0
    assert points.count("transaction:written") >= points.count("commit:before")


@pytest.mark.parametrize("flow", FLOWS)
def test_every_flow_has_points_of_every_kind(sqlite: Matrix, flow: str) -> None:
    kinds = {"commit:before", "transaction:written", "commit:after", "call:before", "call:after"}
    assert {kind(point) for point in sqlite.points(flow)} == kinds


def test_agent_and_member_win_one_race_each(sqlite: Matrix) -> None:
    """Who accepts too late is told so before the conversation closes."""
    assert "twilio.close_channel:before" not in sqlite.points("accepted, and cancelled at once")
    lost = sqlite.points("cancelled, and accepted at once")
    assert lost.index("twilio.post:after") < lost.index("twilio.close_channel:before")


def _crash_twice(matrix: Matrix, flow: str, times: int) -> None:
    chance = Random(f"twice/{flow}")
    for _ in range(times):
        at, wrong = matrix.twice(flow, chance)
        assert not wrong, f"{flow}, killed at points {at}: {wrong}"
