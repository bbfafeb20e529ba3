"""The story as text: both sides' transcripts, the journal, a line per check."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

from orchestrator.demo.checks import Check
from orchestrator.demo.seen import Exchange, Line, Seen

#: Characters of a line of the journal.
WIDTH = 118
#: Fields that tell the most about a request, in this order.
TELLING = ("content", "body", "Body", "custom_id", "name", "agent", "EventType", "State", "UniqueName")


def story(seen: Seen, checks: Sequence[Check]) -> str:
    """Everything, ready to print."""
    return "\n".join([*_dm(seen), *_tasks(seen), *_journal(seen), *_checks(checks), ""])


def _dm(seen: Seen) -> Iterator[str]:
    yield from _heading(f"What {seen.member} saw")
    yield from _transcript(seen.dm)


def _tasks(seen: Seen) -> Iterator[str]:
    for task in seen.tasks:
        yield from _heading(f"What the agent saw: task {task.sid} ({task.status})")
        yield from _transcript(task.lines)


def _journal(seen: Seen) -> Iterator[str]:
    yield from _heading("Journal: every exchange that changed something")
    changes = [entry for entry in seen.log if _changes(entry)]
    start = changes[0].at if changes else None
    for entry in changes:
        yield _entry(entry, start or entry.at)


def _checks(checks: Sequence[Check]) -> Iterator[str]:
    yield from _heading("Checks")
    yield from map(str, checks)
    failed = sum(not check.ok for check in checks)
    yield f"\n{len(checks) - failed} of {len(checks)} hold." if checks else "\nNothing was checked."


def _heading(text: str) -> Iterator[str]:
    yield from ("", text, "-" * len(text))


def _transcript(lines: Iterable[Line]) -> Iterator[str]:
    for line in lines:
        first, *rest = line.text.splitlines() or [""]
        yield f"{line.at:%H:%M:%S}  {_short(line.author):>12}  {first}"
        yield from (f"{'':24}{text}" for text in rest)
        if line.labels:
            yield f"{'':24}{' '.join(f'[{label}]' for label in line.labels)}"


def _changes(entry: Exchange) -> bool:
    """Reads, typing and what the gateway merely passes on change nothing."""
    passing = entry.to == "gateway" or entry.path.endswith("/typing") or entry.path.endswith("/connect")
    return entry.method != "GET" and not passing


def _entry(entry: Exchange, start: datetime) -> str:
    status = "" if entry.by == "demo" else str(entry.status or "none")
    after = f"{(entry.at - start).total_seconds():7.3f}"
    fault = f" [{entry.fault}]" if entry.fault else ""
    text = f"{after} {entry.by:>10} > {entry.to:<8}{status:>4} {entry.method} {_place(entry.path)}{fault}"
    what = _telling(entry)
    return _cut(f"{text}  {what}" if what else text)


def _place(path: str) -> str:
    """Without host and the long ids, which say little to a reader."""
    parts = path.partition("?")[0].removeprefix("/control").split("/")
    return "/".join(_short(part) for part in parts)


def _short(name: str) -> str:
    return f"{name[:8]}~" if len(name) > 16 and any(map(str.isdigit, name)) else name


def _telling(entry: Exchange) -> str:
    fields: dict[str, Any] = {}
    for name, value in entry.request.items():
        fields |= value if isinstance(value, dict) else {name: value}
    for name in TELLING:
        if fields.get(name):
            return json.dumps(fields[name], ensure_ascii=False)
    return ""


def _cut(text: str) -> str:
    return text if len(text) <= WIDTH else f"{text[: WIDTH - 1]}…"
