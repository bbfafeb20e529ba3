"""An answer that trickles: whoever waits for each byte, and not for the whole, waits for a long time."""

from __future__ import annotations

import asyncio
import contextlib

from aiohttp import web

#: Pieces in which a body arrives.
PIECES = 10


async def dripping(request: web.Request, answer: web.Response, seconds: float) -> web.StreamResponse:
    """Send the body of an answer piece by piece, over so long; one without a body comes as late as its last byte."""
    body = answer.body
    if not seconds:
        return answer
    if not isinstance(body, bytes):
        await asyncio.sleep(seconds)
        return answer
    slow = web.StreamResponse(status=answer.status, headers=answer.headers)
    slow.content_length = len(body)
    size = -(-len(body) // PIECES)
    with contextlib.suppress(ConnectionResetError):  # who asked has given up
        await slow.prepare(request)
        for begin in range(0, len(body), size):
            await slow.write(body[begin : begin + size])
            await asyncio.sleep(seconds / PIECES)
        await slow.write_eof()
    return slow
