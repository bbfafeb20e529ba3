"""The token before what agents do: until they sign in, whoever bears it is let through."""

from __future__ import annotations

from aiohttp import web
from aiohttp.typedefs import Middleware

from web import cases, desk
from web.answers import Handler, Refused
from web.bearer import check_token
from web.services import Services


def guard(services: Services) -> Middleware:
    """The middleware before the desk and the cases: 404 where there are none, 401 without the token."""

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path.startswith(desk.PREFIX):
            _check(request, services, there=services.desk is not None)
        elif request.path == cases.PATH or request.path.startswith(f"{cases.PATH}/"):
            _check(request, services, there=services.cases is not None)
        return await handler(request)

    return check


def _check(request: web.Request, services: Services, *, there: bool) -> None:
    if not there or not services.desk_token:
        raise Refused(404, "not_found", "Not Found")
    check_token(request, services.desk_token, "desk")
