"""What the service knows of itself: can it work, and whom can it reach? The facts behind `/healthz` and `/readyz`."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from orchestrator.clock import Clock

log = logging.getLogger(__name__)

#: How often a provider that does not answer is asked anew, where nothing else asks it. Seconds.
LOOK_S = 30.0


@dataclass(slots=True)
class Reach:
    """Whether one provider answers, as its last call told. Nobody has asked yet: taken as yes."""

    name: str
    clock: Clock
    _away_since: float | None = None  # by the monotonic clock

    def told(self, answered: bool) -> None:
        """Sync and loop-safe: called after every call, with whether the provider served it."""
        if answered and self._away_since is not None:
            log.info("a provider answers again", extra={"text": self.name})
            self._away_since = None
        elif not answered and self._away_since is None:
            log.warning("a provider does not answer", extra={"text": self.name})
            self._away_since = self.clock.monotonic()

    @property
    def away_s(self) -> float | None:
        """For how long it has not answered, seconds; None: it answers."""
        return None if self._away_since is None else self.clock.monotonic() - self._away_since


class Reads(Protocol):
    """As much of the reader as readiness asks."""

    async def alive(self) -> None: ...
    async def oldest_effect(self) -> float | None: ...
    async def count_letters(self) -> int: ...


@dataclass(frozen=True, slots=True)
class Health:
    """Facts for whoever watches. Neither answer calls a provider."""

    reader: Reads
    clock: Clock
    discord: Reach  #: its REST API
    desk: Reach | None  #: the provider of the desk; None: the built-in one has none
    connected: Callable[[], bool]  #: to Discord's gateway
    read_up: Callable[[], bool]  #: both sides, once
    busy_lanes: Callable[[], int]

    def alive(self) -> Mapping[str, Any]:
        """Known without I/O."""
        return {
            "gateway": self.connected(),
            "busy_lanes": self.busy_lanes(),
            "tasks": len(asyncio.all_tasks()),
        }

    async def ready(self) -> tuple[bool, Mapping[str, Any]]:
        """Can work be done, and the facts.

        A provider that does not answer makes it `degraded`, not unready: members can still ask the bot, and what
        is meant for the provider waits for it. So do dead letters: somebody has to look at them.
        """
        try:
            await self.reader.alive()
            oldest, letters = await self.reader.oldest_effect(), await self.reader.count_letters()
            database = True
        except Exception:
            database, oldest, letters = False, None, 0
        age = max(0.0, self.clock.time() - oldest) if oldest is not None else 0.0
        away = {reach.name: reach.away_s for reach in (self.discord, self.desk) if reach}
        facts = {
            "database": database,
            "gateway": self.connected(),
            "read_up": self.read_up(),
            **{name: seconds is None for name, seconds in away.items()},
            **{f"{name}_away_s": round(seconds or 0.0, 1) for name, seconds in away.items()},
            "oldest_effect_s": round(age, 1),
            "degraded": letters > 0 or any(seconds is not None for seconds in away.values()),
            "dead_letters": letters,
        }
        return database and self.connected() and self.read_up(), facts


async def watch(clock: Clock, *asked: tuple[Reach, Callable[[], Awaitable[None]]]) -> None:
    """Ask providers that do not answer, for ever: else one that nobody needs would never be heard to be back."""
    while True:
        await clock.sleep(LOOK_S)
        for reach, ping in asked:
            if reach.away_s is not None:
                try:
                    await ping()
                except Exception as error:
                    log.debug("still away", extra={"error": type(error).__name__})
