"""For every answer of every guard one situation that brings it about, so that every row can be walked."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from machines.case import CASE, CASE_ASKS
from machines.conversation import ASKS, CONVERSATION
from machines.events import Address, CaseTrigger, Event, Source, Trigger
from machines.snapshot import CaseContext, CaseFacts, Context, Given, Previous, Snapshot, Survivor

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
BEFORE = (NOW - timedelta(seconds=60)).timestamp()
AFTER = (NOW + timedelta(seconds=60)).timestamp()

#: A conversation in the middle of things: its second request is open, its first ended a minute ago.
MIDDLE = Context(
    waiting=("m9",),
    waiting_since=BEFORE,
    question=3,
    questions=3,
    asked=("m0",),
    request=2,
    request_state="open",
    ended=(BEFORE, 0.0),
    agents=(("ada", "Ada"),),
    case="f" * 32,
    opened_case=True,
    request_opened_case=True,
    closed_at=BEFORE,
    closed_by="agent",
)
_QUIET: dict[str, Any] = {"waiting": (), "waiting_since": 0.0, "question": 0, "asked": ()}
#: What is different in the middle of things from state to state.
OF_STATE: dict[str, dict[str, Any]] = {
    "bot_faq": {"request_state": "expired", "agents": (), "closed_at": 0.0, "closed_by": ""},
    "awaiting_agent": {**_QUIET, "agents": (), "closed_at": 0.0, "closed_by": ""},
    "with_agent": {**_QUIET, "request_joined": True, "closed_at": 0.0, "closed_by": ""},
    "closed": {**_QUIET, "agents": (), "request_state": "ended"},
}
DATA: dict[str, Any] = {
    "message": "m9",
    "body": "how do I pay?",
    "agent": "ada",
    "name": "Ada",
    "question": 3,
    "answer": 3,
    "kind": "answer",
    "articles": [{"title": "Paying"}],
    "about": "m5",
    "side": "member",
    "emoji": "x",
    "rating": 4,
    "into": "a" * 32,
}


@dataclass(frozen=True)
class Situation:
    """What differs from the middle of things."""

    context: dict[str, Any] = field(default_factory=dict)
    data: dict[str, Any] = field(default_factory=dict)
    given: dict[str, Any] = field(default_factory=dict)
    request: int | None = 2


_LATE = {"ended": (AFTER, 0.0)}
_MISS = {"misses": 1}
_NONE_LIVE = {"request_state": "ended", "case": ""}
_BLOCKED = Situation(given={"blocked": True})
_FROM_CLOSED = Situation(given={"contacted": CaseFacts("d" * 32, "closed")})
_AS_IT_IS = Situation()
_ANOTHER = Situation(request=1)
_EARLIER = {
    "earlier_before": Situation(_LATE, request=1),
    "earlier_later": Situation(request=1),
}


def _handoffs(data: dict[str, Any], **context: Any) -> dict[str, Situation]:
    return {
        "inside": Situation(_NONE_LIVE | context, data),
        "outside": Situation(_NONE_LIVE | context, data, {"open_now": False, "opens_at": NOW}),
        "queued": Situation({"request_state": "expired"} | context, data),
    }


_AGENT_WHILE_BOT = {
    "expired": Situation({"request_state": "expired"}),
    "withdrawn": Situation({"request_state": "withdrawn"}),
    "none": Situation({"request_state": "ended"}),
}

#: guard -> outcome -> what brings it about
SITUATIONS: dict[str, dict[str, Situation]] = {
    "opener": {"welcome": _AS_IT_IS, "blocked": _BLOCKED},
    "contact": {"welcome": _AS_IT_IS, "blocked": _BLOCKED, "over": _FROM_CLOSED},
    "contact_meanwhile": {"welcome": _AS_IT_IS, "over": _FROM_CLOSED},
    "first_message": {
        "welcome": _AS_IT_IS,
        "late": Situation(given={"previous": Previous("e" * 32, 1, "f" * 32, AFTER, "agent")}),
        "blocked": _BLOCKED,
    },
    "person": {**_handoffs({}), "blocked": _BLOCKED},
    "answer": {
        "superseded": Situation(data={"question": 2}),
        "answer": _AS_IT_IS,
        "first_miss": Situation(data={"kind": "unsure"}),
        **_handoffs({"kind": "handoff"}),
    },
    "bot_failure": {
        "superseded": Situation(data={"question": 2}),
        "first_miss": _AS_IT_IS,
        **_handoffs({}, **_MISS),
    },
    "overdue": {"answered": Situation({"question": 0}), "first_miss": _AS_IT_IS, **_handoffs({}, **_MISS)},
    "unhelpful": {
        "repeat": Situation({"unhelpful": (3,)}),
        "first_miss": _AS_IT_IS,
        **_handoffs({}, **_MISS),
    },
    "burst": {
        "ready": Situation({"question": 0}),
        "busy": _AS_IT_IS,
        "nothing": Situation({"question": 0, "waiting": ()}),
    },
    "report": {"current": _AS_IT_IS, "other": _ANOTHER},
    "agent_join_while_bot": {
        **_AGENT_WHILE_BOT,
        "away": Situation({"request_state": "expired", "away": ("ada",)}),
        "other": _ANOTHER,
    },
    "arrival": {"current": _AS_IT_IS, "away": Situation({"away": ("ada",)}), "other": _ANOTHER},
    "agent_text_while_bot": {**_AGENT_WHILE_BOT, **_EARLIER},
    "agent_text": {"current": _AS_IT_IS, **_EARLIER},
    "expired": {
        "expired": Situation({"request_state": "expired"}),
        "else": Situation({"request_state": "withdrawn"}),
    },
    "place_told": {
        "news": Situation({"place": 3, "minutes": 15}),
        "same": Situation({"place": 2, "minutes": 10}),
    },
    "desk_end_while_waiting": {
        "joined": Situation({"request_joined": True}),
        "nobody": _AS_IT_IS,
        "other": _ANOTHER,
    },
    "join": {
        "another": Situation(data={"agent": "ben"}),
        "known": _AS_IT_IS,
        "taken": Situation(data={"agent": "ben", "claim": "alone"}),
        "other": _ANOTHER,
    },
    "leave": {
        "others": Situation({"agents": (("ada", "Ada"), ("ben", "Ben"))}),
        "last": _AS_IT_IS,
        "absent": Situation(data={"agent": "ben"}),
        "other": _ANOTHER,
    },
    "hand_over": {
        "current": _AS_IT_IS,
        "absent": Situation(data={"agent": "ben"}),
        "other": _ANOTHER,
    },
    "alone": {
        "nobody": Situation({"agents": ()}),
        "transfer": Situation({"agents": (), "transfer": True}),
        "somebody": _AS_IT_IS,
    },
    "silence": {"silent": _AS_IT_IS, "unreachable": Situation({"unreachable": True})},
    "another_case": {"first": _AS_IT_IS, "again": Situation({"moved": True})},
    "desk_end": {
        "current": _AS_IT_IS,
        "unaccepted": Situation({"request_by_agent": True, "request_joined": False, "agents": ()}),
        "other": _ANOTHER,
    },
    "failure": {
        "first": _AS_IT_IS,
        "told": Situation({"told": ("m5",)}),
        "notice": Situation(data={"notice": True}),
    },
    "failure_after_close": {
        "member": _AS_IT_IS,
        "agent": Situation(data={"side": "agent"}),
        "else": Situation(data={"side": "us"}),
    },
    "agent_text_after_close": {"before": Situation({"closed_at": AFTER}), "later": _AS_IT_IS},
    "text_after_close": {
        "thanks": Situation(data={"body": "thanks!"}),
        "next": _AS_IT_IS,
        "blocked": _BLOCKED,
    },
}

#: Known with every event, whoever asks for it.
FACTS: dict[str, Any] = {"first_contact": True, "place": 2, "minutes": 10}

Walk = tuple[str, str, str]  #: state, trigger, guard outcome


def conversation_walks() -> Iterator[Walk]:
    for state in CONVERSATION.states:
        for trigger in CONVERSATION.triggers:
            for when in CONVERSATION.guard_outcomes(state, trigger):
                yield str(state), str(trigger), when


def conversation_case(walk: Walk) -> tuple[Snapshot, Event, Given]:
    """The snapshot, event and facts that lead to exactly this row."""
    state, trigger, when = walk
    guard = ASKS.get((state, trigger))
    situation = SITUATIONS[guard][when] if guard else _AS_IT_IS
    context = replace(MIDDLE, **OF_STATE[state] | situation.context)
    own = CaseFacts(context.case, "open") if context.case else None
    snapshot = Snapshot("conversation", "c" * 32, "4001", state, 7, context)
    to = Address(member="4001", conversation=snapshot.id, request=situation.request)
    event = Event(Source.TWILIO, "e1", Trigger(trigger), NOW, to, DATA | situation.data)
    return snapshot, event, Given(received_at=NOW, fresh="9" * 32, case=own, **FACTS | situation.given)


#: What a report brings along.
REPORT: dict[str, Any] = {
    "kind": "bug",
    "title": "It crashes",
    "summary": "As soon as I jump",
    "interaction": {"id": "77"},
}
#: The same for the guards of a case.
CASE_SITUATIONS: dict[str, dict[str, Situation]] = {
    "opening": {
        "asked_for": Situation(data={"kind": "help"}),
        "reported": Situation(data=REPORT),
        "blocked": Situation(data=REPORT, given={"blocked": True}),
        "empty": Situation(data=REPORT | {"title": " \u200b "}),
    },
    "merge": {
        "unknown": _AS_IT_IS,
        "fits": Situation(given={"into": Survivor("a" * 32, "open", "help", "4001")}),
        "itself": Situation(given={"into": Survivor("f" * 32, "open", "help", "4001")}),
        "over": Situation(given={"into": Survivor("a" * 32, "closed", "help", "4001")}),
        "foreign": Situation(given={"into": Survivor("a" * 32, "open", "help", "4002")}),
    },
}


def case_walks() -> Iterator[Walk]:
    for state in CASE.states:
        for trigger in CASE.triggers:
            for when in CASE.guard_outcomes(state, trigger):
                yield str(state), str(trigger), when


def case_case(walk: Walk) -> tuple[Snapshot, Event, Given]:
    state, trigger, when = walk
    guard = CASE_ASKS.get((state, trigger))
    situation = CASE_SITUATIONS[guard][when] if guard else _AS_IT_IS
    snapshot = Snapshot("case", "f" * 32, "4001", state, 7, CaseContext(agents=("ada",)))
    data = DATA | situation.data
    event = Event(Source.TELL, "e1", CaseTrigger(trigger), NOW, Address(case=snapshot.id), data)
    return snapshot, event, Given(received_at=NOW, **situation.given)
