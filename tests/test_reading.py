"""Reading one provider up: several channels beside each other, none begun once it is in trouble."""

from __future__ import annotations

import asyncio

import pytest

from orchestrator.errors import Reject, Retry
from orchestrator.reading import AT_ONCE, PATIENCE_S, SHORT_S, Reading
from tests.engine.clock import ManualClock, settle


class Far:
    """A provider whose channels each take their time, or fail."""

    def __init__(self, takes: float = 1.0, **trouble: Exception) -> None:
        self.clock = ManualClock()
        self.takes = takes
        self.trouble = trouble  #: by channel
        self.begun: list[str] = []
        self.now = self.most = 0
        self.reading = Reading(self.clock)

    async def read(self, channel: str) -> str:
        self.begun.append(channel)
        self.now += 1
        self.most = max(self.most, self.now)
        try:
            await self.clock.sleep(self.takes)
        finally:
            self.now -= 1
        if channel in self.trouble:
            raise self.trouble[channel]
        return channel.upper()

    async def every(self, *channels: str) -> tuple[list[str], list[str]]:
        """A round, however long it takes."""
        round_ = asyncio.create_task(self.reading.every(channels, self.read))
        await self.clock.advance(100)
        return round_.result()


CHANNELS = [f"c{n:02}" for n in range(20)]


async def test_channels_are_read_beside_each_other_but_not_all_at_once() -> None:
    far = Far()
    told, left = await far.every(*CHANNELS)
    assert (sorted(told), left) == ([name.upper() for name in CHANNELS], [])
    assert far.most == AT_ONCE


async def test_what_was_told_stands_in_the_order_of_the_channels_whoever_answers_first() -> None:
    far = Far()
    slow = asyncio.create_task(far.reading.every(["a", "b", "c"], lambda channel: wait(far, channel)))
    await far.clock.advance(10)
    assert slow.result() == (["a", "b", "c"], [])
    assert far.begun == ["c", "b", "a"]


async def wait(far: Far, channel: str) -> str:
    await far.clock.sleep({"a": 3, "b": 2, "c": 1}[channel])
    far.begun.append(channel)
    return channel


@pytest.mark.parametrize("trouble", [Retry("busy"), RuntimeError("a bug")], ids=repr)
async def test_after_the_first_failure_none_is_begun_and_what_was_read_counts(trouble: Exception) -> None:
    far = Far(c00=trouble)
    told, left = await far.every(*CHANNELS)
    assert far.begun == CHANNELS[:AT_ONCE]
    assert told == [name.upper() for name in CHANNELS[1:AT_ONCE]]
    assert left == [*CHANNELS[AT_ONCE:], "c00"]


async def test_one_that_always_fails_keeps_no_other_from_being_read() -> None:
    far = Far(c00=Retry("busy"), c09=Retry("busy"))
    told: list[str] = []
    left = CHANNELS
    for _ in range(3):
        more, left = await far.every(*left)
        told += more
    assert sorted(told) == [name.upper() for name in CHANNELS if name not in ("c00", "c09")]
    assert sorted(left) == ["c00", "c09"]


async def test_one_that_is_refused_is_not_left_and_stops_nobody() -> None:
    far = Far(c03=Reject("gone"))
    told, left = await far.every(*CHANNELS)
    assert (len(told), left) == (len(CHANNELS) - 1, [])


async def test_a_provider_that_is_slow_is_put_off_when_patience_ends() -> None:
    far = Far(takes=PATIENCE_S / 2)
    told, left = await far.every(*CHANNELS)
    assert far.begun == CHANNELS[: 2 * AT_ONCE]
    assert (len(told), left) == (2 * AT_ONCE, CHANNELS[2 * AT_ONCE :])


# --- asked to be left alone


async def test_a_short_pause_that_was_asked_for_is_waited_for() -> None:
    far = Far(a=Retry("busy", after=SHORT_S - 1))
    first = asyncio.create_task(far.reading.every(["a"], far.read))
    await far.clock.advance(1)
    assert first.result() == ([], ["a"])
    again = asyncio.create_task(far.reading.every(["b"], far.read))
    await far.clock.advance(SHORT_S - 2)
    assert far.begun == ["a"]
    await far.clock.advance(3)
    assert again.result() == (["B"], [])


async def test_a_long_pause_that_was_asked_for_puts_the_reads_off_without_a_call() -> None:
    far = Far(a=Retry("busy", after=60))
    first = asyncio.create_task(far.reading.every(["a"], far.read))
    await far.clock.advance(1)
    assert first.result() == ([], ["a"])
    assert await far.reading.every(["b", "c"], far.read) == ([], ["c", "b"])
    with pytest.raises(Retry) as put_off:
        async with far.reading.one():
            raise AssertionError("had its turn")
    assert put_off.value.after == pytest.approx(60)
    assert far.begun == ["a"]
    await far.clock.advance(60)
    assert await far.every("b") == (["B"], [])


# --- cancelled


async def test_a_round_that_is_cancelled_leaves_nothing_running_and_every_turn_free() -> None:
    far = Far()
    round_ = asyncio.create_task(far.reading.every(CHANNELS, far.read))
    await far.clock.advance(0.5)
    round_.cancel()
    await asyncio.gather(round_, return_exceptions=True)
    assert (round_.cancelled(), far.now) == (True, 0)
    far.begun.clear()
    assert len((await far.every(*CHANNELS))[0]) == len(CHANNELS)
    assert far.most == AT_ONCE


async def test_a_single_read_waits_for_one_turn_and_not_for_the_whole_round() -> None:
    far = Far()
    round_ = asyncio.create_task(far.reading.every(CHANNELS, far.read))
    await settle()

    async def alone() -> str:
        async with far.reading.one():
            return await far.read("alone")

    one = asyncio.create_task(alone())
    await far.clock.advance(2.5)
    assert one.done()
    assert not round_.done()
    await far.clock.advance(10)
    assert round_.done()
