"""The demo's parent process: sandbox and page in this process, the service as a child, one URL."""

from __future__ import annotations

import asyncio
import contextlib
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

from aiohttp import web

from orchestrator.demo.proxy import Proxy
from orchestrator.demo.service import PROGRAM, READY_WITHIN, Service
from orchestrator.demo.site import Site
from orchestrator.errors import TryLater
from orchestrator.sandbox import server


class Parent:
    """Owns the sandbox, the page and the service. What it does to the service stands in the sandbox's log.

    Raises Fatal (one line for the person at the terminal) when the port is taken or the service does not come up.
    """

    def __init__(self, port: int = 0, *, program: Sequence[str] = PROGRAM) -> None:
        self._port = port
        self._program = program
        self._folder = tempfile.TemporaryDirectory(prefix="orchestrator-demo-", ignore_cleanup_errors=True)
        self._proxy = Proxy()
        self._sandbox: server.Sandbox | None = None
        self._service: Service | None = None
        self._ready = False
        self._watch: asyncio.Task[None] | None = None
        self.url = ""  #: `http://127.0.0.1:port`, once `up` has begun to serve
        self.trouble = ""  #: why the service did not come up again, for the page

    async def __aenter__(self) -> Self:
        await self.up()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.down()

    async def up(self) -> None:
        """Serve, provision, start the service and return when it is ready."""
        try:
            await self._serve()
            await self.service.provision()
            await self.start()
        except BaseException:
            await self.down()
            raise

    async def down(self) -> None:
        """Stop everything and remove the temporary files."""
        await self._forget_watch()
        if self._service is not None:
            await self._service.stop()
        await self._proxy.close()
        if self._sandbox is not None:
            await self._sandbox.close()
        self._folder.cleanup()

    async def start(self) -> None:
        """Start the service unless it runs; returns when it is ready."""
        self.trouble = ""
        if not self.service.running:
            self._ready = False
            self._note("START")
            await self.service.start()
        await self.service.ready(READY_WITHIN)
        self._note("READY")
        self._ready = True

    def start_soon(self) -> None:
        """Start it in the background; `trouble` tells what went wrong."""
        if self._watch is None or self._watch.done():
            self._watch = asyncio.create_task(self._started())

    async def stop(self) -> None:
        """SIGTERM; returns when it is gone."""
        await self._forget_watch()
        self._ready = False
        await self.service.stop()
        self._note("STOP")

    async def kill(self) -> None:
        """SIGKILL to the process group; returns when it is gone."""
        await self._forget_watch()
        self._ready = False
        self.service.kill()
        self._note("KILL")
        await self.service.gone()

    @property
    def service(self) -> Service:
        if self._service is None:
            raise RuntimeError("the demo is not up")
        return self._service

    @property
    def state(self) -> str:
        """`up`, `starting` or `down`."""
        starting = self._watch is not None and not self._watch.done()
        if not self.service.running and not starting:
            return "down"
        return "up" if self._ready and self.service.running else "starting"

    def last_lines(self) -> str:
        """The end of the service's own log."""
        return self._service.last_lines() if self._service is not None else ""

    async def _serve(self) -> None:
        try:
            self._sandbox = await server.start(port=self._port, environ={}, extra_routes=self._add_routes)
        except OSError as error:
            raise TryLater(
                f"Port {self._port} cannot be used ({os.strerror(error.errno or 0)}).",
                "Choose another with --port.",
            ) from None
        self.url = self._sandbox.url
        folder = Path(self._folder.name)
        self._service = Service(self._sandbox.account(), folder, program=self._program)
        self._proxy.target = self._service.url

    def _add_routes(self, app: web.Application) -> None:
        Site(self).add_routes(app)
        self._proxy.add_routes(app)

    async def _started(self) -> None:
        try:
            await self.start()
        except Exception as error:
            self.trouble = str(error)

    async def _forget_watch(self) -> None:
        if self._watch is not None:
            self._watch.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._watch
            self._watch = None

    def _note(self, what: str) -> None:
        if self._sandbox is not None:
            self._sandbox.log.add("demo", "service", what, "/")
