"""Retry policy: should it be tried again? And when?"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from machines.effects import Kind


@dataclass(frozen=True, slots=True)
class Policy:
    """Exponential backoff with jitter. A far side that names a time is believed, and that attempt not counted."""

    base: float = 0.5  #: seconds before the second attempt
    cap: float = 60.0  #: longest wait
    attempts: int = 40  #: with this cap about half an hour

    def delay(self, attempts: int, after: float | None, jitter: Callable[[], float]) -> float:
        """Seconds to wait after the `attempts`-th failure; `jitter` gives numbers in [0, 1)."""
        if after is not None:
            return max(after, 0.0)
        wait = min(self.cap, self.base * 2.0 ** min(attempts - 1, 16))
        return float(wait * (0.5 + 0.5 * jitter()))

    def gives_up(self, attempts: int) -> bool:
        return attempts >= self.attempts


#: An interaction's token lives for 15 minutes; a question is overdue long before its policy ends.
DEFAULT = Policy()
QUESTION = Policy(attempts=3)
#: A receiver of webhooks is somebody else's program, mended on somebody else's working days: it may be away from
#: Friday night to Monday night. About three days, a quarter of an hour apart at most.
PATIENT = Policy(base=1.0, cap=15 * 60.0, attempts=394)

_POLICIES: dict[str, Policy] = {Kind.ASK_CHATBOT: QUESTION, Kind.CASE_WEBHOOK: PATIENT}


def policy_of(kind: str) -> Policy:
    """How long an effect of this kind is tried."""
    return _POLICIES.get(kind, DEFAULT)
