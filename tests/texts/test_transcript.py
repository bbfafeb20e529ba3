"""A conversation as lines of text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from orchestrator.texts.transcript import files, lines
from tests.english import ENGLISH


@dataclass
class Line:
    author: str
    body: str
    name: str = ""
    at: float = 3661.0
    deleted: bool = False
    undelivered: bool = False
    attachments: tuple[Mapping[str, Any], ...] = ()


def test_a_line_says_when_who_and_what() -> None:
    said = [Line("member", "hello"), Line("agent", "hi", name="ada"), Line("bot", "welcome")]
    assert lines(said, ENGLISH.name) == [
        "[01:01] Member: hello",
        "[01:01] ada: hi",
        "[01:01] Bot: welcome",
    ]


def test_what_was_deleted_is_named_and_not_shown() -> None:
    assert lines([Line("member", "secret", deleted=True)], ENGLISH.name) == ["[01:01] Member: (deleted)"]


def test_what_did_not_arrive_is_marked() -> None:
    assert lines([Line("agent", "hello?", "ada", undelivered=True)], ENGLISH.name) == [
        "[01:01] ada: hello? (not delivered)"
    ]


def test_files_are_named_with_their_size() -> None:
    both = ({"filename": "log.txt", "size": 12_345}, {"sid": "ME1"})
    assert files(both, ENGLISH.name) == "\n[file: log.txt, 12 kB]\n[file: ME1, 1 kB]"
    assert files((), ENGLISH.name) == ""
