"""I18, whoever is warned that their silence ends the conversation has as long as the warning says."""

from __future__ import annotations

from collections.abc import Iterator

from machines.conversation import State
from machines.events import Trigger
from machines.testing.history import Entry, History

#: What ends a conversation for want of a word, and what warns of it.
WARNED_BY = {Trigger.BOT_IDLE: "bot_idle_warn", Trigger.MEMBER_IDLE: "member_idle_warn"}
#: What is told in whole microseconds may have been rounded.
_ROUNDED_S = 1e-5


def closed_as_warned(history: History) -> Iterator[str]:
    """Not a moment sooner, by a clock that nobody set meanwhile. Later is nobody's loss."""
    warned: dict[tuple[str, str], list[tuple[int, float]]] = {}
    for deed in history.outbox:
        if deed.closes_at and deed.says in WARNED_BY.values():
            warned.setdefault((deed.subject, deed.says), []).append((deed.version, deed.closes_at))
    for entry in history.journal:
        if entry.trigger in WARNED_BY and entry.after == State.CLOSED:
            said = _said(warned.get((entry.subject, WARNED_BY[Trigger(entry.trigger)]), []), entry)
            early = said - entry.received_at
            if early > history.skew + _ROUNDED_S:
                yield f"{entry.subject} was closed {early:.1f} s before the time that was told"


def _said(warnings: list[tuple[int, float]], entry: Entry) -> float:
    """When the last of the warnings before it said that it would come. 0: none did."""
    return max(((version, at) for version, at in warnings if version < entry.version), default=(0, 0.0))[1]
