"""What agents see of cases, as JSON. Pure: rows go in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from machines import sla
from machines.case import CaseState
from machines.sla import Clock, Targets
from storage.reads.rows import CaseFile, CaseNote, HistoryRow, LinkedTalk

Json = dict[str, Any]

#: What is shown of a case without a priority of its own.
NORMAL = "normal"
_OVER = (CaseState.RESOLVED, CaseState.CLOSED)
#: What of an event is told elsewhere in the answer, or says nothing to an agent.
_HIDDEN = frozenset({"agent", "name", "conversations", "merged", "interaction", "locale"})


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What belongs to one case."""

    talks: Sequence[LinkedTalk]
    notes: Sequence[CaseNote]  #: of the case and of those merged into it
    history: Sequence[HistoryRow]
    numbers: Mapping[str, int]  #: of every case that is named, by id
    alike: Sequence[CaseFile]


def listed(cases: Sequence[CaseFile], now: float, targets: Targets, at_most: int) -> Json:
    """A page of them; `cursor` leads to the next one."""
    more = len(cases) == at_most
    return {
        "cases": [short(case, now, targets) for case in cases],
        "cursor": str(cases[-1].number) if more else None,
    }


def short(case: CaseFile, now: float, targets: Targets) -> Json:
    """A case as it stands in a list."""
    context = case.context
    return {
        "number": case.number,
        "kind": context.kind,
        "state": case.state,
        "title": context.title,
        "priority": context.priority or NORMAL,
        "tags": list(context.tags),
        "assignee": context.assignee or None,
        "member": {"id": case.member, "name": case.member_name},
        "created_at": _time(case.created_at),
        "updated_at": _time(case.updated_at),
        **_clocks(case, now, targets),
    }


def whole(case: CaseFile, around: Surroundings, now: float, targets: Targets) -> Json:
    """A case with all that belongs to it."""
    context = case.context
    return {
        **short(case, now, targets),
        "version": case.version,
        "summary": context.summary,
        "steps": context.steps or None,
        "channel": context.channel or None,
        "agents": list(context.agents),
        "reason": context.reason or None,
        "merged_into": around.numbers.get(context.merged_into),
        "merged": sorted(around.numbers[other] for other in context.merged if other in around.numbers),
        "follows": around.numbers.get(context.follows),
        "rating": context.rating or None,
        "comment": context.comment or None,
        "conversations": [_talk(talk) for talk in around.talks],
        "notes": [_note(note, around.numbers) for note in around.notes],
        "history": [_line(row, around.numbers) for row in around.history],
        "likely_duplicates": [
            {"number": other.number, "state": other.state, "title": other.context.title}
            for other in around.alike
        ],
    }


def _clocks(case: CaseFile, now: float, targets: Targets) -> Json:
    first = sla.first_response(case.context, now, targets)
    whole_of_it = sla.resolution(case.context, now, targets, resolved=case.state in _OVER)
    return {
        "first_response": _clock(first),
        "resolution": _clock(whole_of_it),
        "breached": first.breached or whole_of_it.breached,
    }


def _clock(clock: Clock) -> Json:
    return {
        "due_at": _time(clock.due_at) if clock.due_at is not None else None,
        "left_s": int(clock.left // 1),
        "met": clock.met,
        "breached": clock.breached,
    }


def _talk(talk: LinkedTalk) -> Json:
    return {
        "conversation": talk.id,
        "state": talk.state,
        "began_at": _time(talk.created_at),
        "closed_at": _time(talk.closed_at) if talk.closed_at else None,
    }


def _note(note: CaseNote, numbers: Mapping[str, int]) -> Json:
    data = note.data
    return {
        "note": note.note,
        "at": _time(note.at),
        "by": _agent(data),
        "body": data.get("body", ""),
        "message": str(data.get("message", "")).partition(":")[2] or None,
        "case": numbers.get(note.case),
    }


def _line(row: HistoryRow, numbers: Mapping[str, int]) -> Json:
    data = {name: value for name, value in row.data.items() if name not in _HIDDEN}
    for name in ("into", "case", "follows"):
        if name in data:
            data[name] = numbers.get(str(data[name]))
    return {
        "at": _time(row.at),
        "what": row.trigger,
        "by": _agent(row.data),
        "source": row.source,
        "from": row.from_state or None,
        "to": row.to_state or None,
        "outcome": row.outcome,
        "reason": row.reason or None,
        "data": data,
    }


def _agent(data: Mapping[str, Any]) -> Json | None:
    """Who did it, where that is known."""
    if not data.get("agent"):
        return None
    return {"id": data["agent"], "name": data.get("name") or data["agent"]}


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
