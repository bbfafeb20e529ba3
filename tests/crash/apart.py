"""A matrix in a process of its own, which has collected no tests: what is small is forked quickly."""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from tests.crash.databases import FileDatabase
from tests.crash.matrix import Matrix

_here: list[Matrix] = []  #: the one of that process


class Apart:
    """For lives that are forked at every point. Over SQLite."""

    def __init__(self, folder: Path) -> None:
        self._process = ProcessPoolExecutor(1, get_context("spawn"), initializer=_begin, initargs=(folder,))

    def twins(self, name: str, share: int, of: int) -> list[tuple[str, list[str]]]:
        return self._process.submit(_twins, name, share, of).result()

    def close(self) -> None:
        self._process.shutdown()


def _begin(folder: Path) -> None:
    _here.append(Matrix(folder, FileDatabase(folder / "database")))


def _twins(name: str, share: int, of: int) -> list[tuple[str, list[str]]]:
    return list(_here[0].twins(name, share=share, of=of))
