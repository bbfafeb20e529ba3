"""A copy of the working tree, in which something can be broken without breaking anything for others."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
#: No command in a copy may take longer. Seconds
TOO_LONG_S = 600.0


class Failed(Exception):
    """A command in a copy ended otherwise than it should. The message is what it printed."""


@dataclass(frozen=True, slots=True)
class Tree:
    """The sources of the project in a folder of their own, run by the interpreter that runs this."""

    folder: Path

    @classmethod
    def of_working_tree(cls, folder: Path) -> Tree:
        """Everything that git knows or would add, as it stands now. Raises `Failed` outside a repository."""
        listed = _run(["git", "ls-files", "-z", "-co", "--exclude-standard"], ROOT)
        if listed.returncode:
            raise Failed(listed.stdout)
        for name in filter(None, listed.stdout.split("\0")):
            if (ROOT / name).is_file():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, folder / name)
        made = cls(folder)
        made._is_what_is_imported()
        return made

    def copy(self, folder: Path) -> Tree:
        """What was compiled in the original stays there: a patched file may be as old and as long."""
        shutil.copytree(self.folder, folder, ignore=shutil.ignore_patterns("__pycache__", ".*cache"))
        return Tree(folder)

    def apply(self, patch: str) -> None:
        """Raises `Failed` where it does not fit any more."""
        done = _run(["git", "apply", "-"], self.folder, patch)
        if done.returncode:
            raise Failed(f"the patch does not apply:\n{done.stdout}")

    def python(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run a module of this tree, `-m` included in what is given. Never raises for how it ends."""
        return _run([sys.executable, *arguments], self.folder)

    def run(self, command: Sequence[str]) -> str:
        """What it printed. Raises `Failed` if it did not end well."""
        done = _run(command, self.folder)
        if done.returncode:
            raise Failed(f"{' '.join(command)}\n{done.stdout}")
        return done.stdout

    def _is_what_is_imported(self) -> None:
        """An installed package must not stand before the copy: patches would be tried on nothing."""
        names = ("machines", "storage", "orchestrator", "web")
        where = f"import {', '.join(names)}; print({', '.join(f'{name}.__file__' for name in names)})"
        for file in self.run([sys.executable, "-c", where]).split():
            if not Path(file).resolve().is_relative_to(self.folder.resolve()):
                raise Failed(f"{file} is imported instead of the copy in {self.folder}")


def fits(patch: str, folder: Path) -> bool:
    """Whether a patch can be applied there. Nothing is changed."""
    return _run(["git", "apply", "--check", "-"], folder, patch).returncode == 0


def changed_lines(patch: str) -> int:
    """How many lines a unified diff takes away and adds."""
    return sum(1 for line in _hunks(patch) if line[:1] in ("+", "-"))


def changed_files(patch: str) -> list[str]:
    """Which files a unified diff changes, below the root."""
    return [line.removeprefix("+++ b/") for line in patch.splitlines() if line.startswith("+++ b/")]


def _hunks(patch: str) -> Iterator[str]:
    return (line for line in patch.splitlines() if not line.startswith(("---", "+++")))


def _run(command: Sequence[str], folder: Path, given: str = "") -> subprocess.CompletedProcess[str]:
    """Both outputs together, as text. `git` and pytest know of nothing outside the folder."""
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith(("GIT_", "PYTEST_"))
    }
    environment |= {"PYTHONPATH": str(folder), "GIT_CEILING_DIRECTORIES": str(folder.parent)}
    return subprocess.run(
        command,
        cwd=folder,
        env=environment,
        input=given,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=TOO_LONG_S,
        check=False,
    )
