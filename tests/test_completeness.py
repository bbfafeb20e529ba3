"""What can happen is tried everywhere: triggers, effects, external calls and flows, suite by suite.

A name that is new is missing somewhere until its suites were extended. What is left out is listed here with the
reason; a name that is listed and met all the same has to be struck out, so these lists only shrink.
"""

from __future__ import annotations

import ast
import inspect
import re
import shutil
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

import pytest
from sqlalchemy import Engine, select

from diagrams.files import ROOT
from machines.effects import ON_DEATH, Kind
from machines.events import TIMERS, CaseTrigger, Trigger
from machines.step import TABLES
from machines.table import Edge, Outcome, Table
from machines.testing import checker
from machines.testing.history import Deed, Entry, History
from machines.testing.relayed import APOLOGIES
from orchestrator.inprocess import discord, twilio
from storage import schema
from storage.engines import migrator
from storage.upgrade import upgrade
from tests.crash.databases import FileDatabase
from tests.crash.flows import FLOWS as CRASH_FLOWS
from tests.crash.matrix import Matrix
from tests.crash.strikes import CRASHES
from tests.english import ENGLISH
from tests.faults import flows as faults
from tests.faults.stage import PATIENCE_S, staged
from tests.inprocess import crm
from tests.inprocess.virtual import play
from tests.inprocess.world import World
from tests.simulation.tally import UNMET

Left = Mapping[str, Collection[str]]  #: reason -> names

KINDS = frozenset(map(str, Kind))
_PORTS = {"discord": discord, "twilio": twilio, "crm": crm}
CALLS = frozenset(f"{name}.{call}" for name, port in _PORTS.items() for call in port.CALLS)
#: `machine: trigger`, as the journal tells them apart.
TRIGGERS = frozenset(f"{name}: {trigger}" for name, table in TABLES.items() for trigger in table.triggers)

NOT_RAISED: Left = {
    "no command blocks a member yet": {"conversation: member_blocked"},
}
NOT_CRASHED: Left = {
    "no flow yet; the simulation kills the service around it": {
        "conversation: agent_idle",
        "conversation: agent_idle_warn",
        "conversation: bot_idle",
        "conversation: bot_idle_warn",
    },
    "what was made while nobody listened is gone: no story can wait for it": {"conversation: member_reacted"},
    "only after something failed": {
        "conversation: answer_overdue",
        "conversation: bot_failed",
        "conversation: desk_failed",
        "conversation: desk_open_overdue",
    },
    "a week after the end": {"case: case_close"},
}
KINDS_NOT_CRASHED: Left = {
    "the operator is told when something failed, which is wrong in a flow": {"alert"},
}
CALLS_NOT_CRASHED: Left = {
    "is not recorded, so nothing of it is ever done again": {"discord.typing"},
    "made where Twilio does not name a task": {"twilio.channel_of"},
}
CALLS_NOT_SPOILED: Left = {
    "is not recorded, so nothing of it is ever done again": {"discord.typing"},
    "the supervisor of the gateway repeats it": {"discord.login"},
}
KINDS_NOT_SPOILED: Left = {
    "makes no call": {"alert"},
    "makes the calls of `desk_withdraw`": {"desk_close"},
    "makes the calls of `desk_transcript`": {"desk_note"},
    "makes the call of `say`": {"send_transcript"},
}
NOT_SIMULATED: Left = {}
#: Texts for the member that are neither an answer nor an apology, and change nothing about whose turn it is.
OTHER_TEXTS = frozenset(
    {
        "agent_left",
        "agent_reacted",
        "agent_silent",
        "all_left",
        "colleague_comes",
        "already_closed",
        "asked",
        "blocked",
        "bot_idle_warn",
        "case_asked",
        "case_declined",
        "case_duplicate",
        "case_merged",
        "case_no_reply",
        "case_reopened",
        "case_resolved",
        "comment_thanks",
        "desk_lost",
        "first_contact",
        "greeting",
        "member_idle_warn",
        "message_kept",
        "other_case",
        "rating_thanks",
        "report_filed",
        "somebody_comes",
        "transfer",
        "was_closed",
        "who_is_here",
    }
)


# --- the suites


@pytest.mark.timeout(300)
def test_the_crash_matrix_meets_every_trigger_effect_and_call(tmp_path: Path) -> None:
    matrix = Matrix(tmp_path, FileDatabase(tmp_path / "database"))
    triggers, kinds, calls = set[str](), set[str](), set[str]()
    engine = migrator(matrix.database.url)
    for flow in CRASH_FLOWS:
        calls |= {point.rpartition(":")[0] for point in matrix.points(flow)}
        triggers |= _triggers(engine)
        kinds |= _kinds(engine)
        engine.dispose()  # no connection may be shared with a life
    assert _wrong(TRIGGERS, triggers, NOT_RAISED, NOT_CRASHED) == []
    assert _wrong(KINDS, kinds, KINDS_NOT_CRASHED) == []
    assert _wrong(CALLS, calls & CALLS, CALLS_NOT_CRASHED) == []


def test_every_flow_of_the_crash_matrix_is_struck_over_sockets_too() -> None:
    """But for those that need a second actor while the service is down: `tests/acceptance/test_restart.py`."""
    left: Left = {"while dead": {name for name, flow in CRASH_FLOWS.items() if flow.meanwhile}}
    assert _wrong(CRASH_FLOWS, {crash.flow for crash in CRASHES}, left) == []


@pytest.mark.timeout(300)
def test_the_fault_matrix_spoils_every_call_and_carries_out_every_effect(tmp_path: Path) -> None:
    assert _wrong(CALLS, faults.FLOWS, CALLS_NOT_SPOILED) == []
    kinds = set[str]()
    upgrade(f"sqlite:///{tmp_path / 'migrated.db'}")
    for flow in sorted({flow for flows in faults.FLOWS.values() for flow in flows}, key=_name):
        kinds |= _played(flow, tmp_path)
    assert _wrong(KINDS, kinds, KINDS_NOT_SPOILED) == []


def test_every_flow_of_the_fault_matrix_is_spoiled() -> None:
    written = {name for name, found in vars(faults).items() if _is_flow(found)}
    assert _wrong(written, {_name(flow) for flows in faults.FLOWS.values() for flow in flows}) == []


def test_the_simulation_meets_every_trigger_that_is_raised() -> None:
    """A run of its seeds fails where an edge that is not in `UNMET` stands at zero."""
    edges = {
        _edge(table, edge): f"{table.name}: {edge.trigger}"
        for table in TABLES.values()
        for edge in table.edges
    }
    listed = frozenset[str]().union(*UNMET.values())
    assert listed <= edges.keys()
    met = {trigger for edge, trigger in edges.items() if edge not in listed}
    raised = TRIGGERS.difference(*NOT_RAISED.values())
    left = NOT_SIMULATED if UNMET else {}
    assert _wrong(raised, met & raised, left) == []


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_the_checker_judges_every_trigger_in_every_state(table: Table) -> None:
    for trigger in table.triggers:
        for state in table.states:
            allowed = {row.to for row in table.edges if (row.state, row.trigger) == (state, trigger)}
            for to in table.states:
                broken = [
                    violation.invariant for violation in checker.check(_went(table, state, trigger, to))
                ]
                assert broken == ([] if to in allowed else ["I6"]), f"{state} -{trigger}-> {to}"


@pytest.mark.parametrize("kind", Kind)
def test_the_checker_misses_every_effect_that_does_not_end(kind: Kind) -> None:
    history = History(outbox=(Deed("k", "conversation:c", kind, "pending"),))
    assert [violation.invariant for violation in checker.check(history)] == ["I7"]


def test_the_checker_knows_what_every_text_for_the_member_means() -> None:
    known = checker.ANSWERS | checker.AMENDS | checker.HANDED | checker.HANDED_BACK | APOLOGIES
    assert known <= ENGLISH.member.keys() | ENGLISH.desk.keys()
    said = _said_to_members()
    assert said <= ENGLISH.member.keys()
    assert _wrong(said, known, {"it changes nothing about whose turn it is": OTHER_TEXTS}) == []


def test_the_edge_list_has_every_trigger_in_every_state() -> None:
    page = (ROOT / "docs/transitions.md").read_text()
    listed = set(_listed(page))
    for name, table in TABLES.items():
        every = {f"{name}: {state} {trigger}" for state in table.states for trigger in table.triggers}
        assert _wrong(every, {line for line in listed if line.startswith(f"{name}: ")}) == []


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_the_picture_shows_every_trigger_that_leads_from_one_state_to_another(table: Table) -> None:
    picture = (ROOT / f"diagrams/pictures/{table.name}.mmd").read_text()
    arrows = re.findall(r"^    (\w+) --> (\w+) : (.*)$", picture, re.MULTILINE)
    shown = {f"{a} {label.split()[0]} {b}" for a, b, labels in arrows for label in labels.split("<br/>")}
    leading = {f"{edge.state} {edge.trigger} {edge.to}" for edge in table.edges if edge.state != edge.to}
    assert _wrong(leading, shown) == []


# --- the lists themselves


def test_what_is_said_to_be_raised_by_nobody_is_raised_by_nobody() -> None:
    """Looked for in the text of adapters and engine, and in that of the actions for what a case is told."""
    raised = {f"conversation: {trigger}" for trigger in {*TIMERS, *ON_DEATH.values()}}
    raised |= {"conversation: bot_answered", "case: case_close"}  # the chatbot is asked; a timer
    rooms = ("discord", "twilio", "desk", "cases", "cli")
    told = (*(f"orchestrator/{room}" for room in rooms), "web")
    for file in _files(*told):
        raised |= {f"conversation: {Trigger[name]}" for name in _members_of(file, "Trigger")}
    raised |= {"conversation: case_merged"}  # by the store, where it merges
    for file in [*_files("machines", "orchestrator/engine", "storage"), *_files(*told)]:
        if file != ROOT / "machines/case.py":
            raised |= {f"case: {CaseTrigger[name]}" for name in _members_of(file, "CaseTrigger")}
    assert _wrong(TRIGGERS, raised, NOT_RAISED) == []


def test_what_is_new_is_missing_and_what_is_met_or_gone_is_to_be_struck_out() -> None:
    left: Left = {"not yet": {"late", "old", "gone"}}
    assert _wrong({"met", "new", "late", "old"}, {"met", "old"}, left) == [
        "new is missing",
        "old is met: strike it out (not yet)",
        "gone does not exist: strike it out (not yet)",
    ]


# --- parts


def _wrong(every: Collection[str], met: Collection[str], *left_out: Left) -> list[str]:
    """What is neither met nor left out for a reason; what is left out and is met, or does not exist."""
    reasons = {name: reason for left in left_out for reason, names in left.items() for name in names}
    return [
        *(f"{name} is missing" for name in sorted({*every} - {*met} - reasons.keys())),
        *(f"{name} is met: strike it out ({reasons[name]})" for name in sorted(reasons.keys() & {*met})),
        *(
            f"{name} does not exist: strike it out ({reasons[name]})"
            for name in sorted(reasons.keys() - {*every})
        ),
    ]


def _triggers(engine: Engine) -> set[str]:
    """What the journal holds of each machine."""
    t = schema.event
    with engine.connect() as connection:
        rows = connection.execute(select(t.c.subject, t.c.trigger)).all()
    return {f"{row.subject.partition(':')[0]}: {row.trigger}" for row in rows if row.subject}


def _kinds(engine: Engine) -> set[str]:
    """What was carried out."""
    t = schema.effect
    with engine.connect() as connection:
        return set(connection.execute(select(t.c.kind).where(t.c.status == "done")).scalars())


def _played(flow: faults.Flow, folder: Path) -> set[str]:
    """The kinds of effects that a flow carries out when nothing is spoiled."""
    file = shutil.copy(folder / "migrated.db", folder / f"{_name(flow)}.db")
    world = World(patience=PATIENCE_S)

    async def story() -> set[str]:
        stage = await staged(world, f"sqlite:///{file}")
        await flow(stage)
        await stage.house.stop()
        return _kinds(stage.house.engine)

    return play(world.time, story())


def _is_flow(found: object) -> bool:
    """By its signature: a public coroutine function of the module that takes a stage."""
    return (
        inspect.iscoroutinefunction(found)
        and not found.__name__.startswith("_")
        and found.__module__ == faults.__name__
    )


def _name(flow: faults.Flow) -> str:
    return flow.__name__


def _edge(table: Table, edge: Edge) -> str:
    """As the tally of the simulation names it."""
    return f"{table.name}: {edge.state} -{edge.trigger}-> {edge.to}"


def _went(table: Table, state: str, trigger: str, to: str) -> History:
    """A journal of one entry."""
    outcome = Outcome.STAYED if state == to else Outcome.MOVED
    return History(journal=(Entry("timer", "e", f"{table.name}:x", trigger, outcome, 0.0, state, to),))


def _said_to_members() -> set[str]:
    """The texts that actions have said, wherever they stand in their sources."""
    calls = [
        node
        for file in _files("machines")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "say"
    ]
    literals = [node for call in calls for node in ast.walk(call.args[0]) if isinstance(node, ast.Constant)]
    return {str(literal.value) for literal in literals}


def _listed(page: str) -> Iterator[str]:
    """`machine: state trigger` of every row of the generated page."""
    for section in page.split("\n### ")[1:]:
        machine, state = re.match(r"(\w+): (\w+)", section).groups()  # type: ignore[union-attr]
        for trigger in re.findall(r"^\| (\w+) \|", section, re.MULTILINE):
            if trigger != "trigger":
                yield f"{machine}: {state} {trigger}"


def _files(*folders: str) -> Iterator[Path]:
    for folder in folders:
        yield from sorted((ROOT / folder).glob("*.py"))


def _members_of(file: Path, name: str) -> set[str]:
    """Which members of an enumeration a source speaks of: `Trigger.ASK` is `ASK`."""
    return {
        node.attr
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == name
    }
