"""The step: total, pure, counted, and carried out by the machine that the table built."""

from __future__ import annotations

import copy
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from machines import step as stepping
from machines.actions import ACTIONS
from machines.actions_case import CASE_ACTIONS
from machines.case import CASE
from machines.case import TIMERS_OF as CASE_TIMERS_OF
from machines.conversation import CONVERSATION, TIMERS_OF
from machines.events import TIMERS, Event
from machines.guards_case import CASE_GUARDS
from machines.snapshot import Given, Snapshot
from machines.step import Unlisted, build, step
from machines.table import Outcome, Table
from tests.machines.matrix import written
from tests.machines.situations import (
    CASE_SITUATIONS,
    SITUATIONS,
    Walk,
    case_case,
    case_walks,
    conversation_case,
    conversation_walks,
)

HERE = Path(__file__).parent
WRITTEN = {name: written(HERE / f"{name}_matrix.md") for name in ("conversation", "case")}
EVERY = [("conversation", walk) for walk in conversation_walks()] + [("case", walk) for walk in case_walks()]


def setting(machine: str, walk: Walk) -> tuple[Snapshot, Event, Given]:
    return conversation_case(walk) if machine == "conversation" else case_case(walk)


def test_every_guard_outcome_has_a_situation_that_brings_it_about() -> None:
    from machines.guards import GUARDS

    assert {name: set(outcomes) for name, outcomes in (SITUATIONS | CASE_SITUATIONS).items()} == {
        name: set(guard.outcomes) for name, (guard, _) in (GUARDS | CASE_GUARDS).items()
    }


def test_every_case_steps_as_the_written_page_says() -> None:
    """Total: no case raises, and each lands where a person wrote that it lands."""
    wrong = []
    for machine, walk in EVERY:
        snapshot, event, given = setting(machine, walk)
        done = step(snapshot, event, given)
        stays = done.outcome in (Outcome.MOVED, Outcome.STAYED)
        became = done.snapshot.state if stays else f"{done.outcome}: {done.reason}"
        if became != WRITTEN[machine][walk]:
            wrong.append((walk, became))
    assert wrong == []


def test_the_outcome_says_whether_the_state_changed() -> None:
    for machine, walk in EVERY:
        snapshot, event, given = setting(machine, walk)
        done = step(snapshot, event, given)
        assert (done.outcome is Outcome.MOVED) == (done.snapshot.state != snapshot.state), walk


def test_the_version_rises_by_one_for_every_event_that_is_applied() -> None:
    """An event that opens the next conversation is not applied to this one."""
    for machine, walk in EVERY:
        snapshot, event, given = setting(machine, walk)
        done = step(snapshot, event, given)
        assert done.snapshot.version - snapshot.version == (done.outcome is not Outcome.OPENS), walk


def test_the_same_event_makes_the_same_step_and_leaves_the_snapshot_alone() -> None:
    for machine, walk in EVERY:
        snapshot, event, given = setting(machine, walk)
        kept = copy.deepcopy((snapshot, event, given))
        assert step(snapshot, event, given) == step(*copy.deepcopy(kept)), walk
        assert (snapshot, event, given) == kept, walk


def test_leaving_a_state_voids_its_timers_and_sets_only_those_of_the_next() -> None:
    left = 0
    for machine, walk in EVERY:
        of: Any = TIMERS_OF if machine == "conversation" else CASE_TIMERS_OF
        snapshot, event, given = setting(machine, walk)
        done = step(snapshot, event, given)
        if done.outcome is not Outcome.MOVED:
            continue
        left += 1
        assert {name for name, due in done.timers.items() if due is None} >= set(of[snapshot.state]), walk
        assert {name for name, due in done.timers.items() if due} <= set(of[done.snapshot.state]), walk
    assert left > 30


def test_an_ignored_event_does_nothing_but_count() -> None:
    for machine, walk in EVERY:
        snapshot, event, given = setting(machine, walk)
        done = step(snapshot, event, given)
        if done.outcome is Outcome.IGNORED and done.reason != "already closed":
            assert (done.effects, dict(done.timers), done.tells, done.voids) == ((), {}, (), ()), walk
            assert done.snapshot == replace(snapshot, version=8), walk


def test_every_state_that_was_entered_has_a_timer_running_that_ends_it() -> None:
    """Nobody is ever stuck: whoever comes into an open state can be brought out by the clock alone."""
    ends: dict[str, set[str]] = {}
    for row in CONVERSATION.edges:
        if row.trigger in TIMERS and row.to != row.state:
            ends.setdefault(row.state, set()).add(row.trigger)
    for walk in conversation_walks():
        done = step(*conversation_case(walk))
        if done.outcome is Outcome.MOVED and done.snapshot.state in ends:
            assert {name for name, due in done.timers.items() if due} & ends[done.snapshot.state], walk


def test_whatever_leaves_the_bot_takes_the_question_back() -> None:
    """Bot and agent never talk over each other."""
    for walk in conversation_walks():
        snapshot, event, given = conversation_case(walk)
        done = step(snapshot, event, given)
        if snapshot.state == "bot_faq" and done.outcome is Outcome.MOVED:
            context: Any = done.snapshot.context
            assert (context.question, context.asked, context.waiting) == (0, (), ()), walk
            assert [void.kinds for void in done.voids if void.lane == "chatbot:4001"], walk


@pytest.mark.parametrize(
    ("table", "actions", "shared", "walk"),
    [
        (CONVERSATION, ACTIONS, "CONVERSATION_MACHINE", ("awaiting_agent", "agent_joined", "current")),
        (CASE, CASE_ACTIONS, "CASE_MACHINE", ("open", "assigned", "always")),
    ],
    ids=["conversation", "case"],
)
def test_the_step_is_carried_out_by_transitions(
    table: Table, actions: Any, shared: str, walk: Walk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Take one edge out of the built machine: the step knows it no more."""
    snapshot, event, given = setting(table.name, walk)
    assert step(snapshot, event, given).outcome is Outcome.MOVED
    state, trigger, _ = walk
    machine = build(table, actions)
    machine.remove_transition(trigger, state)
    monkeypatch.setattr(stepping, shared, machine)
    with pytest.raises(Unlisted, match=f"{state} x {trigger}"):
        step(snapshot, event, given)


def test_an_edge_that_leads_elsewhere_leads_the_step_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    edges = tuple(
        replace(row, to="closed") if (row.state, row.trigger) == ("open", "assigned") else row
        for row in CASE.edges
    )
    monkeypatch.setattr(stepping, "CASE_MACHINE", build(replace(CASE, edges=edges), CASE_ACTIONS))
    snapshot, event, given = case_case(("open", "assigned", "always"))
    assert step(snapshot, event, given).snapshot.state == "closed"


@pytest.mark.parametrize("table", [CONVERSATION, CASE], ids=lambda table: table.name)
def test_every_state_is_reached_from_the_first_and_closed_from_every_state(table: Table) -> None:
    ways: dict[str, set[str]] = {str(state): {str(state)} for state in table.states}
    for _ in table.states:
        for row in table.edges:
            ways[str(row.state)] |= ways[str(row.to)]
    assert ways[str(table.initial)] == {str(state) for state in table.states}
    assert all("closed" in reached for reached in ways.values())


def test_every_open_state_of_a_conversation_is_left_by_an_event_and_by_a_timer() -> None:
    for state in set(CONVERSATION.states) - CONVERSATION.final:
        exits = {row.trigger for row in CONVERSATION.edges if row.state == state and row.to != state}
        assert exits & TIMERS, state
        assert exits - TIMERS, state


def test_importing_the_step_pulls_in_neither_database_nor_discord() -> None:
    program = (
        "import sys, machines.step\n"
        "print([name for name in ('sqlalchemy', 'discord', 'twilio', 'aiohttp', 'asyncio') if name in sys.modules])"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
