"""The planted bugs are what they claim to be, as far as that can be told without planting them."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from machines.testing.checker import RULES
from tests.planted.__main__ import main, missed
from tests.planted.bugs import AT_MOST_LINES, BUGS, FOLDER, Bug
from tests.planted.tree import ROOT, Failed, Tree, changed_files, changed_lines, fits

OTHER = "--- a/README.md\n+++ b/README.md\n@@ -1 +1 @@\n-what never stood there\n+neither did this\n"
each = pytest.mark.parametrize("bug", BUGS, ids=[bug.name for bug in BUGS])


def test_every_bug_has_a_patch_and_every_patch_a_bug() -> None:
    assert {bug.patch for bug in BUGS} == set(FOLDER.iterdir())
    assert len(BUGS) == len({bug.name for bug in BUGS}) >= 15


def test_the_page_on_proof_has_their_number() -> None:
    assert f"{len(BUGS)} bugs planted" in (ROOT / "docs" / "proof.md").read_text()


@each
def test_a_planted_bug_is_a_slip_in_the_product_and_no_rewrite(bug: Bug) -> None:
    patch = bug.patch.read_text()
    assert 0 < changed_lines(patch) <= AT_MOST_LINES
    assert not [file for file in changed_files(patch) if file.startswith("tests/")]


@each
def test_a_patch_still_applies(bug: Bug) -> None:
    assert fits(bug.patch.read_text(), ROOT)


@each
def test_what_must_catch_a_bug_exists(bug: Bug) -> None:
    assert bug.caught_by
    for test in bug.caught_by:
        file, _, name = test.partition("[")[0].partition("::")
        body = ast.parse((ROOT / file).read_text()).body
        assert name in {
            node.name for node in body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        }


def test_every_invariant_that_a_bug_breaks_is_one_of_the_checkers() -> None:
    assert {bug.invariant for bug in BUGS} <= set(RULES)


def test_a_patch_that_was_made_for_other_code_does_not_fit() -> None:
    """Or nobody would hear of it."""
    assert not fits(OTHER, ROOT)


@pytest.mark.parametrize(
    ("test", "said"),
    [
        ("assert [1] == [], 'I1: lost'", ""),
        ("assert [1] == [], 'I2: lost'", "red, and not a word of 'I1: '"),
        ("raise RuntimeError('of something else')", "red, and not a word of 'I1: '"),
        ("pass  # I1: ", "test_it.py::test_one: green"),
        ("pass\n1 = 2", "the tests could not be run"),
    ],
    ids=["caught", "another promise", "another reason", "green", "no test"],
)
def test_a_bug_is_caught_by_a_test_that_is_red_for_it(tmp_path: Path, test: str, said: str) -> None:
    (tmp_path / "test_it.py").write_text(f"def test_one():\n    {test}\n")
    found = missed(Tree(tmp_path), Bug("bug", "A mistake.", ("test_it.py::test_one",), "I1"))
    assert found.startswith(said)
    assert bool(found) == bool(said)


def test_a_patch_that_no_longer_applies_is_a_failure(tmp_path: Path) -> None:
    (tmp_path / "README.md").write_text("what stands there now\n")
    with pytest.raises(Failed, match="does not apply"):
        Tree(tmp_path).apply(OTHER)


@pytest.mark.long
@pytest.mark.timeout(7200)
def test_every_planted_bug_passes_the_demo_and_is_caught(capsys: pytest.CaptureFixture[str]) -> None:
    failed = main([])
    printed = capsys.readouterr().out
    assert not failed, printed
    assert printed.endswith(f"{len(BUGS)} of {len(BUGS)} planted bugs caught\n")
