"""The local Twilio on a socket: REST below `/twilio/{host}`, signed webhooks out, control routes for agents."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import web

from orchestrator.sandbox.drip import dripping
from orchestrator.sandbox.faults import Fault, Faults
from orchestrator.sandbox.log import Log
from orchestrator.sandbox.twilio import control
from orchestrator.sandbox.twilio.authorization import credentials
from orchestrator.sandbox.twilio.delivery import Delivery
from orchestrator.sandbox.twilio.model import TwilioModel
from orchestrator.sandbox.twilio.routes import MEDIA
from orchestrator.sandbox.wire import Answer, Call

DEFAULT_AUTH_TOKEN = "sandbox-auth-token"  # noqa: S105 (a published default of a local double)
TICK_S = 1.0


class TwilioShell:
    """Serves a TwilioModel. The signing token: environment, else first account login, else `set_account`."""

    def __init__(self, model: TwilioModel, log: Log, faults: Faults, *, environ: Mapping[str, str]) -> None:
        self.model = model
        self.log = log
        self._faults = faults
        self._environ = environ
        self._login_token: str | None = None
        self._given: dict[str, str] = {}
        self._ticker: asyncio.Task[None] | None = None
        self.delivery = Delivery(log, faults, self.auth_token, model.random)
        model.adopt(environ)

    def add_routes(self, app: web.Application) -> None:
        app.router.add_route("*", "/twilio/{host}/{path:.*}", self._rest)
        control.add_routes(app, self)

    async def start(self) -> None:
        """Begin sending webhooks and applying timers."""
        await self.delivery.start()
        self._ticker = asyncio.create_task(self._tick())

    async def close(self) -> None:
        if self._ticker:
            self._ticker.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._ticker
        await self.delivery.close()

    def auth_token(self) -> str:
        return (
            self._environ.get("TWILIO_AUTH_TOKEN")
            or self._login_token
            or self._given.get("TWILIO_AUTH_TOKEN")
            or DEFAULT_AUTH_TOKEN
        )

    def account(self) -> dict[str, str]:
        """The settings that point an application here, by the names it reads them under."""
        return {**self.model.account(), "TWILIO_AUTH_TOKEN": self.auth_token()}

    def set_account(self, settings: Mapping[str, str]) -> None:
        """Take over TWILIO_* settings an application already uses; other names are ignored."""
        self._given.update(settings)
        self.model.adopt(settings)

    def flush(self) -> None:
        """Hand the webhooks caused so far to the delivery."""
        self.delivery.send(self.model.drain())

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            self.model.tick()
            self.flush()

    async def _rest(self, request: web.Request) -> web.StreamResponse:
        host = request.match_info["host"]
        call = await _call(request)
        self._learn_from(call)
        self.model.serve_media_from(f"{request.scheme}://{request.host}/twilio/{MEDIA}")
        fault = self._faults.take("twilio", call.method, f"/{host}{call.path}")
        if fault and fault.delay_s:
            await asyncio.sleep(fault.delay_s)
        if fault and fault.abort:
            return self._drop(request, host, call, fault)
        if fault and fault.status:
            body = fault.body
            self._record(host, call, fault.status, body, fault)
            return _faulty_response(fault)
        answer = self.model.rest(host, call)
        self.flush()
        if fault and fault.lose_reply:
            return self._drop(request, host, call, fault)
        self._record(host, call, answer.status, _shown(answer.body), fault)
        return await dripping(request, _response(answer), fault.drip_s if fault else 0.0)

    def _learn_from(self, call: Call) -> None:
        """The first login with an account sid names the account and its token, unless they are configured."""
        login = credentials(call)
        if login is None or self._login_token is not None or not login[0].startswith("AC"):
            return
        fixed = self._environ.get("TWILIO_ACCOUNT_SID") or self._given.get("TWILIO_ACCOUNT_SID")
        if fixed and login[0] != fixed:
            return
        self._login_token = login[1]
        self.model.adopt({"TWILIO_ACCOUNT_SID": login[0]})

    def _drop(self, request: web.Request, host: str, call: Call, fault: Fault) -> web.StreamResponse:
        self._record(host, call, None, None, fault)
        if request.transport:
            request.transport.abort()
        return web.Response()

    def _record(self, host: str, call: Call, status: int | None, response: Any, fault: Fault | None) -> None:
        asked: dict[str, Any] = {}
        if call.query:
            asked["query"] = dict(call.query)
        if call.form:
            asked["form"] = _grouped(call)
        if call.json is not None:
            asked["json"] = call.json
        if call.raw and not asked.keys() & {"form", "json"}:
            asked["bytes"] = len(call.raw)
        if unknown := self.model.unknown_fields(host, call):
            asked["ignored_fields"] = unknown
        self.log.add(
            "app",
            "twilio",
            call.method,
            f"/{host}{call.path}",
            request=asked or None,
            status=status,
            response=response,
            fault=fault.name() if fault else None,
        )


async def _call(request: web.Request) -> Call:
    raw = await request.content.read()  # no limit: media go up to 150 MB
    kind = request.content_type
    is_form, is_json = kind == "application/x-www-form-urlencoded", kind == "application/json"
    parsed: Any = None
    if is_json and raw:
        with contextlib.suppress(ValueError):
            parsed = json.loads(raw)
    return Call(
        method=request.method,
        path="/" + request.match_info["path"],
        query=dict(request.query),
        headers={name.lower(): value for name, value in request.headers.items()},
        json=parsed,
        form=parse_qsl(raw.decode("utf-8", "replace"), keep_blank_values=True) if is_form else (),
        raw=raw,
    )


def _grouped(call: Call) -> dict[str, Any]:
    """Form fields for the log: repeated names become lists."""
    grouped: dict[str, Any] = {}
    for name, value in call.form:
        if name in grouped:
            before = grouped[name]
            grouped[name] = [*before, value] if isinstance(before, list) else [before, value]
        else:
            grouped[name] = value
    return grouped


def _shown(body: Any) -> Any:
    return {"bytes": len(body)} if isinstance(body, bytes) else body


def _response(answer: Answer) -> web.Response:
    headers = dict(answer.headers)
    if isinstance(answer.body, bytes):
        return web.Response(status=answer.status, body=answer.body, headers=headers)
    if answer.body is None:
        return web.Response(status=answer.status, headers=headers)
    return web.json_response(answer.body, status=answer.status, headers=headers)


def _faulty_response(fault: Fault) -> web.Response:
    status = fault.status or 500
    if isinstance(fault.body, str):
        return web.Response(status=status, text=fault.body, content_type="text/html", headers=fault.headers)
    if fault.body is None:
        return web.Response(status=status, headers=fault.headers)
    return web.json_response(fault.body, status=status, headers=fault.headers)
