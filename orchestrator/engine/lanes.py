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
    recalled: bool = False  #: that effect became void meanwhile: it is not tried again
    behind: bool = False  #: effects came that a read under way may have missed
    gone: set[str] = field(default_factory=set)  #: what became void while the table was being read
    reading: bool = False

    def add(self, effect: Pending) -> None:
        if self.cold or self.more:
            self.behind = True  # the table has it, and it is read in order
        elif len(self.queue) >= AT_MOST:
            self.more = True
        elif not self.holds(effect.key):  # a read may have been faster than the word of the commit
            self.queue.append(effect)

    def drop(self, keys: set[str]) -> None:
        """Forget effects that became void; one that is in flight cannot be called back."""
        if any(effect.key in keys for effect in self.queue):
            self.queue = deque(effect for effect in self.queue if effect.key not in keys)
        if self.flying in keys:
            self.recalled = True
        if self.reading:
            self.gone |= keys

    def chill(self) -> None:
        """What is pending is not known any more; a read under way may have looked too early."""
        self.cold = self.behind = True

    def begin_reading(self) -> None:
        self.reading, self.behind, self.gone = True, False, set()

    def refill(self, effects: list[Pending]) -> None:
        """Take what was read, but for what became void since; what came since is read next time."""
        self.queue = deque(effect for effect in effects if effect.key not in self.gone)
        self.more = self.behind or len(effects) >= AT_MOST
        self.cold = self.reading = False

    def holds(self, key: str) -> bool:
        return self.flying == key or any(effect.key == key for effect in self.queue)

    @property
    def idle(self) -> bool:
        return not self.queue and not self.cold and not self.more
