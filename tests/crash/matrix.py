"""Forks lives, kills them, and starts the next one on what is left."""

from __future__ import annotations

import gc
import json
import os
import pickle
import shutil
import signal
import sys
import traceback
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random

from storage.upgrade import upgrade
from tests.crash.flows import FLOWS, Flow
from tests.crash.life import DATABASE, POINTS, VERDICT, WORLD, live
from tests.crash.play import Play
from tests.inprocess.house import chatbot
from tests.inprocess.world import World

#: A life that has not ended by then, in seconds of ours, hangs.
TOO_LONG_S = 30
#: The folder of every life: at one address, statements stay compiled.
FLOW = "flow"
#: Flows that between them do nearly everything.
WARMING = ("second miss", "agent leaves, another is invited", "agent completes")


class Matrix:
    """Every life begins in a copy of the folder that its flow's start has left."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._template = folder / "template.db"
        upgrade(f"sqlite:///{self._template}")
        self._starts: dict[object, Path] = {}
        self._counts: dict[str, int] = {}
        self._warm()

    def points(self, name: str) -> list[str]:
        """The crash points of a flow, in the order in which it passes them."""
        folder = self._fresh(name)
        assert self._fork(folder, name) is None
        found: list[str] = json.loads((folder / POINTS).read_text())
        wrong = self._verdict(folder)
        assert not wrong, f"{name}, without a crash: {wrong}"
        return found

    def crash(self, name: str, *at: int) -> list[str] | None:
        """Crash at the given points, of the first life, of the second, and so on, then play to the end.

        What was wrong in the end; None if some life ended before its point.
        """
        folder = self._fresh(name)
        for point in at:
            if self._fork(folder, name, point) is None:
                return None
        assert self._fork(folder, name) is None
        return self._verdict(folder)

    def every(self, name: str, *, share: int = 0, of: int = 1) -> Iterator[tuple[str, list[str]]]:
        """Crash once at every point, or at every `of`-th. The point's name and number, and what was wrong."""
        for number, point in enumerate(self.points(name), start=1):
            if number % of == share:
                found = self.crash(name, number)
                assert found is not None, f"{name}: point {number} was not reached again"
                yield f"{number} {point}", found

    def twice(self, name: str, chance: Random) -> tuple[tuple[int, int], list[str]]:
        """Crash at a point of chance, and again at one of chance of the life after it."""
        if name not in self._counts:
            self._counts[name] = len(self.points(name))
        first = chance.randint(1, self._counts[name])
        folder = self._fresh(name)
        assert self._fork(folder, name, first) == signal.SIGKILL
        left = self._copy(folder, "left")
        assert self._fork(folder, name) is None
        second = chance.randint(1, len(json.loads((folder / POINTS).read_text())))
        folder = self._copy(left, FLOW)
        assert self._fork(folder, name, second) == signal.SIGKILL
        assert self._fork(folder, name) is None
        return (first, second), self._verdict(folder)

    # --- folders

    def _fresh(self, name: str) -> Path:
        """A folder with the database and world that the flow starts from."""
        flow = FLOWS[name]
        key = (flow.start, flow.limits)
        if key not in self._starts:
            self._starts[key] = self._begin(name, flow)
        return self._copy(self._starts[key], FLOW)

    def _begin(self, name: str, flow: Flow) -> Path:
        folder = self._folder / f"start-{len(self._starts)}"
        folder.mkdir()
        shutil.copy(self._template, folder / DATABASE)
        (folder / WORLD).write_bytes(pickle.dumps(Play(World())))
        assert flow.start is not None
        assert self._fork(folder, name, start=True) is None
        return folder

    def _copy(self, folder: Path, name: str) -> Path:
        copy = self._folder / name
        shutil.rmtree(copy, ignore_errors=True)
        return Path(shutil.copytree(folder, copy))

    # --- processes

    def _fork(
        self, folder: Path, name: str, crash_at: int | None = None, *, start: bool = False
    ) -> signal.Signals | None:
        """One life. SIGKILL if it was killed at its point, None if it ended by itself; anything else fails."""
        child = os.fork()
        if child == 0:
            self._be(folder, name, crash_at, start=start)
        _, status = os.waitpid(child, 0)
        if os.WIFSIGNALED(status):
            assert os.WTERMSIG(status) == signal.SIGKILL, (
                f"{name} at {crash_at}: signal {os.WTERMSIG(status)}"
            )
            assert crash_at is not None, f"{name}: killed, and not by us"
            return signal.SIGKILL
        if os.waitstatus_to_exitcode(status) != 0:
            raise AssertionError(f"{name} at {crash_at}: {(folder / VERDICT).read_text()}")
        return None

    def _be(self, folder: Path, name: str, crash_at: int | None, *, start: bool) -> None:
        """The child. It never returns."""
        code = 1
        try:
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.alarm(TOO_LONG_S)
            live(folder, name, crash_at, start=start)
            code = 0
        except BaseException:
            (folder / VERDICT).write_text(traceback.format_exc())
        finally:
            sys.stdout.flush()
            os._exit(code)

    def _verdict(self, folder: Path) -> list[str]:
        found: list[str] = json.loads((folder / VERDICT).read_text())
        return found

    def _warm(self) -> None:
        """Live a few lives here: what every child would make and compile again is made before it is born."""
        chatbot()
        for name in WARMING:
            live(self._fresh(name), name)
        gc.collect()
        gc.freeze()


def listed(matrix: Matrix, names: Sequence[str] = tuple(FLOWS)) -> Iterator[tuple[str, list[str]]]:
    for name in names:
        yield name, matrix.points(name)
