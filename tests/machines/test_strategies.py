"""What the strategies draw, and that the model finds what is planted, as the page says it does."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, find, given, settings
from hypothesis import strategies as some
from hypothesis.errors import NoSuchExample

from machines.conversation import CONVERSATION
from machines.events import PRESSES, TIMERS, Trigger
from machines.step import new_conversation
from machines.table import Outcome, Table
from machines.testing.affairs import START, Affairs, Happening, changed, following
from machines.testing.model import faults
from machines.testing.strategies import BY_DESK, events, happenings, histories

PAGE = Path(__file__).parents[2] / "docs" / "testing-your-table.md"
CALM = settings(
    max_examples=1_500,
    derandomize=True,
    database=None,
    deadline=None,
    phases=(Phase.generate,),
    suppress_health_check=list(HealthCheck),
)


def first(
    wanted: Callable[[tuple[Happening, ...]], Any], table: Table | None = None
) -> tuple[Happening, ...]:
    """A history of which that is true."""
    return find(histories(20, table), lambda history: bool(wanted(history)), settings=CALM)


def test_the_example_of_the_page_finds_the_bug_that_it_plants() -> None:
    (program,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    (said,) = re.findall(r"```\n(awaiting_agent.*?)\n```", PAGE.read_text(), re.DOTALL)
    names: dict[str, Any] = {}
    exec(program, names)
    with pytest.raises(AssertionError) as found:
        names["test_what_a_member_writes_arrives"]()
    assert " ".join(said.split()) in str(found.value)
    assert len([line for line in program.splitlines() if line]) == 10


@pytest.mark.parametrize(
    ("table", "says"),
    [
        (changed(CONVERSATION, "awaiting_agent", "agent_joined", "current", to="bot_faq"), "owner"),
        (
            changed(CONVERSATION, "awaiting_agent", "agent_request_cancelled", "always", does=("watch_bot",)),
            "stands",
        ),
        (changed(CONVERSATION, "bot_faq", "ask", "ready", does=()), "ask_chatbot 0 times"),
        (
            changed(CONVERSATION, "bot_faq", "member_message", "welcome", does=("queue_question",)),
            "no timer runs",
        ),
        (
            changed(CONVERSATION, "with_agent", "member_message", "always", does=("await_agent",)),
            "relay_to_desk 0 times",
        ),
    ],
    ids=[
        "sent elsewhere",
        "never taken back",
        "never asked",
        "left to itself",
        "member not heard",
    ],
)
def test_a_table_with_a_mistake_in_it_is_found_and_named(table: Table, says: str) -> None:
    assert first(lambda history: [fault for fault in faults(history) if says in fault], table)


def test_a_row_that_is_missing_is_found() -> None:
    fewer = tuple(edge for edge in CONVERSATION.edges if edge.trigger != Trigger.BOT_IDLE)
    with pytest.raises(Exception, match="bot_faq x bot_idle"):
        first(lambda history: False, replace(CONVERSATION, edges=fewer))


@given(histories(25))
@settings(CALM, max_examples=60)
def test_the_tables_as_they_are_are_what_a_person_would_say(history: tuple[Happening, ...]) -> None:
    assert faults(history) == []


@pytest.mark.parametrize(
    "wanted",
    [
        lambda h: h.event.to.request not in (None, h.before.context.request) and h.event.trigger in BY_DESK,
        lambda h: h.step.reason == "superseded",
        lambda h: h.before.state == "closed" and h.event.trigger in PRESSES,
        lambda h: h.event.at < h.given.received_at and h.event.trigger is Trigger.AGENT_MESSAGE,
        lambda h: h.event.to.conversation not in (None, h.before.id),
        lambda h: h.step.outcome is Outcome.REFUSED and h.given.blocked,
        lambda h: h.given.previous is not None,
    ],
    ids=["another request", "superseded", "closed", "late", "somebody else's", "blocked", "the next one"],
)
def test_histories_hold_what_makes_no_sense_besides_what_does(wanted: Callable[[Happening], bool]) -> None:
    assert first(lambda history: any(map(wanted, history)))


def test_histories_come_to_an_agent_and_to_an_end() -> None:
    for state in CONVERSATION.states:
        assert first(lambda history, state=state: history[-1].step.snapshot.state == state)


def test_no_timer_fires_that_does_not_run() -> None:
    fresh = new_conversation("c" * 32, "4001")
    with pytest.raises(NoSuchExample):
        find(
            events(fresh),
            lambda event: event.trigger is Trigger.BOT_IDLE,
            settings=settings(CALM, max_examples=200),
        )
    with pytest.raises(ValueError, match="nothing of"):
        find(events(fresh, triggers=(Trigger.BOT_IDLE,)), lambda _: True, settings=CALM)


@given(some.data())
@settings(CALM, max_examples=20)
def test_a_timer_fires_when_it_is_due_and_the_clock_goes_with_it(data: some.DataObject) -> None:
    affairs = Affairs()
    data.draw(happenings(affairs, (Trigger.HELP_REQUESTED,)))
    due = dict(affairs.running)
    happened = affairs.fires(Trigger.BOT_IDLE)
    assert (affairs.now, happened.event.at) == (due[Trigger.BOT_IDLE], due[Trigger.BOT_IDLE])
    assert happened.step.snapshot.state == "closed"
    assert affairs.now > START
    assert set(affairs.running) & TIMERS == set()


def test_nothing_but_an_opener_begins_a_conversation() -> None:
    event = find(events(new_conversation("c" * 32, "4001"), triggers=(Trigger.SOLVED,)), lambda _: True)
    with pytest.raises(ValueError, match="opens no conversation"):
        Affairs().hears(event)


def test_a_table_is_followed_only_as_long_as_it_is_asked_for() -> None:
    elsewhere = changed(CONVERSATION, "bot_faq", "help_requested", "welcome", to="closed")
    opener = find(
        events(new_conversation("c" * 32, "4001"), triggers=(Trigger.HELP_REQUESTED,)), lambda _: True
    )
    with following(elsewhere):
        assert Affairs().hears(opener).step.snapshot.state == "closed"
    assert Affairs().hears(opener).step.snapshot.state == "bot_faq"
