"""The forms that commands open: the same by discord.py as in process, as Discord's own schema wants them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from orchestrator.discord import forms
from orchestrator.discord.commands import COMMANDS
from orchestrator.discord.modals import FormModal
from orchestrator.texts.say import LOCALES

#: Of discord/discord-api-spec (MIT): what we send for commands and forms, without descriptions.
SCHEMA = json.loads((Path(__file__).parent / "discord_schema.json").read_text())
EVERY = [(command, locale) for command in forms.REPORTS for locale in LOCALES]


def faults(what: str, sent: Any) -> list[str]:
    validator = Draft202012Validator({"$ref": f"#/$defs/{what}", "$defs": SCHEMA["$defs"]})
    return [error.message for error in validator.iter_errors(sent)]


def form(command: str, locale: str) -> forms.Form:
    found = forms.report(command, locale)
    assert found is not None
    return found


@pytest.mark.parametrize(("command", "locale"), EVERY)
async def test_discord_py_shows_the_form_that_is_shown_in_process(command: str, locale: str) -> None:
    shown = form(command, locale)
    assert FormModal(shown).to_dict() == shown.as_json()


@pytest.mark.parametrize(("command", "locale"), EVERY)
def test_discords_schema_takes_every_form(command: str, locale: str) -> None:
    assert faults("callback", {"type": 9, "data": form(command, locale).as_json()}) == []


def test_discords_schema_takes_the_commands_and_the_deferred_answer() -> None:
    assert faults("commands", list(COMMANDS)) == []
    assert faults("callback", {"type": 5, "data": {"flags": 64}}) == []


def test_discords_schema_can_refuse() -> None:
    shown = form("bug", "en").as_json()
    shown["components"][0]["components"][0]["label"] = "x" * 46
    assert faults("callback", {"type": 9, "data": shown}) != []
    assert faults("commands", [{**COMMANDS[1], "description": "x" * 101}]) != []


@pytest.mark.parametrize("command", ["helpme", "", "report"])
def test_no_other_command_opens_a_form(command: str) -> None:
    assert forms.report(command, "en") is None


def test_every_form_is_opened_by_a_registered_command() -> None:
    assert set(forms.REPORTS) <= {command["name"] for command in COMMANDS}


def test_fields_are_read_from_rows_and_from_labels_whatever_else_comes() -> None:
    told = {
        "components": [
            {"type": 1, "components": [{"custom_id": "title", "value": "It crashes"}]},
            {"type": 18, "component": {"custom_id": "summary", "value": "always"}},
            {"type": 18, "component": {"custom_id": "steps", "value": ""}},
            {"type": 10},
        ]
    }
    assert forms.filled_in(told) == {"title": "It crashes", "summary": "always"}
    assert forms.filled_in({}) == {}
