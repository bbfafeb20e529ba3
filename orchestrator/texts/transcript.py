"""A conversation as lines of text."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Protocol

from orchestrator.texts.say import NAME


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
    def attachments(self) -> Sequence[Mapping[str, Any]]: ...


def lines(rows: Iterable[Said]) -> list[str]:
    """One line per message, oldest first: time (UTC), who, what. Deleted ones are named, not shown."""
    result = []
    for row in rows:
        text = "(deleted)" if row.deleted else row.body + files(row.attachments)
        result.append(f"[{datetime.fromtimestamp(row.at, UTC):%H:%M}] {row.name or NAME[row.author]}: {text}")
    return result


def files(attachments: Iterable[Mapping[str, Any]]) -> str:
    """A line for each attached file: its name and size in kB."""
    return "".join(
        f"\n[file: {a.get('filename') or a.get('sid', '')}, {max(1, int(a.get('size') or 0) // 1000)} kB]"
        for a in attachments
    )
