"""One crash point of every flow over real sockets: a real child process, the SDKs in it, and a real SIGKILL.

Each story brings the service to a call that is done while nobody knows yet, kills it there, starts its successor
and sees the story end as if nothing had happened.
"""

from __future__ import annotations

from contextlib import AsyncExitStack

import pytest

from orchestrator.setup.provision import provision
from tests.acceptance.conftest import bare
from tests.acceptance.playing import Member, Stage, Task, until
from tests.crash.flows import FLOWS
from tests.crash.strikes import CRASHES, TOLD, Crash
from tests.webhooks.receiver import Mood, receiving

__all__ = ["bare"]


@pytest.mark.parametrize("crash", CRASHES, ids=[crash.flow for crash in CRASHES])
async def test_a_kill_over_sockets_loses_and_doubles_nothing(bare: Stage, crash: Crash) -> None:
    async with AsyncExitStack() as stack:
        if crash.point == TOLD:
            bare.receiver = await stack.enter_async_context(receiving())
        await _killed_and_seen(bare, crash)


async def _killed_and_seen(bare: Stage, crash: Crash) -> None:
    bare.adjusted |= crash.settings
    bare.desk = crash.desk
    await provision(bare.settings(), lambda _line: None)
    await bare.spawn()
    mia = bare.member()
    task = await _begin(bare, mia, crash.start)
    await _strike(bare, crash)
    await crash.does(bare, mia, task)
    await _met(bare)
    await bare.kill()

    await bare.serve()
    await crash.sees(bare, mia, task)


def test_every_flow_is_killed_over_sockets_too() -> None:
    """What both do while the service is dead is `tests/acceptance/test_restart.py`."""
    while_dead = {name for name, flow in FLOWS.items() if flow.meanwhile}
    assert {crash.flow for crash in CRASHES} >= set(FLOWS) - while_dead


async def _begin(stage: Stage, mia: Member, start: str) -> Task | None:
    if start == "two talking":
        await stage.handed_off(stage.member("tom"), "ben")
        return await stage.handed_off(mia)
    if start == "two queued":
        await _begin(stage, stage.member("tom"), "queued")
        return await _begin(stage, mia, "queued")
    if start == "two greeted":
        await _begin(stage, stage.member("tom"), "greeted")
        return await _begin(stage, mia, "greeted")
    if start in ("queued", "talking", "ended"):
        task = await stage.handed_off(mia, None if start == "queued" else "ada")
        if start == "ended":
            await task.complete()
            await mia.hears("goodbye")
        return task
    if start == "greeted":
        await mia.helpme()
        await mia.hears("greeting")
    return None


async def _strike(stage: Stage, crash: Crash) -> None:
    """The next such call is carried out, and its answer lost."""
    if stage.receiver is not None:
        stage.receiver.moods = [Mood(takes=True, cut=True)]
        return
    service, method, path = crash.point
    await stage.control.fault(service, method, path, lose_reply=True)


async def _met(stage: Stage) -> None:
    """Wait until the call has been made, whose answer is lost."""

    async def look() -> bool:
        receiver = stage.receiver
        return not stage.sandbox.faults.planted and not (receiver is not None and receiver.moods)

    await until("the fault is met", look)
