"""What the service holds while it works, sampled, and whether that is flat."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median

from tests.bench.service import Service

#: The last quarter of a run may hold so much more than the second, a share. In a full hour 90,000 messages and 900
#: conversations lie between the two, in a service of some 160 MB: 5 % are 88 bytes a message, less than the key of
#: one in a set that nobody clears, or 9 kB a conversation. Caches that are bounded by a number still fill
#: meanwhile: 20,000 links, some four a conversation, and the cases that are not closed yet.
AT_MOST_MORE = 0.05
#: So many more descriptors and tasks are no leak: a slow moment opens connections that are kept afterwards, up to a
#: hundred for each of Discord, Twilio and its webhooks, and every one of the last has a task. One for each
#: conversation that has ended would be 900.
AT_MOST_MORE_OPEN = 300


@dataclass(frozen=True, slots=True)
class Vitals:
    """One sample."""

    at: float  #: seconds since the members began to come
    resident_mb: float
    descriptors: int  #: files and sockets
    tasks: int  #: of its event loop

    def __str__(self) -> str:
        return f"{self.resident_mb:.1f} MB, {self.descriptors} descriptors, {self.tasks} tasks"


async def look(service: Service, at: float) -> Vitals:
    health = await service.health()
    return Vitals(at, service.resident_mb(), service.descriptors(), int(health.get("tasks", 0)))


def growth(samples: Sequence[Vitals]) -> Iterator[str]:
    """What is not flat, in words: medians of the last quarter against the second. The first only warms up."""
    before, after = _quarter(samples, 1), _quarter(samples, 3)
    if not before or not after:
        yield f"too few samples to say anything: {len(samples)}"
        return
    if after.resident_mb > before.resident_mb * (1 + AT_MOST_MORE):
        yield f"memory grew from {before.resident_mb:.1f} to {after.resident_mb:.1f} MB"
    if after.descriptors > before.descriptors + AT_MOST_MORE_OPEN:
        yield f"open descriptors grew from {before.descriptors} to {after.descriptors}"
    if after.tasks > before.tasks + AT_MOST_MORE_OPEN:
        yield f"tasks grew from {before.tasks} to {after.tasks}"


def _quarter(samples: Sequence[Vitals], number: int) -> Vitals | None:
    """The median of the quarter with that number, 0 to 3; None where it has no samples."""
    some = samples[len(samples) * number // 4 : len(samples) * (number + 1) // 4]
    if not some:
        return None
    return Vitals(
        at=some[0].at,
        resident_mb=median(one.resident_mb for one in some),
        descriptors=int(median(one.descriptors for one in some)),
        tasks=int(median(one.tasks for one in some)),
    )
