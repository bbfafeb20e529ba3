"""The demo page and what its buttons do to the service."""

from __future__ import annotations

from importlib.resources import files
from typing import Protocol
from urllib.parse import urlsplit

from aiohttp import web

PAGE = files("orchestrator.demo") / "page"
KINDS = {"demo.css": "text/css", "demo.js": "text/javascript", "text.js": "text/javascript"}
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


class Stage(Protocol):
    """What the page shows and disturbs."""

    trouble: str

    @property
    def state(self) -> str: ...

    async def kill(self) -> None: ...

    def start_soon(self) -> None: ...


class Site:
    """`/`, its files, and `/demo/{kill,start,status}`."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    def add_routes(self, app: web.Application) -> None:
        app.router.add_get("/", self._index)
        app.router.add_get("/demo/page/{name}", self._file)
        app.router.add_get("/demo/status", self._status)
        app.router.add_post("/demo/kill", self._kill)
        app.router.add_post("/demo/start", self._start)

    async def _index(self, request: web.Request) -> web.Response:
        return _page("index.html", "text/html")

    async def _file(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        if name not in KINDS:
            raise web.HTTPNotFound
        return _page(name, KINDS[name])

    async def _status(self, request: web.Request) -> web.Response:
        return self._shown()

    async def _kill(self, request: web.Request) -> web.Response:
        _check_origin(request)
        await self._stage.kill()
        return self._shown()

    async def _start(self, request: web.Request) -> web.Response:
        _check_origin(request)
        self._stage.start_soon()
        return self._shown(202)

    def _shown(self, status: int = 200) -> web.Response:
        shown = {"state": self._stage.state, "trouble": self._stage.trouble}
        return web.json_response(shown, status=status, headers={"Cache-Control": "no-store"})


def _page(name: str, kind: str) -> web.Response:
    text = (PAGE / name).read_text(encoding="utf-8")
    return web.Response(text=text, content_type=kind, charset="utf-8", headers=HEADERS)


def _check_origin(request: web.Request) -> None:
    """Another site open in the same browser must not be able to press these buttons."""
    origin = request.headers.get("Origin")
    if origin is not None and urlsplit(origin).netloc != request.host:
        raise web.HTTPForbidden(text="This button works on the demo's own page only.")
