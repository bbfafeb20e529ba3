"""The gateway drops, asks to come back, forgets the session or goes away: nothing lost, nothing twice, in order."""

from __future__ import annotations

from typing import Any

import pytest

from tests.acceptance.playing import Stage, until


async def events(stage: Stage, name: str) -> int:
    return len([e for e in await stage.control.log() if e["to"] == "gateway" and e["method"] == name])


async def comes(stage: Stage, name: str, times: int, within: float = 12.0) -> None:
    """Wait until the sandbox has sent that gateway event so often."""

    async def look() -> bool:
        return await events(stage, name) >= times

    await until(f"{name} x{times}", look, within)


@pytest.mark.parametrize(
    "trouble",
    [{"drop": True}, {"reconnect": True}, {"invalid_session": "resumable"}],
    ids=["dropped", "asked to reconnect", "asked to resume"],
)
async def test_a_resumed_session_loses_and_repeats_nothing(stage: Stage, trouble: dict[str, Any]) -> None:
    mia = stage.member()
    task = await stage.handed_off(mia)
    await mia.write("one")
    await stage.control.post("/gateway", **trouble)
    await mia.write("two")
    await mia.write("three")
    await task.write("answer")
    await comes(stage, "RESUMED", 1)
    await mia.write("four")
    await task.gets("one", "two", "three", "four")
    await mia.gets("answer")


async def test_what_a_lost_session_never_told_is_read_up_before_what_comes_live(stage: Stage) -> None:
    mia = stage.member()
    task = await stage.handed_off(mia)
    await mia.write("one")
    await task.gets("one")
    await stage.control.post("/gateway", invalid_session=True)
    await mia.write("two")
    await mia.write("three")
    await task.write("answer")
    await mia.gets("answer")
    await comes(stage, "READY", 2)
    await mia.write("four")
    await task.gets("one", "two", "three", "four")


async def test_a_gateway_that_was_away_is_read_up(stage: Stage) -> None:
    mia = stage.member()
    task = await stage.handed_off(mia)
    await stage.control.post("/gateway", offline_s=0.5)
    await mia.write("one")
    await mia.write("two")
    await task.write("answer")
    await mia.gets("answer")
    await comes(stage, "READY", 2, within=20)
    await mia.write("three")
    await task.gets("one", "two", "three")


async def test_reading_up_that_fails_is_tried_again_and_nothing_is_lost(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orchestrator.engine.reconcile.AGAIN_S", 0.3)
    mia = stage.member()
    task = await stage.handed_off(mia)
    await stage.stop()
    await mia.write("one")
    await mia.write("two")
    await stage.control.fault("discord", "GET", "/messages", abort=True, times=4)
    await stage.serve()
    await task.gets("one", "two")
    await mia.write("three")
    await task.gets("one", "two", "three")


async def test_many_messages_missed_are_read_page_by_page(stage: Stage) -> None:
    mia = stage.member()
    task = await stage.handed_off(mia)
    await stage.stop()
    missed = [f"missed {n}" for n in range(130)]
    for text in missed:
        await mia.write(text)
    await stage.serve()
    await mia.write("live")
    await task.gets(*missed, "live", within=20)
