"""Webhooks in process: in order within a lane, one attempt each, and held, reordered, doubled or lost on demand."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from orchestrator.inprocess.line import LOST_ANSWER, LOST_REQUEST, Fate, Line, NoAnswer
from orchestrator.inprocess.webhooks import InProcessWebhooks
from orchestrator.sandbox.twilio.webhook import Webhook


@dataclass
class Receiver:
    """Takes a moment for each; notes the order of beginnings and ends."""

    fate: Fate | None = None
    away: bool = False
    waiting: list[Webhook] = field(default_factory=list)
    taken: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.webhooks = InProcessWebhooks(self._drain, self._take, Line("webhook", lambda *_: self.fate))

    def cause(self, name: str, lane: str = "CH1") -> None:
        at = datetime(2026, 3, 2, tzinfo=UTC)
        url = "https://help.example.org/webhooks/twilio/conversations?c=c1&r=2"
        self.waiting.append(Webhook(url, [("Name", name)], "conversations", at, lane, "t"))

    async def hears(self) -> list[str]:
        for _ in range(20):
            await asyncio.sleep(0)
        return self.taken

    def _drain(self) -> list[Webhook]:
        waiting, self.waiting = self.waiting, []
        return waiting

    async def _take(self, path: str, fields: Mapping[str, str], query: Mapping[str, str]) -> int:
        if self.away:
            raise NoAnswer
        assert (path, dict(query)) == ("/webhooks/twilio/conversations", {"c": "c1", "r": "2"})
        self.taken.append(f"{fields['Name']} begins")
        await asyncio.sleep(0)
        self.taken.append(f"{fields['Name']} ends")
        return 204


async def test_a_lane_is_told_in_order_and_another_one_beside_it() -> None:
    receiver = Receiver()
    receiver.cause("a")
    receiver.cause("b")
    receiver.cause("c", lane="CH2")
    receiver.webhooks.news()
    taken = await receiver.hears()
    assert taken.index("a ends") < taken.index("b begins")
    assert taken.index("c begins") < taken.index("a ends")
    assert len(taken) == 6


async def test_what_is_held_is_sent_in_the_order_in_which_it_is_let_go() -> None:
    receiver = Receiver()
    receiver.webhooks.holding = True
    receiver.cause("a")
    receiver.cause("b")
    receiver.webhooks.news()
    assert await receiver.hears() == []
    receiver.webhooks.held.reverse()
    receiver.webhooks.held.append(receiver.webhooks.held[0])
    receiver.webhooks.release()
    assert [line for line in await receiver.hears() if "begins" in line] == [
        "b begins",
        "a begins",
        "b begins",
    ]


async def test_a_lost_request_never_arrives_and_a_lost_answer_has_been_taken() -> None:
    for fate, arrives in ((LOST_REQUEST, 0), (LOST_ANSWER, 2)):
        receiver = Receiver(fate)
        receiver.cause("a")
        (webhook,) = receiver._drain()
        assert await receiver.webhooks.deliver(webhook) is None
        assert len(receiver.taken) == arrives


async def test_while_nobody_listens_a_webhook_is_lost_and_the_next_one_arrives() -> None:
    receiver = Receiver(away=True)
    receiver.cause("a")
    receiver.webhooks.news()
    await receiver.hears()
    receiver.away = False
    receiver.cause("b")
    receiver.webhooks.news()
    assert await receiver.hears() == ["b begins", "b ends"]


def test_what_a_loop_left_behind_is_sent_in_the_next_one() -> None:
    """A crash of the service ends the loop, not Twilio."""
    receiver = Receiver()

    async def crash() -> None:
        receiver.cause("cut off")
        receiver.cause("b")
        receiver.webhooks.news()

    async def afterwards() -> None:
        receiver.webhooks.news()
        assert await receiver.hears() == ["cut off begins", "b begins", "b ends"]

    asyncio.run(crash())
    assert receiver.taken == ["cut off begins"]
    asyncio.run(afterwards())
