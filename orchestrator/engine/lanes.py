"""A lane: the effects for one destination address, in order, one in flight."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from storage.values import Pending

#: Effects of one lane that are held in memory; the rest stays in the table.
AT_MOST = 20


@dataclass(slots=True)
class Lane:
    """Warm: every pending effect of this address is in `queue`. Cold: the table must be read first."""

    name: str
    queue: deque[Pending] = field(default_factory=deque)
    cold: bool = False  #: what is pending is not known here
    in_doubt: bool = False  #: the first effect read from the table may have been sent by somebody before
    more: bool = False  #: the table holds effects that did not fit
    flying: str | None = None  #: key of the effect that is being carried out

    def add(self, effect: Pending) -> None:
        if self.cold or self.more:
            return  # the table has it, and it is read in order
        if len(self.queue) >= AT_MOST:
            self.more = True
            return
        self.queue.append(effect)

    def drop(self, keys: set[str]) -> None:
        """Forget effects that became void; one that is in flight cannot be called back."""
        if any(effect.key in keys for effect in self.queue):
            self.queue = deque(effect for effect in self.queue if effect.key not in keys)

    def refill(self, effects: list[Pending]) -> None:
        self.queue = deque(effects)
        self.cold = False
        self.more = len(effects) >= AT_MOST

    @property
    def idle(self) -> bool:
        return not self.queue and not self.cold and not self.more
