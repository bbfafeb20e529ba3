"""The commands that do something once, and say what."""

from __future__ import annotations

from pathlib import Path

from tests.cli.calling import Command


async def test_the_program_says_what_it_can_do(command: Command) -> None:
    ended = await command("--help")
    assert ended.code == 0
    for name in ("serve", "provision", "sandbox", "demo", "diagram", "stats", "dead", "db"):
        assert name in ended.out


async def test_the_database_is_upgraded_once(command: Command, tmp_path: Path) -> None:
    first = await command("db", "upgrade")
    assert first.code == 0, first.err
    assert "was empty" in first.out
    assert (tmp_path / "data" / "orchestrator.db").exists()
    again = await command("db", "upgrade")
    assert again.code == 0
    assert again.out.split()[:2] == first.out.split()[:2]
    assert "was" not in again.out


async def test_provision_registers_once(command: Command) -> None:
    changes = {"PUBLIC_URL": "https://example.org"}
    planned = await command("provision", "--dry-run", **changes)
    assert planned.code == 0, planned.err
    assert "would register /helpme" in planned.out
    assert [e.method for e in command.sandbox.log.entries if e.method not in ("GET",)] == []

    first = await command("provision", **changes)
    assert first.code == 0
    assert "registered /helpme" in first.out
    assert "https://example.org/webhooks/twilio/interactions" in first.out

    before = len(command.sandbox.log.entries)
    again = await command("provision", **changes)
    assert again.out.count("up to date") == 2
    assert {e.method for e in command.sandbox.log.entries[before:]} == {"GET"}


async def test_a_machine_is_drawn(command: Command) -> None:
    ended = await command("diagram", "conversation")
    assert ended.code == 0
    assert "awaiting_agent --> with_agent" in ended.out
