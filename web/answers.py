"""Answers that every route shares: errors as JSON `{error, detail}`, and headers that make a browser careful."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from aiohttp import web

from orchestrator.errors import Unavailable

log = logging.getLogger(__name__)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

#: OWASP Secure Headers. Nothing here may be framed, sniffed, cached, or load anything; pages loosen it.
SECURITY_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
#: Two years, as the preload lists ask. Only said where the public address is https.
HSTS = "max-age=63072000; includeSubDomains"


class Refused(Exception):
    """The request is not accepted; the answer says why. `error` is for programs, `detail` for people."""

    def __init__(
        self,
        status: int,
        error: str,
        detail: str,
        *,
        close: bool = False,
        headers: Mapping[str, str] | None = None,
        more: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.error = error
        self.detail = detail
        self.headers = headers or {}
        self.more = more or {}  #: what else programs are told
        self.close = close  #: the rest of the body is not read, so the connection cannot be used again


@web.middleware
async def errors_as_json(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Nothing but JSON leaves a route that failed, and no failure is told in its own words."""
    try:
        return await handler(request)
    except Refused as refused:
        # neither the query nor the body: both carry what people wrote or who they are
        # a webhook that is refused is a message that does not arrive: the operator must see why
        level = logging.WARNING if refused.status in (401, 403) else logging.INFO
        facts = {"path": request.path, "status": refused.status, "reason": refused.detail}
        log.log(level, "refused", extra=facts)
        answer = _error(refused.status, refused.error, refused.detail, refused.more)
        answer.headers.update(refused.headers)
        if refused.close:
            answer.force_close()
        return answer
    except Unavailable as unavailable:
        log.warning("unavailable", extra={"path": request.path, "reason": str(unavailable)})
        answer = _error(503, "unavailable", str(unavailable))
        answer.headers["Retry-After"] = str(max(1, unavailable.retry_after))
        return answer
    except web.HTTPException as raised:
        if raised.status < 400:
            raise
        answer = _error(raised.status, raised.reason.lower().replace(" ", "_"), raised.reason)
        if allow := raised.headers.get("Allow"):
            answer.headers["Allow"] = allow
        return answer
    except Exception:
        log.exception("failed", extra={"path": request.path})
        return _error(500, "internal", "the request failed here; it is in the log")


def security_headers(*, https: bool) -> Callable[[web.Request, web.StreamResponse], Awaitable[None]]:
    """A hook that completes every response, errors and streams included."""

    async def complete(_: web.Request, response: web.StreamResponse) -> None:
        for name, value in SECURITY_HEADERS.items():
            response.headers.setdefault(name, value)
        if https:
            response.headers.setdefault("Strict-Transport-Security", HSTS)
        response.headers.pop("Server", None)

    return complete


def _error(status: int, error: str, detail: str, more: Mapping[str, Any] | None = None) -> web.Response:
    return web.json_response({"error": error, "detail": detail, **(more or {})}, status=status)
