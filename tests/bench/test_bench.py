"""Every measurement runs, and its figures have the shape that programs read. Nothing here is timed."""

from __future__ import annotations

import json

import pytest

from tests.bench.__main__ import MEASUREMENTS, run
from tests.bench.report import Line, as_json, table
from tests.bench.size import TINY

FIELDS = {"group", "name", "value", "unit", "at_most", "at_least", "verdict", "note"}


@pytest.mark.parametrize("name", MEASUREMENTS)
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
