"""One websocket of the gateway: its handshake, heartbeats and outgoing frames."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

from aiohttp import WSMsgType, web

from orchestrator.sandbox.discord import limits
from orchestrator.sandbox.discord.errors import GatewayClosed
from orchestrator.sandbox.discord.model import DiscordModel
from orchestrator.sandbox.discord.sessions import Dispatch
from orchestrator.sandbox.discord.transport import Encoder

#: Close codes of the client that end its session at once (Gateway, Initiating a Disconnect).
GOODBYE = (1000, 1001)
#: Close codes of the server after which a client has to identify anew (Gateway, Close Event Codes).
FINAL = (1000, 1001, 4003, 4004, 4007, 4009, 4010, 4011, 4012, 4013, 4014)


class Op(IntEnum):
    """Gateway opcodes (Gateway, Opcodes)."""

    DISPATCH = 0
    HEARTBEAT = 1
    IDENTIFY = 2
    PRESENCE_UPDATE = 3
    VOICE_STATE_UPDATE = 4
    RESUME = 6
    RECONNECT = 7
    REQUEST_GUILD_MEMBERS = 8
    INVALID_SESSION = 9
    HELLO = 10
    HEARTBEAT_ACK = 11


@dataclass(frozen=True, slots=True)
class _Close:
    code: int
    reason: str


class Connection:
    """Frames leave in the order they were queued, so a replay always stands before RESUMED."""

    def __init__(
        self,
        model: DiscordModel,
        request: web.Request,
        encoder: Encoder,
        *,
        heartbeat_ms: int,
        on_session: Callable[[str, Connection], None],
        on_sent: Callable[[Dispatch], None],
    ) -> None:
        self._model = model
        self._request = request
        self._encoder = encoder
        self._heartbeat_ms = heartbeat_ms
        self._on_session = on_session
        self._on_sent = on_sent
        self._ws = web.WebSocketResponse(compress=False)
        self._outgoing: asyncio.Queue[dict[str, Any] | Dispatch | _Close] = asyncio.Queue()
        self._ended_here = False
        self.session_id: str | None = None

    async def run(self) -> web.WebSocketResponse:
        """Serve the socket until either side ends it."""
        await self._ws.prepare(self._request)
        self._send({"op": Op.HELLO, "d": {"heartbeat_interval": self._heartbeat_ms}, "s": None, "t": None})
        writer = asyncio.create_task(self._write())
        code = 1006
        try:
            code = await self._read()
        finally:
            writer.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await writer
            self._leave(code)
        return self._ws

    def wake(self) -> None:
        """Take the session's news from the model and queue it."""
        if self.session_id is not None:
            for dispatch in self._model.drain(self.session_id):
                self._outgoing.put_nowait(dispatch)

    def reconnect(self) -> None:
        self._send({"op": Op.RECONNECT, "d": None, "s": None, "t": None})

    def invalidate(self, *, resumable: bool) -> None:
        if not resumable and self.session_id is not None:
            self._model.sessions.end(self.session_id)
            self.session_id = None
        self._send({"op": Op.INVALID_SESSION, "d": resumable, "s": None, "t": None})

    def close(self, code: int, reason: str = "") -> None:
        self._outgoing.put_nowait(_Close(code, reason))

    def abort(self) -> None:
        """Cut the line without a closing frame, as a failing network does."""
        self._leave(1006)
        if self._request.transport is not None:
            self._request.transport.abort()

    def supersede(self) -> None:
        """Another socket resumed this session."""
        self.session_id = None
        self.abort()

    def _send(self, payload: dict[str, Any]) -> None:
        self._outgoing.put_nowait(payload)

    async def _write(self) -> None:
        while True:
            item = await self._outgoing.get()
            try:
                if isinstance(item, _Close):
                    await self._end(item)
                    return
                payload = item.as_json() if isinstance(item, Dispatch) else item
                frame = self._encoder.encode(payload)
                if isinstance(frame, bytes):
                    await self._ws.send_bytes(frame)
                else:
                    await self._ws.send_str(frame)
            except ConnectionError:
                return
            if isinstance(item, Dispatch):
                self._on_sent(item)

    async def _end(self, close: _Close) -> None:
        self._ended_here = True
        if close.code in FINAL and self.session_id is not None:
            self._model.sessions.end(self.session_id)
            self.session_id = None
        await self._ws.close(code=close.code, message=close.reason.encode())

    async def _read(self) -> int:
        """Serve incoming frames; returns the close code that ended the socket."""
        patience = self._heartbeat_ms / 1000 * 1.5
        while True:
            try:
                frame = await self._ws.receive(timeout=patience)
            except TimeoutError:
                self.close(4009, "Session timed out.")
                patience = 5.0
                continue
            if frame.type is WSMsgType.CLOSE:
                return int(frame.data)
            if frame.type not in (WSMsgType.TEXT, WSMsgType.BINARY):
                return self._ws.close_code or 1006
            try:
                self._serve(frame.data)
            except GatewayClosed as end:
                self.close(end.code, end.reason)

    def _serve(self, raw: str | bytes) -> None:
        size = len(raw.encode() if isinstance(raw, str) else raw)
        try:
            payload = json.loads(raw)
            op, data = payload["op"], payload.get("d")
        except (ValueError, TypeError, KeyError):
            raise GatewayClosed(4002, "Error while decoding payload.") from None
        if size > limits.GATEWAY_PAYLOAD:
            raise GatewayClosed(4002, "Payload exceeds maximum size.")
        if op == Op.HEARTBEAT:
            # no line is instant: an answer before the client noted its question would look a minute late
            ack = {"op": Op.HEARTBEAT_ACK, "d": None, "s": None, "t": None}
            asyncio.get_running_loop().call_later(0.01, self._send, ack)
        elif op in (Op.IDENTIFY, Op.RESUME):
            if self.session_id is not None:
                raise GatewayClosed(4005, "Already authenticated.")
            self._authenticate(op, data if isinstance(data, dict) else {})
        elif op not in (Op.PRESENCE_UPDATE, Op.VOICE_STATE_UPDATE, Op.REQUEST_GUILD_MEMBERS):
            raise GatewayClosed(4001, "Unknown opcode.")
        elif self.session_id is None:
            raise GatewayClosed(4003, "Not authenticated.")

    def _authenticate(self, op: int, data: dict[str, Any]) -> None:
        token = str(data.get("token") or "").removeprefix("Bot ")
        if op == Op.IDENTIFY:
            intents = data.get("intents")
            if not isinstance(intents, int):
                raise GatewayClosed(4013, "Invalid intent(s).")
            session_id = self._model.identify(token, intents, data.get("shard")).id
        else:
            session_id = str(data.get("session_id"))
            seq = data.get("seq")
            self._on_session(session_id, self)
            if self._model.resume(token, session_id, seq if isinstance(seq, int) else 0) is None:
                self.invalidate(resumable=False)
                return
        self.session_id = session_id
        self.wake()

    def _leave(self, code: int) -> None:
        if self.session_id is None:
            return
        if code in GOODBYE and not self._ended_here:  # a client echoes our close with its own 1000
            self._model.sessions.end(self.session_id)
        else:
            self._model.sessions.disconnect(self.session_id)
        self.session_id = None
