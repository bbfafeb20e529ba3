"""Buttons: understood by any later process, and within what Discord takes."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from machines.events import Trigger
from orchestrator.discord import events, views
from orchestrator.discord.limits import BUTTONS_A_ROW
from tests.english import ENGLISH

CONVERSATION = "f" * 32
NOW = datetime(2026, 11, 22, tzinfo=UTC)
ALL = ["rating", *ENGLISH.button]


@pytest.mark.parametrize("name", ALL)
def test_custom_ids_and_labels_are_short_enough(name: str) -> None:
    for row in views.rows(
        [name if name != "not_helpful" else "not_helpful:123456789"], CONVERSATION, ENGLISH
    ):
        assert 0 < len(row) <= BUTTONS_A_ROW
        for button in row:
            assert len(button.custom_id) <= 100
            assert 0 < len(button.label) <= 80


@pytest.mark.parametrize("name", ALL)
def test_every_button_is_understood_when_it_is_pressed(name: str) -> None:
    for row in views.rows([name], CONVERSATION, ENGLISH):
        for button in row:
            if name in events.MODALS:
                made = events.filled_in("1", "2", NOW, button.custom_id, "text")
            else:
                made = events.pressed("1", "2", NOW, button.custom_id)
            assert made is not None
            assert made.to.conversation == CONVERSATION
            assert made.to.member == "2"


def test_an_answer_that_did_not_help_is_named() -> None:
    ((button,),) = views.rows(["not_helpful:7"], CONVERSATION, ENGLISH)
    made = events.pressed("1", "2", NOW, button.custom_id)
    assert made is not None
    assert (made.trigger, made.data["answer"]) == (Trigger.NOT_HELPFUL, 7)


def test_ratings_stand_in_a_row_of_their_own() -> None:
    ratings, rest = views.rows(["rating", "transcript_requested", "reopen"], CONVERSATION, ENGLISH)
    assert [button.label for button in ratings] == [f"{n} ★" for n in range(1, 6)]
    assert len(rest) == 2


def test_without_names_there_are_no_rows() -> None:
    assert views.rows((), CONVERSATION, ENGLISH) == []
