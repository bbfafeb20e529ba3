"""Nothing is lost, doubled, overtaken or left undone while members come and go, and in an hour nothing grows."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from machines.events import Trigger
from storage.upgrade import upgrade
from tests.bench.crowd import Said, Way
from tests.soak.judge import astray, left_undone
from tests.soak.run import HOUR_S, Load, run
from tests.soak.vitals import Vitals, growth
from tests.storage.facts import ANN, START, pressed
from tests.storage.house import House

#: How long the long form takes, in seconds: `SOAK_SECONDS=600 make test-long`.
SECONDS = float(os.environ.get("SOAK_SECONDS", HOUR_S))

TO_DESK, TO_MEMBER = Way


async def test_members_come_talk_and_go_and_every_message_arrives_once_and_in_order(tmp_path: Path) -> None:
    outcome = await run(Load(seconds=8, seats=6, stay=2, every=2), tmp_path)

    assert outcome.wrong == []
    assert outcome.conversations > 6


@pytest.mark.long
@pytest.mark.timeout(int(SECONDS) + 900)
async def test_fifty_messages_a_second_for_an_hour_leave_nothing_behind_in_memory(tmp_path: Path) -> None:
    outcome = await run(Load(SECONDS), tmp_path)

    assert outcome.wrong == []
    assert outcome.grown == []


def test_what_stands_as_it_was_said_is_not_astray() -> None:
    said = [Said(n, way, 0.0, member) for n, (way, member) in enumerate([(TO_DESK, "a"), (TO_MEMBER, "a")])]

    assert list(astray(said, {(TO_DESK, "a"): [0], (TO_MEMBER, "a"): [1], (TO_MEMBER, "b"): []})) == []


@pytest.mark.parametrize(
    ("there", "word"),
    [
        ({(TO_DESK, "a"): [1, 3]}, "member -> Twilio, a: lost [2]"),
        ({}, "member -> Twilio, a: lost [1, 2, 3]"),
        ({(TO_DESK, "a"): [1, 2, 2, 3]}, "member -> Twilio, a: doubled [2]"),
        ({(TO_DESK, "a"): [1, 2, 3, 1]}, "member -> Twilio, a: doubled [1]"),
        ({(TO_DESK, "a"): [1, 3, 2]}, "member -> Twilio, a: overtaken [2]"),
        ({(TO_DESK, "a"): [1, 2, 3], (TO_DESK, "b"): [3]}, "member -> Twilio, b: of others [3]"),
    ],
)
def test_what_is_lost_doubled_overtaken_or_with_somebody_else_is_told(
    there: dict[tuple[Way, str], list[int]], word: str
) -> None:
    said = [Said(number, TO_DESK, 0.0, "a") for number in (1, 2, 3)]

    assert list(astray(said, there)) == [word]


def _samples(*megabytes: float, descriptors: int = 40, tasks: int = 30) -> list[Vitals]:
    return [Vitals(10.0 * n, size, descriptors, tasks) for n, size in enumerate(megabytes)]


@pytest.mark.parametrize(
    "sizes",
    [
        (60, 90, 110, 110, 110, 110, 110, 110),
        (110, 111, 112, 112, 112, 113, 113, 114),  # a heap that wears
        (110, 110, 110, 110, 300, 110, 110, 110),  # a peak that passes
    ],
)
def test_memory_that_warms_up_and_stays_is_flat(sizes: tuple[float, ...]) -> None:
    assert list(growth(_samples(*sizes))) == []


def test_memory_that_goes_on_growing_is_told() -> None:
    assert list(growth(_samples(100, 102, 104, 106, 108, 110, 112, 114))) == [
        "memory grew from 105.0 to 113.0 MB"
    ]


def test_descriptors_and_tasks_that_stay_open_are_told() -> None:
    few, many = _samples(*[100.0] * 4), _samples(*[100.0] * 4, descriptors=341, tasks=331)

    assert list(growth([*few, *many])) == [
        "open descriptors grew from 40 to 341",
        "tasks grew from 30 to 331",
    ]


def test_a_run_too_short_to_be_judged_is_no_proof() -> None:
    assert list(growth(_samples(100))) == ["too few samples to say anything: 1"]


def test_what_was_still_to_be_sent_when_all_was_quiet_is_named_and_what_came_after_that_is_not(
    tmp_path: Path,
) -> None:
    upgrade(url := f"sqlite:///{tmp_path / 'service.db'}")
    house = House(url)
    house.arrives(pressed(ANN, Trigger.HELP_REQUESTED, ""))

    assert list(left_undone(house.engine, START)) == []
    assert list(left_undone(house.engine, START + 1)) == ["2 effects are pending"]  # contact and greeting
    house.close()
