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
from contextlib import suppress
from functools import partial
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from random import Random
from typing import Any

from tests.crash.databases import EMPTY, Database
from tests.crash.flows import FLOWS, Flow
from tests.crash.life import POINTS, VERDICT, WORLD, Dies, live
from tests.crash.play import Play
from tests.inprocess.house import chatbot
from tests.inprocess.world import World
from tests.storage.house import House as Store

#: A life that has not ended by then, in seconds of ours, hangs.
TOO_LONG_S = 30
#: Flows that between them do nearly everything.
WARMING = ("second miss", "agent leaves, another is invited", "agent completes")
#: What a second crash goes on from.
LEFT = "left_over"
#: Everything of a transaction is written, and nothing of it is committed.
_HALF = "transaction:written"
#: Points inside the service; every other is a call to the outside.
_INSIDE = ("commit", "transaction")


class Matrix:
    """Every life of a chain goes on where the one before it was killed; the first, where its flow's start ended."""

    def __init__(self, folder: Path, database: Database) -> None:
        self.database = database
        self._kept = folder
        self._life = folder / "life"  #: what is there besides the database: the world, what a life reports
        self._starts: dict[object, str] = {}
        self._points: dict[str, list[str]] = {}
        self._warm()

    def points(self, name: str) -> list[str]:
        """The crash points of a flow, in the order in which it passes them."""
        self._fresh(name)
        assert self._fork(name) is None
        found = self._passed()
        wrong = self._verdict()
        assert not wrong, f"{name}, without a crash: {wrong}"
        return found

    def crash(self, name: str, *at: int) -> list[str] | None:
        """Crash at the given points, of the first life, of the second, and so on, then play to the end.

        What was wrong in the end; None if some life ended before its point.
        """
        self._fresh(name)
        for point in at:
            if self._fork(name, point) is None:
                return None
        assert self._fork(name) is None
        return self._verdict()

    def every(self, name: str) -> Iterator[tuple[str, list[str]]]:
        """Crash once at every point. The point's name and number, and what was wrong."""
        for number in range(1, len(self._known(name)) + 1):
            yield self._at(name, number)

    def twins(self, name: str, *, share: int = 0, of: int = 1) -> Iterator[tuple[str, list[str]]]:
        """The same in a third of the time, for one of `of` parts of the points: one life whose twins are killed.

        What comes next depends on what is left, and on nothing else: where a kill leaves row for row and byte for
        byte what another left, the next life is the same. The one that leaves half a transaction behind is lived.
        For databases in files. A server would not see that anybody had died.
        """
        points = self._known(name)
        total = len(points)
        numbers = set(range(1 + total * share // of, 1 + total * (share + 1) // of))
        ended: dict[tuple[bytes, bytes], list[str]] = {}
        for number in sorted(self._twins(name, numbers), key=lambda n: (points[n - 1] != _HALF, n)):
            self._bring_back(_twin(number))
            left = self.database.committed(), (self._life / WORLD).read_bytes()
            if left not in ended:
                self._bring_back(_twin(number))  # whoever looked has tidied up behind the kill
                assert self._fork(name) is None
                ended[left] = self._verdict()
            yield f"{number} {points[number - 1]}", ended[left]

    def spread(self, name: str, chance: Random, most: int) -> Iterator[tuple[str, list[str]]]:
        """Crash once at a point of chance of so many kinds."""
        kinds: dict[str, list[int]] = {}
        for number, point in enumerate(self._known(name), start=1):
            kinds.setdefault(kind(point), []).append(number)
        for among in chance.sample(sorted(kinds), most):
            yield self._at(name, chance.choice(kinds[among]))

    def twice(self, name: str, chance: Random) -> tuple[tuple[int, int], list[str]]:
        """Crash at a point of chance, and again at one of chance of the life after it."""
        first = chance.randint(1, len(self._known(name)))
        self._fresh(name)
        assert self._fork(name, first) == signal.SIGKILL
        self._keep(LEFT)
        assert self._fork(name) is None
        second = chance.randint(1, len(self._passed()))
        self._bring_back(LEFT)
        assert self._fork(name, second) == signal.SIGKILL
        assert self._fork(name) is None
        return (first, second), self._verdict()

    def left(self, name: str) -> Iterator[tuple[str, dict[str, Any], bytes]]:
        """The name of every point in turn, what the tables hold after a kill there, and the world around them."""
        for number, point in enumerate(self._known(name), start=1):
            self._fresh(name)
            assert self._fork(name, number) == signal.SIGKILL
            yield point, *self._stands()

    def left_by_twins(self, name: str) -> Iterator[tuple[str, dict[str, Any], bytes]]:
        """The same of the twins of one life."""
        points = self._known(name)
        for number in self._twins(name, set(range(1, len(points) + 1))):
            self._bring_back(_twin(number))
            yield points[number - 1], *self._stands()

    def _stands(self) -> tuple[dict[str, Any], bytes]:
        store = Store(self.database.url)
        found = store.everything(), (self._life / WORLD).read_bytes()
        store.close()  # nobody who is forked may share its connection
        return found

    def _at(self, name: str, number: int) -> tuple[str, list[str]]:
        point = self._known(name)[number - 1]
        found = self.crash(name, number)
        assert found is not None, f"{name}: point {number} was not reached again"
        return f"{number} {point}", found

    def _known(self, name: str) -> list[str]:
        if name not in self._points:
            self._points[name] = self.points(name)
        return self._points[name]

    # --- what lives begin with

    def _fresh(self, name: str) -> None:
        """The database and the world that the flow starts from."""
        flow = FLOWS[name]
        key = (flow.start, flow.limits, flow.hours, flow.desk, flow.followed)
        if key not in self._starts:
            self._begin(name, flow)
            self._starts[key] = f"start_{len(self._starts)}"
            self._keep(self._starts[key])
        self._bring_back(self._starts[key])

    def _begin(self, name: str, flow: Flow) -> None:
        shutil.rmtree(self._life, ignore_errors=True)
        self._life.mkdir()
        self.database.bring_back(EMPTY)
        (self._life / WORLD).write_bytes(pickle.dumps(Play(World(desk=flow.desk, followed=flow.followed))))
        assert flow.start is not None
        assert self._fork(name, start=True) is None

    def _keep(self, name: str) -> None:
        shutil.rmtree(self._kept / name, ignore_errors=True)
        shutil.copytree(self._life, self._kept / name)
        self.database.keep(name)

    def _bring_back(self, name: str) -> None:
        shutil.rmtree(self._life)
        shutil.copytree(self._kept / name, self._life)
        self.database.bring_back(name)

    # --- processes

    def _fork(self, name: str, crash_at: int | None = None, *, start: bool = False) -> signal.Signals | None:
        """One life. SIGKILL if it was killed at its point, None if it ended by itself; anything else fails.

        Who is not to be killed need not be forked.
        """
        if crash_at is None:
            live(self._life, self.database.url, name, start=start)
            return None
        child = os.fork()
        if child == 0:
            self._be(name, lambda point: point == crash_at)
        return self._ended(child, f"{name} at {crash_at}")

    def _ended(self, child: int, what: str) -> signal.Signals | None:
        _, status = os.waitpid(child, 0)
        if os.WIFSIGNALED(status):
            assert os.WTERMSIG(status) == signal.SIGKILL, f"{what}: signal {os.WTERMSIG(status)}"
            return signal.SIGKILL
        if os.waitstatus_to_exitcode(status) != 0:
            raise AssertionError(f"{what}: {(self._life / VERDICT).read_text()}")
        return None

    def _twins(self, name: str, numbers: set[int]) -> list[int]:
        """Keep what a kill leaves at each of these points of one life, in which nobody else notices. The points.

        There the life is forked, and its twin is killed, at the same step with the same memory and the same files
        open. The life stands still until we have copied what the twin left; then it goes on to the next point.
        """
        self._fresh(name)
        ours, theirs = Pipe()
        child = os.fork()
        if child == 0:
            ours.close()
            self._be(name, partial(_dies_as_twin, theirs, numbers))
        theirs.close()
        found: list[int] = []
        with suppress(EOFError):
            while True:
                found.append(ours.recv())
                self._keep(_twin(found[-1]))
                ours.send(None)
        assert self._ended(child, f"the twins of {name}") is None, f"{name}: killed, and not as a twin"
        assert set(found) == numbers, f"{name}: not all points were reached again"
        return found

    def _be(self, name: str, dies: Dies) -> None:
        """The child. It never returns."""
        code = 1
        try:
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            signal.alarm(TOO_LONG_S)
            gc.disable()
            live(self._life, self.database.url, name, dies)
            code = 0
        except BaseException:
            (self._life / VERDICT).write_text(traceback.format_exc())
        finally:
            sys.stdout.flush()
            os._exit(code)

    def _passed(self) -> list[str]:
        found: list[str] = json.loads((self._life / POINTS).read_text())
        return found

    def _verdict(self) -> list[str]:
        found: list[str] = json.loads((self._life / VERDICT).read_text())
        return found

    def _warm(self) -> None:
        """Live a few lives here: what every child would make and compile again is made before it is born."""
        chatbot()
        for name in WARMING:
            self._fresh(name)
            live(self._life, self.database.url, name)
        gc.collect()
        gc.freeze()


def _twin(number: int) -> str:
    """Under this name stands what the twin left at the point."""
    return f"twin_{number}"


def _dies_as_twin(parent: Connection, numbers: set[int], number: int) -> bool:
    """False for the life, once its twin is dead and the parent has seen to that; True for the twin."""
    if number not in numbers:
        return False
    twin = os.fork()
    if twin == 0:
        return True
    _, status = os.waitpid(twin, 0)
    assert os.waitstatus_to_exitcode(status) == -signal.SIGKILL, "the twin was not killed"
    parent.send(number)
    parent.recv()
    return False


def kind(point: str) -> str:
    """`discord.send:before` is `call:before`; points inside the service are kinds of their own."""
    place, _, side = point.partition(":")
    return point if place in _INSIDE else f"call:{side}"


def listed(matrix: Matrix, names: Sequence[str] = tuple(FLOWS)) -> Iterator[tuple[str, list[str]]]:
    for name in names:
        yield name, matrix.points(name)
