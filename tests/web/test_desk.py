"""The built-in desk's routes: who is let in, what is refused, and how replies are told."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import pytest

from orchestrator.counters import Agent, Reply
from orchestrator.errors import Unavailable
from tests.web.commands import BEARER, TOKEN, assert_shut, call
from tests.web.serving import Recorder, Web, running
from web.body import LIMIT
from web.fields import BODY_LIMIT

ADA = {"id": "ada", "name": "Ada"}
MINTED = "0123456789abcdef"
TALK = "/desk/conversations/c1"
#: Every route, with a body that it takes.
ROUTES: list[tuple[str, str, dict[str, Any] | None]] = [
    ("GET", "/desk/queue", None),
    ("GET", TALK, None),
    ("POST", f"{TALK}/claim", {"agent": ADA, "id": MINTED}),
    ("POST", f"{TALK}/messages", {"agent": ADA, "id": MINTED, "body": "hello"}),
    ("PATCH", f"{TALK}/messages/m1", {"agent": ADA, "body": "hello"}),
    ("DELETE", f"{TALK}/messages/m1", {"agent": ADA}),
    ("POST", f"{TALK}/messages/m1/reactions", {"agent": ADA, "id": MINTED, "emoji": "👍"}),
    ("POST", f"{TALK}/typing", {"agent": ADA}),
    ("POST", f"{TALK}/leave", {"agent": ADA, "id": MINTED}),
    ("POST", f"{TALK}/transfer", {"agent": ADA, "id": MINTED, "to": "ben"}),
    ("POST", f"{TALK}/close", {"agent": ADA, "id": MINTED}),
]
COMMANDS = [route for route in ROUTES if route[2] is not None]


class Desk:
    """Notes what it is asked and gives the reply that it was told to give."""

    def __init__(self) -> None:
        self.asked: list[tuple[Any, ...]] = []
        self.reply = Reply(state="with_agent", agents=(Agent("ada", "Ada"),))
        self.trouble: Exception | None = None

    async def queue(self, agent: str) -> Mapping[str, Any]:
        return self._told("queue", agent) and {"waiting": [], "mine": []}

    async def conversation(self, conversation: str) -> Mapping[str, Any] | None:
        self._told("conversation", conversation)
        return {"conversation": conversation} if conversation == "c1" else None

    async def claim(self, conversation: str, agent: Agent, minted: str, *, join: bool) -> Reply:
        return self._told("claim", conversation, agent, minted, join)

    async def write(self, conversation: str, agent: Agent, minted: str, body: str) -> Reply:
        return self._told("write", conversation, agent, minted, body)

    async def edit(self, conversation: str, agent: Agent, message: str, body: str) -> Reply:
        return self._told("edit", conversation, agent, message, body)

    async def unsend(self, conversation: str, agent: Agent, message: str) -> Reply:
        return self._told("unsend", conversation, agent, message)

    async def react(self, conversation: str, agent: Agent, minted: str, message: str, emoji: str) -> Reply:
        return self._told("react", conversation, agent, minted, message, emoji)

    async def types(self, conversation: str, agent: Agent) -> Reply:
        return self._told("types", conversation, agent)

    async def leave(self, conversation: str, agent: Agent, minted: str) -> Reply:
        return self._told("leave", conversation, agent, minted)

    async def transfer(self, conversation: str, agent: Agent, minted: str, *, to: str) -> Reply:
        return self._told("transfer", conversation, agent, minted, to)

    async def close(self, conversation: str, agent: Agent, minted: str) -> Reply:
        return self._told("close", conversation, agent, minted)

    def _told(self, *asked: Any) -> Reply:
        if self.trouble:
            raise self.trouble
        self.asked.append(asked)
        return self.reply


@asynccontextmanager
async def serving(desk: Desk | None, token: str = TOKEN) -> AsyncIterator[Web]:
    async with running(store=Recorder(), desk=desk, desk_token=token) as site:
        yield site


@pytest.mark.parametrize(("method", "path", "body"), ROUTES)
async def test_every_route_is_shut_without_a_token_of_ours_and_without_the_callers(
    method: str, path: str, body: Any
) -> None:
    await assert_shut(serving, Desk(), method, path, body)


async def test_who_has_no_token_is_not_even_told_which_addresses_there_are() -> None:
    async with serving(Desk(), token="") as site:
        shut = await call(site, "DELETE", "/desk/queue")
        nowhere = await call(site, "GET", "/nowhere")
    assert (shut.status, shut.body) == (nowhere.status, nowhere.body)
    assert shut.status == 404


async def test_commands_arrive_as_they_were_given() -> None:
    desk, ada = Desk(), Agent("ada", "Ada")
    async with serving(desk) as site:
        for method, path, body in COMMANDS:
            assert (await call(site, method, path, body)).status in (200, 201)
        await call(site, "POST", f"{TALK}/claim", {"agent": ADA, "id": MINTED, "join": True})
        await call(site, "POST", f"{TALK}/transfer", {"agent": ADA, "id": MINTED})
        await call(site, "GET", "/desk/queue?agent=ada")
    assert desk.asked == [
        ("claim", "c1", ada, MINTED, False),
        ("write", "c1", ada, MINTED, "hello"),
        ("edit", "c1", ada, "m1", "hello"),
        ("unsend", "c1", ada, "m1"),
        ("react", "c1", ada, MINTED, "m1", "👍"),
        ("types", "c1", ada),
        ("leave", "c1", ada, MINTED),
        ("transfer", "c1", ada, MINTED, "ben"),
        ("close", "c1", ada, MINTED),
        ("claim", "c1", ada, MINTED, True),
        ("transfer", "c1", ada, MINTED, ""),
        ("queue", "ada"),
    ]


async def test_a_message_is_created_under_the_id_of_its_writer() -> None:
    async with serving(Desk()) as site:
        answer = await call(site, "POST", f"{TALK}/messages", {"agent": ADA, "id": MINTED, "body": "hello"})
    assert answer.status == 201
    assert answer.body == {"id": MINTED, "conversation": "c1", "state": "with_agent", "agents": [ADA]}


@pytest.mark.parametrize(
    ("error", "status"),
    [("unknown", 404), ("not_yours", 403), ("taken", 409), ("over", 409), ("id_used", 409), ("failed", 500)],
)
async def test_what_was_not_done_is_told_with_its_reason_and_who_is_there(error: str, status: int) -> None:
    desk = Desk()
    desk.reply = Reply(error, "for people", "with_agent", (Agent("ben", "Ben"),))
    async with serving(desk) as site:
        answer = await call(site, *COMMANDS[0])
    assert (answer.status, answer.body["error"], answer.body["detail"]) == (status, error, "for people")
    if status == 409:
        assert answer.body["agents"] == [{"id": "ben", "name": "Ben"}]


@pytest.mark.parametrize(("method", "path", "body"), ROUTES)
async def test_a_store_that_is_away_is_503_with_a_time_to_come_back(
    method: str, path: str, body: Any
) -> None:
    desk = Desk()
    desk.trouble = Unavailable("the database cannot be written", retry_after=3)
    async with serving(desk) as site:
        answer = await call(site, method, path, body)
    assert (answer.status, answer.body["error"]) == (503, "unavailable")
    assert answer.headers["Retry-After"] == "3"


BAD: dict[str, dict[str, Any]] = {
    "no agent": {"agent": None},
    "an agent without a name": {"agent": {"id": "ada"}},
    "an agent with more": {"agent": {**ADA, "role": "lead"}},
    "an agent of numbers": {"agent": {"id": 1, "name": "Ada"}},
    "an empty name": {"agent": {"id": "ada", "name": ""}},
    "a blank name": {"agent": {"id": "ada", "name": "  "}},
    "a name of two lines": {"agent": {"id": "ada", "name": "A\nda"}},
    "a name with NUL": {"agent": {"id": "ada", "name": "A\0da"}},
    "a long name": {"agent": {"id": "ada", "name": "a" * 81}},
    "half a character": {"agent": {"id": "ada", "name": "\ud800"}},
    "no id": {"id": None},
    "a short id": {"id": "1"},
    "an id of odd characters": {"id": "0123456789abcde:"},
    "a number for an id": {"id": 1234567890123456},
    "no words": {"body": ""},
    "blank words": {"body": " \n"},
    "words that are none": {"body": ["hello"]},
    "too many words": {"body": "a" * (BODY_LIMIT + 1)},
    "a field nobody knows": {"boddy": "hello"},
}


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD.keys())
async def test_bad_fields_are_named_and_never_quoted(bad: dict[str, Any]) -> None:
    desk = Desk()
    async with serving(desk) as site:
        given = {"agent": ADA, "id": MINTED, "body": "hello", **bad}
        answer = await call(site, "POST", f"{TALK}/messages", given)
    assert (answer.status, answer.body["error"]) == (400, "bad_field")
    assert answer.body["detail"]
    assert desk.asked == []


@pytest.mark.parametrize(
    ("field", "value"), [("join", "yes"), ("join", 1), ("join", None)], ids=["text", "number", "null"]
)
async def test_joining_is_true_or_false(field: str, value: Any) -> None:
    async with serving(Desk()) as site:
        answer = await call(site, "POST", f"{TALK}/claim", {"agent": ADA, "id": MINTED, field: value})
    assert (answer.status, answer.body["error"]) == (400, "bad_field")


@pytest.mark.parametrize(
    ("emoji", "status"),
    [
        ("❤️", 200),
        ("👩‍💻", 200),
        ("", 400),
        (" ", 400),
        ("a b", 400),
        ("<:wave:1184000000000000000>", 200),
        ("x" * 65, 400),
        (7, 400),
    ],
)
async def test_a_reaction_is_a_few_characters_without_a_space(emoji: Any, status: int) -> None:
    async with serving(Desk()) as site:
        given = {"agent": ADA, "id": MINTED, "emoji": emoji}
        assert (await call(site, "POST", f"{TALK}/messages/m1/reactions", given)).status == status


@pytest.mark.parametrize("to", ["ada", "", 7, None])
async def test_a_talk_is_handed_to_another_agent_or_to_nobody_in_particular(to: Any) -> None:
    async with serving(Desk()) as site:
        answer = await call(site, "POST", f"{TALK}/transfer", {"agent": ADA, "id": MINTED, "to": to})
    assert (answer.status, answer.body["error"]) == (400, "bad_field")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"[]", 400),
        (b"null", 400),
        (b'{"agent": NaN}', 400),
        (b'{"id": "1", "id": "2"}', 400),
        (b"\xff", 400),
        (b"[" * 100_000, 400),
        (b'{"id": ' + b"9" * 5000 + b"}", 400),
        (b'"' + b"a" * LIMIT + b'"', 413),
    ],
)
@pytest.mark.parametrize(("method", "path", "_body"), COMMANDS)
async def test_bodies_that_are_no_plain_json_are_refused(
    method: str, path: str, _body: Any, body: bytes, status: int
) -> None:
    async with serving(Desk()) as site:
        headers = {**BEARER, "Content-Type": "application/json"}
        answer = await site.request(method, path, data=body, headers=headers)
    assert answer.status == status
    assert answer.body.keys() == {"error", "detail"}


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/json; charset=latin-1"},
        {"Content-Type": "application/json", "Content-Encoding": "gzip"},
    ],
)
async def test_other_kinds_of_bodies_are_415(headers: dict[str, str]) -> None:
    async with serving(Desk()) as site:
        answer = await site.request("POST", f"{TALK}/claim", data=b"{}", headers={**BEARER, **headers})
    assert answer.status == 415


@pytest.mark.parametrize("name", ["c%00", "%20", "a" * 65, "c'--", "%F0%9F%98%80"])
async def test_ids_that_nothing_can_have_are_unknown(name: str) -> None:
    desk = Desk()
    async with serving(desk) as site:
        for method, path, body in ROUTES[1:]:
            answer = await call(site, method, path.replace("c1", name), body)
            assert (answer.status, answer.body["error"]) == (404, "unknown")
        answer = await call(site, "PATCH", f"{TALK}/messages/{name}", {"agent": ADA, "body": "hello"})
        assert answer.status == 404
    assert desk.asked == []


async def test_nothing_of_a_conversation_is_kept_by_a_browser() -> None:
    async with serving(Desk()) as site:
        answer = await call(site, "GET", TALK)
    assert answer.headers["Cache-Control"] == "no-store"
