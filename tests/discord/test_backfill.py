"""Reading up direct messages: page by page, from the watermark, never below what made the DM known."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from machines.events import Address, Event, Trigger
from orchestrator.clock import SystemClock
from orchestrator.discord.backfill import OVERLAP, DmBackfill
from storage.reads.rows import DmRow
from tests.discord.serving import NONCE, Served, serving


@pytest.fixture
async def served() -> AsyncIterator[Served]:
    async with serving() as found:
        yield found


class Reading:
    """A backfill over some DMs, and what it asked to be remembered."""

    def __init__(self, served: Served, *found: DmRow) -> None:
        self.marks: dict[str, str] = {}
        self.found = list(found)
        self.complete = True
        self.held: dict[str, dict[str, Any]] = {}  #: messages of the member that we hold, and how they came
        self._backfill = DmBackfill(served.rest, self, SystemClock(), self._mark)  # type: ignore[arg-type]

    async def dms(self, _active_since: float) -> list[DmRow]:
        return self.found

    async def standing(self, _member: str, _author: str) -> list[str]:
        return list(self.held)

    async def origins(self, _source: Any, ids: list[str]) -> dict[str, tuple[Address, dict[str, Any]]]:
        return {ref: (Address(), self.held[ref]) for ref in ids}

    async def _mark(self, marks: dict[str, str]) -> None:
        self.marks = marks

    async def __call__(self) -> tuple[Event, ...]:
        read = await self._backfill.read()
        self.complete = read.rest is None
        await read.remember()
        return read.events


def ids(events: tuple[Event, ...]) -> list[str]:
    return [event.id for event in events]


async def test_what_members_wrote_is_told_by_the_names_of_the_gateway(served: Served) -> None:
    written = [served.write(f"message {n}") for n in range(3)]
    await served.rest.send(served.channel, "of ours", nonce=NONCE)
    reading = Reading(served, DmRow(served.member, served.channel, None, None))
    assert ids(await reading()) == written
    assert reading.marks == {}


async def test_many_pages_are_read_and_the_watermark_stays_below_the_newest(served: Served) -> None:
    written = [served.write(f"message {n}") for n in range(230)]
    reading = Reading(served, DmRow(served.member, served.channel, None, None))
    assert ids(await reading()) == written
    position = reading.marks[f"dm:{served.channel}"]
    assert position == written[-OVERLAP - 1]

    again = Reading(served, DmRow(served.member, served.channel, None, position))
    assert ids(await again()) == written[-OVERLAP:]


async def test_nothing_is_read_below_what_made_the_dm_known(served: Served) -> None:
    written = [served.write(f"message {n}") for n in range(4)]
    reading = Reading(served, DmRow(served.member, served.channel, written[2], None))
    assert ids(await reading()) == written[2:]


async def test_an_edit_that_was_missed_is_told_with_its_message(served: Served) -> None:
    message = served.write("before")
    served.sandbox.discord.members.edit("mia", int(message), "after")
    created, edited = await Reading(served, DmRow(served.member, served.channel, None, None))()
    assert created.id == message
    assert edited.data["body"] == "after"


async def test_a_dm_that_was_never_recorded_is_found_again(served: Served) -> None:
    message = served.write("hello")
    assert ids(await Reading(served, DmRow(served.member, None, None, None))()) == [message]


async def test_one_dm_that_cannot_be_read_does_not_hide_the_others(served: Served) -> None:
    message = served.write("hello")
    gone = DmRow("1", "1234567890", None, None)
    reading = Reading(served, gone, DmRow(served.member, served.channel, None, None))
    assert ids(await reading()) == [message]
    assert reading.complete


async def test_a_reading_that_fails_is_not_complete(served: Served) -> None:
    message = served.write("hello")
    reading = Reading(served, DmRow(served.member, served.channel, None, None))
    served.fault("GET", "/messages", abort=True, times=2)
    assert await reading() == ()
    assert not reading.complete
    served.sandbox.faults.clear()
    assert ids(await reading()) == [message]


async def test_a_message_that_was_deleted_meanwhile_is_told(served: Served) -> None:
    kept, gone, later = (served.write(text) for text in ("kept", "gone", "later"))
    served.sandbox.discord.members.delete("mia", int(gone))
    reading = Reading(served, DmRow(served.member, served.channel, kept, None))
    reading.held = {ref: {"channel": served.channel} for ref in (kept, gone, later)}
    *_, told = await reading()
    assert (told.trigger, told.id) == (Trigger.MEMBER_DELETED, f"{gone}:delete")
    assert len(reading.found) == 1


async def test_only_what_was_read_can_be_missed_and_a_command_stands_nowhere(served: Served) -> None:
    before, first = served.write("before"), served.write("first")
    served.sandbox.discord.members.delete("mia", int(before))
    reading = Reading(served, DmRow(served.member, served.channel, first, None))
    reading.held = {
        before: {"channel": served.channel},
        str(int(first) + 1): {"interaction": {"id": "1"}},
    }
    assert ids(await reading()) == [first]
