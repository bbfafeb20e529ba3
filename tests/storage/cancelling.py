"""Cancelling what waits, at a chosen one of its awaits."""

from __future__ import annotations

import asyncio
import types
from collections.abc import Coroutine, Generator
from typing import Any


@types.coroutine
def cancelled_at(n: int, flow: Coroutine[Any, Any, Any]) -> Generator[Any, Any, Any]:
    """The flow; its task is cancelled while it waits for the n-th time."""
    waits, send, value = 0, flow.send, None
    while True:
        try:
            waited_for = send(value)
        except StopIteration as end:
            return end.value
        waits += 1
        if waits == n:
            task = asyncio.current_task()
            assert task is not None
            task.cancel()
        try:
            value, send = (yield waited_for), flow.send
        except BaseException as error:
            value, send = error, flow.throw
