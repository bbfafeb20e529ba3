"""Queue maths: what is said of a wait is coarse, never less than is to be expected, and nothing without a reason."""

from __future__ import annotations

from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as some

from machines.queue import FEWEST, LONGEST_S, MORE, STEPS, UNKNOWN, Wait, expected, pace

MINUTE = 60.0
paces = some.floats(0.0, 1e6)
places = some.integers(1, 2_000)


@some.composite
def waits(draw: some.DrawFn) -> Wait:
    began = draw(some.floats(0.0, 1e6))
    lasted = draw(some.floats(-10.0, 3 * LONGEST_S))  # a clock that was set back ends some before they begin
    return Wait(began, began + lasted, draw(some.booleans()))


def one_by_one(*minutes: float, taken: bool = True) -> list[Wait]:
    """Members who came when the one before them had gone, and waited so long."""
    return [Wait(n * 1e6, n * 1e6 + lasted * MINUTE, taken) for n, lasted in enumerate(minutes)]


# --- what is said


@given(places, paces)
def test_what_is_said_is_one_of_a_few_words(place: int, every: float) -> None:
    assert expected(place, every) in (*STEPS, MORE)


@given(places, paces)
def test_nobody_is_promised_less_than_is_to_be_expected(place: int, every: float) -> None:
    said = expected(place, every)
    assert place * every / MINUTE <= (inf if said == MORE else said)


@given(places, paces)
def test_nobody_is_frightened_by_more_than_the_next_step(place: int, every: float) -> None:
    below = [step for step in STEPS if step < expected(place, every)]
    assert not below or place * every / MINUTE > below[-1]


@given(places, places, paces, paces)
def test_who_is_further_back_in_a_slower_line_is_told_no_less(
    a: int, b: int, one: float, other: float
) -> None:
    assert expected(min(a, b), min(one, other)) <= expected(max(a, b), max(one, other))


@pytest.mark.parametrize(
    ("place", "every", "said"),
    [(1, 20.0, 5), (1, 300.0, 5), (1, 301.0, 10), (4, 300.0, 20), (12, 300.0, 60), (13, 300.0, MORE)],
)
def test_for_example(place: int, every: float, said: int) -> None:
    assert expected(place, every) == said


def test_without_a_place_or_a_pace_nothing_is_said() -> None:
    assert expected(3, None) == expected(0, 60.0) == UNKNOWN


# --- the pace


def test_of_too_few_nothing_is_concluded() -> None:
    assert pace(one_by_one(*(1.0,) * (FEWEST - 1))) is None
    assert pace(one_by_one(*(1.0,) * 100, taken=False)) is None
    assert pace(one_by_one(*(1.0,) * FEWEST)) == MINUTE


def test_who_waits_alone_waits_as_long_as_others_did() -> None:
    assert pace(one_by_one(2, 4, 6, 8, 10)) == 6 * MINUTE


def test_waits_at_the_same_time_count_once() -> None:
    """Ten come at once, and somebody has time every two minutes: the tenth waited twenty, as the next will."""
    crowd = [Wait(0.0, n * 2 * MINUTE, True) for n in range(1, 11)]
    assert pace(crowd) == 2 * MINUTE
    assert expected(10, pace(crowd)) == 20


def test_who_gave_up_shows_that_nobody_came() -> None:
    came = one_by_one(*(5.0,) * 10)
    gone = [Wait(wait.queued_at + 5e5, wait.ended_at + 5e5, False) for wait in came]
    assert pace([*came, *gone]) == 2 * (pace(came) or 0)


def test_a_wait_over_night_is_not_heard_of_for_days() -> None:
    night = Wait(-1e9, -1e9 + 10 * 3600, True)
    assert (pace([night, *one_by_one(*(5.0,) * 19)]) or 0) <= (LONGEST_S + 19 * 5 * MINUTE) / 20


def test_who_was_gone_before_they_came_says_nothing() -> None:
    """As it looks when a clock was set back."""
    came = one_by_one(*(5.0,) * 10)
    assert pace([Wait(7e5, 6e5, False), *came]) == pace(came)


@given(some.lists(waits(), max_size=30))
def test_a_pace_is_made_of_time_in_which_somebody_waited_in_whatever_order_it_is_told(
    known: list[Wait],
) -> None:
    every = pace(known)
    if every is not None:
        longest = sum(max(0.0, min(wait.ended_at - wait.queued_at, LONGEST_S)) for wait in known)
        assert 0.0 <= every * sum(wait.taken for wait in known) <= longest + 1e-3
    assert pace(reversed(known)) == every
