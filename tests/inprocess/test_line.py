"""The line: which crash points a call passes, what a fate does to it, and who may go first."""

from __future__ import annotations

import pytest

from orchestrator.inprocess import discord, twilio
from orchestrator.inprocess.line import LOST_ANSWER, LOST_REQUEST, Fate, Line, NoAnswer, failing, limited
from orchestrator.sandbox.wire import Answer


class Far:
    """A far side that notes whether it did the work."""

    def __init__(self, fate: Fate | None = None) -> None:
        self.told: list[str] = []
        self.line = Line("discord", lambda *_: fate, self.told.append, self._pause)

    async def _pause(self) -> None:
        self.told.append("pause")

    async def work(self) -> Answer:
        self.told.append("work")
        return Answer(200, {"id": "1"})

    async def call(self) -> Answer:
        return await self.line.carry("send", "POST", "/messages", self.work)


async def test_a_call_passes_its_points_around_the_work_and_lets_others_go_first() -> None:
    far = Far()
    assert (await far.call()).body == {"id": "1"}
    assert far.told == ["pause", "discord.send:before", "work", "discord.send:after", "pause"]


@pytest.mark.parametrize(
    ("fate", "done", "status"),
    [
        (LOST_REQUEST, False, None),
        (LOST_ANSWER, True, None),
        (failing(500), False, 500),
        (failing(500, done=True), True, 500),
        (limited(2), False, 429),
    ],
)
async def test_a_fate_says_whether_the_work_is_done_and_what_comes_back(
    fate: Fate, done: bool, status: int | None
) -> None:
    far = Far(fate)
    if status is None:
        with pytest.raises(NoAnswer):
            await far.call()
    else:
        assert (await far.call()).status == status
    assert ("work" in far.told) is done
    assert "discord.send:after" in far.told


def test_every_call_that_has_crash_points_is_listed() -> None:
    """The names of the ports' methods, so that no list has to be kept in mind."""
    for port, calls in (
        (discord.InProcessDiscord, discord.CALLS),
        (twilio.InProcessTwilio, twilio.CALLS),
    ):
        methods = {name for name in vars(port) if not name.startswith("_")} - {"logout"}
        assert set(calls) == methods
