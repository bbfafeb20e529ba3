"""The control API of the Discord half: what members do and see, and trouble at the gateway."""

from __future__ import annotations

import base64
import binascii
from typing import Any

from aiohttp import web

from orchestrator.sandbox.body import Body
from orchestrator.sandbox.discord import view
from orchestrator.sandbox.discord.gateway import Gateway
from orchestrator.sandbox.discord.interactions import Interaction
from orchestrator.sandbox.discord.model import DiscordModel
from orchestrator.sandbox.discord.state import Message
from orchestrator.sandbox.log import Log
from orchestrator.sandbox.refusal import Refusal
from orchestrator.sandbox.wire import Upload

MEMBER = "/control/members/{name}"


class DiscordControl:
    """Every act that changes the world is written to the log as the member's."""

    def __init__(self, model: DiscordModel, gateway: Gateway, log: Log) -> None:
        self._model = model
        self._gateway = gateway
        self._log = log

    def add_routes(self, app: web.Application) -> None:
        app.router.add_get(MEMBER, self._member)
        app.router.add_patch(MEMBER, self._change_member)
        app.router.add_get(f"{MEMBER}/messages", self._inbox)
        app.router.add_post(f"{MEMBER}/messages", self._post)
        app.router.add_patch(f"{MEMBER}/messages/{{id}}", self._edit)
        app.router.add_delete(f"{MEMBER}/messages/{{id}}", self._delete)
        app.router.add_post(f"{MEMBER}/commands", self._command)
        app.router.add_post(f"{MEMBER}/clicks", self._click)
        app.router.add_post(f"{MEMBER}/modals", self._submit)
        app.router.add_post(f"{MEMBER}/typing", self._typing)
        app.router.add_post(f"{MEMBER}/reactions", self._react)
        app.router.add_get("/control/interactions/{id}", self._interaction)
        app.router.add_get("/control/channels/{name}/messages", self._channel)
        app.router.add_get("/control/gateway", self._gateway_state)
        app.router.add_post("/control/gateway", self._trouble)

    async def _member(self, request: web.Request) -> web.Response:
        return web.json_response(view.member(self._model, self._model.members.named(_name(request))))

    async def _change_member(self, request: web.Request) -> web.Response:
        body = await Body.of(request, "dms_open", "in_guild", "locale", "roles")
        user = self._model.members.change(
            _name(request),
            dms_open=body.optional_flag("dms_open"),
            in_guild=body.optional_flag("in_guild"),
            locale=body.text("locale", ""),
            roles=body.texts("roles") if body.has("roles") else None,
        )
        return self._done(request, body.fields, view.member(self._model, user), status=200)

    async def _inbox(self, request: web.Request) -> web.Response:
        return self._listed(self._model.members.inbox(_name(request)))

    async def _channel(self, request: web.Request) -> web.Response:
        return self._listed(self._model.members.channel_messages(_name(request)))

    async def _post(self, request: web.Request) -> web.Response:
        body = await Body.of(request, "content", "attachments", "reply_to", "stickers", "forward")
        files = [_upload(attachment) for attachment in body.objects("attachments")]
        message = self._model.members.post(
            _name(request),
            body.text("content", ""),
            files=files,
            reply_to=body.optional_id("reply_to"),
            stickers=body.texts("stickers"),
            forward=body.optional_id("forward"),
        )
        asked = body.fields | ({"attachments": [file.filename for file in files]} if files else {})
        return self._done(request, asked, self._shown(message))

    async def _edit(self, request: web.Request) -> web.Response:
        body = await Body.of(request, "content")
        message = self._model.members.edit(_name(request), _id(request), body.text("content"))
        return self._done(request, body.fields, self._shown(message), status=200)

    async def _delete(self, request: web.Request) -> web.Response:
        message = self._model.members.delete(_name(request), _id(request))
        return self._done(request, None, self._shown(message), status=200)

    async def _command(self, request: web.Request) -> web.Response:
        body = await Body.of(request, "name", "options", "channel")
        channel = body.text("channel") if body.has("channel") else None
        begun = self._model.members.command(
            _name(request), body.text("name"), body.mapping("options"), channel
        )
        return self._begun(request, body, begun)

    async def _click(self, request: web.Request) -> web.Response:
        body = await Body.of(request, "message_id", "custom_id", "values")
        custom_id, values = body.text("custom_id"), body.texts("values")
        begun = self._model.members.click(_name(request), body.id("message_id"), custom_id, values)
        return self._begun(request, body, begun)

    async def _submit(self, request: web.Request) -> web.Response:
        body = await Body.of(request, "custom_id", "fields")
        begun = self._model.members.submit(_name(request), body.text("custom_id"), body.mapping("fields"))
        return self._begun(request, body, begun)

    async def _typing(self, request: web.Request) -> web.Response:
        channel = self._model.members.type(_name(request))
        return self._done(request, None, {"channel_id": str(channel.id)})

    async def _react(self, request: web.Request) -> web.Response:
        body = await Body.of(request, "message_id", "emoji", "remove")
        message_id, emoji = body.id("message_id"), body.text("emoji")
        add = not body.flag("remove", False)
        message = self._model.members.react(_name(request), message_id, emoji, add=add)
        return self._done(request, body.fields, self._shown(message))

    async def _interaction(self, request: web.Request) -> web.Response:
        found = self._model.interactions.get(_id(request))
        if found is None:
            raise Refusal(404, "unknown_interaction", "There is no such interaction.")
        return web.json_response(view.interaction(self._model, found))

    async def _gateway_state(self, request: web.Request) -> web.Response:
        return web.json_response(self._state())

    async def _trouble(self, request: web.Request) -> web.Response:
        kinds = ("drop", "reconnect", "invalid_session", "offline_s", "close_code")
        body = await Body.of(request, *kinds)
        if len(body.fields) != 1:
            raise Refusal(400, "bad_request", f"Give exactly one of {', '.join(kinds)}.")
        (kind,) = body.fields
        if kind == "drop":
            self._gateway.drop()
        elif kind == "reconnect":
            self._gateway.reconnect()
        elif kind == "invalid_session":
            self._gateway.invalidate(resumable=body.fields[kind] == "resumable")
        elif kind == "offline_s":
            self._gateway.go_offline(body.number(kind))
        else:
            self._gateway.close_all(_close_code(body))
        self._log.add("control", "gateway", "POST", request.path, request=body.fields, status=201)
        return web.json_response(self._state(), status=201)

    def _state(self) -> dict[str, Any]:
        return {"connected": self._gateway.connected, "offline": self._model.offline}

    def _begun(self, request: web.Request, body: Body, begun: Interaction) -> web.Response:
        return self._done(request, body.fields, view.interaction(self._model, begun))

    def _shown(self, message: Message) -> dict[str, Any]:
        return view.message(self._model.world, message)

    def _listed(self, messages: list[Message]) -> web.Response:
        return web.json_response([self._shown(message) for message in messages])

    def _done(
        self, request: web.Request, asked: Any, result: dict[str, Any], *, status: int = 201
    ) -> web.Response:
        self._log.add(
            f"member:{_name(request)}",
            "discord",
            request.method,
            request.path,
            request=asked,
            status=status,
            response=result,
        )
        return web.json_response(result, status=status)


def _name(request: web.Request) -> str:
    return request.match_info["name"]


def _id(request: web.Request) -> int:
    text = request.match_info["id"]
    if not text.isdecimal():
        raise Refusal(400, "bad_request", f"{text!r} is not an id.")
    return int(text)


def _upload(attachment: Body) -> Upload:
    """`{filename, content_type?, text}` or `{filename, content_type?, base64}`."""
    if attachment.has("base64"):
        try:
            content = base64.b64decode(attachment.text("base64"), validate=True)
        except binascii.Error:
            raise Refusal(400, "bad_request", "Field 'base64' is not base64.") from None
    else:
        content = attachment.text("text").encode()
    kind = attachment.text("content_type", "application/octet-stream")
    return Upload(attachment.text("filename"), kind, content)


def _close_code(body: Body) -> int:
    code = int(body.number("close_code"))
    if not 1000 <= code <= 4999:
        raise Refusal(400, "bad_request", "A close code lies between 1000 and 4999.")
    return code
