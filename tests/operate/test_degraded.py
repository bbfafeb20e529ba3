"""`/readyz` tells which provider does not answer, over sockets; members are served as far as that goes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from orchestrator import health
from orchestrator.discord.rest import DiscordRest
from orchestrator.errors import Reject, Retry
from orchestrator.twilio.client import TwilioRest
from tests.acceptance.conftest import bare
from tests.acceptance.playing import Stage, until
from tests.discord import serving as discord_serving
from tests.twilio import serving as twilio_serving

__all__ = ["bare"]


async def readyz(stage: Stage) -> dict[str, Any]:
    async with stage.session.get(f"{stage.url}/readyz") as answer:
        assert answer.status == 200
        found: dict[str, Any] = await answer.json()
        return found


async def told(stage: Stage, **facts: Any) -> dict[str, Any]:
    """Wait until `/readyz` says so. It is 200 all the while."""

    async def look() -> dict[str, Any] | None:
        found = await readyz(stage)
        return found if found.items() >= facts.items() else None

    found: dict[str, Any] = await until(f"/readyz tells {facts}", look)
    return found


async def test_a_twilio_that_is_away_from_the_start_is_told_and_heard_to_be_back(
    bare: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "LOOK_S", 0.1)
    await bare.control.fault("twilio", "*", "/", abort=True, times=-1)
    await bare.serve()
    facts = await told(bare, twilio=False, discord=True, degraded=True, gateway=True)
    assert facts["twilio_away_s"] >= 0
    mia = bare.member()
    await mia.write("I forgot my password")
    await mia.reads("This should help:")
    await bare.control.delete("/faults")
    await told(bare, twilio=True, degraded=False, twilio_away_s=0.0)


async def test_a_discord_whose_calls_fail_is_told_while_its_gateway_stands(
    bare: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "LOOK_S", 0.1)
    await bare.start()
    assert (await readyz(bare))["degraded"] is False
    await bare.control.fault("discord", "*", "/messages|/users/@me", status=503, times=-1)
    mia = bare.member()
    await mia.write("I forgot my password")
    await told(bare, discord=False, twilio=True, degraded=True, gateway=True)
    await bare.control.delete("/faults")
    await mia.reads("This should help:")
    await told(bare, discord=True, degraded=False)


# --- what counts as an answer

ANSWERS: dict[str, tuple[dict[str, Any], bool]] = {
    "done": ({}, True),
    "refused": ({"status": 403, "body": {"code": 50013, "message": "no"}}, True),
    "limited": ({"status": 429, "headers": {"Retry-After": "1"}, "body": "<html>"}, True),
    "login refused": ({"status": 401, "body": {"code": 0}}, False),
    "its own error": ({"status": 503, "body": "<html>"}, False),
    "no answer": ({"abort": True, "times": 2}, False),
}


@pytest.fixture
async def discord() -> AsyncIterator[discord_serving.Served]:
    async with discord_serving.serving() as found:
        yield found


@pytest.fixture
async def twilio() -> AsyncIterator[twilio_serving.Served]:
    async with twilio_serving.serving() as found:
        yield found


@pytest.mark.parametrize(("how", "answered"), ANSWERS.values(), ids=ANSWERS.keys())
async def test_what_counts_as_an_answer_of_discord(
    discord: discord_serving.Served, how: dict[str, Any], answered: bool
) -> None:
    heard: list[bool] = []
    rest = DiscordRest(heard.append)
    with pytest.raises(Retry):  # nobody is asked without a connection
        await rest.ping()
    assert heard == []
    rest.use(discord.client)
    if how:
        discord.fault("GET", "/users/@me", **how)
        with pytest.raises((Retry, Reject)):
            await rest.ping()
    else:
        await rest.ping()
    assert heard == [answered]


@pytest.mark.parametrize(("how", "answered"), ANSWERS.values(), ids=ANSWERS.keys())
async def test_what_counts_as_an_answer_of_twilio(
    twilio: twilio_serving.Served, how: dict[str, Any], answered: bool
) -> None:
    heard: list[bool] = []
    account = twilio.sandbox.account()
    sid = account["TWILIO_ACCOUNT_SID"]
    rest = TwilioRest(sid, sid, account["TWILIO_AUTH_TOKEN"], account["TWILIO_API_URL"], heard.append)
    if how:
        twilio.fault("GET", "/Configuration$", **how)
    try:
        await rest.ping()
    except Retry:
        assert how
    finally:
        await rest.close()
    assert heard == [answered]
