"""The pictures show the table, the whole table as far as states change, and nothing else."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

import diagrams
from diagrams.graph import graph
from diagrams.mermaid import mermaid
from diagrams.transitions import rows_of
from machines.case import CASE
from machines.conversation import CONVERSATION
from machines.table import Edge, Table

ARROW = re.compile(r"^    (\S+) --> (\S+)(?: : ([^:;]+))?$")
both = pytest.mark.parametrize("table", [CONVERSATION, CASE], ids=lambda table: table.name)


def drawn(text: str) -> set[tuple[str, str, str]]:
    """Source, target and trigger of every label of every arrow that the text draws."""
    found = set()
    for line in text.splitlines():
        if arrow := ARROW.match(line):
            source, target, labels = arrow.groups()
            found |= {(source, target, label.split(" [")[0]) for label in (labels or "").split("<br/>")}
    return found


@both
def test_every_change_of_state_is_drawn_and_nothing_else_is(table: Table) -> None:
    changes = {(str(e.state), str(e.to), str(e.trigger)) for e in table.edges if e.state != e.to}
    ends = {("[*]", str(table.initial), "")} | {(str(state), "[*]", "") for state in table.final}
    assert drawn(mermaid(graph(table))) == changes | ends


@both
def test_every_line_is_one_that_mermaid_knows(table: Table) -> None:
    head, direction, *lines = mermaid(graph(table)).splitlines()
    assert (head, direction.strip()) == ("stateDiagram-v2", "direction TB")
    for line in lines:
        assert ARROW.match(line) or re.match(r"^    (note right of \S+|end note|    [\w ,\[\]]+)$", line), (
            line
        )


def test_the_guard_outcomes_of_a_trigger_share_a_label() -> None:
    [arrow] = [a for a in graph(CONVERSATION).arrows if (a.source, a.target) == ("bot_faq", "awaiting_agent")]
    assert "agent_requested [inside, queued]" in arrow.labels


def test_loops_are_kept_in_the_graph_and_left_out_of_the_picture() -> None:
    assert any("message_left" in loop.labels for loop in graph(CONVERSATION).loops)
    assert "message_left" not in mermaid(graph(CONVERSATION))


def test_what_opens_the_next_conversation_is_a_note_at_the_state_it_opens_from() -> None:
    [opening] = graph(CONVERSATION).opens
    assert (opening.source, opening.target) == ("closed", "bot_faq")
    assert "member_message [next]" in opening.labels


@both
def test_the_document_has_one_line_per_row_with_outcome_and_actions(table: Table) -> None:
    lines = [
        line for line in rows_of(table).splitlines() if line.startswith("| ") and " trigger " not in line
    ]
    assert len(lines) == len(list(table.rows))
    for row in table.rows:
        becomes = "stays" if isinstance(row, Edge) and row.to == row.state else ""
        if isinstance(row, Edge) and not becomes:
            becomes = str(row.to)
        elif not isinstance(row, Edge):
            becomes = f"*{row.outcome}*: {row.reason}"
        tail = f"| {becomes} | {', '.join(row.does)} |"
        assert any(line.startswith(f"| {row.trigger} |") and line.endswith(tail) for line in lines), row


def test_an_edge_added_to_a_table_appears_in_its_picture_and_document() -> None:
    refusals = tuple(r for r in CASE.refusals if (r.state, r.trigger) != ("closed", "reopened"))
    changed = replace(CASE, edges=(*CASE.edges, Edge("closed", "reopened", "open")), refusals=refusals)
    assert "closed --> open : reopened" in mermaid(graph(changed))
    assert "| reopened | always | open |" in rows_of(changed)


def test_render_gives_a_machine_as_mermaid_or_as_markdown() -> None:
    assert diagrams.render("conversation").startswith("stateDiagram-v2\n")
    assert diagrams.render("case", "markdown").startswith("## case (version 1)\n")


def test_render_names_what_it_knows_when_asked_for_something_else() -> None:
    with pytest.raises(ValueError, match="case, conversation"):
        diagrams.render("toaster")
    with pytest.raises(ValueError, match="markdown, mermaid"):
        diagrams.render("case", "gif")
