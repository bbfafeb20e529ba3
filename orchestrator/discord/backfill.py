"""Reading up direct messages: what members wrote while nobody listened."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial

from machines.events import Event, Source
from orchestrator.clock import Clock
from orchestrator.discord.events import deleted, said
from orchestrator.discord.live import Positions
from orchestrator.ports import Discord, Read
from orchestrator.reading import Reading
from storage.reads.reader import Reader
from storage.reads.rows import DmRow

#: Members who wrote within this time are read first and always. Seconds.
ACTIVE_S = 7 * 24 * 3600.0
#: A read starts this many messages below the highest that is known; the ledger drops what it knows.
OVERLAP = 50
PAGE = 100

Mark = Callable[[dict[str, str]], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class _Found:
    """What reading one DM has found."""

    member: str
    events: list[Event]
    marks: dict[str, str]  #: up to where it need not be read again


class DmBackfill:
    """Reads every DM with a recent conversation, from its watermark, never below what made it known."""

    def __init__(
        self, discord: Discord, reader: Reader, clock: Clock, mark: Mark, positions: Positions | None = None
    ) -> None:
        self.discord = discord
        self.reader = reader
        self.clock = clock
        self.mark = mark
        self.positions = positions or Positions()
        self.reading = Reading(clock)

    async def read(self) -> Read:
        """The DMs that were active lately, newest first."""
        return await self._read(await self.reader.dms(self.clock.time() - ACTIVE_S))

    async def quiet(self) -> AsyncIterator[Read]:
        """The others, newest first, one at a time: whoever asks sets the pace."""
        for dm in await self.reader.quiet_dms(self.clock.time() - ACTIVE_S):
            yield await self._read([dm])

    async def read_one(self, member: str) -> Read:
        """One member's, at once; nothing if they never wrote. Raises what the port raises."""
        session = self.positions.session
        dm = await self.reader.dm(member)
        if dm is None:
            return self._told_of([], session)
        async with self.reading.one():
            return self._told_of([await self._read_one(dm)], session)

    async def _read(self, dms: Sequence[DmRow]) -> Read:
        session = self.positions.session
        found, left = await self.reading.every(dms, self._read_one)
        return self._told_of(found, session, left)

    def _told_of(self, found: Sequence[_Found], session: int, left: Sequence[DmRow] = ()) -> Read:
        async def remember() -> None:
            for one in found:
                self.positions.read(one.member, session)
            if marks := {mark: position for one in found for mark, position in one.marks.items()}:
                await self.mark(marks)

        events = tuple(event for one in found for event in one.events)
        return Read(events, remember, partial(self._read, left) if left else None)

    async def _read_one(self, dm: DmRow) -> _Found:
        known = await self.reader.standing(dm.member, "member")
        channel = dm.channel or await self.discord.open_dm(dm.member)
        floor = str(max(0, int(dm.known_since) - 1)) if dm.known_since else "0"
        position = start = dm.watermark or floor
        events: list[Event] = []
        ids: list[str] = []
        while True:
            page = await self.discord.history(channel, after=position, limit=PAGE)
            for message in page:
                ids.append(message.id)
                if message.content and message.author == dm.member:
                    events += said(message)
            if len(page) < PAGE:
                break
            position = page[-1].id
        events += await self._deleted(known, start, set(ids))
        marks = {f"dm:{channel}": ids[-OVERLAP - 1]} if len(ids) > OVERLAP else {}
        return _Found(dm.member, events, marks)

    async def _deleted(self, known: Sequence[str], start: str, there: set[str]) -> list[Event]:
        """The member's messages that we hold, that lie in what was read, and that are not there any more.

        A question that came with a command bears the command's id and stands in no channel.
        """
        missing = [ref for ref in known if ref not in there and int(ref) > int(start)]
        if not missing or not there:
            return []  # nothing at all is more likely a bad answer than a direct message that was emptied
        told = await self.reader.origins(Source.DISCORD, missing)
        at = self.clock.now()
        return [deleted(ref, at) for ref, (_, data) in told.items() if data.get("channel")]
