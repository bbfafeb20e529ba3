"""`python -m tests.planted [--quick] [NAME ...]`: plant every bug in a copy of the tree, and see it caught.

First the unpatched tree passes everything: the linters, the scripted demo, and each test that is to fail later. With
a patch linters and demo have to pass again, or it would need no suite; and then every test that is named for the bug
is red, in the words that are named for it.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from queue import SimpleQueue

from machines.testing.checker import RULES
from tests.planted.bugs import BUGS, FOLDER, Bug
from tests.planted.tree import Failed, Tree, changed_files

AT_ONCE = 2
PYTEST = ("-m", "pytest", "-vv", "-rfE", "--tb=short", "-p", "no:cacheprovider", "-m", "long or not long")
#: pytest: all passed; some failed.
PASSED, SOME_FAILED = 0, 1
#: Lines that are shown of a run that came to no summary, or of another command that failed.
LAST_WORDS = 30


class Runner:
    """Plants bugs in copies of one unpatched tree."""

    def __init__(self, folder: Path, *, demo: bool) -> None:
        self._folder = folder
        self._demo = demo
        self._caches: SimpleQueue[Path] = SimpleQueue()  #: of mypy, one for each copy that is being checked
        self._unpatched = Tree.of_working_tree(folder / "unpatched")

    def begin(self, bugs: Sequence[Bug]) -> None:
        """The unpatched tree passes everything that has to fail afterwards. Raises `Failed`."""
        for n in range(AT_ONCE):
            self._caches.put(self._folder / f"types{n}")
        with ThreadPoolExecutor(AT_ONCE) as pool:
            for checked in [pool.submit(self._looks_well, self._unpatched, ["."]) for _ in range(AT_ONCE)]:
                checked.result()
        tests = sorted({test for bug in bugs for test in bug.caught_by})
        done = self._unpatched.python(*PYTEST, "-n", str(AT_ONCE), "--dist", "worksteal", *tests)
        if done.returncode != PASSED:
            raise Failed(f"the unpatched tree does not pass:\n{_summary(done.stdout)}")

    def plant(self, bug: Bug) -> str:
        """What was wrong; empty if the bug was caught."""
        try:
            tree, patch = self._unpatched.copy(self._folder / bug.name), bug.patch.read_text()
            tree.apply(patch)
            self._looks_well(tree, changed_files(patch))
            return missed(tree, bug)
        except (Failed, subprocess.TimeoutExpired) as failed:
            return _last_words(str(failed))

    def _looks_well(self, tree: Tree, files: Sequence[str]) -> None:
        """A mistake that the linters find, or the demo, needs no suite. Raises `Failed`."""
        tree.run([sys.executable, "-m", "ruff", "check", *files])
        tree.run([sys.executable, "-m", "ruff", "format", "--check", *files])
        cache = self._caches.get()
        try:
            _check_types(tree, cache)
        finally:
            self._caches.put(cache)
        if self._demo:
            tree.run([sys.executable, "-m", "orchestrator", "demo", "--script"])


def _check_types(tree: Tree, cache: Path) -> None:
    tree.run([sys.executable, "-m", "mypy", "--cache-dir", str(cache)])


def missed(tree: Tree, bug: Bug) -> str:
    """Every test that is named fails, and for the reason that is named."""
    done = tree.python(*PYTEST, *bug.caught_by)
    if done.returncode not in (PASSED, SOME_FAILED):
        return f"the tests could not be run:\n{_summary(done.stdout)}"
    failed = set(re.findall(r"^FAILED (.+?)(?: - .*)?$", done.stdout, re.MULTILINE))
    failed |= {test.partition("[")[0] for test in failed}
    if green := [test for test in bug.caught_by if test not in failed]:
        return f"{', '.join(green)}: green"
    if not any(bug.says in line for line in done.stdout.splitlines() if line.startswith("E ")):
        return f"red, and not a word of {bug.says!r}:\n{_summary(done.stdout)}"
    return ""


def _summary(printed: str) -> str:
    """What pytest has to say in the end, or its last words where it did not come so far."""
    _, found, rest = printed.partition("short test summary info")
    return rest if found else _last_words(printed)


def _last_words(printed: str) -> str:
    return "\n".join(printed.splitlines()[-LAST_WORDS:])


def main(arguments: Sequence[str] | None = None) -> int:
    """1 if a patch no longer applies, is found by a linter, or is not caught."""
    parser = argparse.ArgumentParser(prog="python -m tests.planted", description=__doc__.partition("\n")[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help="only these")
    parser.add_argument("--quick", action="store_true", help="leave out the scripted demo")
    asked = parser.parse_args(arguments)
    known = {bug.name: bug for bug in BUGS}
    if unknown := [name for name in asked.names if name not in known]:
        parser.error(f"no bug {unknown[0]!r}; there are: {', '.join(known)}")
    bugs = [known[name] for name in asked.names or known]
    with tempfile.TemporaryDirectory() as folder:
        try:
            runner = Runner(Path(folder), demo=not asked.quick)
            runner.begin(bugs)
        except Failed as failed:
            print(failed)
            return 1
        print(f"the unpatched tree passes what catches them; patches are in {FOLDER.name}/", flush=True)
        with ThreadPoolExecutor(AT_ONCE) as pool:
            caught = [
                _tell(bug, wrong) for bug, wrong in zip(bugs, pool.map(runner.plant, bugs), strict=True)
            ]
    print(f"{sum(caught)} of {len(bugs)} planted bugs caught")
    return 0 if all(caught) else 1


def _tell(bug: Bug, wrong: str) -> bool:
    promise = RULES[bug.invariant].__name__.replace("_", " ")
    print(f"{'MISSED' if wrong else 'caught'}  {bug.name}: {bug.mistake}")
    for test in bug.caught_by:
        print(f"        red     {test}")
    print(f"        breaks  {bug.invariant} ({promise}), seen as {bug.says!r}")
    if wrong:
        print(wrong)
    sys.stdout.flush()
    return not wrong


if __name__ == "__main__":
    sys.exit(main())
