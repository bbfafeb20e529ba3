"""Everything that conversation, cases and desk can be in together, and what must not be among it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import HealthCheck, given, settings

from machines.actions import ACTIONS
from machines.case import CASE
from machines.conversation import CONVERSATION
from machines.draft import Draft
from machines.events import CaseTrigger
from machines.snapshot import Context
from machines.step import Unlisted
from machines.table import Edge, Table
from machines.testing.abstraction import OF_ANOTHER, Talk, forget, renamed
from machines.testing.affairs import LIVE, Happening, following
from machines.testing.explorer import Explorer, Found, never_taken, report, stuck
from machines.testing.strategies import histories
from machines.testing.turns import Turn, Turns

#: Rows that nothing takes. This list only ever gets shorter.
NEVER_TAKEN: dict[str, list[str]] = {"conversation": [], "case": []}
CLOCK, PEOPLE = ("clock",), ("member", "desk", "clock")


@pytest.fixture(scope="module")
def found() -> Found:
    found = Explorer().run()
    print(*report(found), sep="\n")
    return found


def test_there_is_no_way_to_two_owners_two_requests_or_two_cases(found: Found) -> None:
    assert {fault: found.story(place) for fault, place in found.faults.items()} == {}


def test_every_state_is_reached(found: Found) -> None:
    assert {place.talk.state for place in found.places if place.talk} == set(CONVERSATION.states)
    assert {place.known.case for place in found.places} == {"", *CASE.states}


@pytest.mark.parametrize("table", [CONVERSATION, CASE], ids=lambda table: table.name)
def test_every_row_is_taken(found: Found, table: Table) -> None:
    assert never_taken(found, table) == NEVER_TAKEN[table.name]


def test_the_clock_alone_brings_every_conversation_to_its_end(found: Found) -> None:
    assert [found.story(place) for place in stuck(found, CLOCK, ("closed",)) if place.talk] == []


def test_whoever_is_not_blocked_can_always_get_a_person(found: Found) -> None:
    alone = stuck(found, PEOPLE, ("with_agent",))
    assert [found.story(place) for place in alone if not place.known.blocked] == []
    assert {place.talk.state for place in alone if place.talk} == {"closed"}


def test_the_member_alone_can_always_end_it(found: Found) -> None:
    assert [found.story(place) for place in stuck(found, ("member",), ("closed",)) if place.talk] == []


def test_what_is_said_of_another_request_changes_nothing(found: Found) -> None:
    turns = Turns()
    changed = {
        f"{talk.state}: {act.name}"
        for talk, known in {(place.talk, place.known) for place in found.places}
        for act in OF_ANOTHER
        if talk and turns.of(talk, known, act) != Turn(talk, known)
    }
    assert changed == set()


def test_what_chance_finds_the_explorer_has_found(found: Found) -> None:
    """What it forgets decides nothing: no event takes a conversation and its case a way that it does not know."""
    seen = [_seen(place.talk, place.known.case, place.known.blocked) for place in found.places]
    ways = {(seen[start], seen[end]) for start, end, _ in found.ways}

    @settings(
        max_examples=150,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(histories(25))
    def look(history: tuple[Happening, ...]) -> None:
        for earlier, happened, later in zip(history, history[1:], history[2:], strict=False):
            if earlier.step.snapshot is happened.before and happened.step.snapshot is later.before:
                way = (_after(earlier, later=happened), _after(happened, later=later))
                assert way[0] == way[1] or way in ways, (happened, way)

    look()


Seen = tuple[frozenset[Talk | None], str, bool]


def _seen(talk: Talk | None, case: str, blocked: bool) -> Seen:
    """Whichever agent is called what, and whatever becomes of a case while it is open."""
    names = frozenset({talk, renamed(talk) if talk else None})
    return names, "open" if case in LIVE else case, blocked


def _after(happened: Happening, later: Happening) -> Seen:
    """Where that event led. What has become of the case is told with the next."""
    after, case = happened.step.snapshot, later.given.case
    assert isinstance(after.context, Context)
    talk = forget(after.state, after.context, happened.running)
    return _seen(talk, case.state if case else "", happened.given.blocked)


# --- seen red


def planted(state: str, trigger: str, when: str, to: str, *does: str) -> Table:
    """The table with that row, whatever it was, as an edge to there."""
    row = (state, trigger, when)
    edges = [edge for edge in CONVERSATION.edges if (edge.state, edge.trigger, edge.when) != row]
    refusals = [r for r in CONVERSATION.refusals if (r.state, r.trigger, r.when) != row]
    assert len(edges) + len(refusals) == len(CONVERSATION.edges) + len(CONVERSATION.refusals) - 1
    edges.append(Edge(*row[:2], to, when, does))
    return replace(CONVERSATION, edges=tuple(edges), refusals=tuple(refusals))


def open_another_case(draft: Draft) -> None:
    """A mistake to plant: nobody asks whether the member has a case already."""
    draft.change(case=draft.given.fresh, opened_case=True)
    draft.tell(CaseTrigger.OPENED, kind="help", conversation=draft.snapshot.id)


@pytest.mark.parametrize(
    ("table", "fault"),
    [
        (planted("awaiting_agent", "agent_joined", "current", "bot_faq", "take_up"), "the bot answers, and"),
        (planted("awaiting_agent", "bot_answered", "always", "bot_faq", "watch_bot"), "a request is open"),
        (planted("bot_faq", "desk_failed", "current", "bot_faq", "end_request"), "stands at the desk"),
        (planted("bot_faq", "agent_requested", "queued", "awaiting_agent", "open_desk"), "a second request"),
        (
            planted("with_agent", "member_closed", "always", "closed", "say_closed_by_member"),
            "closed, and its",
        ),
        (
            planted("awaiting_agent", "message_left", "always", "awaiting_agent", "open_another_case"),
            "second help case",
        ),
    ],
    ids=[
        "elsewhere",
        "a refusal made an edge",
        "left standing",
        "asked twice",
        "not closed there",
        "two cases",
    ],
)
def test_a_way_to_two_owners_is_found_and_told(table: Table, fault: str) -> None:
    with following(table, {**ACTIONS, "open_another_case": open_another_case}):
        found = Explorer().run(until_fault=True)
    ((what, place),) = list(found.faults.items())[:1]
    assert fault in what
    assert found.story(place)


def test_an_edge_that_is_missing_is_named() -> None:
    fewer = tuple(edge for edge in CONVERSATION.edges if edge.trigger != "bot_idle")
    with following(replace(CONVERSATION, edges=fewer)), pytest.raises(Unlisted, match="bot_faq x bot_idle"):
        Explorer().run()


@pytest.mark.long
def test_an_end_that_the_clock_does_not_bring_and_a_state_that_nothing_enters_are_named() -> None:
    with following(planted("bot_faq", "bot_idle", "always", "bot_faq", "warn_bot_idle")):
        found = Explorer().run()
    assert stuck(found, CLOCK, ("closed",))
    with following(planted("bot_faq", "agent_contacts", "welcome", "bot_faq", "watch_bot")):
        found = Explorer().run()
    assert "with_agent desk_closed unaccepted" in never_taken(found, CONVERSATION)
