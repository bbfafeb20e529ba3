"""The operator's requests about dead letters, seen to by whoever writes to the database."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

from sqlalchemy import Engine

from machines.events import Event
from machines.table import Outcome
from orchestrator.clock import Clock
from storage.letters import Answer, Answered, Request, Revived, answer, see_to
from storage.values import Receipt

log = logging.getLogger(__name__)

#: How often requests are looked for.
EVERY_S = 1.0


class Asked(Protocol):
    """As much of the reader as this needs."""

    async def requests(self) -> list[Request]: ...


@dataclass(frozen=True, slots=True)
class Operator:
    """Sees to requests. A letter that is tried again keeps its key, and is looked for before it is sent."""

    asked: Asked
    engine: Engine
    run: Callable[[Callable[[], Any]], Awaitable[Any]]  #: a small write in the writer thread
    submit: Callable[[Sequence[Event]], Awaitable[list[Receipt]]]
    clock: Clock
    revived: Callable[[Revived], None]  #: told of effects that are pending again; sync

    async def watch(self) -> None:
        """For as long as the service runs."""
        while True:
            await self.clock.sleep(EVERY_S)
            try:
                await self.see_to_all()
            except Exception as error:
                log.warning("requests not seen to", extra={"error": type(error).__name__})

    async def see_to_all(self) -> None:
        for request in await self.asked.requests():
            answered = await self.run(partial(see_to, self.engine, request, self.clock.time()))
            if isinstance(answered, Event):
                await self._step(request, answered)
            elif answered is not None and answered.revived:
                log.info("dead letter revived", extra={"key": request.letter})
                self.revived(answered.revived)

    async def _step(self, request: Request, event: Event) -> None:
        """A crash before the answer repeats this, and the ledger drops the second one."""
        (receipt,) = await self.submit([event])
        failed = receipt.outcome is Outcome.FAILED
        detail = f"it failed again: {receipt.reason}" if failed else str(receipt.outcome or "stepped")
        await self.run(partial(answer, self.engine, request, Answered(Answer.DONE, detail)))
