"""The committed files say what the tables say. A changed table makes them stale, and then this goes red."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from diagrams.__main__ import main
from diagrams.files import UnknownDiagram, embed, stale, write
from machines.case import CASE
from machines.conversation import CONVERSATION
from machines.table import Edge

PAGE = "# Title\n\n<!-- diagram:case -->\nold\n<!-- /diagram -->\n\ntext\n"
CHANGED = replace(
    CASE,
    edges=(*CASE.edges, Edge("closed", "reopened", "open")),
    refusals=tuple(row for row in CASE.refusals if (row.state, row.trigger) != ("closed", "reopened")),
)


@pytest.fixture
def house(tmp_path: Path) -> Path:
    """A checkout in which everything is fresh."""
    (tmp_path / "README.md").write_text(PAGE)
    write(tmp_path)
    return tmp_path


def test_no_committed_file_is_stale() -> None:
    assert stale() == [], "run `python -m diagrams`"


def test_a_changed_table_makes_picture_document_and_page_stale(house: Path) -> None:
    assert stale(house) == []
    assert stale(house, (CONVERSATION, CHANGED)) == [
        Path("diagrams/pictures/case.mmd"),
        Path("docs/transitions.md"),
        Path("README.md"),
    ]


def test_writing_again_freshens_only_what_is_stale(house: Path) -> None:
    (house / "docs/transitions.md").unlink()
    assert write(house) == [Path("docs/transitions.md")]
    assert write(house) == []


def test_check_exits_with_one_names_the_file_and_writes_nothing(
    house: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["--check"], house) == 0
    (house / "diagrams/pictures/case.mmd").write_text("stateDiagram-v2\n")
    assert main(["--check"], house) == 1
    assert "stale: diagrams/pictures/case.mmd" in capsys.readouterr().out
    assert (house / "diagrams/pictures/case.mmd").read_text() == "stateDiagram-v2\n"
    assert main([], house) == 0
    assert main(["--check"], house) == 0


def test_the_page_gets_the_diagram_between_its_markers_and_keeps_the_rest() -> None:
    page = embed(PAGE)
    assert page.startswith("# Title\n\n<!-- diagram:case -->\n```mermaid\nstateDiagram-v2\n")
    assert page.endswith("    closed --> [*]\n```\n<!-- /diagram -->\n\ntext\n")
    assert embed(page) == page


def test_a_page_without_markers_is_left_alone() -> None:
    assert embed("# Title\n") == "# Title\n"


def test_a_marker_for_an_unknown_machine_is_refused_by_name() -> None:
    with pytest.raises(UnknownDiagram, match="toaster"):
        embed("<!-- diagram:toaster -->\n<!-- /diagram -->")


def test_a_checkout_without_a_readme_is_fine(tmp_path: Path) -> None:
    write(tmp_path)
    assert not (tmp_path / "README.md").exists()
    assert stale(tmp_path) == []
