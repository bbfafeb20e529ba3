"""The words: every key that the machines name has some, none is left over, and all of them fit."""

from __future__ import annotations

import ast
import string
from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

import pytest

import machines
import orchestrator
from orchestrator.discord.events import MODALS
from orchestrator.discord.limits import CONTENT
from orchestrator.texts import say
from tests.english import ENGLISH

MACHINES = Path(machines.__file__).parent
ORCHESTRATOR = Path(orchestrator.__file__).parent

#: Numbers, texts of members and other values of the rows that fill a placeholder are at most this long.
LONG = 60

#: Filled from the rows and not by an action.
FROM_ROWS = {"number", "case", "other"}


def calls(*names: str) -> Iterator[tuple[str, ast.Call]]:
    """Calls of a draft's methods in the machines' actions, by name."""
    for path in sorted(MACHINES.glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if (
                isinstance(node, ast.Call)
                and isinstance(node.func, ast.Attribute)
                and node.func.attr in names
            ):
                yield node.func.attr, node


def literals(node: ast.AST) -> set[str]:
    """The strings an argument may be."""
    if isinstance(node, ast.IfExp):
        return literals(node.body) | literals(node.orelse)
    return {node.value} if isinstance(node, ast.Constant) and isinstance(node.value, str) else set()


@cache
def said() -> Mapping[str, list[set[str]]]:
    """Keys said to a member, with the arguments of each saying."""
    found: dict[str, list[set[str]]] = defaultdict(list)
    for _, call in calls("say"):
        for key in literals(call.args[0]):
            found[key].append({keyword.arg or "" for keyword in call.keywords})
    return found


@cache
def noted() -> Mapping[str, list[set[str]]]:
    found: dict[str, list[set[str]]] = defaultdict(list)
    for name, call in calls("note_desk", "note_desk_of"):
        for key in literals(call.args[2 if name == "note_desk_of" else 0]):
            found[key].append({keyword.arg or "" for keyword in call.keywords} - {"request"})
    return found


@cache
def answered() -> set[str]:
    """Keys of answers to a command."""
    found = {"look_in_dm"}
    for path in sorted(MACHINES.glob("actions*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Assign) and any(
                isinstance(target, ast.Attribute) and target.attr == "answer" for target in node.targets
            ):
                found |= literals(node.value)
    return found | {key for _, call in calls("answer") for key in literals(call.args[0])}


@cache
def buttons() -> set[str]:
    """Actions that a text of the machines carries as buttons."""
    found: set[str] = set()
    for path in sorted(MACHINES.glob("actions*.py")):
        tree = ast.parse(path.read_text())
        constants = {
            target.id: node.value.value
            for node in tree.body
            if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        for node in ast.walk(tree):
            if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)):
                continue
            if node.func.attr != "say":
                continue
            for argument in node.args[1:]:
                if isinstance(argument, ast.Name):
                    found.add(str(constants[argument.id]))
                elif isinstance(argument, ast.JoinedStr):
                    first = argument.values[0]
                    assert isinstance(first, ast.FormattedValue)
                    assert isinstance(first.value, ast.Name)
                    found.add(str(constants[first.value.id]))
                else:
                    found |= literals(argument)
    return found


def named_in_the_service(key: str) -> bool:
    """Does an adapter name this key?"""
    return f'"{key}"' in adapters()


@cache
def adapters() -> str:
    """Their sources, one after the other."""
    rooms = [ORCHESTRATOR / room for room in ("discord", "twilio")]
    return "\n".join(path.read_text() for room in rooms for path in room.glob("*.py"))


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_every_text_for_a_member_exists() -> None:
    assert set(said()) - {"step_failed"} <= set(ENGLISH.member)
    assert "step_failed" in ENGLISH.member


def test_every_note_for_an_agent_exists() -> None:
    assert set(noted()) <= set(ENGLISH.desk)


def test_every_answer_to_a_command_exists() -> None:
    assert answered() <= set(ENGLISH.command)


def test_a_refusal_of_a_press_can_be_said_in_the_dm() -> None:
    assert {"blocked", "not_closed"} <= set(ENGLISH.member)


def test_every_button_has_a_label_and_no_label_is_left_over() -> None:
    waiting = {"agent_request_cancelled", "other_case"}  # under the place
    spelt_like_others = {"case_talk"}
    assert set(ENGLISH.button) == (buttons() - {"rating"} - spelt_like_others) | waiting | MODALS.keys()


@pytest.mark.parametrize("key", sorted(ENGLISH.member))
def test_no_text_for_a_member_is_left_over(key: str) -> None:
    from_table = {"step_failed", "answer_greeting", "answer_thanks"}
    assert key in set(said()) | answered() | from_table or named_in_the_service(key) or key == "before_end"


@pytest.mark.parametrize("key", sorted(ENGLISH.desk))
def test_no_note_for_an_agent_is_left_over(key: str) -> None:
    assert key in noted() or named_in_the_service(key)


@pytest.mark.parametrize("key", sorted(ENGLISH.command))
def test_no_answer_to_a_command_is_left_over(key: str) -> None:
    from_the_store = {"step_failed"}
    assert key in answered() | from_the_store or named_in_the_service(key)


@pytest.mark.parametrize("key", sorted(set(said()) & set(ENGLISH.member) - {"answer", "outside_hours"}))
def test_every_placeholder_of_a_members_text_is_filled_wherever_it_is_said(key: str) -> None:
    for arguments in said()[key]:
        assert placeholders(ENGLISH.member[key]) <= arguments | FROM_ROWS


@pytest.mark.parametrize("key", sorted(set(noted()) & set(ENGLISH.desk)))
def test_every_placeholder_of_a_note_is_filled_wherever_it_is_made(key: str) -> None:
    for arguments in noted()[key]:
        assert placeholders(ENGLISH.desk[key]) <= arguments


@pytest.mark.parametrize("table", [ENGLISH.member, ENGLISH.command], ids=["dm", "command"])
def test_every_text_fits_into_one_message(table: Mapping[str, str]) -> None:
    for key, words in table.items():
        filled = words.format_map(dict.fromkeys(placeholders(words), "x" * LONG))
        assert 0 < len(filled) <= CONTENT, key


def test_labels_fit_on_buttons() -> None:
    assert all(0 < len(label) <= 80 for label in ENGLISH.button.values())


def test_a_missing_key_or_placeholder_is_a_bug() -> None:
    with pytest.raises(KeyError):
        say.text(ENGLISH.member, "no such key", {})
    with pytest.raises(KeyError):
        say.text(ENGLISH.member, "who_is_here", {})


def test_braces_in_what_people_write_are_left_alone() -> None:
    assert say.text(ENGLISH.member, "who_is_here", {"name": "{0} {x}"}) == "{0} {x} is here with you."
