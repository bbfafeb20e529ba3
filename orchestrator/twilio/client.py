"""The Twilio port over the Twilio SDK: real time-outs, no retries of the SDK's own, our errors."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from twilio.base.exceptions import TwilioException, TwilioRestException
from twilio.http.async_http_client import AsyncTwilioHttpClient
from twilio.http.response import Response
from twilio.rest import Client

from machines.events import Trigger
from orchestrator.errors import Reject, Retry
from orchestrator.ports import (
    Answered,
    Conflict,
    Interaction,
    Posted,
    Task,
    TwilioConversation,
    TwilioMessage,
    unheard,
    unnoticed,
)
from orchestrator.twilio.limits import CLOSED, CONCURRENT, NAME_TAKEN, NOT_FOUND, PARTICIPANT_EXISTS

#: No call takes longer. The SDK passes its own time-out as "none at all". Seconds.
TIMEOUT_S = 10.0
FLEX = "https://flex-api.twilio.com/v1"


class HttpClient(AsyncTwilioHttpClient):  # type: ignore[misc]  # the SDK has no types
    """The SDK's client with a time-out that works, another origin where one is set, and Retry-After kept."""

    def __init__(self, api_url: str | None, answered: Answered = unnoticed) -> None:
        super().__init__(max_retries=None)
        self._api_url = api_url.rstrip("/") if api_url else None
        self._answered = answered

    async def request(self, method: str, url: str, *args: Any, **kwargs: Any) -> Response:
        if self._api_url:
            parts = urlsplit(url)
            query = f"?{parts.query}" if parts.query else ""
            url = f"{self._api_url}/{parts.hostname}{parts.path}{query}"
        try:
            async with asyncio.timeout(TIMEOUT_S):
                response = await super().request(method, url, *args, **kwargs)
        except Exception:
            self._answered(False)
            raise
        self._answered(response.status_code < 500 and response.status_code != 401)
        if response.status_code == 429:
            after = (response.headers or {}).get("Retry-After")
            raise Retry("rate limited by Twilio", after=float(after) if after else None)
        return response


class TwilioRest:
    """One SDK client for the life of the service. Make it inside the running loop; close it at the end."""

    def __init__(
        self,
        account_sid: str,
        username: str,
        password: str,
        api_url: str | None,
        answered: Answered = unnoticed,
    ) -> None:
        self._http = HttpClient(api_url, answered)
        self._client = Client(username, password, account_sid, http_client=self._http)
        self._conversations = self._client.conversations.v1
        self.posted: Posted = unheard  #: told the Index of every message that is posted here

    async def close(self) -> None:
        await self._http.close()

    async def ping(self) -> None:
        """Ask for something small, to hear whether Twilio answers. Raises `Retry` where nothing comes back."""
        async with self._speaking():
            await self._client.request_async("GET", f"{FLEX}/Configuration")

    @asynccontextmanager
    async def _speaking(self, *, repeatable: bool = True) -> AsyncIterator[None]:
        """Translate what the far side does into our errors.

        `repeatable`: doing it twice is the same as once, so a lost answer leaves no doubt behind.
        """
        doubt = not repeatable
        try:
            yield
        except TwilioException as error:
            status, code = _refused(error)
            if status < 400:
                raise Retry(f"Twilio: {type(error).__name__}", ambiguous=doubt) from error
            if status >= 500:
                raise Retry(f"Twilio answered {status}", ambiguous=doubt) from error
            if code == CONCURRENT or status in (401, 408):  # 401: a token that is being changed
                raise Retry(f"Twilio answered {status}/{code}") from error
            report = Trigger.DESK_CLOSED if code in (CLOSED, NOT_FOUND) else None
            raise Reject(f"Twilio answered {status}/{code}", report=report) from error
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            raise Retry(f"Twilio: {type(error).__name__}", ambiguous=doubt) from error
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            # an answer that is not what it should be: it may have been done all the same
            raise Retry(f"Twilio answered nonsense: {type(error).__name__}", ambiguous=doubt) from error

    # --- Conversations

    async def create_conversation(
        self, unique_name: str, friendly_name: str, attributes: Mapping[str, Any]
    ) -> TwilioConversation:
        try:
            async with self._speaking():
                return _conversation(
                    await self._conversations.conversations.create_async(
                        unique_name=unique_name,
                        friendly_name=friendly_name[:256],
                        attributes=json.dumps(attributes),
                    )
                )
        except Reject as error:
            if _refused(error.__cause__)[1] == NAME_TAKEN:
                raise Conflict(unique_name) from error
            raise

    async def conversation(self, sid: str) -> TwilioConversation | None:
        try:
            async with self._speaking():
                return _conversation(await self._conversations.conversations(sid).fetch_async())
        except Reject as error:
            if _refused(error.__cause__)[1] == NOT_FOUND:
                return None
            raise

    async def close_conversation(self, sid: str) -> None:
        await self._unless_gone(self._conversations.conversations(sid).update_async(state="closed"))

    async def add_participant(self, sid: str, identity: str, attributes: Mapping[str, Any]) -> None:
        try:
            async with self._speaking():
                await self._conversations.conversations(sid).participants.create_async(
                    identity=identity, attributes=json.dumps(attributes)
                )
        except Reject as error:
            if _refused(error.__cause__)[1] != PARTICIPANT_EXISTS:
                raise

    async def participants(self, sid: str) -> list[str]:
        async with self._speaking():
            found = await self._conversations.conversations(sid).participants.list_async(limit=100)
            return [p.identity for p in found if p.identity]

    async def webhooks(self, sid: str) -> list[str]:
        async with self._speaking():
            found = await self._conversations.conversations(sid).webhooks.list_async()
            return [str(hook.configuration.get("url", "")) for hook in found if hook.configuration]

    async def add_webhook(self, sid: str, url: str, filters: Sequence[str]) -> None:
        async with self._speaking():
            await self._conversations.conversations(sid).webhooks.create_async(
                target="webhook",
                configuration_url=url,
                configuration_method="post",
                configuration_filters=list(filters),
            )

    async def post(self, sid: str, *, author: str, body: str, attributes: Mapping[str, Any]) -> str:
        async with self._speaking(repeatable=False):
            message = await self._conversations.conversations(sid).messages.create_async(
                author=author, body=body, attributes=json.dumps(attributes)
            )
            made = _sid(message)
            if message.index is not None:
                self.posted(sid, int(message.index))
            return made

    async def edit(self, sid: str, message: str, body: str) -> None:
        async with self._speaking():
            await self._conversations.conversations(sid).messages(message).update_async(body=body)

    async def delete(self, sid: str, message: str) -> None:
        await self._unless_gone(self._conversations.conversations(sid).messages(message).delete_async())

    async def messages(
        self, sid: str, *, newest_first: bool = False, limit: int = 100
    ) -> list[TwilioMessage]:
        async with self._speaking():
            found = await self._conversations.conversations(sid).messages.list_async(
                order="desc" if newest_first else "asc", limit=limit, page_size=min(limit, 100)
            )
            return [_message(message) for message in found]

    # --- Flex and TaskRouter

    async def create_interaction(self, channel: Mapping[str, Any], routing: Mapping[str, Any]) -> Interaction:
        async with self._speaking(repeatable=False):
            made = await self._client.flex_api.v1.interaction.create_async(
                channel=dict(channel), routing=dict(routing)
            )
            properties = (made.routing or {}).get("properties") or {}
            attributes = _json(properties.get("attributes"))
            return Interaction(_sid(made), attributes.get("flexInteractionChannelSid"), properties.get("sid"))

    async def channel_of(self, interaction: str) -> str | None:
        async with self._speaking():
            found = await self._client.flex_api.v1.interaction(interaction).channels.list_async(limit=1)
            return str(found[0].sid) if found else None

    async def find_tasks(self, workspace: str, expression: str) -> list[Task]:
        async with self._speaking():
            found = await self._client.taskrouter.v1.workspaces(workspace).tasks.list_async(
                evaluate_task_attributes=expression, limit=20
            )
            return [Task(str(t.sid), str(t.assignment_status), _json(t.attributes)) for t in found]

    async def worker(self, workspace: str, name: str) -> str | None:
        async with self._speaking():
            found = await self._client.taskrouter.v1.workspaces(workspace).workers.list_async(
                friendly_name=name, limit=1
            )
            return str(found[0].sid) if found else None

    async def close_channel(self, interaction: str, channel: str) -> None:
        channels = self._client.flex_api.v1.interaction(interaction).channels(channel)
        try:
            await self._unless_gone(channels.update_async(status="closed", routing={"status": "closed"}))
        except Reject:
            async with self._speaking():
                found = await channels.fetch_async()
            if str(getattr(found.status, "value", found.status)) != "closed":
                raise

    async def invite(self, interaction: str, channel: str, routing: Mapping[str, Any]) -> None:
        async with self._speaking(repeatable=False):
            channels = self._client.flex_api.v1.interaction(interaction).channels(channel)
            await channels.invites.create_async(routing=dict(routing))

    async def _unless_gone(self, call: Any) -> None:
        """Do what is done already, or has nothing left to be done to, without complaint."""
        try:
            async with self._speaking():
                await call
        except Reject as error:
            if error.report is not Trigger.DESK_CLOSED:
                raise


def _refused(error: BaseException | None) -> tuple[int, int]:
    """Status and code of the answer that an error of the SDK stands for; 0 where there is none.

    Of a list that cannot be read the SDK hands over the answer as it came.
    """
    if isinstance(error, TwilioRestException):
        return error.status, error.code or 0
    response = error.args[-1] if isinstance(error, TwilioException) and error.args else None
    if not isinstance(response, Response):
        return 0, 0
    return response.status_code, _json(response.text).get("code", 0)


def _sid(made: Any) -> str:
    """Of what was made or read. Raises ValueError for an answer that names nothing."""
    if not made.sid:
        raise ValueError("an answer without a sid")
    return str(made.sid)


def _json(text: Any) -> dict[str, Any]:
    """Attributes are JSON in a string; whatever else stands there is read as none."""
    if isinstance(text, dict):
        return text
    try:
        value = json.loads(text or "{}")
    except (TypeError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def _conversation(made: Any) -> TwilioConversation:
    return TwilioConversation(
        _sid(made),
        str(getattr(made.state, "value", made.state)),
        _json(made.attributes),
        made.date_updated,
    )


def _message(found: Any) -> TwilioMessage:
    at: datetime = found.date_created
    return TwilioMessage(
        str(found.sid),
        int(found.index),
        str(found.author or ""),
        str(found.body or ""),
        _json(found.attributes),
        tuple(found.media or ()),
        at,
        found.date_updated or at,
    )
