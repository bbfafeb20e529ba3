"""The Discord port over discord.py's REST client: its rate limits and retries, our errors."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import discord
from discord.http import MultipartParameters, Route, handle_message_parameters

from machines.events import Trigger
from orchestrator.discord.limits import UNREACHABLE
from orchestrator.discord.render import from_message
from orchestrator.errors import Reject, Retry
from orchestrator.ports import Answered, Button, DiscordMessage, File, unnoticed

#: No call takes longer; discord.py itself would wait for ever. Seconds.
TIMEOUT_S = 20.0


class DiscordRest:
    """Speaks through the client of the running connection attempt; between attempts every call is a `Retry`."""

    def __init__(self, answered: Answered = unnoticed) -> None:
        self._client: discord.Client | None = None
        self._answered = answered

    def use(self, client: discord.Client | None) -> None:
        """Which client to speak through: one that is logged in, or none."""
        self._client = client

    @asynccontextmanager
    async def _speaking(self, *, repeatable: bool = True) -> AsyncIterator[discord.Client]:
        """Translate what the far side does into our two errors.

        `repeatable`: doing it twice is the same as once, so a lost answer leaves no doubt behind.
        """
        client = self._client
        if client is None or client.is_closed():
            raise Retry("not connected to Discord", after=1.0)
        doubt = not repeatable
        try:
            async with asyncio.timeout(TIMEOUT_S):
                yield client
            self._answered(True)
        except discord.RateLimited as error:
            self._answered(True)
            raise Retry("rate limited by Discord", after=error.retry_after) from error
        except discord.DiscordServerError as error:
            self._answered(False)
            raise Retry(f"Discord answered {error.status}", ambiguous=doubt) from error
        except discord.HTTPException as error:
            self._answered(error.status != 401)
            raise _translate(error) from error
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            self._answered(False)
            raise Retry(f"Discord: {type(error).__name__}", ambiguous=doubt) from error
        except (TypeError, ValueError, KeyError) as error:
            # an answer that is not what it should be: it may have been done all the same
            raise Retry(f"Discord answered nonsense: {type(error).__name__}", ambiguous=doubt) from error

    async def ping(self) -> None:
        """Ask for something small, to hear whether Discord answers. Raises as every call does."""
        async with self._speaking() as client:
            await client.http.request(Route("GET", "/users/@me"))

    async def open_dm(self, member: str) -> str:
        async with self._speaking() as client:
            data = await client.http.start_private_message(int(member))
            return str(data["id"])

    async def send(
        self,
        channel: str,
        text: str,
        *,
        nonce: str,
        buttons: Sequence[Sequence[Button]] = (),
        files: Sequence[File] = (),
        reply_to: str | None = None,
    ) -> str:
        payload = _payload(text, buttons)
        payload |= {"nonce": nonce, "enforce_nonce": True}
        if reply_to:
            payload["message_reference"] = {"message_id": reply_to, "fail_if_not_exists": False}
        async with self._speaking(repeatable=False) as client:
            if files:
                uploads = [discord.File(io.BytesIO(file.content), file.filename) for file in files]
                with handle_message_parameters(
                    content=text,
                    files=uploads,
                    nonce=nonce,
                    allowed_mentions=discord.AllowedMentions.none(),
                ) as params:
                    data = await client.http.send_message(int(channel), params=params)
            else:
                data = await client.http.send_message(int(channel), params=_parameters(payload))
            return str(data["id"])

    async def edit(
        self, channel: str, message: str, text: str, *, buttons: Sequence[Sequence[Button]] = ()
    ) -> None:
        async with self._speaking() as client:
            data = await client.http.edit_message(
                int(channel), int(message), params=_parameters(_payload(text, buttons))
            )
            _spoken(data)

    async def delete(self, channel: str, message: str) -> None:
        async with self._speaking() as client:
            try:
                answer: Any = await client.http.delete_message(int(channel), int(message))  # type: ignore[func-returns-value]
                _spoken(answer)
            except discord.NotFound:
                return

    async def react(self, channel: str, message: str, emoji: str) -> None:
        async with self._speaking() as client:
            answer: Any = await client.http.add_reaction(int(channel), int(message), emoji)  # type: ignore[func-returns-value]
            _spoken(answer)

    async def history(self, channel: str, *, after: str, limit: int = 100) -> list[DiscordMessage]:
        async with self._speaking() as client:
            me = client.user.id if client.user else 0
            messages = client.get_partial_messageable(int(channel)).history(
                limit=limit, after=discord.Object(int(after)), oldest_first=True
            )
            return [from_message(message, me) async for message in messages]

    async def answer(self, application: str, token: str, text: str) -> None:
        route = Route(
            "PATCH",
            "/webhooks/{webhook_id}/{webhook_token}/messages/@original",
            webhook_id=int(application),
            webhook_token=token,
        )
        async with self._speaking() as client:
            body = {"content": text, "allowed_mentions": {"parse": []}}
            str((await client.http.request(route, json=body))["id"])  # a success that names nothing is none

    async def typing(self, channel: str) -> None:
        async with self._speaking() as client:
            await client.http.send_typing(int(channel))


def _translate(error: discord.HTTPException) -> Retry | Reject:
    if error.status == 429:
        after = error.response.headers.get("Retry-After") if error.response is not None else None
        return Retry("rate limited by Discord", after=float(after) if after else None)
    reason = f"Discord answered {error.status}/{error.code}"
    if error.status == 401:
        return Retry(reason)  # the supervisor ends the process with a word about the token
    if error.code in UNREACHABLE:
        return Reject(reason, report=Trigger.UNREACHABLE)
    return Reject(reason)


def _spoken(answer: Any) -> None:
    """Raises ValueError for a success whose body is neither JSON nor empty: not Discord itself said that."""
    if isinstance(answer, str) and answer.strip():
        raise ValueError(answer[:50])


def _payload(text: str, buttons: Sequence[Sequence[Button]]) -> dict[str, Any]:
    return {
        "content": text,
        "components": [
            {
                "type": 1,
                "components": [
                    {
                        "type": 2,
                        "style": 1 if button.primary else 2,
                        "label": button.label,
                        "custom_id": button.custom_id,
                    }
                    for button in row
                ],
            }
            for row in buttons
        ],
        "allowed_mentions": {"parse": []},
    }


def _parameters(payload: dict[str, Any]) -> MultipartParameters:
    return MultipartParameters(payload=payload, multipart=None, files=None)
