"""What the explorer forgets of a conversation, so that there are finitely many: ids, times, and old numbers.

Kept is whatever can decide about a later event. Forgotten or renamed, and why nothing is missed by it:

- times: what has ended or closed did so at `ENDED`; events come `BEFORE` that, `SOON` after it, or `NOW`.
- requests: the current one is number 2; number 1, before it, has ended, or is made up where there was none.
- questions: the one that is out is number 1. That an answer was complained about is forgotten: a complaint is always
  a first one, and the repeat, which is ignored, is only looked at (`Act.again`).
- texts not asked yet: some or none. Deleting one of two is like deleting one that is not there.
- that a request was moved to another case, or opened: the second time changes nothing that is kept.
- what only chooses words or is only handed on: language, `seen`, what failed and was told.
- that the member cannot be reached: where it decides whether a case is resolved both are looked at
  (`Act.unreachable`); where it decides whether a place is told, `Act.place` stands for it.
- which place in the line was told: that it changed, and that it did not, are both looked at (`Act.place`).
- what nobody reads before it is set again: the fields of a request that is over, whose turn it is while nobody
  talks, everything of a closed conversation but who closed it, when, and its request.
- timers that only remind: they may fire whenever the state is theirs. Of those that end something it is kept
  whether they run.
- of another case only that it is open: a conversation that turns to it finds it untouched.
- which agent is which: whoever stands first in the alphabet of the two is the first.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from machines.conversation import TIMERS_OF, State
from machines.events import Address, Event, Source
from machines.events import Trigger as T
from machines.snapshot import Context

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
ENDED = NOW - timedelta(hours=1)
BEFORE = ENDED - timedelta(minutes=1)
SOON = ENDED + timedelta(minutes=1)
AGENTS = ("ada", "ben")
OTHER_AGENT = {"ada": "ben", "ben": "ada"}
OWN, OTHER, PREVIOUS, FRESH = "own", "other", "previous", "fresh"  #: the ids of cases
MEMBER = "4001"

#: Timers that end a state or take its work on; the rest remind.
ENDING = frozenset(
    {
        *(T.ASK, T.ANSWER_OVERDUE, T.BOT_IDLE),
        *(T.DESK_OPEN_OVERDUE, T.WAIT),
        *(T.ALONE, T.MEMBER_IDLE, T.AGENT_IDLE),
    }
)


@dataclass(frozen=True, slots=True, eq=False)
class Talk:
    """A conversation as far as it decides anything. Those with the same future are one object."""

    state: str
    context: Context
    running: frozenset[str]  #: of the timers in `ENDING`
    agents: tuple[str, ...]  #: who talks, in order of the alphabet
    away: tuple[str, ...]


_TALKS: dict[tuple[str, Context, frozenset[str]], Talk] = {}


def _the(state: str, context: Context, running: frozenset[str]) -> Talk:
    state = str(state)  # what is kept first stands for all, and machines know plain strings only
    return _TALKS.setdefault(
        (state, context, running),
        Talk(state, context, running, tuple(who for who, _ in context.agents), context.away),
    )


def forget(state: str, context: Context, running: Iterable[str]) -> Talk:
    """The same conversation without what decides nothing."""
    kept: dict[str, Any] = {
        "request": 2 if context.request else 0,
        "request_state": context.request_state,
        "case": OWN if context.case else "",
    }
    if context.request:
        kept["ended"] = (ENDED.timestamp(), ENDED.timestamp() if context.ended[-1] else 0.0)
    if state == State.CLOSED:
        kept |= {"closed_at": ENDED.timestamp(), "closed_by": context.closed_by}
        return _the(state, Context(**kept), frozenset())
    question = int(bool(context.question))
    kept |= {
        "opened_case": context.opened_case,
        "agents": tuple(sorted((who, who) for who, _ in context.agents)),
        "question": question,
        "questions": question,
        "waiting": ("text",) if context.waiting else (),
        "misses": context.misses,
        "answered": int(bool(context.answered)),
    }
    if context.request_state in ("open", "expired"):
        joined = context.request_joined
        kept |= {
            "request_joined": joined,
            "request_by_agent": context.request_by_agent and not joined,
            "request_opened_case": context.request_opened_case,
            "away": tuple(sorted(context.away)),
        }
    if state == State.WITH_AGENT:
        kept |= {"transfer": context.transfer, "awaited": context.awaited}
    return _the(state, Context(**kept), frozenset(running) & ENDING)


@cache
def renamed(talk: Talk) -> Talk:
    """The same with the two agents changed over."""
    agents = tuple(sorted((OTHER_AGENT[who], OTHER_AGENT[who]) for who in talk.agents))
    away = tuple(sorted(OTHER_AGENT[who] for who in talk.away))
    return _the(talk.state, talk.context.but(agents=agents, away=away), talk.running)


@dataclass(frozen=True, slots=True, eq=False)
class Act:
    """Something that may happen: an event, what the opening hours say, and whose doing it is."""

    by: str  #: member, bot, clock, desk, staff or us
    event: Event
    open_now: bool = True
    again: bool = False  #: what a repeat of it does is looked at too, and forgotten
    place: int = 0  #: in the line, if somebody looked
    unreachable: bool = False  #: it happens while the member cannot be reached

    @property
    def name(self) -> str:
        detail = (str(value) for key, value in self.event.data.items() if key not in ("message", "body"))
        return " ".join((str(self.event.trigger), *detail))


def _act(
    by: str,
    trigger: T,
    at: datetime = NOW,
    request: int | None = None,
    case: str | None = None,
    *,
    open_now: bool = True,
    again: bool = False,
    **data: Any,
) -> Act:
    to = Address(member=MEMBER, request=request, case=case)
    source = Source.TIMER if by == "clock" else Source.TWILIO
    return Act(by, Event(source, "e", trigger, at, to, {"message": "text", **data}), open_now, again)


def _hours(by: str, trigger: T, **data: Any) -> Iterator[Act]:
    for open_now in (True, False):
        yield _act(by, trigger, open_now=open_now, **data)


#: What members may do at any time: buttons stay in the DM.
_BY_MEMBER = (
    _act("member", T.MEMBER_MESSAGE, body="how?"),
    _act("member", T.MEMBER_MESSAGE, BEFORE, body="how?"),
    _act("member", T.MEMBER_MESSAGE, SOON, body="thanks!"),
    _act("member", T.MEMBER_EDITED),
    _act("member", T.MEMBER_DELETED),
    _act("member", T.MEMBER_REACTED),
    *_hours("member", T.AGENT_REQUESTED),
    *_hours("member", T.AGENT_REQUESTED, reopened=True),
    *_hours("member", T.AGENT_REQUESTED, case=OWN),
    *_hours("member", T.NOT_HELPFUL, answer=7, again=True),
    _act("member", T.OTHER_CASE, again=True),
    *(
        _act("member", trigger)
        for trigger in (
            *(T.MEMBER_CLOSED, T.AGENT_REQUEST_CANCELLED, T.HELP_REQUESTED, T.MESSAGE_LEFT, T.SOLVED),
            *(T.RATING, T.COMMENT, T.TRANSCRIPT_REQUESTED),
        )
    ),
)
_BY_STAFF = (
    _act("staff", T.AGENT_CONTACTS, agent="ada"),
    _act("staff", T.AGENT_CONTACTS, case=OWN, agent="ada"),
    _act("staff", T.AGENT_CONTACTS, case=OWN, agent="ada", present=True),
    _act("staff", T.CASE_MERGED, into=OTHER),
    _act("staff", T.MEMBER_BLOCKED),
)
_BY_US = (
    *(_act("us", T.DELIVERY_FAILED, about="m", side=side, again=True) for side in ("member", "agent", "us")),
    _act("us", T.DELIVERY_FAILED, about="m", side="member", notice=True),
    _act("us", T.UNREACHABLE),
)
#: What a desk reports of a request that is not the current one, and that the conversation may not even have had.
OF_ANOTHER = (
    *(_act("desk", trigger, request=9, agent="ada") for trigger in (T.AGENT_JOINED, T.AGENT_LEFT)),
    *(_act("desk", trigger, request=9) for trigger in (T.DESK_OPENED, T.DESK_CLOSED, T.DESK_FAILED)),
    _act("desk", T.TRANSFER_STARTED, request=9),
    _act("desk", T.AGENT_MESSAGE, request=9, agent="ada"),
    _act("desk", T.AGENT_MESSAGE, BEFORE, request=1, agent="ada"),
    _act("desk", T.AGENT_MESSAGE, request=1, agent="ada"),
)
_BY_AGENTS = tuple(_act("desk", trigger) for trigger in (T.AGENT_EDITED, T.AGENT_DELETED, T.AGENT_REACTED))
_SUPERSEDED = (
    _act("bot", T.BOT_ANSWERED, question=8, kind="answer"),
    _act("bot", T.BOT_FAILED, question=8),
)
_FROM_BOT = (
    _act("bot", T.BOT_ANSWERED, question=1, kind="answer", articles=["one"]),
    _act("bot", T.BOT_ANSWERED, question=1, kind="answer", articles=[]),
    *_hours("bot", T.BOT_ANSWERED, question=1, kind="unsure"),
    *_hours("bot", T.BOT_ANSWERED, question=1, kind="handoff"),
    *_hours("bot", T.BOT_FAILED, question=1),
)
#: That the hours matter, the place in the line, or whether the member can be reached, is told to one timer each.
_BY_CLOCK = {name: (_act("clock", T(name)),) for names in TIMERS_OF.values() for name in names} | {
    T.ANSWER_OVERDUE: (*_hours("clock", T.ANSWER_OVERDUE),),
    T.PLACE: (_act("clock", T.PLACE), replace(_act("clock", T.PLACE), place=2)),
    T.MEMBER_IDLE: (_act("clock", T.MEMBER_IDLE), replace(_act("clock", T.MEMBER_IDLE), unreachable=True)),
}


def acts(talk: Talk) -> Iterator[Act]:
    """Everything that may happen to a conversation and does not depend on what the desk is doing."""
    yield from _BY_MEMBER
    yield from _BY_STAFF
    yield from _BY_US
    yield from OF_ANOTHER
    yield from _BY_AGENTS
    yield from _SUPERSEDED
    if talk.context.question:
        yield from _FROM_BOT
    for name in TIMERS_OF[talk.state]:
        if name in talk.running or name not in ENDING:
            yield from _BY_CLOCK[name]


@cache
def report(trigger: T, agent: str = "", at: datetime = NOW, claim: str = "") -> Act:
    """A fact of the desk about the request that it has now: the same object for the same fact."""
    return _act("desk", trigger, at, agent=agent, claim=claim)
