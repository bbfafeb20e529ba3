"""The retry policy: should it be tried again? And when?"""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.engine.retry import DEFAULT, QUESTION, Policy

policies = st.builds(
    Policy,
    base=st.floats(0.01, 10),
    cap=st.floats(10, 600),
    attempts=st.integers(1, 100),
)
jitters = st.floats(0, 1, exclude_max=True)
attempts = st.integers(1, 10_000)


@given(policies, attempts, jitters)
def test_a_wait_is_never_longer_than_the_cap_nor_shorter_than_half(
    policy: Policy, n: int, jitter: float
) -> None:
    wait = policy.delay(n, None, lambda: jitter)
    full = min(policy.cap, policy.base * 2.0 ** min(n - 1, 16))
    assert 0 < full / 2 <= wait <= full <= policy.cap


@given(policies, attempts)
def test_waits_never_get_shorter(policy: Policy, n: int) -> None:
    assert policy.delay(n, None, lambda: 0.5) <= policy.delay(n + 1, None, lambda: 0.5)


@given(policies, attempts, st.floats(-10, 10_000), jitters)
def test_a_named_time_is_believed(policy: Policy, n: int, after: float, jitter: float) -> None:
    assert policy.delay(n, after, lambda: jitter) == max(after, 0.0)


@given(policies, attempts)
def test_giving_up_is_final(policy: Policy, n: int) -> None:
    assert policy.gives_up(n) == (n >= policy.attempts)


def test_the_default_tries_for_about_half_an_hour_and_a_question_for_seconds() -> None:
    def total(policy: Policy) -> float:
        return sum(policy.delay(n, None, lambda: 0.5) for n in range(1, policy.attempts))

    assert 20 * 60 < total(DEFAULT) < 40 * 60
    assert total(QUESTION) < 3
