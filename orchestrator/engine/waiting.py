"""Waiting for something to happen, but no longer than a time by the one clock."""

from __future__ import annotations

import asyncio

from orchestrator.clock import Clock


async def wait(event: asyncio.Event, seconds: float, clock: Clock) -> None:
    """Return once the event is set or the time has passed, whichever is first."""
    if event.is_set():
        return
    either = (asyncio.ensure_future(event.wait()), asyncio.ensure_future(clock.sleep(seconds)))
    try:
        await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in either:
            task.cancel()
