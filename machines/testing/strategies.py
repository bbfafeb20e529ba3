"""Hypothesis strategies for events and whole histories: what makes sense in a state, and what does not.

`events(snapshot)` draws one event: a fact that fits, or a report of another request, an old number, an answer that
was superseded, words that were written before an end and come after it, a press on a conversation that is over,
somebody else's id. `histories(n)` draws the affairs of a member, n events long.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import nullcontext
from datetime import datetime, timedelta
from functools import cache
from typing import Any, TypeVar

from hypothesis import strategies as some
from hypothesis.strategies import DrawFn, SearchStrategy
from transitions import Machine

from machines.actions import ACTIONS
from machines.conversation import TIMERS_OF
from machines.events import ABOUT_A_MESSAGE, OPENERS, PRESSES, TIMERS, Address, CaseTrigger, Event, Source
from machines.events import Trigger as T
from machines.snapshot import REPORTS, Context, Snapshot
from machines.step import build, new_conversation
from machines.table import Table
from machines.testing.affairs import START, Affairs, Happening, driven_by

Option = TypeVar("Option")

AGENTS = ("ada", "ben")
TEXTS = ("how do I pay?", "thanks!", "and then?")
BY_DESK = (
    *(T.AGENT_JOINED, T.AGENT_LEFT, T.AGENT_MESSAGE, T.AGENT_EDITED, T.AGENT_DELETED, T.AGENT_REACTED),
    *(T.TRANSFER_STARTED, T.DESK_OPENED, T.DESK_CLOSED, T.DESK_FAILED),
)
BY_US = (T.DELIVERY_FAILED, T.UNREACHABLE)
BY_BOT = (T.BOT_ANSWERED, T.BOT_FAILED)
BY_STAFF = (T.AGENT_CONTACTS, T.CASE_MERGED, T.MEMBER_BLOCKED)
BY_MEMBER = tuple(t for t in T if t not in {*BY_DESK, *BY_US, *BY_BOT, *BY_STAFF, *TIMERS})
#: What usually comes next; without it few histories would come as far as a talk.
LIKELY: dict[str, tuple[T, ...]] = {
    "bot_faq": (
        *(T.MEMBER_MESSAGE, T.BOT_ANSWERED, T.BOT_FAILED, T.NOT_HELPFUL, T.AGENT_REQUESTED),
        *(T.AGENT_REQUEST_CANCELLED, T.AGENT_JOINED, T.AGENT_MESSAGE, T.DESK_FAILED),
    ),
    "awaiting_agent": (
        *(T.MEMBER_MESSAGE, T.DESK_OPENED, T.AGENT_JOINED, T.AGENT_MESSAGE, T.AGENT_LEFT),
        *(T.AGENT_REQUEST_CANCELLED, T.DESK_CLOSED),
    ),
    "with_agent": (
        *(T.MEMBER_MESSAGE, T.AGENT_MESSAGE, T.AGENT_JOINED, T.AGENT_LEFT, T.TRANSFER_STARTED),
        *(T.DESK_CLOSED, T.DESK_FAILED),
    ),
    "closed": (T.MEMBER_MESSAGE, T.AGENT_REQUESTED, T.AGENT_MESSAGE, T.RATING),
}
#: Once blocked, always blocked, and the rest of the history says little more: it comes rarely.
_BLOCKED = (*(False,) * 39, True)


@some.composite
def events(
    draw: DrawFn,
    snapshot: Snapshot,
    now: datetime = START,
    running: Collection[str] = (),
    triggers: Sequence[T] = tuple(T),
) -> Event:
    """One event for a conversation. `running`: its timers; others may only fire in a state that is not theirs.

    Raises ValueError if none of `triggers` can happen.
    """
    never = {name for name in TIMERS_OF[snapshot.state] if name not in running}
    if T.MEMBER_BLOCKED in triggers and not _pick(draw, _BLOCKED):
        never.add(T.MEMBER_BLOCKED)
    possible = [trigger for trigger in triggers if trigger not in never]
    if not possible:
        raise ValueError(f"nothing of {triggers} can happen in {snapshot.state}")
    trigger = _pick(draw, possible)
    data = _details(draw, trigger, snapshot)
    late = 0.0 if trigger in TIMERS else _pick(draw, (0.0, 0.0, 0.0, 1.0, 90.0, 7200.0))
    name = f"{trigger}-{snapshot.id[-4:]}-{snapshot.version}"
    to = _address(draw, trigger, snapshot, data)
    return Event(_source(trigger), name, trigger, now - timedelta(seconds=late), to, data)


def _pick(draw: DrawFn, options: Sequence[Option]) -> Option:
    """One of them; the first is the simplest."""
    return options[draw(_up_to(len(options) - 1))]


@cache
def _up_to(last: int) -> SearchStrategy[int]:
    """Made once for each number: to make a strategy takes longer than to draw from it."""
    return some.integers(0, last)


def _address(draw: DrawFn, trigger: T, snapshot: Snapshot, data: Mapping[str, Any]) -> Address:
    """Whom it concerns: mostly the current request of this conversation. A press may name somebody else's."""
    current = _context(snapshot).request
    request: int | None = None
    if trigger in BY_DESK:
        request = _pick(draw, (current or None, current or None, None, 1, current + 1))
    return Address(
        member=snapshot.member,
        conversation=_pick(draw, (snapshot.id, "5" * 32)) if trigger in PRESSES else snapshot.id,
        request=request,
        message=data.get("message") if trigger in ABOUT_A_MESSAGE else None,
        case=_pick(draw, (_context(snapshot).case, "")) or None if trigger is T.AGENT_CONTACTS else None,
    )


def _details(draw: DrawFn, trigger: T, snapshot: Snapshot) -> dict[str, Any]:
    """The data of an event, as the adapters fill it in."""
    context = _context(snapshot)
    message = f"{trigger}:{snapshot.id[-4:]}:{snapshot.version}"
    match trigger:
        case T.MEMBER_MESSAGE | T.MESSAGE_LEFT | T.COMMENT:
            return {"message": message, "body": _pick(draw, TEXTS)}
        case T.MEMBER_EDITED | T.MEMBER_DELETED | T.MEMBER_REACTED:
            known = (*context.waiting, *context.asked, "of another")
            return {"message": _pick(draw, known), "body": _pick(draw, TEXTS), "emoji": "x"}
        case T.AGENT_REQUESTED:
            return {"reopened": _pick(draw, (False, True))}
        case T.HELP_REQUESTED:
            return {"interaction": {"id": "77"}}
        case T.NOT_HELPFUL:
            return {"answer": _pick(draw, (context.questions, 0, 1, context.questions + 3))}
        case T.RATING:
            return {"rating": _pick(draw, range(1, 6))}
        case T.BOT_ANSWERED | T.BOT_FAILED:
            numbers = (context.question, context.question, context.question - 1, context.questions + 1)
            return {
                "question": _pick(draw, numbers),
                "kind": _pick(draw, ("answer", "suggestions", "unsure", "handoff")),
                "articles": _pick(draw, ([], [{"title": "Paying"}])),
            }
        case T.AGENT_JOINED:
            return {"agent": _pick(draw, AGENTS), "claim": _pick(draw, ("", "alone", "beside"))}
        case T.AGENT_LEFT:
            return {"agent": _pick(draw, AGENTS)}
        case T.TRANSFER_STARTED:
            return {"agent": _pick(draw, ("", *AGENTS))}
        case T.AGENT_MESSAGE:
            return {"agent": _pick(draw, AGENTS), "message": message, "body": _pick(draw, TEXTS)}
        case T.AGENT_CONTACTS:
            said = {"message": message, "body": _pick(draw, TEXTS)}
            return {"agent": _pick(draw, AGENTS), "present": _pick(draw, (False, True)), **said}
        case T.CASE_MERGED:
            return {"into": f"{snapshot.version:032x}"}
        case T.AGENT_EDITED | T.AGENT_DELETED | T.AGENT_REACTED:
            return {"agent": _pick(draw, AGENTS), "message": "of an agent", "emoji": "x"}
        case T.DELIVERY_FAILED:
            about, side = _pick(draw, ("m1", "m2")), _pick(draw, ("member", "agent", "us"))
            return {"about": about, "side": side, "notice": _pick(draw, (False, True))}
        case _:
            return {}


def histories(n: int, table: Table | None = None) -> SearchStrategy[tuple[Happening, ...]]:
    """The affairs of a member, at most n events long, stepped by the table; without one, by the service's own."""
    return _histories(n, build(table, ACTIONS) if table else None)


@some.composite
def _histories(draw: DrawFn, n: int, machine: Machine | None) -> tuple[Happening, ...]:
    with driven_by(machine) if machine else nullcontext():
        affairs = Affairs(blocked=_pick(draw, _BLOCKED))
        history = [draw(happenings(affairs))]
        while len(history) < n and _pick(draw, range(n)):  # to stop is the simplest: what is found shrinks
            history.append(draw(happenings(affairs)))
        return tuple(history)


@some.composite
def happenings(draw: DrawFn, affairs: Affairs, triggers: Sequence[T] = tuple(T)) -> Happening:
    """What happens next to these affairs: time passes or does not, then a timer fires or something is heard."""
    if affairs.talk is None:
        talk = new_conversation("0" * 32, affairs.member)
        triggers = tuple(trigger for trigger in triggers if trigger in OPENERS)
    else:
        talk = affairs.talk
        due = sorted(name for name in affairs.running if name in triggers)
        if due and _pick(draw, range(4)) == 3:
            return affairs.fires(_pick(draw, due), place=_pick(draw, (1, 2)), minutes=_pick(draw, (0, 5)))
        likely = tuple(trigger for trigger in LIKELY[talk.state] if trigger in triggers)
        fits = _pick(draw, (True, True, False))
        triggers = likely if likely and fits else triggers
    affairs.passes(_pick(draw, (0.0, 0.5, 30.0, 900.0)))
    event = draw(events(talk, affairs.now, triggers=triggers))
    open_now = _pick(draw, (True, True, True, False))
    return affairs.hears(event, open_now=open_now, place=_pick(draw, (1, 2)))


@some.composite
def reports(draw: DrawFn, affairs: Affairs) -> Event:
    """A report by command, mostly with something to read in it."""
    data = {
        "kind": _pick(draw, REPORTS),
        "title": _pick(draw, ("it crashes", "it crashes", "it crashes", " ")),
        "summary": _pick(draw, ("as soon as I jump", "as soon as I jump", "")),
        "interaction": {"id": str(affairs.heard)},
    }
    name, to = f"report-{affairs.heard}", Address(member=affairs.member)
    return Event(Source.DISCORD, name, CaseTrigger.OPENED, affairs.now, to, data)


def _context(snapshot: Snapshot) -> Context:
    assert isinstance(snapshot.context, Context)
    return snapshot.context


def _source(trigger: T) -> Source:
    if trigger in TIMERS:
        return Source.TIMER
    if trigger in BY_DESK:
        return Source.TWILIO
    if trigger in BY_STAFF:
        return Source.PAGE
    return Source.EFFECT if trigger in (*BY_US, *BY_BOT) else Source.DISCORD
