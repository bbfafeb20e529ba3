"""Provision: what is missing is registered, what is there is left alone."""

from __future__ import annotations

import pytest

from orchestrator.errors import ConfigurationError, Unreachable
from orchestrator.sandbox.faults import Fault
from orchestrator.setup.provision import provision
from tests.acceptance.conftest import bare
from tests.acceptance.playing import Stage

__all__ = ["bare"]


async def test_running_it_again_changes_nothing(bare: Stage) -> None:
    said: list[str] = []
    assert await provision(bare.settings(), said.append) == 2
    assert await provision(bare.settings(), said.append) == 0
    assert [line for line in said if "up to date" in line] == said[2:]


async def test_a_dry_run_says_what_it_would_do_and_does_nothing(bare: Stage) -> None:
    said: list[str] = []
    assert await provision(bare.settings(), said.append, dry_run=True) == 2
    assert all("would register" in line for line in said)
    assert {e["method"] for e in await bare.control.log()} == {"GET"}


async def test_a_new_address_is_registered_beside_the_old_one(bare: Stage) -> None:
    await provision(bare.settings(), lambda _line: None)
    moved = bare.settings()
    moved.public_url = "https://example.org"
    said: list[str] = []
    assert await provision(moved, said.append) == 1
    assert "https://example.org/webhooks/twilio/interactions" in said[-1]


async def test_a_missing_token_is_named(bare: Stage) -> None:
    settings = bare.settings().model_copy(update={"twilio_account_sid": "", "desk": "flex"})
    with pytest.raises(ConfigurationError, match="TWILIO_ACCOUNT_SID is not set"):
        await provision(settings, lambda _line: None)


@pytest.mark.parametrize(
    ("status", "body"), [(403, "{}"), (404, "<html>"), (429, "<html>"), (500, "<html>"), (200, "<html>")]
)
async def test_an_account_that_cannot_be_read_is_one_line(bare: Stage, status: int, body: str) -> None:
    bare.sandbox.faults.plant(Fault("twilio", "*", "", times=-1, status=status, body=body))
    with pytest.raises(Unreachable, match="Twilio"):
        await provision(bare.settings(), lambda _line: None)


async def test_a_token_that_twilio_refuses_is_named(bare: Stage) -> None:
    bare.sandbox.faults.plant(Fault("twilio", "*", "", times=-1, status=401, body={"code": 20003}))
    with pytest.raises(ConfigurationError, match="TWILIO_AUTH_TOKEN is refused"):
        await provision(bare.settings(), lambda _line: None)


async def test_a_token_that_discord_refuses_is_named(bare: Stage) -> None:
    bare.sandbox.faults.plant(Fault("discord", "GET", "/users/@me$", times=-1, status=401))
    with pytest.raises(ConfigurationError, match="DISCORD_TOKEN is refused"):
        await provision(bare.settings(), lambda _line: None)
