"""The whole service and a receiver behind a socket, whatever it does to single posts."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.acceptance.conftest import bare
from tests.acceptance.playing import Stage, until
from tests.inprocess.crm import SECRET
from tests.webhooks.receiver import Mood, Receiver, receiving

__all__ = ["bare"]

MOODS = {
    "well": (),
    "cut after it was taken": (Mood(takes=True, cut=True),),
    "cut before": (Mood(cut=True),),
    "500": (Mood(500),),
    "500 after it was taken": (Mood(500, takes=True),),
    "moved": (Mood(301, {"Location": "http://127.0.0.1:1/"}),),
    "not yet there": (Mood(404),),
    "busy": (Mood(429, {"Retry-After": "1"}), Mood(503, {"Retry-After": "1"})),
    "no answer": (Mood(takes=True, hangs=True),),
}


@pytest.fixture
async def receiver(bare: Stage) -> AsyncIterator[Receiver]:
    async with receiving() as found:
        bare.receiver = found
        yield found
        await bare.stop()


@pytest.mark.parametrize("name", MOODS)
async def test_a_receiver_takes_every_change_once_and_in_order(
    bare: Stage,
    receiver: Receiver,
    name: str,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    if any(mood.hangs for mood in MOODS[name]):
        monkeypatch.setattr("orchestrator.webhooks.post.TIMEOUT_S", 1.0)
    caplog.set_level("DEBUG")
    receiver.moods = list(MOODS[name])
    await bare.start()
    mia = bare.member()
    task = await bare.handed_off(mia)
    await mia.write("canary of a member")
    await task.gets("canary of a member")
    await task.complete()
    await mia.hears("goodbye")
    await told(receiver, "case.opened", "case.agent_joined", "case.resolved")
    repeated = sum(mood.takes for mood in MOODS[name])
    assert len(receiver.crm.arrived) == 3 + repeated
    assert receiver.crm.unsigned == 0
    assert all(b"canary" not in body for _, body in receiver.posts)
    ours = [str(vars(record)) for record in caplog.records if record.name.startswith("orchestrator")]
    assert any("retry" in line for line in ours) or not MOODS[name]
    assert not any(SECRET in line or "canary" in line for line in ours)


async def told(receiver: Receiver, *types: str) -> None:
    async def look() -> bool:
        return len(receiver.crm.types()) >= len(types)

    await until("the CRM knows", look)
    assert receiver.crm.types() == list(types)
