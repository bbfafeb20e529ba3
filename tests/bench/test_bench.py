"""Every measurement runs, and its figures have the shape that programs read. Nothing here is timed."""

from __future__ import annotations

import json

import pytest

from tests.bench.__main__ import MEASUREMENTS, run
from tests.bench.crowd import Said, Way
from tests.bench.kill import Outage, verdict
from tests.bench.report import Line, as_json, table
from tests.bench.size import TINY

FIELDS = {"group", "name", "value", "unit", "at_most", "at_least", "verdict", "note"}


@pytest.mark.parametrize("name", [name for name in MEASUREMENTS if name != "kill"])
def test_a_measurement_gives_figures_that_can_be_written_down(name: str) -> None:
    said: list[str] = []

    written = json.loads(json.dumps(as_json(run(TINY, [name], said.append), seconds=0.1)))

    assert [text for text in said if "not measured" in text] == []
    assert written["lines"]
    assert written["cpus"] >= 1
    for line in written["lines"]:
        assert line.keys() == FIELDS
        assert line["value"] > 0
        limited = line["at_most"] is not None or line["at_least"] is not None
        assert line["verdict"] in (("ok", "over") if limited else ("",))


def test_a_size_that_kills_at_no_rate_starts_nothing() -> None:
    said: list[str] = []

    assert run(TINY, ["kill"], said.append) == []
    assert [text for text in said if "not measured" in text] == []


def test_a_kill_is_judged_by_what_stands_at_the_other_side_by_direction_and_by_when_it_was_said() -> None:
    to_desk, to_member = Way
    said = {
        1: Said(1, to_desk, at=9.0, member="m"),
        2: Said(2, to_desk, at=11.0, member="m"),
        3: Said(3, to_member, at=11.0, member="m"),
        4: Said(4, to_member, at=15.0, member="m"),
        5: Said(5, to_member, at=16.0, member="m"),
    }
    copies = {1: 1, 3: 2, 4: 1, 5: 3}

    lines = list(verdict(5, said, copies, Outage(began=10.0, ended=15.0)))

    assert [(line.name, line.value, line.verdict, line.note.partition(";")[0]) for line in lines] == [
        ("5 msg/s, member -> Twilio: lost", 1, "over", "0 of 1 before, 1 of 1 during, 0 of 0 after"),
        ("5 msg/s, member -> Twilio: doubled", 0, "ok", "0 of 1 before, 0 of 1 during, 0 of 0 after"),
        ("5 msg/s, agent -> Discord: lost", 0, "ok", "0 of 0 before, 0 of 1 during, 0 of 2 after"),
        ("5 msg/s, agent -> Discord: doubled", 2, "over", "0 of 0 before, 1 of 1 during, 1 of 2 after"),
    ]


def test_a_measurement_that_breaks_is_told_and_the_others_go_on(monkeypatch: pytest.MonkeyPatch) -> None:
    def breaks(*_: object) -> list[Line]:
        raise RuntimeError("no disk")

    monkeypatch.setitem(MEASUREMENTS, "engine", breaks)
    said: list[str] = []

    lines = run(TINY, ["engine", "step"], said.append)

    assert "engine: not measured, RuntimeError: no disk" in said
    assert {line.unit for line in lines} == {"us"}


@pytest.mark.parametrize(
    ("line", "verdict"),
    [
        (Line("g", "n", 15.0, "us", at_most=15), "ok"),
        (Line("g", "n", 15.1, "us", at_most=15), "over"),
        (Line("g", "n", 60.0, "%", at_least=60), "ok"),
        (Line("g", "n", 59.9, "%", at_least=60), "over"),
        (Line("g", "n", 1.0, "s"), ""),
    ],
)
def test_a_limit_may_be_met_but_not_passed(line: Line, verdict: str) -> None:
    assert line.verdict == verdict


def test_the_table_has_a_heading_per_group_and_one_line_per_figure() -> None:
    shown = table(
        [Line("one", "a", 1, "s"), Line("one", "b", 2000, "s"), Line("two", "c", 3, "s", at_most=2)]
    )

    assert [" ".join(line.split()) for line in shown.splitlines()] == [
        "one", "a 1.00 s", "b 2,000 s", "", "two", "c 3.00 s <= 2.00 over",
    ]  # fmt: skip
