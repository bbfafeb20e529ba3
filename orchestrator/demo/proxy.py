"""The plain reverse proxy that puts the service's own pages under the demo's one URL."""

from __future__ import annotations

import aiohttp
from aiohttp import web
from multidict import CIMultiDict, CIMultiDictProxy

#: What belongs to the service. Webhooks do not: they go to its PUBLIC_URL straight.
PLACES = ("desk", "cases", "healthz", "readyz", "inspect", "static")
#: Between two machines, not from end to end (RFC 9110, 7.6.1), and the length, which the client sets anew.
#: `Host` is passed on, so that the service sees the one origin that the browser sees.
HOP_BY_HOP = frozenset(
    {
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
        "content-length",
    }
)
#: Seconds without a byte after which an answer counts as broken off.
SILENCE = 60.0
DOWN_PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta http-equiv="refresh" content="1">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>The service is down</title>
<link rel="stylesheet" href="/demo/page/demo.css">
<main class="notice"><h1>The service is down</h1>
<p>This page comes back by itself as soon as it is up. <a href="/">To the demo</a></p></main>
</html>
"""


class Proxy:
    """Passes requests on to `target`, bodies as streams; a refused connection becomes a 503 page."""

    def __init__(self) -> None:
        self.target = ""
        self._session: aiohttp.ClientSession | None = None

    def add_routes(self, app: web.Application) -> None:
        for place in PLACES:
            app.router.add_route("*", f"/{place}", self.forward)
            app.router.add_route("*", f"/{place}/{{rest:.*}}", self.forward)

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    async def forward(self, request: web.Request) -> web.StreamResponse:
        try:
            answer = await self._opened().request(
                request.method,
                f"{self.target}{request.path_qs}",
                headers=_end_to_end(request.headers),
                data=request.content if request.body_exists else None,
                allow_redirects=False,
            )
        except aiohttp.ClientConnectionError:
            return _down()
        async with answer:
            response = web.StreamResponse(status=answer.status, reason=answer.reason)
            for name, value in _end_to_end(answer.headers).items():
                response.headers.add(name, value)
            await response.prepare(request)
            try:
                async for chunk in answer.content.iter_any():
                    await response.write(chunk)
            except aiohttp.ClientError:
                _cut(request)
                return response
            await response.write_eof()
            return response

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(
                auto_decompress=False,
                cookie_jar=aiohttp.DummyCookieJar(),
                timeout=aiohttp.ClientTimeout(total=None, sock_read=SILENCE),
            )
        return self._session


def _end_to_end(headers: CIMultiDictProxy[str]) -> CIMultiDict[str]:
    return CIMultiDict((name, value) for name, value in headers.items() if name.lower() not in HOP_BY_HOP)


def _down() -> web.Response:
    return web.Response(
        status=503,
        text=DOWN_PAGE,
        content_type="text/html",
        headers={
            "Retry-After": "1",
            "Cache-Control": "no-store",
            "Content-Security-Policy": "default-src 'none'; style-src 'self'",
        },
    )


def _cut(request: web.Request) -> None:
    """The service died in the middle of an answer: a cut line says so, a clean end would not."""
    if request.transport is not None:
        request.transport.abort()
