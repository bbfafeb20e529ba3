"""How long a case takes: a stopwatch that runs while it is ours to act, and what was promised against it.

Pure. Times are seconds since the epoch. A clock that was set back adds nothing and takes nothing away; while the
member is waited for, and once a case is resolved, the stopwatch stands, and after a reopening it goes on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from machines.snapshot import CaseContext

#: The states of a case in which it is ours to act.
TICKING = frozenset({"open", "in_progress"})
#: Shares of the usual time, by priority: what is urgent has a quarter of it.
SHARES: Mapping[str, float] = {"": 1.0, "low": 2.0, "high": 0.5, "urgent": 0.25}


@dataclass(frozen=True, slots=True)
class Targets:
    """Within which time a case of usual priority is to be answered and resolved. Seconds of its clock."""

    first_response: float = 4 * 3600.0
    resolution: float = 3 * 24 * 3600.0


@dataclass(frozen=True, slots=True)
class Clock:
    """One promise. `left` is negative by as much as it was broken."""

    left: float  #: seconds of the case's clock until it is due; when it was met, how much was left then
    due_at: float | None  #: None: it was met, or the clock stands
    met: bool

    @property
    def breached(self) -> bool:
        return self.left < 0.0


def elapsed(context: CaseContext, now: float) -> float:
    """Seconds that the clock of a case has run."""
    return context.ran + (max(0.0, now - context.runs_since) if context.runs_since else 0.0)


def started(context: CaseContext, now: float) -> CaseContext:
    """Unless it runs already."""
    return context if context.runs_since else replace(context, runs_since=now)


def stopped(context: CaseContext, now: float) -> CaseContext:
    """Unless it stands already."""
    return replace(context, ran=elapsed(context, now), runs_since=0.0) if context.runs_since else context


def answered(context: CaseContext, now: float) -> CaseContext:
    """A person turned to the member: the first one counts."""
    if context.responded:
        return context
    return replace(context, responded=True, responded_after=elapsed(context, now))


def first_response(context: CaseContext, now: float, targets: Targets) -> Clock:
    allowed = targets.first_response * SHARES[context.priority]
    if context.responded:
        return Clock(allowed - context.responded_after, None, met=True)
    return _running(context, now, allowed)


def resolution(context: CaseContext, now: float, targets: Targets, *, resolved: bool) -> Clock:
    """`resolved`: it is, or closed."""
    allowed = targets.resolution * SHARES[context.priority]
    if resolved:
        return Clock(allowed - elapsed(context, now), None, met=True)
    return _running(context, now, allowed)


def _running(context: CaseContext, now: float, allowed: float) -> Clock:
    left = allowed - elapsed(context, now)
    return Clock(left, now + left if context.runs_since else None, met=False)
