"""What is told of a case, and what an answer to that means."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from machines.effects import ON_DEATH, UNTOLD, Kind
from machines.snapshot import CaseContext
from orchestrator.engine.retry import PATIENT, policy_of
from orchestrator.errors import Reject, Retry
from orchestrator.ports import Response
from orchestrator.webhooks.cases import LONGEST_WAIT_S, judge, render, wait
from storage.reads.webhook import FollowedCase

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
DAY_S = 24 * 3600.0
CHANGE = {
    "type": "case.resolved",
    "at": "2026-03-02T11:59:58+00:00",
    "version": 4,
    "from": "in_progress",
    "to": "resolved",
    "by": "ada",
}
CASE = FollowedCase(
    id="4d1f",
    number=7,
    kind="help",
    state="closed",
    version=5,
    member="33",
    member_name="mia",
    context=CaseContext(conversations=("c1",), agents=("ada",), reason="solved", rating=4, comment="thanks"),
    created_at=NOW.timestamp() - 60,
    updated_at=NOW.timestamp(),
)


def test_the_change_is_told_as_it_was_and_the_case_as_it_is() -> None:
    body: dict[str, Any] = json.loads(render(CHANGE, CASE))
    assert (body["type"], body["timestamp"]) == ("case.resolved", "2026-03-02T11:59:58+00:00")
    assert body["data"]["change"] == {"version": 4, "from": "in_progress", "to": "resolved", "by": "ada"}
    assert body["data"]["case"] == {
        "number": 7,
        "id": "4d1f",
        "kind": "help",
        "state": "closed",
        "version": 5,
        "title": "",
        "summary": "",
        "steps": "",
        "channel": "",
        "priority": "",
        "tags": [],
        "assignee": "",
        "agents": ["ada"],
        "member": {"id": "33", "name": "mia"},
        "conversations": ["c1"],
        "reason": "solved",
        "rating": 4,
        "merged_into": "",
        "follows": "",
        "created_at": "2026-03-02T11:59:00+00:00",
        "updated_at": "2026-03-02T12:00:00+00:00",
    }


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_every_2xx_is_taken(status: int) -> None:
    judge(Response(status), NOW)


def test_a_receiver_that_is_gone_for_good_is_believed() -> None:
    with pytest.raises(Reject, match="410"):
        judge(Response(410, "60"), NOW)


@pytest.mark.parametrize("status", [429, 503])
def test_a_receiver_that_names_a_time_is_asked_then(status: int) -> None:
    with pytest.raises(Retry, match=str(status)) as later:
        judge(Response(status, "120"), NOW)
    assert later.value.after == 120


@pytest.mark.parametrize(
    "status", [100, 301, 302, 307, 308, 400, 401, 403, 404, 413, 422, 429, 500, 502, 503]
)
def test_whatever_else_comes_back_is_tried_again(status: int) -> None:
    """A receiver that is being set up, or was broken by its last release, is mended; what it missed is not."""
    retry_after = "" if status in (429, 503) else "120"
    with pytest.raises(Retry, match=str(status)) as again:
        judge(Response(status, retry_after), NOW)
    assert again.value.after is None


@pytest.mark.parametrize(
    ("retry_after", "seconds"),
    [
        ("1", 1.0),
        (" 30 ", 30.0),
        ("3601", LONGEST_WAIT_S),
        ("9" * 400, LONGEST_WAIT_S),
        (format_datetime(NOW + timedelta(minutes=2), usegmt=True), 120.0),
        ("Mon, 02 Mar 2026 12:02:00", 120.0),
        ("Mon, 02 Mar 2026 13:02:00 +0100", 120.0),
        (format_datetime(NOW + timedelta(days=400), usegmt=True), LONGEST_WAIT_S),
        (format_datetime(NOW - timedelta(minutes=2), usegmt=True), None),
        ("0", None),
        ("-5", None),
        ("1.5", None),
        ("\u0663", None),
        ("soon", None),
        ("", None),
    ],
)
def test_a_time_to_come_is_read_in_seconds_or_as_a_date(retry_after: str, seconds: float | None) -> None:
    assert wait(retry_after, NOW) == seconds


@given(st.text() | st.datetimes().map(format_datetime))
def test_no_header_makes_us_wait_for_ever_or_not_at_all(retry_after: str) -> None:
    seconds = wait(retry_after, NOW)
    assert seconds is None or 0 < seconds <= LONGEST_WAIT_S


def test_a_receiver_has_three_days_to_come_back() -> None:
    assert policy_of(Kind.CASE_WEBHOOK) is PATIENT
    waits = [PATIENT.delay(attempt, None, lambda: 0.5) for attempt in range(1, PATIENT.attempts)]
    assert waits == sorted(waits)
    assert waits[-1] <= PATIENT.cap
    assert sum(waits) == pytest.approx(3 * DAY_S, rel=0.01)
    assert PATIENT.gives_up(PATIENT.attempts)
    assert not PATIENT.gives_up(PATIENT.attempts - 1)


def test_what_nobody_took_is_a_dead_letter_and_tells_the_case_nothing() -> None:
    assert Kind.CASE_WEBHOOK not in ON_DEATH
    assert Kind.CASE_WEBHOOK in UNTOLD
