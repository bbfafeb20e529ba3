"""The way out: one signed POST to the address that follows cases, and what came back."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

import aiohttp

from orchestrator.errors import Retry
from orchestrator.ports import Response

#: From the first packet to the last, seconds: the specification asks senders to wait 15 to 30.
TIMEOUT_S = 15.0
#: So much of an answer is read, that its connection can be used again. Bytes
READ_AT_MOST = 16 * 1024


class HttpOutbound:
    """`Outbound` over aiohttp. Certificates are checked, redirects are answers, cookies are dropped."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._session: aiohttp.ClientSession | None = None

    async def post(self, headers: Mapping[str, str], body: bytes) -> Response:
        session = self._opened()
        try:
            async with session.post(
                self._url,
                data=body,
                headers={"Content-Type": "application/json", **headers},
                allow_redirects=False,
            ) as answer:
                with suppress(aiohttp.ClientError, TimeoutError, OSError):  # the status has said it all
                    await answer.content.read(READ_AT_MOST)
                return Response(answer.status, answer.headers.get("Retry-After", ""))
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise Retry(f"no answer from the receiver: {type(error).__name__}") from None

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                timeout=aiohttp.ClientTimeout(total=TIMEOUT_S),
                cookie_jar=aiohttp.DummyCookieJar(),
                headers={"User-Agent": "orchestrator"},
                auto_decompress=False,
            )
        return self._session
