"""Is the process alive, and can it do its work? Two questions, because they have two remedies."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from aiohttp import web

from orchestrator.errors import Unavailable
from web.services import SERVICES, Services

#: Seconds after which a check that has not answered counts as failed.
READY_SECONDS = 2.0


async def healthz(request: web.Request) -> web.Response:
    """200 as long as the loop turns. No I/O: a slow database must not get the process restarted."""
    return web.json_response({"status": "ok", **request.app[SERVICES].health()})


async def readyz(request: web.Request) -> web.Response:
    """200 when work can be done, else 503, with the facts either way.

    Dead letters and a provider that does not answer make it `degraded`, not unready: somebody has to look, and
    work goes on.
    """
    ready, facts = await readiness(request.app[SERVICES])
    return web.json_response({"ready": ready, **facts}, status=200 if ready else 503)


async def readiness(services: Services) -> tuple[bool, Mapping[str, Any]]:
    """Can work be done, and the facts; soon, whatever the database does."""
    try:
        async with asyncio.timeout(READY_SECONDS):
            return await services.ready()
    except (TimeoutError, Unavailable) as error:
        return False, {"detail": str(error) or f"no answer within {READY_SECONDS:g} s"}
