"""The control API that both halves share: faults, the log, the account an application needs."""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict
from typing import Any, cast, get_args

from aiohttp import web

from orchestrator.sandbox.body import Body
from orchestrator.sandbox.faults import Fault, Faults, Service
from orchestrator.sandbox.log import Log
from orchestrator.sandbox.refusal import Refusal

PREFIX = "/control"
TWILIO_SETTINGS = (
    "twilio_account_sid",
    "twilio_auth_token",
    "twilio_workspace_sid",
    "twilio_workflow_sid",
    "twilio_flex_instance_sid",
)
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Control:
    """Routes under `/control` that concern neither half alone."""

    def __init__(
        self,
        log: Log,
        faults: Faults,
        account: Callable[[], dict[str, str]],
        set_account: Callable[[Mapping[str, str]], None],
    ) -> None:
        self._log = log
        self._faults = faults
        self._account = account
        self._set_account = set_account

    def add_routes(self, app: web.Application) -> None:
        app.router.add_get(f"{PREFIX}/faults", self._list_faults)
        app.router.add_post(f"{PREFIX}/faults", self._plant)
        app.router.add_delete(f"{PREFIX}/faults", self._clear)
        app.router.add_get(f"{PREFIX}/account", self._show_account)
        app.router.add_post(f"{PREFIX}/account", self._change_account)
        app.router.add_get(f"{PREFIX}/log", self._show_log)

    async def _list_faults(self, request: web.Request) -> web.Response:
        return web.json_response([asdict(fault) for fault in self._faults.planted])

    async def _plant(self, request: web.Request) -> web.Response:
        fault = _fault(await Body.of(request, *Fault.__dataclass_fields__))
        self._faults.plant(fault)
        return web.json_response(asdict(fault), status=201)

    async def _clear(self, request: web.Request) -> web.Response:
        """DELETE, for one `?service=` or for all."""
        before = len(self._faults.planted)
        self._faults.clear(request.query.get("service"))
        return web.json_response({"cleared": before - len(self._faults.planted)})

    async def _show_account(self, request: web.Request) -> web.Response:
        """JSON, or with `?format=env` lines that a shell can source."""
        settings = self._account()
        if request.query.get("format") != "env":
            return web.json_response(settings)
        lines = [f"{name}={shlex.quote(value)}\n" for name, value in settings.items()]
        return web.Response(text="".join(lines))

    async def _change_account(self, request: web.Request) -> web.Response:
        """Take over `twilio_*` settings that an application already uses, e.g. `twilio_auth_token`."""
        body = await Body.of(request, *TWILIO_SETTINGS)
        self._set_account({name.upper(): body.text(name) for name in body.fields})
        return web.json_response(self._account(), status=201)

    async def _show_log(self, request: web.Request) -> web.Response:
        """JSON lines in order; `?after=` skips entries up to that number."""
        after = request.query.get("after", "0")
        if not after.isdecimal():
            raise Refusal(400, "bad_request", "'after' has to be the number of an entry.")
        lines = [json.dumps(entry.as_json(), default=str) + "\n" for entry in self._log.entries[int(after) :]]
        return web.Response(text="".join(lines), content_type="application/x-ndjson")


@web.middleware
async def refusals_as_json(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Every 4xx of the control API is `{error, detail}`."""
    if not request.path.startswith(PREFIX + "/"):
        return await handler(request)
    try:
        return await handler(request)
    except Refusal as refusal:
        status, error, detail = refusal.status, refusal.error, refusal.detail
    except web.HTTPException as refused:
        status, error, detail = refused.status, refused.reason.lower().replace(" ", "_"), refused.reason
    return web.json_response({"error": error, "detail": detail}, status=status)


def _fault(body: Body) -> Fault:
    service = body.text("service")
    if service not in get_args(Service):
        raise Refusal(400, "bad_request", f"Services are: {', '.join(get_args(Service))}.")
    path = body.text("path", "")
    try:
        re.compile(path)
    except re.error as mistake:
        raise Refusal(400, "bad_request", f"'path' is no regular expression: {mistake}.") from None
    headers: dict[str, Any] = body.mapping("headers")
    return Fault(
        service=cast("Service", service),
        method=body.text("method", "*").upper(),
        path=path,
        times=int(body.number("times", 1)),
        status=int(body.number("status")) if body.has("status") else None,
        headers={name: str(value) for name, value in headers.items()},
        body=body.fields.get("body"),
        abort=body.flag("abort", False),
        delay_s=body.number("delay_s", 0.0),
        lose_reply=body.flag("lose_reply", False),
        drip_s=body.number("drip_s", 0.0),
    )
