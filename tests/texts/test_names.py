"""What members call the agents."""

from __future__ import annotations

import pytest

from orchestrator.settings import Settings
from orchestrator.texts.names import Style, listed, shown
from orchestrator.texts.say import words
from tests.english import ENGLISH


@pytest.mark.parametrize(
    ("style", "expected"), [("full", "Ada King"), ("first", "Ada"), ("team", ENGLISH.name["agent"])]
)
def test_an_agent_is_named_as_the_community_wants_it(style: Style, expected: str) -> None:
    assert shown("Ada King", style, ENGLISH) == expected


@pytest.mark.parametrize("style", ["full", "first", "team"])
@pytest.mark.parametrize("name", ["", " "])
def test_who_has_no_name_is_one_of_the_team(name: str, style: Style) -> None:
    assert shown(name, style, words("de")) == "Team"


def test_several_are_listed_and_nobody_twice() -> None:
    assert listed(["Ada King", "Ben"], "first", ENGLISH) == "Ada, Ben"
    assert listed(["Ada", "Ben"], "team", ENGLISH) == ENGLISH.name["agent"]


def test_unless_told_otherwise_agents_are_named_in_full() -> None:
    assert Settings.model_fields["agent_names"].default == "full"
