"""The web application put together, and the server that runs it."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from urllib.parse import urlsplit

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from web import agents, statistics
from web.answers import errors_as_json, security_headers
from web.body import LIMIT, SECONDS
from web.gate import gate
from web.routes import ROUTES
from web.services import SERVICES, Services

#: Seconds an idle connection or a half-sent header is kept. aiohttp's own hour lets a few sockets hold a server.
KEEPALIVE_SECONDS = 5.0
#: Seconds that a refused body's rest is read and thrown away, so that the sender sees the answer.
LINGERING_SECONDS = 1.0
#: Seconds that requests in hand get when the server closes.
GRACE_SECONDS = 5.0


def create(services: Services, *, body_seconds: float = SECONDS) -> web.Application:
    """The application over these services. `body_seconds` bounds how long a webhook's body may take."""
    app = web.Application(
        middlewares=[
            errors_as_json,
            agents.guard(services),
            statistics.guard(services),
            gate(services, body_seconds=body_seconds),
        ],
        client_max_size=LIMIT,
    )
    app[SERVICES] = services
    https = urlsplit(services.public_url).scheme == "https"
    app.on_response_prepare.append(security_headers(https=https))
    app.add_routes(ROUTES)
    return app


@dataclass(frozen=True, slots=True)
class Server:
    """A running server."""

    host: str
    port: int
    runner: web.AppRunner

    @property
    def url(self) -> str:
        """Where it listens, without a slash at the end. Not the public address."""
        return f"http://{self.host}:{self.port}"

    async def close(self) -> None:
        """Take no more, let the requests in hand end, and cut what is left after the grace."""
        await self.runner.cleanup()


async def serve(app: web.Application, host: str, port: int) -> Server:
    """Listen on `host:port`; port 0 takes a free one. Raises OSError when the port is taken."""
    log = logging.getLogger("web.http")
    log.addFilter(_without_quotes)
    runner = web.AppRunner(
        app,
        logger=log,
        access_log=None,  # it would write queries, which name conversations
        keepalive_timeout=KEEPALIVE_SECONDS,
        lingering_time=LINGERING_SECONDS,
        shutdown_timeout=GRACE_SECONDS,
        auto_decompress=False,
    )
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
    except OSError:
        await runner.cleanup()
        raise
    return Server(host, runner.addresses[0][1], runner)


def _without_quotes(record: logging.LogRecord) -> bool:
    """What is no HTTP is noted without the parser's report, which quotes what was sent."""
    if record.exc_info and isinstance(record.exc_info[1], HttpProcessingError):
        record.exc_info = None
        record.levelno, record.levelname = logging.INFO, "INFO"
    return True
