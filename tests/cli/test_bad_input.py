"""What cannot work is named in one line, with the exit code that says what to do about it."""

from __future__ import annotations

import asyncio
import json
import socket
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from orchestrator.sandbox.faults import Fault
from tests.cli.calling import Command, Ended

CONFIGURATION, TRY_LATER, UNREACHABLE, USAGE = 78, 75, 69, 2


def assert_one_line(ended: Ended, code: int, *words: str) -> None:
    """One line that says what is wrong, a hint below it, and no traceback."""
    assert ended.code == code, ended.err
    assert "Traceback" not in ended.err
    line, *hint = ended.lines
    assert line.startswith("orchestrator: ")
    assert len(hint) <= 1
    for word in words:
        assert word in line


@pytest.mark.parametrize(("what", "name"), [("serve", "DISCORD_TOKEN"), ("provision", "TWILIO_AUTH_TOKEN")])
async def test_a_setting_that_is_missing_is_named(command: Command, what: str, name: str) -> None:
    assert_one_line(await command(what, **{name: None}), CONFIGURATION, name)


async def test_a_setting_that_cannot_be_read_is_named(command: Command) -> None:
    assert_one_line(await command("serve", PORT="eighty"), CONFIGURATION, "PORT")


async def test_a_warning_that_would_come_after_the_end_is_one_line(command: Command) -> None:
    ended = await command("serve", TIMER_MEMBER_IDLE="60")
    assert_one_line(ended, CONFIGURATION, "TIMER_MEMBER_IDLE_WARN", "TIMER_MEMBER_IDLE")


async def test_opening_hours_that_cannot_be_read_are_one_line(command: Command) -> None:
    ended = await command("serve", OPENING_HOURS="mon-fri 09:00-17:00; sat 9-13")
    assert_one_line(ended, CONFIGURATION, "OPENING_HOURS", "'9-13'")
    ended = await command("serve", TIME_ZONE="Europe/Berln")
    assert_one_line(ended, CONFIGURATION, "TIME_ZONE", "'Europe/Berln'")


@pytest.mark.parametrize("what", ["serve", "provision"])
async def test_a_token_that_discord_refuses_is_named_and_not_tried_again(command: Command, what: str) -> None:
    command.sandbox.faults.plant(Fault("discord", "GET", "/users/@me$", times=-1, status=401))
    assert_one_line(await command(what), CONFIGURATION, "DISCORD_TOKEN")
    asked = [e for e in command.sandbox.log.entries if e.to == "discord" and e.path == "/users/@me"]
    assert len(asked) == 1


@pytest.mark.parametrize("what", ["serve", "provision"])
async def test_a_token_that_twilio_refuses_is_named(command: Command, what: str) -> None:
    command.sandbox.faults.plant(Fault("twilio", "*", "", times=-1, status=401, body={"code": 20003}))
    ended = await command(what, TWILIO_WORKSPACE_SID=None, TWILIO_FLEX_INSTANCE_SID=None)
    assert_one_line(ended, CONFIGURATION, "TWILIO_AUTH_TOKEN")


async def test_a_token_that_twilio_refuses_is_named_though_nothing_is_looked_up(command: Command) -> None:
    command.sandbox.faults.plant(Fault("twilio", "*", "", times=-1, status=401, body={"code": 20003}))
    assert_one_line(await command("serve"), CONFIGURATION, "TWILIO_AUTH_TOKEN")


@pytest.mark.parametrize("what", ["serve", "provision"])
async def test_an_account_that_cannot_be_read_is_one_line(command: Command, what: str) -> None:
    command.sandbox.faults.plant(Fault("twilio", "*", "", times=-1, status=500, body="<html>no</html>"))
    ended = await command(what, TWILIO_WORKSPACE_SID=None, TWILIO_FLEX_INSTANCE_SID=None)
    assert_one_line(ended, UNREACHABLE, "Twilio")


async def test_a_provider_that_is_away_is_one_line(command: Command) -> None:
    nobody = "http://127.0.0.1:9"
    assert_one_line(await command("provision", DISCORD_API_URL=nobody), UNREACHABLE, "Discord")
    assert_one_line(await command("provision", TWILIO_API_URL=nobody), UNREACHABLE, "Twilio")


async def test_several_workspaces_are_listed(command: Command) -> None:
    body = {"workspaces": [{"sid": "WS1", "friendly_name": "One"}, {"sid": "WS2", "friendly_name": "Two"}]}
    command.sandbox.faults.plant(Fault("twilio", "GET", "/Workspaces$", status=200, body=body))
    ended = await command("serve", TWILIO_WORKSPACE_SID=None)
    assert_one_line(ended, CONFIGURATION, "TWILIO_WORKSPACE_SID", "WS1 (One)", "WS2 (Two)")


async def test_a_second_serve_on_the_same_database_is_one_line(command: Command) -> None:
    async with command.running("serve") as first:
        assert first.stderr is not None
        while b"listening" not in (line := await first.stderr.readline()):
            assert line, "the first one ended"
        assert_one_line(await command("serve"), TRY_LATER, "orchestrator.db")
        first.terminate()
        async with asyncio.timeout(10):
            assert await first.wait() == 0


async def test_a_port_that_is_taken_is_one_line(command: Command) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        assert_one_line(await command("serve", PORT=port), TRY_LATER, port)
        assert_one_line(await command("sandbox", "--port", port), TRY_LATER, port)


async def test_an_article_folder_that_is_missing_is_named(command: Command, tmp_path: Path) -> None:
    missing = str(tmp_path / "nowhere")
    assert_one_line(await command("serve", KNOWLEDGE_DIR=missing), CONFIGURATION, missing)


async def test_an_article_without_a_title_is_named_with_its_line(command: Command, tmp_path: Path) -> None:
    folder = tmp_path / "articles"
    folder.mkdir()
    (folder / "good.md").write_text("# Good\n\nText.\n")
    (folder / "bad.md").write_text("Text without a title.\n")
    ended = await command("serve", KNOWLEDGE_DIR=str(folder))
    assert_one_line(ended, CONFIGURATION, "bad.md:1", "title")


async def test_a_database_of_another_kind_is_named(command: Command) -> None:
    ended = await command("db", "upgrade", DATABASE_URL="mysql://u:p@127.0.0.1/db")
    assert_one_line(ended, CONFIGURATION, "DATABASE_URL")
    assert "u:p" not in ended.err


@pytest.mark.parametrize("what", [("serve",), ("db", "upgrade")])
async def test_a_database_of_something_else_is_refused(
    command: Command, what: tuple[str, ...], tmp_path: Path
) -> None:
    with closing(sqlite3.connect(tmp_path / "other.db")) as database:
        database.execute("CREATE TABLE recipe (name TEXT)")
    ended = await command(*what, DATABASE_URL=f"sqlite:///{tmp_path}/other.db")
    assert_one_line(ended, CONFIGURATION, "recipe")


@pytest.mark.parametrize("what", [("serve",), ("db", "upgrade")])
async def test_a_file_that_is_no_database_is_refused(
    command: Command, what: tuple[str, ...], tmp_path: Path
) -> None:
    (tmp_path / "letter.db").write_text("Dear reader, " * 100)
    ended = await command(*what, DATABASE_URL=f"sqlite:///{tmp_path}/letter.db")
    assert_one_line(ended, CONFIGURATION, "letter.db")


async def test_a_folder_that_cannot_be_written_is_named(command: Command, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    ended = await command("serve", DATA_DIR=str(tmp_path / "file" / "data"))
    assert_one_line(ended, CONFIGURATION, str(tmp_path / "file"))


@pytest.mark.parametrize("args", [("serve", "--fast"), ("dance",), ("diagram", "kettle"), ("db", "sing")])
async def test_what_is_not_a_command_is_a_usage_error(command: Command, args: tuple[str, ...]) -> None:
    ended = await command(*args)
    assert ended.code == USAGE
    assert "Traceback" not in ended.err


async def test_a_traceback_is_shown_only_on_demand(command: Command) -> None:
    assert "Traceback" in (await command("--debug", "serve", DISCORD_TOKEN=None)).err


async def test_secrets_reach_neither_output_nor_log(command: Command) -> None:
    canaries = {
        "DISCORD_TOKEN": "canary-discord",
        "TWILIO_AUTH_TOKEN": "canary-twilio",
        "METRICS_TOKEN": "canary-metrics",
    }
    command.sandbox.twilio_shell.set_account({"TWILIO_AUTH_TOKEN": "canary-twilio"})
    async with command.running("serve", LOG_LEVEL="debug", **canaries) as process:
        assert process.stderr is not None
        seen = b""
        while b'"ready"' not in seen:
            line = await process.stderr.readline()
            assert line, seen.decode()
            seen += line
        process.terminate()
        out, rest = await process.communicate()
    assert process.returncode == 0
    assert b"canary" not in out + seen + rest
    assert all(json.loads(line) for line in (seen + rest).splitlines())

    refused = Fault("discord", "GET", "/users/@me$", times=-1, status=401)
    command.sandbox.faults.plant(refused)
    for ended in (await command("serve", **canaries), await command("--debug", "provision", **canaries)):
        assert ended.code != 0
        assert "canary" not in ended.out + ended.err
