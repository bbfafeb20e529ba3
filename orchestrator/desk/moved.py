"""Requests that stand at the desk that was in use before `DESK` was changed: nobody hears them there any more."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence

from machines.events import Address, Event, Source, Trigger
from machines.table import Outcome
from orchestrator.clock import Clock
from storage.reads.rows import RequestRow
from storage.values import Receipt

log = logging.getLogger(__name__)

#: Events in one transaction.
AT_ONCE = 100


async def give_up(
    rows: Sequence[RequestRow],
    record: Callable[[Sequence[Event]], Awaitable[Sequence[Receipt]]],
    clock: Clock,
) -> None:
    """Each has failed: its member is told, a talk is handed on, what was unsent is void. Before anything is sent."""
    gone = 0
    for start in range(0, len(rows), AT_ONCE):
        receipts = await record([_failed(row, clock) for row in rows[start : start + AT_ONCE]])
        gone += sum(receipt.outcome in (Outcome.MOVED, Outcome.STAYED) for receipt in receipts)
    if gone:
        log.warning("requests at the other desk were given up", extra={"requests": gone})


def _failed(row: RequestRow, clock: Clock) -> Event:
    to = Address(member=row.member, conversation=row.conversation, request=row.request)
    fact = f"moved:{row.conversation}:{row.request}"
    return Event(Source.OPERATOR, fact, Trigger.DESK_FAILED, clock.now(), to, {"reason": "another desk"})
