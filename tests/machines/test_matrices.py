"""The tables against the pages written by hand: neither may say more, less or other than the other."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from machines.case import CASE
from machines.conversation import CONVERSATION
from machines.table import ALWAYS, Edge, Table, ignored
from tests.machines.matrix import Repeated, built, differences, written

HERE = Path(__file__).parent
both = pytest.mark.parametrize("table", [CONVERSATION, CASE], ids=lambda table: table.name)


def page_of(table: Table) -> Path:
    return HERE / f"{table.name}_matrix.md"


@both
def test_the_table_and_the_written_page_agree(table: Table) -> None:
    assert differences(written(page_of(table)), built(table)) == []


@both
def test_the_table_finds_no_fault_with_itself(table: Table) -> None:
    assert table.check() == []


def test_a_row_that_only_the_table_has_is_named() -> None:
    page = written(page_of(CASE))
    del page["open", "assigned", ALWAYS]
    assert differences(page, built(CASE)) == [
        "open x assigned x always: written 'nowhere', built 'in_progress'"
    ]


def test_a_row_that_only_the_page_has_is_named() -> None:
    fewer = replace(CASE, edges=tuple(e for e in CASE.edges if e.trigger != "asked_member"))
    assert "open x asked_member x always: written 'pending', built 'nowhere'" in differences(
        written(page_of(CASE)), built(fewer)
    )


def test_another_target_and_another_reason_are_named() -> None:
    def elsewhere(row: Edge) -> Edge:
        return replace(row, to="closed") if (row.state, row.trigger) == ("open", "assigned") else row

    moved = replace(
        CASE,
        edges=tuple(elsewhere(row) for row in CASE.edges),
        refusals=tuple(
            replace(row, reason="just so") if (row.state, row.trigger) == ("closed", "reopened") else row
            for row in CASE.refusals
        ),
    )
    found = differences(written(page_of(CASE)), built(moved))
    assert "open x assigned x always: written 'in_progress', built 'closed'" in found
    assert any(line.startswith("closed x reopened x always") and "just so" in line for line in found)
    assert len(found) == 2


def test_a_case_written_twice_is_refused(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("## open\n| assigned | always | in_progress |\n| assigned | always | closed |\n")
    with pytest.raises(Repeated, match="assigned"):
        written(page)


def test_check_names_what_a_broken_table_lacks_repeats_or_invents() -> None:
    gone = CASE.edges[0]
    assert (
        f"{(gone.state, gone.trigger, gone.when)}: 0 rows instead of one"
        in replace(CASE, edges=CASE.edges[1:]).check()
    )
    assert (
        f"{(gone.state, gone.trigger, gone.when)}: 2 rows instead of one"
        in replace(CASE, edges=(*CASE.edges, gone)).check()
    )
    invented = replace(
        CASE,
        edges=(*CASE.edges, Edge("closed", "assigned", "open"), Edge("nowhere", "assigned", "open")),
        refusals=(*CASE.refusals, *ignored("open", "sneezed", "bless you")),
    ).check()
    assert any("leaves a final state" in fault for fault in invented)
    assert any("unknown state" in fault for fault in invented)
    assert any("unknown trigger" in fault for fault in invented)
    wrong = replace(CASE, edges=(*CASE.edges, Edge("open", "assigned", "open", when="perhaps")))
    assert wrong.check() == ["('open', 'assigned', 'perhaps'): the guard has no such outcome"]
