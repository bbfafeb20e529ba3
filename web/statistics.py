"""`/stats` in JSON and `/metrics` for Prometheus: figures behind a token of their own, until people sign in."""

from __future__ import annotations

import re

from aiohttp import web
from aiohttp.typedefs import Middleware

from orchestrator.readable import readable
from storage.reads.figures import DEFAULT_DAYS, MOST_DAYS, Statistics
from web import exposition
from web.answers import Handler, Refused
from web.bearer import check_token
from web.health import readiness
from web.metrics import families
from web.services import SERVICES, Figures, Services

STATS, METRICS = "/stats", "/metrics"

_DIGITS = re.compile(r"[0-9]{1,4}")


def guard(services: Services) -> Middleware:
    """The middleware before both: 404 where no token is set, 401 without it."""

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path in (STATS, METRICS):
            if services.figures is None or not services.metrics_token:
                raise Refused(404, "not_found", "Not Found")
            check_token(request, services.metrics_token, "metrics")
        return await handler(request)

    return check


async def stats(request: web.Request) -> web.Response:
    """The figures of the last `?days=` in JSON."""
    found = await _statistics(request, _days(request))
    return web.json_response(found.as_json())


async def metrics(request: web.Request) -> web.Response:
    """What `/readyz` knows, what is still to be done, and the figures of the usual period."""
    _known(request)
    services = request.app[SERVICES]
    found = await _statistics(request, DEFAULT_DAYS)
    with readable():
        backlog = await _figures(services).backlog(services.now())
    ready, facts = await readiness(services)
    body = exposition.exposition(families(ready, facts, services.health(), backlog, found))
    return web.Response(body=body, headers={"Content-Type": exposition.CONTENT_TYPE})


async def _statistics(request: web.Request, days: int) -> Statistics:
    services = request.app[SERVICES]
    with readable():
        return await _figures(services).statistics(services.now(), days)


def _figures(services: Services) -> Figures:
    assert services.figures is not None  # the guard lets nobody through without them
    return services.figures


def _days(request: web.Request) -> int:
    _known(request, "days")
    given = request.query.getall("days", [str(DEFAULT_DAYS)])
    if len(given) != 1 or not _DIGITS.fullmatch(given[0]) or not 1 <= int(given[0]) <= MOST_DAYS:
        raise Refused(400, "bad_field", f"days: must be a whole number from 1 to {MOST_DAYS}")
    return int(given[0])


def _known(request: web.Request, *names: str) -> None:
    """Nothing else is asked: a misspelt parameter would be answered with something else than was meant."""
    if not request.query.keys() <= set(names):
        known = f"known is {', '.join(names)}" if names else "none is known here"
        raise Refused(400, "bad_field", f"unknown query parameter: {known}")
