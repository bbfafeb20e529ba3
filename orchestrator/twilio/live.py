"""Live webhooks of Twilio Conversations: one conversation's go in by Index, after whatever was missed before.

Twilio sends webhooks beside each other and repeats none that failed, so the later of two may be the only one
that arrives, or the first.
"""

from __future__ import annotations

import asyncio
import logging
import math
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

from machines.events import Event, Trigger
from orchestrator.errors import Reject, Retry, Unavailable
from orchestrator.ports import Read
from storage.values import Receipt

log = logging.getLogger(__name__)

#: Conversations that are remembered at most; one that is forgotten is read once more.
REMEMBERED = 10_000


@dataclass(slots=True)
class _Position:
    """Where one Twilio Conversation stands."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    upto: int = -1  #: every Index up to it is accounted for
    beyond: set[int] = field(default_factory=set)  #: others that are
    heard: int = 0  #: live webhooks that were taken


@dataclass(slots=True)
class Positions:
    """Which messages of each Twilio Conversation are accounted for, by Index. Kept in memory only."""

    _of: dict[str, _Position] = field(default_factory=dict)

    def of(self, sid: str) -> _Position:
        if sid not in self._of:
            if len(self._of) >= REMEMBERED:
                idle = next((s for s, p in self._of.items() if not p.lock.locked()), sid)
                self._of.pop(idle, None)
            self._of[sid] = _Position()
        return self._of[sid]

    def account(self, sid: str, index: int) -> None:
        """A message is known: it was told and stored, or we posted it ourselves."""
        position = self.of(sid)
        if index > position.upto:
            position.beyond.add(index)
            self._close_up(position)

    def read(self, sid: str, top: int) -> None:
        """Everything up to this Index was read and stored."""
        position = self.of(sid)
        if top > position.upto:
            position.upto = top
            position.beyond = {index for index in position.beyond if index > top}
            self._close_up(position)

    def missing_before(self, sid: str, index: int) -> bool:
        position = self.of(sid)
        return index > position.upto + 1

    def forget(self, sid: str) -> None:
        if sid in self._of and not self._of[sid].lock.locked():
            del self._of[sid]

    @staticmethod
    def _close_up(position: _Position) -> None:
        while position.upto + 1 in position.beyond:
            position.upto += 1
            position.beyond.discard(position.upto)


@dataclass(slots=True)
class Live:
    """Takes webhooks as events. Serial per conversation; a gap in Index is read up before what stands behind it."""

    submit: Callable[[Sequence[Event]], Awaitable[list[Receipt]]]
    read: Callable[[str], Awaitable[Read]]  #: one Twilio Conversation, by its sid
    positions: Positions

    async def take(self, events: Sequence[Event]) -> list[Receipt]:
        """Returns when they are committed.

        Raises `Unavailable` where nothing was stored, also if something stands before them that cannot be read
        now: reading up tells all of it in its order.
        """
        sid = next((e.to.link[1] for e in events if e.to.link and e.to.link[0] == "conversation_sid"), None)
        if sid is None:
            return await self.submit(events)
        position = self.positions.of(sid)
        async with position.lock:
            if not any(self._overtook(sid, event) for event in events):
                return await self._commit(sid, events)
            try:
                read = await self.read(sid)
            except (Retry, Reject) as error:
                raise Unavailable(f"what was missed cannot be read: {error}") from error
            log.info("missed messages read", extra={"events": len(read.events)})
            receipts = await self._commit(sid, _in_order(read.events, events))
            await read.remember()
            return receipts

    def _overtook(self, sid: str, event: Event) -> bool:
        index = event.data.get("index")
        return (
            event.trigger is Trigger.AGENT_MESSAGE
            and isinstance(index, int)
            and self.positions.missing_before(sid, index)
        )

    async def _commit(self, sid: str, events: Sequence[Event]) -> list[Receipt]:
        self.positions.of(sid).heard += 1
        receipts = await self.submit(events)
        for event in events:
            if event.trigger is Trigger.AGENT_MESSAGE and isinstance(event.data.get("index"), int):
                self.positions.account(sid, event.data["index"])
        return receipts


def _in_order(read: Sequence[Event], live: Sequence[Event]) -> list[Event]:
    """Both together, each fact once: by the provider's clock, and within a second of it by Index."""
    known = {(event.source, event.id) for event in read}
    new = [event for event in live if (event.source, event.id) not in known]
    return sorted((*read, *new), key=_place)


def _place(event: Event) -> Any:
    index = event.data.get("index")
    return event.at, index if isinstance(index, int) else math.inf
