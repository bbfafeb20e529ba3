"""A local Twilio on a socket, the real SDK pointed at it, and a receiver of its webhooks."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from aiohttp import web
from twilio.http.async_http_client import AsyncTwilioHttpClient
from twilio.request_validator import RequestValidator
from twilio.rest import Client

from orchestrator.sandbox.control import refusals_as_json
from orchestrator.sandbox.faults import Faults
from orchestrator.sandbox.log import Log
from orchestrator.sandbox.twilio.model import TwilioModel
from orchestrator.sandbox.twilio.shell import TwilioShell

ACCOUNT = "AC" + "a" * 32
TOKEN = "token-of-the-account"


class RedirectedClient(AsyncTwilioHttpClient):
    """The SDK's own client, sent to the sandbox, with a time-out that holds."""

    def __init__(self, base: str) -> None:
        super().__init__()
        self.base = base

    async def request(self, method: str, url: str, **kwargs: Any) -> Any:
        parts = urlsplit(url)
        query = f"?{parts.query}" if parts.query else ""
        kwargs["timeout"] = 5
        return await super().request(method, f"{self.base}/{parts.hostname}{parts.path}{query}", **kwargs)


@dataclass
class Receiver:
    """The application's webhook endpoint: keeps what arrives and checks every signature."""

    url: str = ""
    got: list[dict[str, str]] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    async def take(self, request: web.Request) -> web.Response:
        fields = dict(await request.post())
        signature = request.headers["X-Twilio-Signature"]
        if not RequestValidator(TOKEN).validate(str(request.url), fields, signature):
            return web.Response(status=403)
        self.got.append({name: str(value) for name, value in fields.items()})
        self.tokens.append(request.headers["I-Twilio-Idempotency-Token"])
        self.changed.set()
        return web.Response(status=204)

    def events(self) -> list[str]:
        return [fields["EventType"] for fields in self.got]

    async def until(self, event: str) -> dict[str, str]:
        """The first webhook of this type, as soon as it arrives."""
        async with asyncio.timeout(5):
            while True:
                for fields in self.got:
                    if fields["EventType"] == event:
                        return fields
                self.changed.clear()
                await self.changed.wait()


@dataclass
class Running:
    base: str
    shell: TwilioShell
    log: Log
    faults: Faults
    client: Client
    receiver: Receiver
    http: aiohttp.ClientSession

    @property
    def conversations(self) -> Any:
        return self.client.conversations.v1.conversations

    async def control(self, method: str, path: str, body: Any = None) -> tuple[int, Any]:
        async with self.http.request(method, f"{self.base}/control{path}", json=body) as response:
            return response.status, json.loads(await response.text())

    async def sent(self) -> list[str]:
        """The types of the webhooks received, once everything caused so far is delivered."""
        self.shell.flush()
        await self.shell.delivery.idle()
        return self.receiver.events()

    async def member_conversation(self, *filters: str) -> Any:
        """A conversation with a customer and our webhook, as the application makes it."""
        made = await self.conversations.create_async(unique_name="discord-1-1")
        await made.participants.create_async(identity="discord_1")
        await made.webhooks.create_async(
            target="webhook",
            configuration_url=f"{self.receiver.url}/webhooks/twilio/conversations",
            configuration_method="post",
            configuration_filters=list(filters),
        )
        return made

    async def handed_off(self, conversation_sid: str, **attributes: Any) -> Any:
        """The interaction that puts a task for this conversation in front of the agents."""
        settings = self.shell.account()
        return await self.client.flex_api.v1.interaction.create_async(
            channel={
                "type": "chat",
                "initiated_by": "customer",
                "properties": {"media_channel_sid": conversation_sid},
            },
            routing={
                "properties": {
                    "workspace_sid": settings["TWILIO_WORKSPACE_SID"],
                    "workflow_sid": settings["TWILIO_WORKFLOW_SID"],
                    "task_channel_unique_name": "chat",
                    "attributes": attributes,
                }
            },
        )


@asynccontextmanager
async def serving(app: web.Application) -> AsyncIterator[str]:
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    try:
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


@asynccontextmanager
async def running() -> AsyncIterator[Running]:
    def now() -> datetime:
        return datetime.now(UTC)

    log, faults = Log(now), Faults()
    shell = TwilioShell(TwilioModel(now, Random(7)), log, faults, environ={})
    app = web.Application(middlewares=[refusals_as_json])
    shell.add_routes(app)
    receiver, hooks = Receiver(), web.Application()
    hooks.router.add_post("/{path:.*}", receiver.take)
    async with serving(app) as base, serving(hooks) as receiver.url, aiohttp.ClientSession() as session:
        sdk_http = RedirectedClient(f"{base}/twilio")
        client = Client(ACCOUNT, TOKEN, http_client=sdk_http)
        await shell.start()
        try:
            yield Running(base, shell, log, faults, client, receiver, session)
        finally:
            await shell.close()
            await sdk_http.close()
