"""Discord over sockets: REST, gateway and CDN under `/discord`, in front of the pure model."""

from __future__ import annotations

import asyncio
import json
import re
from typing import Any

from aiohttp import BodyPartReader, web

from orchestrator.sandbox.discord.buckets import rate_limited
from orchestrator.sandbox.discord.control import DiscordControl
from orchestrator.sandbox.discord.errors import ApiError
from orchestrator.sandbox.discord.gateway import Gateway
from orchestrator.sandbox.discord.model import DiscordModel
from orchestrator.sandbox.discord.sessions import Dispatch
from orchestrator.sandbox.drip import dripping
from orchestrator.sandbox.faults import Fault, Faults
from orchestrator.sandbox.log import Log
from orchestrator.sandbox.wire import Answer, Call, Upload

PREFIX = "/discord"
API = "/discord/api/v10"
#: Interaction tokens are secrets; the log shows their place only.
_TOKEN = re.compile(r"^(/interactions/\d+|/webhooks/\d+)/[^/]+")


class DiscordShell:
    """Parses calls, plants faults, writes the log. Decides nothing about Discord."""

    def __init__(self, model: DiscordModel, log: Log, faults: Faults, *, heartbeat_ms: int = 41_250) -> None:
        self._model = model
        self._log = log
        self._faults = faults
        self.gateway = Gateway(model, self._log_dispatch, heartbeat_ms)
        self._control = DiscordControl(model, self.gateway, log)

    def add_routes(self, app: web.Application) -> None:
        app.router.add_get(f"{PREFIX}/gateway", self.gateway.accept)
        app.router.add_get(f"{PREFIX}/gateway/", self.gateway.accept)
        app.router.add_get(f"{PREFIX}/cdn/{{path:.*}}", self._cdn)
        app.router.add_route("*", f"{API}/{{path:.*}}", self._rest)
        self._control.add_routes(app)

    def publish_at(self, url: str) -> None:
        """Tell the model under which address (`http://host:port`) the server is reached."""
        gateway = f"{url.replace('http', 'ws', 1)}{PREFIX}/gateway"
        self._model.publish_at(gateway_url=gateway, cdn_url=f"{url}{PREFIX}/cdn")

    def close(self) -> None:
        """Cut every socket, so that the server need not wait for them."""
        self.gateway.drop()

    async def _rest(self, request: web.Request) -> web.StreamResponse:
        path = request.path.removeprefix(API)
        fault = self._faults.take("discord", request.method, path)
        shown: Any = None
        try:
            call = await _call(request, path)
            shown = _shown(call)
            if fault is not None and fault.delay_s:
                await asyncio.sleep(fault.delay_s)
            answer = _planted(fault) or self._model.rest(call)
        except ApiError as refusal:
            answer = refusal.answer()
        lost = fault is not None and (fault.abort or fault.lose_reply)
        self._log.add(
            "app",
            "discord",
            request.method,
            _TOKEN.sub(r"\1/{token}", path) + (f"?{request.query_string}" if request.query_string else ""),
            request=shown,
            status=None if lost else answer.status,
            response=None if lost else answer.body,
            fault=fault.name() if fault else None,
        )
        if lost:
            return _cut(request)
        return await dripping(request, _response(answer), fault.drip_s if fault else 0.0)

    async def _cdn(self, request: web.Request) -> web.StreamResponse:
        path = "/" + request.match_info["path"]
        fault = self._faults.take("discord", request.method, f"/cdn{path}")
        if fault is not None and fault.delay_s:
            await asyncio.sleep(fault.delay_s)
        planted = _planted(fault)
        found = None if planted else self._model.download(path, dict(request.query))
        lost = fault is not None and (fault.abort or fault.lose_reply)
        status = planted.status if planted else 200 if found else 404
        self._log.add(
            "app",
            "discord",
            request.method,
            f"/cdn{path}",
            status=None if lost else status,
            fault=fault.name() if fault else None,
        )
        if lost:
            return _cut(request)
        if planted:
            return _response(planted)
        if found is None:
            return web.Response(status=404, text="This content is no longer available.")
        return web.Response(body=found.content, headers={"Content-Type": found.content_type})

    def _log_dispatch(self, dispatch: Dispatch) -> None:
        data = dispatch.data
        if "token" in data:
            data = data | {"token": "{token}"}
        self._log.add("discord", "gateway", dispatch.event, f"{PREFIX}/gateway", request=data)


async def _call(request: web.Request, path: str) -> Call:
    """Raises 400/50109 when the body is not what its type says."""
    raw = b""
    body: Any = None
    files: list[Upload] = []
    try:
        if request.content_type.startswith("multipart/"):
            body, files = await _multipart(request)
        else:
            raw = await request.read()
            body = json.loads(raw) if raw else None
    except ValueError:
        raise ApiError(400, 50109, "The request body contains invalid JSON.") from None
    return Call(
        method=request.method,
        path=path,
        query=dict(request.query),
        headers={name.lower(): value for name, value in request.headers.items()},
        json=body,
        files=files,
        raw=raw,
    )


async def _multipart(request: web.Request) -> tuple[Any, list[Upload]]:
    body: Any = None
    files: list[Upload] = []
    async for part in await request.multipart():
        if not isinstance(part, BodyPartReader):
            continue
        content = bytes(await part.read(decode=True))
        if part.name == "payload_json":
            body = json.loads(content)
        elif part.filename is not None:
            kind = part.headers.get("Content-Type", "application/octet-stream")
            files.append(Upload(part.filename, kind, content))
    return body, files


def _shown(call: Call) -> Any:
    if not call.files:
        return call.json
    files = {f"files[{n}]": f"{f.filename} ({len(f.content)} bytes)" for n, f in enumerate(call.files)}
    return (call.json or {}) | files


def _planted(fault: Fault | None) -> Answer | None:
    """The answer that a fault gives instead of doing the work; None when the work is done."""
    if fault is None:
        return None
    if fault.abort:
        return Answer(503)
    if fault.status is None:
        return None
    if fault.status == 429 and fault.body is None and not fault.headers:
        return rate_limited(1.0)
    body = fault.body if fault.body is not None else {"message": f"{fault.status}: planted", "code": 0}
    return Answer(fault.status, body, fault.headers)


def _response(answer: Answer) -> web.Response:
    """Exactly `application/json`: with a charset discord.py would not parse it."""
    if answer.body is None:
        return web.Response(status=answer.status, headers=answer.headers)
    if isinstance(answer.body, str):
        return web.Response(
            status=answer.status, text=answer.body, headers={"Content-Type": "text/html", **answer.headers}
        )
    body = json.dumps(answer.body, separators=(",", ":")).encode()
    headers = {"Content-Type": "application/json", **answer.headers}
    return web.Response(status=answer.status, body=body, headers=headers)


def _cut(request: web.Request) -> web.Response:
    if request.transport is not None:
        request.transport.abort()
    return web.Response()
