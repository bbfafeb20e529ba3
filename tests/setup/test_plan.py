"""What must be registered, compared with what is."""

from __future__ import annotations

from typing import Any

import pytest

from orchestrator.discord.commands import COMMANDS
from orchestrator.setup.plan import commands_differ, webhook_differs

URL = "https://example.org/webhooks/twilio/interactions"
EVENTS = ("onChannelStatusUpdated", "onChannelCreateFailed")


def as_discord_returns(command: dict[str, Any]) -> dict[str, Any]:
    """With the fields that Discord adds, and lists in an order of its own."""
    added = {
        "id": "1",
        "application_id": "2",
        "version": "3",
        "default_member_permissions": None,
        "nsfw": False,
    }
    return {**command, **added, "contexts": list(reversed(command["contexts"]))}


def test_commands_as_discord_returns_them_are_up_to_date() -> None:
    assert not commands_differ(COMMANDS, [as_discord_returns(command) for command in COMMANDS])


@pytest.mark.parametrize(
    "change",
    [{"description": "Something else"}, {"contexts": [0]}, {"options": []}, {"integration_types": [0, 1]}],
    ids=lambda change: next(iter(change)),
)
def test_a_changed_command_is_registered_again(change: dict[str, Any]) -> None:
    assert commands_differ(COMMANDS, [as_discord_returns(COMMANDS[0]) | change])


def test_a_missing_or_a_foreign_command_is_a_difference() -> None:
    assert commands_differ(COMMANDS, [])
    found = [as_discord_returns(command) for command in COMMANDS]
    assert commands_differ(COMMANDS, [*found, {**found[0], "name": "other"}])


def test_a_webhook_that_tells_at_least_what_we_want_is_enough() -> None:
    hook = {"webhook_url": URL, "webhook_events": [*EVENTS, "onChannelParticipantAdded"]}
    assert not webhook_differs(URL, EVENTS, [{"webhook_url": "https://other"}, hook])


@pytest.mark.parametrize(
    "hook",
    [
        {"webhook_url": "https://old.example.org", "webhook_events": list(EVENTS)},
        {"webhook_url": URL, "webhook_events": ["onChannelStatusUpdated"]},
        {"webhook_url": URL},
        {},
    ],
)
def test_another_address_or_fewer_events_are_a_difference(hook: dict[str, Any]) -> None:
    assert webhook_differs(URL, EVENTS, [hook])
