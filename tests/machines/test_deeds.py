"""What each row triggers, held against the page written by hand."""

from __future__ import annotations

from pathlib import Path

from machines.step import step
from tests.machines.deeds import done, written
from tests.machines.situations import conversation_case, conversation_walks

PAGE = written(Path(__file__).parent / "conversation_deeds.md")
NOTHING = (frozenset[str](), frozenset[str]())


def test_every_row_asks_for_and_remembers_what_the_page_says() -> None:
    wrong = []
    for walk in conversation_walks():
        snapshot, event, given = conversation_case(walk)
        deeds = done(snapshot, step(snapshot, event, given))
        says = PAGE.get(walk, NOTHING)
        for said, does in zip(says, deeds, strict=True):
            if said != does:
                wrong.append(
                    (" x ".join(walk), "missing", sorted(said - does), "too much", sorted(does - said))
                )
    assert wrong == []


def test_the_page_speaks_of_no_case_that_does_not_exist() -> None:
    assert PAGE.keys() <= set(conversation_walks())
