"""The figures of docs/statistics.md, counted by reading the whole journal as one would with a pencil."""

from __future__ import annotations

import math
import statistics
from collections import Counter
from collections.abc import Iterable
from typing import Any

from sqlalchemy import Row

from storage import schema
from storage.codec import load
from storage.reads.figures import Durations
from tests.storage.house import House

_REASONS = {"not_helpful": "not_helpful", "bot_failed": "bot_failed", "answer_overdue": "bot_failed"}


def by_subject(house: House, machine: str) -> dict[str, list[Row[Any]]]:
    """The journal of every conversation, or of every case, in order."""
    found: dict[str, list[Row[Any]]] = {}
    for row in house.rows(schema.event):
        if row.subject and row.subject.startswith(f"{machine}:") and row.outcome != "failed":
            found.setdefault(row.subject.partition(":")[2], []).append(row)
    return {subject: sorted(rows, key=lambda row: row.version) for subject, rows in found.items()}


def durations(took: Iterable[float]) -> Durations:
    found = sorted(took)
    if not found:
        return Durations()
    return Durations(len(found), statistics.median(found), found[math.ceil(0.9 * len(found)) - 1])


def first_responses(house: House, since: float) -> Durations:
    took = []
    for rows in by_subject(house, "conversation").values():
        asked: float | None = None
        served = False
        for row in rows:
            moved = row.outcome == "moved"
            if moved and row.to_state == "awaiting_agent" and row.from_state == "bot_faq" and asked is None:
                asked = row.received_at
            if row.trigger == "agent_request_cancelled" and row.outcome in ("moved", "stayed"):
                asked, served = None, False
            written = row.trigger == "agent_contacts" and row.from_state == "awaiting_agent"
            if asked is None or not ((moved and row.to_state == "with_agent") or written):
                continue
            if not served and row.received_at >= since:
                took.append(max(0.0, row.received_at - asked))
            served = True
    return durations(took)


def resolutions(house: House, since: float) -> tuple[Durations, int]:
    """With those that were withdrawn counted apart."""
    took, withdrawn = [], 0
    opened = {row.id: row.created_at for row in house.rows(schema.case_)}
    for case, rows in by_subject(house, "case").items():
        last = None
        for row in rows:
            if row.outcome == "moved" and row.trigger != "case_close":
                last = row if row.to_state == "resolved" else None
        if last is None or last.received_at < since:
            continue
        if load(last.data)["reason"] == "withdrawn":
            withdrawn += 1
        else:
            took.append(max(0.0, last.received_at - opened[case]))
    return durations(took), withdrawn


def handoffs(house: House, since: float) -> Counter[str]:
    found: Counter[str] = Counter()
    for rows in by_subject(house, "conversation").values():
        for row in rows:
            if (row.outcome, row.from_state, row.to_state) == ("moved", "bot_faq", "awaiting_agent"):
                if row.received_at >= since:
                    found[_reason(row)] += 1
                break
    return found


def _reason(row: Row[Any]) -> str:
    data = load(row.data)
    if row.trigger == "agent_requested":
        return "reopened" if data.get("reopened") else "asked"
    if row.trigger == "bot_answered":
        return "bot_decided" if data["kind"] == "handoff" else "bot_unsure"
    return _REASONS[row.trigger]


def endings(house: House, since: float) -> Counter[str]:
    found: Counter[str] = Counter()
    journal = by_subject(house, "conversation")
    first = [rows[0] for rows in journal.values()]
    reopened = {
        load(row.address).get("conversation")
        for row in first
        if row.trigger == "agent_requested" and load(row.data).get("reopened")
    }
    answered = {row.conversation for row in house.rows(schema.message) if row.author == "bot"}
    for talk in house.rows(schema.conversation):
        for row in journal[talk.id]:
            if row.outcome == "moved" and row.to_state == "closed" and row.received_at >= since:
                found[_how(talk, row, journal[talk.id], talk.id in reopened, talk.id in answered)] += 1
    return found


def _how(talk: Row[Any], end: Row[Any], rows: list[Row[Any]], reopened: bool, answered: bool) -> str:
    if any((row.from_state, row.to_state) == ("bot_faq", "awaiting_agent") for row in rows):
        return "handed_off"
    if any(row.trigger == "agent_contacts" and row.outcome == "moved" for row in rows):
        return "agent_first"
    if end.trigger == "member_blocked":
        return "blocked"
    if reopened:
        return "reopened"
    if load(talk.context).get("case"):
        return "nobody_there"
    if end.trigger == "solved":
        return "solved"
    if not answered:
        return "unanswered"
    return "went_quiet" if end.trigger == "bot_idle" else "closed_by_member"
