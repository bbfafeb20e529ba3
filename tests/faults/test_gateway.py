"""Trouble at the gateway while both sides write: nothing lost, nothing twice, in order; or one line and the end."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any

import pytest

from orchestrator.sandbox import server
from orchestrator.setup.provision import provision
from tests.acceptance.playing import Member, Stage, until

Trouble = Callable[[Stage], Awaitable[Any]]
#: Until the connection stands again, discord.py's own pauses included. Seconds.
PATIENCE_S = 20.0


@pytest.fixture
def beats_every_second(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server, "start", partial(server.start, heartbeat_ms=1000))


@pytest.fixture
async def stage(beats_every_second: None, bare: Stage) -> Stage:
    await bare.start()
    return bare


def asks(**trouble: Any) -> Trouble:
    """Trouble that the sandbox makes by itself."""

    async def make(stage: Stage) -> None:
        await stage.control.post("/gateway", **trouble)

    return make


async def falls_silent(stage: Stage) -> None:
    """The line stands, and nothing comes any more: no acknowledgement of a heartbeat either."""
    for connection in stage.sandbox.discord_shell.gateway._open:
        connection._outgoing = asyncio.Queue()
    # the client waits a minute before it gives a silent line up
    _socket(stage)._keep_alive.heartbeat_timeout = 1.0


async def is_cut_while_it_speaks(stage: Stage) -> None:
    """Words are on the way when the line breaks."""
    posts = [stage.control.post("/members/mia/typing") for _ in range(3)]
    await asyncio.gather(*posts, stage.control.post("/gateway", drop=True))


async def repeats_itself(stage: Stage) -> None:
    """What was heard already is told again after the resume."""
    _socket(stage).sequence = 2
    await stage.control.post("/gateway", drop=True)


async def breaks_again_while_it_comes_back(stage: Stage) -> None:
    await stage.control.post("/gateway", drop=True)
    await _connected(stage)
    await stage.control.post("/gateway", reconnect=True)


def _socket(stage: Stage) -> Any:
    assert stage.service is not None
    client = stage.service.supervisor._client
    assert client is not None
    return client.ws


async def _connected(stage: Stage) -> None:
    async def look() -> bool:
        return bool((await stage.control.get("/gateway"))["connected"])

    await until("a connection", look, PATIENCE_S)


TROUBLES: dict[str, Trouble] = {
    "op 7": asks(reconnect=True),
    "op 9 true": asks(invalid_session="resumable"),
    "op 9 false": asks(invalid_session=True),
    "4000": asks(close_code=4000),
    "4008": asks(close_code=4008),
    "4009": asks(close_code=4009),
    "no heartbeat ack": falls_silent,
    "cut mid-event": is_cut_while_it_speaks,
    "resume with repeats": repeats_itself,
    "twice": breaks_again_while_it_comes_back,
    "away, session lost": asks(offline_s=0.5),
}


@pytest.mark.parametrize("trouble", TROUBLES.values(), ids=TROUBLES.keys())
async def test_words_of_both_sides_survive_trouble_at_the_gateway(stage: Stage, trouble: Trouble) -> None:
    mia = stage.member()
    task = await stage.handed_off(mia)
    await mia.write("one")
    await mia.write("two")
    await task.gets("one", "two")
    begun = await _begun(stage)

    await trouble(stage)
    await mia.write("three")
    await task.write("answer one")
    await mia.write("four")
    await task.write("answer two")

    async def again() -> bool:
        return await _begun(stage) > begun

    await until("another session, or the same one resumed", again, PATIENCE_S)
    await mia.write("five")
    await task.gets("one", "two", "three", "four", "five", within=PATIENCE_S)
    await mia.gets("answer one", "answer two")
    await _nothing_was_said_twice(mia)


async def _begun(stage: Stage) -> int:
    """How often the client was told that it is connected."""
    told = [e["method"] for e in await stage.control.log() if e["to"] == "gateway"]
    return told.count("READY") + told.count("RESUMED")


async def _nothing_was_said_twice(mia: Member) -> None:
    texts = await mia.texts()
    assert len(texts) == len(set(texts))


@pytest.mark.parametrize(
    ("code", "word"), [(4004, "DISCORD_TOKEN is refused"), (4014, "refuses a privileged intent")]
)
async def test_a_close_that_no_attempt_mends_ends_the_service_with_one_line(
    bare: Stage, code: int, word: str
) -> None:
    await provision(bare.settings(), lambda _line: None)
    await bare.spawn()
    assert bare.process is not None
    await bare.control.post("/gateway", close_code=code)
    async with asyncio.timeout(PATIENCE_S):
        assert await bare.process.wait() == 78
    said = [line for line in (bare.folder / "service.log").read_text().splitlines() if word in line]
    assert len(said) == 1
    assert "Traceback" not in (bare.folder / "service.log").read_text()
