"""Requests that stand at the desk that was in use before `DESK` was changed: nobody hears them there any more."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from machines.events import Address, Event, Source, Trigger
from orchestrator.clock import Clock
from orchestrator.desk.builtin import LINK
from storage.reads.desk import DeskReader
from storage.reads.rows import RequestRow

log = logging.getLogger(__name__)

#: Events in one transaction.
AT_ONCE = 100


async def give_up(
    reader: DeskReader, apply: Callable[[Sequence[Event], float], object], clock: Clock, *, flex: bool
) -> None:
    """Each of them has failed: its member is told, a talk is handed on, what was unsent is void. Before any is sent.

    `flex`: is that the desk in use? Doing it again finds nothing: what has failed is not live any more.
    """
    rows = await reader.live_with(LINK if flex else "conversation_sid")
    for start in range(0, len(rows), AT_ONCE):
        apply([_failed(row, clock) for row in rows[start : start + AT_ONCE]], clock.time())
    if rows:
        log.warning("requests at the other desk were given up", extra={"requests": len(rows)})


def _failed(row: RequestRow, clock: Clock) -> Event:
    to = Address(member=row.member, conversation=row.conversation, request=row.request)
    fact = f"moved:{row.conversation}:{row.request}"
    return Event(Source.OPERATOR, fact, Trigger.DESK_FAILED, clock.now(), to, {"reason": "another desk"})
