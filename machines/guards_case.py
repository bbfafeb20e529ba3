"""Guards of the case: the questions that its rows may ask, each with a closed list of answers."""

from __future__ import annotations

from collections.abc import Callable

from machines.draft_case import CaseDraft
from machines.events import Source
from machines.snapshot import HELP, REPORTS
from machines.table import Guard


def opening(draft: CaseDraft) -> str:
    """A report comes from the member, by command; any other case is asked for by a conversation or an agent."""
    data = draft.event.data
    if data.get("kind", HELP) not in REPORTS or draft.event.source is Source.PAGE:
        return "asked_for"
    if draft.given.blocked:
        return "blocked"
    says_something = all(_visible(str(data.get(name, ""))) for name in ("title", "summary"))
    return "reported" if says_something else "empty"


def _visible(text: str) -> bool:
    return any(char.isprintable() and not char.isspace() for char in text)


def merge(draft: CaseDraft) -> str:
    """May this case go on as the one that is named? One that was merged is closed, so there are no circles."""
    into, snapshot = draft.given.into, draft.snapshot
    if into is None:
        return "unknown"
    if into.id == snapshot.id:
        return "itself"
    if into.state == "closed":
        return "over"
    shared = {into.kind, draft.context.kind} <= {*REPORTS}
    return "fits" if shared or into.member == snapshot.member else "foreign"


#: Every guard that the table may name: its closed list of answers, and the function that gives one.
CASE_GUARDS: dict[str, tuple[Guard, Callable[[CaseDraft], str]]] = {
    "opening": (Guard("opening", ("asked_for", "reported", "blocked", "empty")), opening),
    "merge": (Guard("merge", ("fits", "unknown", "itself", "over", "foreign")), merge),
}
