"""I17, who follows cases outside is told of every change: each at least once, in order, and as it was."""

from __future__ import annotations

from collections.abc import Iterator

from machines.effects import Kind
from machines.table import Outcome
from machines.testing.history import Deed, Entry, History, Told


def changes_are_told(history: History) -> Iterator[str]:
    """Repeats were dropped by whoever took them. What an operator had tried again may come late, what is dead never."""
    if history.told is None:
        return
    deeds = {_change(deed): deed for deed in history.outbox if deed.kind == Kind.CASE_WEBHOOK}
    entries = {
        (entry.subject, entry.version): entry
        for entry in history.journal
        if entry.subject.startswith("case:") and entry.outcome in (Outcome.MOVED, Outcome.STAYED)
    }
    told = {_named(one.id): one for one in history.told}
    for change, entry in entries.items():
        if change not in deeds:
            yield f"{entry.subject}: {entry.trigger} at version {entry.version} was never to be told"
        elif change not in told:
            if deeds[change].status == "done":
                yield f"{deeds[change].key} is done and was not told"
        else:
            yield from _untrue(told[change], entry)
    for change, one in told.items():
        if change not in entries:
            yield f"{one.id} tells of a change that there was not"
    latest: dict[str, int] = {}
    for (subject, version), one in told.items():
        if version < latest.get(subject, 0) and not _late(deeds.get((subject, version))):
            yield f"{one.id} was told after version {latest[subject]}"
        latest[subject] = max(version, latest.get(subject, 0))


def _untrue(one: Told, entry: Entry) -> Iterator[str]:
    was = (f"case.{entry.trigger}", entry.before, entry.after, entry.version)
    if (one.type, one.before, one.after, one.version) != was:
        yield f"{one.id} tells {one.type} from {one.before} to {one.after}, and it was {was}"
    if one.as_of < one.version:
        yield f"{one.id} shows the case as of version {one.as_of}, before the change"


def _late(deed: Deed | None) -> bool:
    return deed is not None and (deed.generation > 0 or deed.status == "dead")


def _change(deed: Deed) -> tuple[str, int]:
    return _named(deed.key)


def _named(key: str) -> tuple[str, int]:
    """Subject and version of the name of an effect."""
    subject, version, _, _ = key.rsplit(":", 3)
    return subject, int(version)
