"""What Discord tells, as events: the same fact has the same name whoever reports it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from machines.events import CaseTrigger, Source, Trigger, message_id
from orchestrator.discord import events
from orchestrator.ports import DiscordMessage
from storage.codec import dump_event

NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)
TOLD = DiscordMessage("11", "22", "33", "Mia", False, "hello", ({"filename": "a.txt"},), NOW, reply_to="10")


def test_a_message_is_named_by_its_id() -> None:
    (event,) = events.said(TOLD)
    assert (event.source, event.id, event.trigger) == (Source.DISCORD, "11", Trigger.MEMBER_MESSAGE)
    assert event.to.member == "33"
    assert event.at == NOW
    assert event.data["message"] == message_id(Source.DISCORD, "11")
    assert event.data["reply_to"] == message_id(Source.DISCORD, "10")
    assert event.data["channel"] == "22"


def test_an_edited_message_that_is_read_up_is_a_message_and_its_edit() -> None:
    later = NOW + timedelta(seconds=5)
    created, edit = events.said(replace(TOLD, edited_at=later))
    assert created.id == "11"
    assert edit == events.edited(replace(TOLD, edited_at=later))
    assert edit.id != created.id
    assert edit.at == later


def test_two_edits_have_two_names() -> None:
    first = events.edited(replace(TOLD, edited_at=NOW))
    second = events.edited(replace(TOLD, edited_at=NOW + timedelta(milliseconds=1)))
    assert first.id != second.id


def test_a_delete_names_only_the_message() -> None:
    event = events.deleted("11", NOW)
    assert event.id == "11:delete"
    assert event.to.member is None
    assert event.to.message == message_id(Source.DISCORD, "11")


def test_helpme_with_a_question_is_a_message_and_without_one_a_greeting() -> None:
    asked = {"name": "Mia", "interaction": {"id": "7"}}
    question = events.helped("7", "33", NOW, asked, "how\0?")
    assert question.trigger is Trigger.MEMBER_MESSAGE
    assert question.data["body"] == "how\ufffd?"
    assert question.data["interaction"] == {"id": "7"}
    assert events.helped("7", "33", NOW, asked).trigger is Trigger.HELP_REQUESTED


def test_reopen_asks_for_a_person_again() -> None:
    event = events.pressed("7", "33", NOW, "reopen:c1")
    assert event is not None
    assert (event.trigger, event.data) == (Trigger.AGENT_REQUESTED, {"reopened": True})


@pytest.mark.parametrize(
    "custom_id",
    ["", "solved", "solved:", "unknown:c1", "rating:c1", "rating:c1:0", "rating:c1:6", "rating:c1:x"],
)
def test_a_press_that_is_not_ours_is_no_event(custom_id: str) -> None:
    assert events.pressed("7", "33", NOW, custom_id) is None


@given(st.text())
def test_no_custom_id_breaks_anything(custom_id: str) -> None:
    events.pressed("7", "33", NOW, custom_id)
    events.filled_in("7", "33", NOW, custom_id, custom_id)


def test_a_text_that_was_asked_for_is_named_by_its_form() -> None:
    event = events.filled_in("7", "33", NOW, "message_left:c1", "call me")
    assert event is not None
    assert (event.trigger, event.to.conversation, event.data) == (
        Trigger.MESSAGE_LEFT,
        "c1",
        {"body": "call me"},
    )
    assert events.filled_in("7", "33", NOW, "solved:c1", "call me") is None


# --- reports

FILLED = {"title": " It\n crashes ", "summary": " always\0 ", "steps": ""}
ASKED = {"name": "Mia", "locale": "de", "asked_in": "22", "interaction": {"id": "7"}}


@pytest.mark.parametrize("kind", ["bug", "feature"])
def test_a_report_is_an_opening_named_by_the_interaction_that_sent_it_off(kind: str) -> None:
    event = events.reported("7", "33", NOW, f"report:{kind}", FILLED, ASKED)
    assert event is not None
    assert (event.source, event.id, event.trigger, event.at) == (Source.DISCORD, "7", CaseTrigger.OPENED, NOW)
    assert (event.to.member, event.to.conversation, event.to.case) == ("33", None, None)
    assert event.data == {"kind": kind, "title": "It crashes", "summary": "always\ufffd", **ASKED}


@pytest.mark.parametrize(
    "custom_id", ["comment:c1", "report:help", "report:", "report", "", "message_left:c"]
)
def test_another_form_is_no_report(custom_id: str) -> None:
    assert events.reported("7", "33", NOW, custom_id, FILLED, ASKED) is None


def test_what_is_longer_than_the_form_allows_is_cut_and_what_is_missing_is_empty() -> None:
    event = events.reported("7", "33", NOW, "report:bug", {"title": "x" * 101, "steps": "y" * 5000}, ASKED)
    assert event is not None
    assert (len(event.data["title"]), event.data["summary"], len(event.data["steps"])) == (100, "", 1000)


@given(st.dictionaries(st.sampled_from(("title", "summary", "steps")), st.text()))
def test_whatever_is_filled_in_can_be_stored(fields: dict[str, str]) -> None:
    event = events.reported("7", "33", NOW, "report:bug", fields, ASKED)
    assert event is not None
    dump_event(event)
