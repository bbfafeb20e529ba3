"""The story as it is printed."""

from __future__ import annotations

from orchestrator.demo import report
from orchestrator.demo.checks import Check
from tests.demo.told import Told, whole_story


def test_both_transcripts_the_journal_and_the_checks_are_printed() -> None:
    told = whole_story().seen()
    printed = report.story(told, [Check("all is well", True, ""), Check("nothing is lost", False, "one is")])

    assert "mia  I forgot my password" in printed
    assert "[Solved] [Not what I meant] [Talk to a person]" in printed
    assert "What the agent saw: task WT1" in printed
    assert "What the agent saw: task WT2" in printed
    assert "member:mia > discord  201 POST /members/mia/messages" in printed
    assert "demo > service      KILL /" in printed
    assert printed.endswith("ok   all is well\nFAIL nothing is lost: one is\n\n1 of 2 hold.\n")


def test_the_journal_leaves_out_what_changes_nothing() -> None:
    told = Told()
    told.entry("app", "discord", "GET", "/users/@me", status=200)
    told.entry("discord", "gateway", "MESSAGE_CREATE", "/discord/gateway", status=None)
    told.entry("app", "discord", "POST", "/channels/1/typing", status=204)
    told.entry("app", "discord", "POST", "/channels/1/messages", request={"content": "hello"}, status=200)

    journal = report.story(told.seen(), []).partition("Journal")[2].splitlines()[2:]

    assert journal[0] == '  0.000        app > discord  200 POST /channels/1/messages  "hello"'
    assert journal[1] == ""


def test_a_long_line_of_the_journal_is_cut() -> None:
    told = Told()
    told.entry("app", "twilio", "POST", "/Messages", request={"form": {"Body": "long " * 100}})
    assert max(map(len, report.story(told.seen(), []).splitlines())) == report.WIDTH
