"""What is stored comes back exactly: contexts, facts, and the steps made of them. And chaos does not raise."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as some

from machines.conversation import CONVERSATION
from machines.effects import effect_key
from machines.events import Address, Event, Source, Trigger
from machines.snapshot import CaseContext, CaseFacts, Context, Given, Limits, Previous, Snapshot
from machines.step import step
from machines.table import Outcome
from tests.machines.situations import NOW, conversation_case, conversation_walks

names = some.text(max_size=8)
moments = some.floats(0, 4e9)
numbers = some.integers(0, 3)
agents = some.lists(some.sampled_from([("ada", "Ada"), ("ben", "Ben")]), unique=True).map(tuple)


def tuples(of: some.SearchStrategy[Any]) -> some.SearchStrategy[Any]:
    return some.lists(of, max_size=3).map(tuple)


contexts = some.builds(
    Context,
    locale=some.sampled_from(["en", "de"]),
    waiting=tuples(names),
    waiting_since=moments,
    asked=tuples(names),
    question=numbers,
    questions=numbers,
    answered=numbers,
    unhelpful=tuples(numbers),
    misses=numbers,
    request=numbers,
    request_state=some.sampled_from(["", "open", "expired", "withdrawn", "ended"]),
    request_joined=some.booleans(),
    request_by_agent=some.booleans(),
    request_opened_case=some.booleans(),
    request_opened=some.booleans(),
    ended=some.lists(moments, min_size=3, max_size=3).map(tuple),
    seen=numbers,
    agents=agents,
    transfer=some.booleans(),
    unreachable=some.booleans(),
    case=some.sampled_from(["", "f" * 32]),
    opened_case=some.booleans(),
    told=tuples(names),
    closed_at=moments,
    closed_by=some.sampled_from(["", "agent", "member", "idle", "block"]),
)
case_contexts = some.builds(
    CaseContext,
    kind=some.sampled_from(["help", "bug", "feature"]),
    conversations=tuples(names),
    agents=tuples(names),
    reason=names,
    merged_into=names,
    rating=some.integers(0, 5),
    comment=names,
)
times = some.floats(0, 4e9).map(lambda seconds: datetime.fromtimestamp(seconds, UTC))
facts = some.builds(CaseFacts, names, some.sampled_from(["open", "pending", "resolved", "closed"]))
givens = some.builds(
    Given,
    received_at=times,
    fresh=some.sampled_from(["", "9" * 32]),
    open_now=some.just(False),  # open now: then nobody asks when
    opens_at=some.none() | times,
    help_case=some.none() | facts,
    case=some.none() | facts,
    blocked=some.booleans(),
    previous=some.none() | some.builds(Previous, names, numbers, names, moments, names),
    limits=some.builds(Limits, ask=moments, misses=some.integers(1, 3), wait=moments),
) | some.builds(Given, received_at=times, blocked=some.booleans())


def stored(value: Any) -> Any:
    return json.loads(json.dumps(value))


@given(contexts)
@settings(max_examples=100, deadline=None)
def test_a_context_comes_back_from_the_store_as_it_was(context: Context) -> None:
    assert Context.from_json(stored(context.as_json())) == context


@given(case_contexts)
@settings(max_examples=100, deadline=None)
def test_the_context_of_a_case_comes_back_from_the_store_as_it_was(context: CaseContext) -> None:
    assert CaseContext.from_json(stored(context.as_json())) == context


@given(givens)
@settings(max_examples=100, deadline=None)
def test_what_a_step_was_given_comes_back_from_the_journal_as_it_was(known: Given) -> None:
    assert Given.from_json(stored(known.as_json())) == known


def test_a_fresh_conversation_needs_no_room_in_the_store() -> None:
    assert Context().as_json() == {}
    assert Given(received_at=NOW).as_json() == {"received_at": "2026-03-02T09:00:00+00:00"}


def test_a_step_repeated_from_stored_values_is_the_same_step() -> None:
    for walk in conversation_walks():
        snapshot, event, known = conversation_case(walk)
        assert isinstance(snapshot.context, Context)
        again = replace(snapshot, context=Context.from_json(stored(snapshot.context.as_json())))
        repeated = step(again, event, Given.from_json(stored(known.as_json())))
        assert repeated == step(snapshot, event, known), walk


@given(
    some.sampled_from(CONVERSATION.states),
    some.sampled_from(CONVERSATION.triggers),
    contexts,
    some.none() | numbers,
    some.fixed_dictionaries(
        {},
        optional={
            "question": numbers,
            "answer": numbers,
            "kind": some.sampled_from(["answer", "suggestions", "unsure", "handoff"]),
            "agent": some.sampled_from(["ada", "ben"]),
            "about": names,
            "side": some.sampled_from(["member", "agent", "us"]),
            "notice": some.booleans(),
            "body": names,
            "reopened": some.booleans(),
            "interaction": some.just({"id": "77"}),
        },
    ),
    givens,
)
@settings(max_examples=600, deadline=None)
def test_no_context_and_no_event_makes_a_step_raise_or_leave_the_table(
    state: str, trigger: Trigger, context: Context, request: int | None, data: dict[str, Any], known: Given
) -> None:
    snapshot = Snapshot("conversation", "c" * 32, "4001", str(state), 7, context)
    event = Event(Source.TWILIO, "e", trigger, NOW, Address(request=request), {"message": "m9"} | data)
    done = step(snapshot, event, known)
    rows = [row for row in CONVERSATION.edges if (row.state, row.trigger) == (state, trigger)]
    if done.outcome in (Outcome.MOVED, Outcome.STAYED):
        assert done.snapshot.state in {row.to for row in rows}
    else:
        assert done.snapshot.state == state
        assert done.reason
    if done.outcome is not Outcome.OPENS:
        json.dumps([dict(effect.payload) for effect in done.effects])
        json.dumps([dict(tell.data) for tell in done.tells])


def test_the_name_of_an_effect_is_made_of_subject_version_and_place() -> None:
    assert effect_key("conversation:c", 4, 0) == "conversation:c:4:0:0"
