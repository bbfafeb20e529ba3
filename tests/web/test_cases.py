"""The routes of cases: who is let in, what is refused, and how replies are told."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import pytest

from orchestrator.counters import Agent, CaseReply
from orchestrator.errors import Unavailable
from storage.reads.rows import CaseQuery
from tests.web.commands import TOKEN, assert_shut, call
from tests.web.serving import Recorder, Web, running
from web.cases import SEARCH_LIMIT, SUMMARY_LIMIT, TAG_LIMIT, TAGS_LIMIT, TITLE_LIMIT
from web.fields import BODY_LIMIT

ADA = {"id": "ada", "name": "Ada"}
MINTED = "0123456789abcdef"
BY = {"agent": ADA, "id": MINTED}
#: Every command, with a body that it takes.
COMMANDS: list[tuple[str, str, dict[str, Any]]] = [
    ("POST", "/cases", {**BY, "member": "4001", "kind": "bug", "title": "No sound"}),
    ("PATCH", "/cases/7", {**BY, "title": "No sound"}),
    ("POST", "/cases/7/notes", {**BY, "body": "hello"}),
    ("POST", "/cases/7/assign", {**BY, "to": "ben"}),
    ("POST", "/cases/7/ask", {**BY}),
    ("POST", "/cases/7/resolve", {**BY, "reason": "solved"}),
    ("POST", "/cases/7/reopen", {**BY}),
    ("POST", "/cases/7/merge", {**BY, "into": 3}),
    ("POST", "/cases/7/contact", {**BY, "body": "hello"}),
]
ROUTES: list[tuple[str, str, dict[str, Any] | None]] = [
    ("GET", "/cases", None),
    ("GET", "/cases/7", None),
    *COMMANDS,
]


class Cases:
    """Notes what it is asked and gives the reply that it was told to give."""

    def __init__(self) -> None:
        self.asked: list[tuple[Any, ...]] = []
        self.reply = CaseReply(number=7, state="open")
        self.trouble: Exception | None = None

    async def cases(self, wanted: CaseQuery) -> Mapping[str, Any]:
        return self._told("cases", wanted) and {"cases": [], "cursor": None}

    async def case(self, number: int) -> Mapping[str, Any] | None:
        self._told("case", number)
        return {"number": number} if number == 7 else None

    async def open(
        self, agent: Agent, minted: str, member: str, kind: str, texts: Mapping[str, str], follows: int
    ) -> CaseReply:
        return self._told("open", agent.id, minted, member, kind, texts, follows)

    async def note(self, number: int, agent: Agent, minted: str, body: str) -> CaseReply:
        return self._told("note", number, agent.id, minted, body)

    async def edit(self, number: int, agent: Agent, minted: str, changes: Mapping[str, Any]) -> CaseReply:
        return self._told("edit", number, agent.id, minted, changes)

    async def assign(self, number: int, agent: Agent, minted: str, to: str) -> CaseReply:
        return self._told("assign", number, agent.id, minted, to)

    async def ask(self, number: int, agent: Agent, minted: str) -> CaseReply:
        return self._told("ask", number, agent.id, minted)

    async def resolve(self, number: int, agent: Agent, minted: str, reason: str) -> CaseReply:
        return self._told("resolve", number, agent.id, minted, reason)

    async def reopen(self, number: int, agent: Agent, minted: str) -> CaseReply:
        return self._told("reopen", number, agent.id, minted)

    async def merge(self, number: int, agent: Agent, minted: str, into: int) -> CaseReply:
        return self._told("merge", number, agent.id, minted, into)

    async def contact(self, number: int, agent: Agent, minted: str, body: str) -> CaseReply:
        return self._told("contact", number, agent.id, minted, body)

    def _told(self, *asked: Any) -> CaseReply:
        if self.trouble:
            raise self.trouble
        self.asked.append(asked)
        return self.reply


@asynccontextmanager
async def serving(cases: Cases | None, token: str = TOKEN) -> AsyncIterator[Web]:
    async with running(store=Recorder(), cases=cases, desk_token=token) as site:
        yield site


@pytest.mark.parametrize(("method", "path", "body"), ROUTES)
async def test_every_route_is_shut_without_a_token_of_ours_and_without_the_callers(
    method: str, path: str, body: Any
) -> None:
    await assert_shut(serving, Cases(), method, path, body)


async def test_commands_arrive_as_they_were_given() -> None:
    cases = Cases()
    async with serving(cases) as site:
        for method, path, body in COMMANDS:
            assert (await call(site, method, path, body)).status in (200, 201)
        more = {"summary": "", "follows": 3}
        await call(site, "POST", "/cases", {**COMMANDS[0][2], **more})
        await call(site, "POST", "/cases/7/assign", BY)
        await call(site, "POST", "/cases/7/assign", {**BY, "to": None})
        changes = {"summary": "s", "priority": "normal", "tags": ["a", "b"]}
        await call(site, "PATCH", "/cases/7", {**BY, **changes})
    texts = {"title": "No sound", "summary": ""}
    assert cases.asked == [
        ("open", "ada", MINTED, "4001", "bug", texts, 0),
        ("edit", 7, "ada", MINTED, {"title": "No sound"}),
        ("note", 7, "ada", MINTED, "hello"),
        ("assign", 7, "ada", MINTED, "ben"),
        ("ask", 7, "ada", MINTED),
        ("resolve", 7, "ada", MINTED, "solved"),
        ("reopen", 7, "ada", MINTED),
        ("merge", 7, "ada", MINTED, 3),
        ("contact", 7, "ada", MINTED, "hello"),
        ("open", "ada", MINTED, "4001", "bug", texts, 3),
        ("assign", 7, "ada", MINTED, ""),
        ("assign", 7, "ada", MINTED, ""),
        ("edit", 7, "ada", MINTED, {"summary": "s", "priority": "", "tags": ["a", "b"]}),
    ]


async def test_what_is_looked_for_arrives_as_it_was_given() -> None:
    cases = Cases()
    query = "state=open&kind=bug&member=4001&assignee=ada&q=no%20sound&cursor=12&limit=5"
    async with serving(cases) as site:
        await call(site, "GET", "/cases")
        await call(site, "GET", f"/cases?{query}")
    assert cases.asked == [
        ("cases", CaseQuery()),
        ("cases", CaseQuery("open", "bug", "4001", "ada", "no sound", 12, 5)),
    ]


@pytest.mark.parametrize(
    ("error", "status"),
    [
        *[("unknown", 404), ("unknown_member", 404), ("unknown_into", 404), ("unknown_follows", 404)],
        *[("resolved", 409), ("closed", 409), ("pending", 409), ("not_resolved", 409), ("blocked", 409)],
        *[("into_closed", 409), ("into_itself", 409), ("into_anothers", 409), ("id_used", 409)],
        ("failed", 500),
    ],
)
async def test_a_refusal_says_why_and_a_conflict_in_which_state_the_case_is(error: str, status: int) -> None:
    cases = Cases()
    cases.reply = CaseReply(error, "for people", 7, "closed")
    async with serving(cases) as site:
        answer = await call(site, *COMMANDS[5])
    facts = {} if status == 404 else {"number": 7, "state": "closed"}
    assert (answer.status, answer.body) == (status, {"error": error, "detail": "for people", **facts})


async def test_whoever_writes_first_hears_in_which_conversation() -> None:
    cases = Cases()
    cases.reply = CaseReply(number=7, state="in_progress", conversation="c1")
    async with serving(cases) as site:
        answer = await call(site, *COMMANDS[8])
    assert (answer.status, answer.body) == (
        201,
        {"number": 7, "state": "in_progress", "conversation": "c1"},
    )


async def test_a_store_that_cannot_take_anything_is_tried_again_later() -> None:
    cases = Cases()
    cases.trouble = Unavailable("the database cannot be written", retry_after=3)
    async with serving(cases) as site:
        for route in ROUTES:
            answer = await call(site, *route)
            assert (answer.status, answer.headers["Retry-After"]) == (503, "3")


LONG = "x" * 5000
BAD: dict[str, list[tuple[str, str, dict[str, Any], str]]] = {
    "agent": [
        (*COMMANDS[4][:2], {"id": MINTED}, "agent:"),
        (*COMMANDS[4][:2], {"id": MINTED, "agent": {"id": "", "name": "A"}}, "agent.id:"),
        (*COMMANDS[4][:2], {"id": MINTED, "agent": {"id": "a", "name": "\n"}}, "agent.name:"),
    ],
    "id": [(*COMMANDS[4][:2], {"agent": ADA, "id": bad}, "id:") for bad in ("short", 7, None, "ü" * 20)],
    "member": [
        ("POST", "/cases", {**COMMANDS[0][2], "member": bad}, "member:") for bad in ("", 4001, None, "x" * 65)
    ],
    "kind": [("POST", "/cases", {**COMMANDS[0][2], "kind": bad}, "kind:") for bad in ("", "idea", 1, None)],
    "title": [
        (method, path, {**BY, **more, "title": bad}, "title:")
        for bad in ("", " ", "a\nb", 7, None, "x" * (TITLE_LIMIT + 1))
        for method, path, more in (
            ("POST", "/cases", {"member": "4001", "kind": "bug"}),
            ("PATCH", "/cases/7", {}),
        )
    ],
    "summary": [
        ("PATCH", "/cases/7", {**BY, "summary": bad}, "summary:")
        for bad in (7, None, LONG[: SUMMARY_LIMIT + 1])
    ],
    "priority": [("PATCH", "/cases/7", {**BY, "priority": bad}, "priority:") for bad in ("", "now", 1, None)],
    "tags": [
        ("PATCH", "/cases/7", {**BY, "tags": bad}, "tags:")
        for bad in ("a", None, [1], [""], ["x" * (TAG_LIMIT + 1)], ["x"] * (TAGS_LIMIT + 1))
    ],
    "follows": [
        ("POST", "/cases", {**COMMANDS[0][2], "follows": bad}, "follows:")
        for bad in (0, -1, "1", True, None, 2**31)
    ],
    "into": [
        ("POST", "/cases/7/merge", {**BY, "into": bad}, "into:")
        for bad in (0, -1, "3", True, None, 1.5, 2**31)
    ],
    "to": [("POST", "/cases/7/assign", {**BY, "to": bad}, "to:") for bad in ("", 7, "x" * 65)],
    "reason": [
        ("POST", "/cases/7/resolve", {**BY, "reason": bad}, "reason:") for bad in ("", "done", None, 1)
    ],
    "body": [
        ("POST", f"/cases/7/{what}", {**BY, "body": bad}, "body:")
        for what in ("notes", "contact")
        for bad in ("", " \n", 7, None, "x" * (BODY_LIMIT + 1))
    ],
    "nothing to change": [("PATCH", "/cases/7", BY, "one of title")],
    "a foreign field": [
        (method, path, {**body, "stat": 1}, "known fields") for method, path, body in COMMANDS
    ],
}


@pytest.mark.parametrize("field", BAD)
async def test_a_bad_field_gets_one_clear_answer_that_names_it(field: str) -> None:
    cases = Cases()
    async with serving(cases) as site:
        for method, path, body, named in BAD[field]:
            answer = await call(site, method, path, body)
            assert (answer.status, answer.body["error"]) == (400, "bad_field"), body
            assert answer.body["detail"].startswith(named), (body, answer.body)
    assert cases.asked == []


@pytest.mark.parametrize(
    "query",
    [
        *("state=done", "kind=idea", "member=", "assignee=%0A", "q=", f"q={'x' * (SEARCH_LIMIT + 1)}"),
        *("cursor=0", "cursor=-1", "cursor=x", "cursor=99999999999", "limit=0", "limit=201", "limit=%C2%B2"),
        *("stat=open", "state=open&state=closed"),
    ],
)
async def test_a_bad_filter_is_refused(query: str) -> None:
    cases = Cases()
    async with serving(cases) as site:
        answer = await call(site, "GET", f"/cases?{query}")
    assert (answer.status, answer.body["error"], cases.asked) == (400, "bad_field", [])


@pytest.mark.parametrize("number", ["8", "0", "x", "-7", "7.0", "99999999999", "%C2%B2", "7%00"])
async def test_what_is_no_case_is_unknown(number: str) -> None:
    cases = Cases()
    async with serving(cases) as site:
        answer = await call(site, "GET", f"/cases/{number}")
        assert (answer.status, answer.body["error"]) == (404, "unknown")
        if number != "8":
            assert (await call(site, "POST", f"/cases/{number}/ask", BY)).status == 404


@pytest.mark.parametrize("path", ["/casesx", "/case", "/cases/7/nothing", "/cases/"])
async def test_other_addresses_are_of_nobody(path: str) -> None:
    async with serving(Cases()) as site:
        assert (await call(site, "GET", path)).status == 404
