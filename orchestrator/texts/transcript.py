"""A conversation as lines of text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol

from orchestrator.texts.say import Table


class Said(Protocol):
    """As much of a message row as a line needs."""

    @property
    def author(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def body(self) -> str: ...
    @property
    def at(self) -> float: ...
    @property
    def deleted(self) -> bool: ...
    @property
    def undelivered(self) -> bool: ...
    @property
    def attachments(self) -> Sequence[Mapping[str, Any]]: ...


def lines(rows: Iterable[Said], names: Table) -> list[str]:
    """One line per message, oldest first: time (UTC), who, what. Deleted ones are named, not shown.

    `names`: what people and things are called.
    """
    return [f"[{when(row):%H:%M}] {who(row, names)}: {what(row, names)}" for row in rows]


def when(row: Said) -> datetime:
    """In UTC."""
    return datetime.fromtimestamp(row.at, UTC)


def who(row: Said, names: Table) -> str:
    return row.name or names[row.author]


def what(row: Said, names: Table) -> str:
    """What was said, with a mark if it did not arrive."""
    said = names["deleted"] if row.deleted else row.body + files(row.attachments, names)
    return f"{said} {names['undelivered']}" if row.undelivered else said


def files(attachments: Iterable[Mapping[str, Any]], names: Table) -> str:
    """A line for each attached file: its name and size in kB."""
    return "".join(
        "\n"
        + names["file"].format(
            name=file.get("filename") or file.get("sid", ""), size=max(1, int(file.get("size") or 0) // 1000)
        )
        for file in attachments
    )
