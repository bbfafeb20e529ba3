"""The gateway's front: accepts websockets, knows which one carries which session, makes trouble on demand."""

from __future__ import annotations

from collections.abc import Callable

from aiohttp import web

from orchestrator.sandbox.discord.connection import Connection
from orchestrator.sandbox.discord.model import DiscordModel
from orchestrator.sandbox.discord.sessions import Dispatch
from orchestrator.sandbox.discord.transport import encoder


class Gateway:
    """All open sockets of one model."""

    def __init__(
        self, model: DiscordModel, on_sent: Callable[[Dispatch], None], heartbeat_ms: int = 41_250
    ) -> None:
        self._model = model
        self._on_sent = on_sent
        self._heartbeat_ms = heartbeat_ms
        self._open: set[Connection] = set()
        model.sessions.on_dispatch = self._wake

    async def accept(self, request: web.Request) -> web.StreamResponse:
        """GET /gateway: 503 while the model is offline, else the websocket."""
        if self._model.offline:
            return web.Response(status=503, text="upstream connect error")
        connection = Connection(
            self._model,
            request,
            encoder(request.query.get("compress")),
            heartbeat_ms=self._heartbeat_ms,
            on_session=self._take_over,
            on_sent=self._on_sent,
        )
        self._open.add(connection)
        try:
            return await connection.run()
        finally:
            self._open.discard(connection)

    @property
    def connected(self) -> int:
        """Sockets that are open now."""
        return len(self._open)

    def drop(self) -> None:
        """Cut every line; sessions stay resumable."""
        for connection in tuple(self._open):
            connection.abort()

    def reconnect(self) -> None:
        """Op 7: ask every client to come back with a resume."""
        for connection in tuple(self._open):
            connection.reconnect()

    def invalidate(self, *, resumable: bool) -> None:
        """Op 9; not resumable means that the sessions are lost as well."""
        for connection in tuple(self._open):
            connection.invalidate(resumable=resumable)

    def close_all(self, code: int) -> None:
        for connection in tuple(self._open):
            connection.close(code, "Closed by the sandbox.")

    def go_offline(self, seconds: float) -> None:
        """Lose every session and refuse connections for that long."""
        self._model.go_offline(seconds)
        self.drop()

    def _wake(self, session_id: str) -> None:
        for connection in self._open:
            if connection.session_id == session_id:
                connection.wake()
                return

    def _take_over(self, session_id: str, by: Connection) -> None:
        for connection in tuple(self._open):
            if connection is not by and connection.session_id == session_id:
                connection.supersede()
