"""The step: one event applied to one snapshot. Pure and total; the only place where a state changes."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

from transitions import EventData, Machine

from machines import case, conversation
from machines.actions import ACTIONS
from machines.actions_case import CASE_ACTIONS
from machines.case import CASE, CASE_ASKS
from machines.conversation import ASKS, CONVERSATION
from machines.draft import Draft
from machines.draft_case import CaseDraft
from machines.effects import CASE_WEBHOOK_LANE, Effect, Kind, dm_lane, interaction_lane
from machines.events import Event
from machines.guards import GUARDS
from machines.guards_case import CASE_GUARDS
from machines.snapshot import CaseContext, Context, Given, Snapshot, Step
from machines.table import ALWAYS, Edge, Outcome, Refusal, Row, Table

logging.getLogger("transitions").setLevel(logging.WARNING)


class Unlisted(Exception):
    """No row covers this state, trigger and guard outcome. The table's own check makes this impossible."""


def build(table: Table, actions: Mapping[str, Callable[[Any], None]]) -> Machine:
    """One synchronous machine, shared by all snapshots: models are handed in per call, never registered.

    Names become plain strings: `transitions` would take the members of an enumeration by their Python name.
    """
    machine = Machine(
        model=None,
        states=[str(state) for state in table.states],
        initial=None,
        auto_transitions=False,
        queued=False,
        send_event=True,
    )
    for row in table.rows:
        dest = None if isinstance(row, Refusal) or row.to == row.state else str(row.to)
        machine.add_transition(
            str(row.trigger),
            str(row.state),
            dest,
            conditions=[] if row.when == ALWAYS else [_holds(row.when)],
            before=[_carry_out(row, [actions[name] for name in row.does])],
        )
    return machine


def _holds(when: str) -> Callable[[EventData], bool]:
    def holds(event_data: EventData) -> bool:
        draft: Draft | CaseDraft = event_data.model  # type: ignore[assignment]
        return draft.verdict == when

    return holds


def _carry_out(row: Row, actions: list[Callable[[Any], None]]) -> Callable[[EventData], None]:
    def carry_out(event_data: EventData) -> None:
        draft: Any = event_data.model
        draft.row = row
        for action in actions:
            action(draft)

    return carry_out


CONVERSATION_MACHINE = build(CONVERSATION, ACTIONS)
CASE_MACHINE = build(CASE, CASE_ACTIONS)

TABLES: dict[str, Table] = {CONVERSATION.name: CONVERSATION, CASE.name: CASE}


def new_conversation(conversation_id: str, member: str, locale: str = "en") -> Snapshot:
    return Snapshot(
        machine=CONVERSATION.name,
        id=conversation_id,
        member=member,
        state=str(CONVERSATION.initial),
        context=Context(locale=locale),
        table_version=CONVERSATION.version,
    )


def new_case(case_id: str, member: str) -> Snapshot:
    return Snapshot(
        machine=CASE.name,
        id=case_id,
        member=member,
        state=str(CASE.initial),
        context=CaseContext(),
        table_version=CASE.version,
    )


def step(snapshot: Snapshot, event: Event, given: Given) -> Step:
    """Apply one event. Total: every state, trigger and guard outcome has a row.

    Raises `Unlisted` only if the table was broken after its check, and whatever a broken action raises;
    nothing is changed then, for the draft is thrown away.
    """
    if snapshot.machine == CASE.name:
        return _step_case(snapshot, event, given)
    return _step_conversation(snapshot, event, given)


def _step_conversation(snapshot: Snapshot, event: Event, given: Given) -> Step:
    draft = Draft(snapshot, event, given)
    guard = ASKS.get((snapshot.state, event.trigger))
    if guard is not None:
        draft.verdict = GUARDS[guard][1](draft)
    row = _run(CONVERSATION_MACHINE, draft, event)
    if isinstance(row, Refusal) and row.outcome is Outcome.OPENS:
        return Step(snapshot, Outcome.OPENS, row.reason)
    _answer_command(draft, row)
    timers = dict(draft.timers)
    if draft.state != snapshot.state:
        mine = conversation.TIMERS_OF[draft.state]
        timers = {name: due for name, due in timers.items() if name in mine}
        timers |= dict.fromkeys(conversation.TIMERS_OF[snapshot.state])
    outcome, reason = _outcome(row, snapshot.state, draft.state)
    after = Snapshot(
        snapshot.machine,
        snapshot.id,
        snapshot.member,
        draft.state,
        snapshot.version + 1,
        draft.context,
        CONVERSATION.version,
    )
    return Step(
        after,
        outcome,
        reason,
        tuple(draft.effects),
        timers,
        tuple(draft.tells),
        tuple(draft.voids),
    )


def _answer_command(draft: Draft, row: Row) -> None:
    """A command waits for its answer on the member's screen: it always gets one. A press gets one if refused."""
    interaction = draft.data.get("interaction")
    if interaction:
        text = draft.answer or "look_in_dm"
        draft.effects.append(
            Effect(
                Kind.ANSWER_INTERACTION,
                interaction_lane(interaction["id"]),
                {"interaction": interaction, "text": text},
            )
        )
    elif draft.answer and isinstance(row, Refusal):
        draft.effects.append(Effect(Kind.SAY, dm_lane(draft.snapshot.member), {"text": draft.answer}))


def _step_case(snapshot: Snapshot, event: Event, given: Given) -> Step:
    draft = CaseDraft(snapshot, event, given)
    asks = CASE_ASKS.get((snapshot.state, event.trigger))
    if asks is not None:
        draft.verdict = CASE_GUARDS[asks][1](draft)
    row = _run(CASE_MACHINE, draft, event)
    if isinstance(row, Edge):
        draft.keep_time()
    timers: dict[str, Any] = dict(draft.timers)
    if draft.state != snapshot.state:
        timers |= dict.fromkeys(case.TIMERS_OF[snapshot.state])
    outcome, reason = _outcome(row, snapshot.state, draft.state)
    after = Snapshot(
        snapshot.machine,
        snapshot.id,
        snapshot.member,
        draft.state,
        snapshot.version + 1,
        draft.context,
        CASE.version,
    )
    if given.case_webhook and isinstance(row, Edge):
        draft.effects.append(_told_outside(snapshot, event, after))
    return Step(after, outcome, reason, tuple(draft.effects), timers)


def _told_outside(before: Snapshot, event: Event, after: Snapshot) -> Effect:
    """The change alone: what else is told of the case is read when it is sent."""
    change = {
        "type": f"case.{event.trigger}",
        "at": event.at.isoformat(),
        "version": after.version,
        "from": before.state,
        "to": after.state,
        "by": str(event.data.get("agent", "")),
    }
    return Effect(Kind.CASE_WEBHOOK, CASE_WEBHOOK_LANE, change)


def _run(machine: Machine, draft: Draft | CaseDraft, event: Event) -> Row:
    known = machine.events.get(event.trigger)
    if known is None or draft.state not in known.transitions or not known.trigger(draft):
        raise Unlisted(f"{draft.state} x {event.trigger} x {draft.verdict}: no row")
    assert draft.row is not None
    return draft.row


def _outcome(row: Row, before: str, after: str) -> tuple[Outcome, str]:
    if isinstance(row, Edge):
        return (Outcome.MOVED if before != after else Outcome.STAYED), ""
    return row.outcome, row.reason
