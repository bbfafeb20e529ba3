"""The gateway's protocol, spoken without a library."""

from __future__ import annotations

import json
import time
import zlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp
import pytest
import zstandard

from orchestrator.sandbox.server import Sandbox
from tests.sandbox.discord_bot import Clock, Member, sandboxed

GUILDS, DIRECT_MESSAGES, TYPING, MESSAGE_CONTENT = 1 << 0, 1 << 12, 1 << 14, 1 << 15


class Socket:
    """One gateway connection that reads payloads as the address asked for them."""

    def __init__(self, ws: aiohttp.ClientWebSocketResponse, compress: str | None) -> None:
        self.ws = ws
        inflators = {"zlib-stream": zlib.decompressobj, "zstd-stream": _zstd}
        self._inflator: Any = inflators[compress]() if compress else None

    async def next(self) -> dict[str, Any]:
        frame = await self.ws.receive(timeout=5)
        assert frame.type is (aiohttp.WSMsgType.BINARY if self._inflator else aiohttp.WSMsgType.TEXT), frame
        raw = self._inflator.decompress(frame.data) if self._inflator else frame.data
        payload: dict[str, Any] = json.loads(raw)
        return payload

    async def event(self, name: str) -> Any:
        while True:
            payload = await self.next()
            if payload["t"] == name:
                return payload["d"]

    async def send(self, op: int, data: Any) -> None:
        await self.ws.send_json({"op": op, "d": data})

    async def identify(self, intents: int = GUILDS | DIRECT_MESSAGES) -> dict[str, Any]:
        await self.send(2, {"token": "any", "intents": intents, "properties": {}})
        ready: dict[str, Any] = await self.event("READY")
        return ready

    async def close_code(self) -> int | None:
        while (await self.ws.receive(timeout=5)).type not in (
            aiohttp.WSMsgType.CLOSE,
            aiohttp.WSMsgType.CLOSED,
        ):
            pass
        return self.ws.close_code


def _zstd() -> zstandard.ZstdDecompressionObj:
    return zstandard.ZstdDecompressor().decompressobj()


@asynccontextmanager
async def dialled(
    sandbox: Sandbox, compress: str | None = None, interval: int = 41_250
) -> AsyncIterator[Socket]:
    address = sandbox.account()["DISCORD_GATEWAY_URL"] + "?v=10&encoding=json"
    address += f"&compress={compress}" if compress else ""
    async with aiohttp.ClientSession() as session, session.ws_connect(address) as ws:
        socket = Socket(ws, compress)
        hello = await socket.next()
        assert (hello["op"], hello["d"]["heartbeat_interval"]) == (10, interval)
        yield socket


@pytest.mark.parametrize("compress", [None, "zlib-stream", "zstd-stream"])
async def test_every_transport_carries_the_same_events_over_one_stream(compress: str | None) -> None:
    async with sandboxed() as (sandbox, member), dialled(sandbox, compress) as socket:
        ready = await socket.identify()
        assert ready["private_channels"] == []
        assert ready["resume_gateway_url"] == sandbox.account()["DISCORD_GATEWAY_URL"]
        assert (await socket.event("GUILD_CREATE"))["name"] == "Demo"
        for number in range(3):
            await member.post("/members/ada/messages", {"content": f"message {number} " * 50})
            event = await socket.event("MESSAGE_CREATE")
            assert event["content"].startswith(f"message {number}")
            assert "guild_id" not in event


async def test_a_heartbeat_is_acknowledged() -> None:
    async with sandboxed() as (sandbox, _), dialled(sandbox) as socket:
        await socket.send(1, None)
        assert (await socket.next())["op"] == 11


async def test_a_silent_client_is_disconnected() -> None:
    async with sandboxed(heartbeat_ms=50) as (sandbox, _), dialled(sandbox, interval=50) as socket:
        assert await socket.close_code() == 4009


async def test_events_reach_only_those_who_asked_for_them() -> None:
    async with sandboxed() as (sandbox, member), dialled(sandbox) as socket:
        await socket.identify(intents=TYPING)
        await member.post("/members/ada/messages", {"content": "not for you"})
        await member.post("/members/ada/typing")
        payload = await socket.next()
        assert (payload["t"], payload["s"]) == ("TYPING_START", 2)


@pytest.mark.parametrize(
    ("op", "data", "code"),
    [
        (2, {"token": "revoked", "intents": 0}, 4004),
        (2, {"token": "any", "intents": MESSAGE_CONTENT}, 4014),
        (2, {"token": "any"}, 4013),
        (3, {}, 4003),
        (99, {}, 4001),
        (2, {"token": "x" * 5000, "intents": 0}, 4002),
    ],
)
async def test_a_bad_payload_is_answered_with_its_close_code(op: int, data: Any, code: int) -> None:
    async with sandboxed() as (sandbox, _), dialled(sandbox) as socket:
        sandbox.discord.revoked_tokens.add("revoked")
        await socket.send(op, data)
        assert await socket.close_code() == code


async def _resumed(sandbox: Sandbox, session_id: str, seq: int) -> list[Any]:
    """What a resume is told first: op 9, or events up to RESUMED."""
    async with dialled(sandbox) as socket:
        await socket.send(6, {"token": "any", "session_id": session_id, "seq": seq})
        told: list[Any] = []
        while not told or told[-1] not in ("RESUMED", 9):
            payload = await socket.next()
            told.append(payload["t"] or payload["op"])
        return told


@pytest.mark.parametrize(("close_code", "survives"), [(4000, True), (1000, False), (1001, False)])
async def test_only_a_goodbye_ends_the_session(close_code: int, survives: bool) -> None:
    async with sandboxed() as (sandbox, member):
        async with dialled(sandbox) as socket:
            ready = await socket.identify()
            await socket.ws.close(code=close_code)
        await _posted(member)
        told = await _resumed(sandbox, ready["session_id"], 2)
        assert told == (["MESSAGE_CREATE", "RESUMED"] if survives else [9])


async def test_a_session_is_forgotten_a_few_minutes_after_its_line_dropped() -> None:
    clock = Clock()
    async with sandboxed(now=clock) as (sandbox, member):
        async with dialled(sandbox) as socket:
            ready = await socket.identify()
            await member.post("/gateway", {"drop": True})
        clock.move(minutes=4)
        assert await _resumed(sandbox, ready["session_id"], 2) == [9]


async def test_while_discord_is_offline_nobody_connects_and_sessions_are_lost() -> None:
    clock = Clock()
    async with sandboxed(now=clock) as (sandbox, member):
        async with dialled(sandbox) as socket:
            ready = await socket.identify()
            await member.post("/gateway", {"offline_s": 30})
        with pytest.raises(aiohttp.WSServerHandshakeError):
            async with dialled(sandbox):
                pass
        clock.move(seconds=31)
        assert await _resumed(sandbox, ready["session_id"], 2) == [9]


async def test_a_command_without_a_connected_bot_is_not_answered() -> None:
    async with sandboxed() as (sandbox, member):
        sandbox.discord.commands.overwrite(None, [{"name": "helpme", "description": "Ask for help"}])
        status, answer = await member("POST", "/members/ada/commands", {"name": "helpme"})
        assert (status, answer["error"]) == (409, "no_answer")


async def test_the_sandbox_stops_at_once_with_sockets_open() -> None:
    async with sandboxed() as (sandbox, _), dialled(sandbox) as socket:
        await socket.identify()
        before = time.monotonic()
        await sandbox.close()
        assert time.monotonic() - before < 1


async def _posted(member: Member) -> None:
    await member.post("/members/ada/messages", {"content": "hello"})
