"""Cases in JSON, for agents of every desk. Nobody gets near them without the token; pages come with sign-in."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from machines.case import REASONS, CaseState
from machines.sla import SHARES
from machines.snapshot import KINDS
from orchestrator.counters import CaseReply, Cases
from storage.reads.rows import CaseQuery
from web.answers import Refused
from web.fields import ID_LIMIT, agent, bad, body, minted, printable, read
from web.services import SERVICES

PATH = "/cases"
#: Cases of a page: usually and at most.
PAGE, PAGE_LIMIT = 50, 200
#: Characters of a title, of a summary, of a tag, and of what is searched for; tags of a case.
TITLE_LIMIT, SUMMARY_LIMIT, TAG_LIMIT, SEARCH_LIMIT, TAGS_LIMIT = 100, 4000, 30, 100, 10
#: The highest number that the database holds.
_HIGHEST = 2**31 - 1
#: As the web calls a priority, and as a case remembers it.
_PRIORITIES = {priority or "normal": priority for priority in SHARES}
_FILTERS = ("state", "kind", "member", "assignee", "q", "cursor", "limit")
#: Of an error; every other is a conflict with the state of the case, or with what others did.
_STATUS = {"unknown": 404, "unknown_member": 404, "unknown_into": 404, "unknown_follows": 404, "failed": 500}


# --- looking


async def listed(request: web.Request) -> web.Response:
    """The newest first. Every filter narrows it; `cursor` is what the page before gave."""
    query = request.query
    if set(query) - set(_FILTERS) or len(query) != len(set(query)):
        raise Refused(400, "bad_field", f"known filters are {', '.join(_FILTERS)}, each once")
    wanted = CaseQuery(
        state=_one_of(query.get("state", ""), "state", ("", *map(str, CaseState))),
        kind=_one_of(query.get("kind", ""), "kind", ("", *KINDS)),
        member=printable(query["member"], "member", ID_LIMIT) if "member" in query else "",
        assignee=printable(query["assignee"], "assignee", ID_LIMIT) if "assignee" in query else "",
        words=printable(query["q"], "q", SEARCH_LIMIT) if "q" in query else "",
        before=_count(query["cursor"], "cursor", _HIGHEST) if "cursor" in query else 0,
        at_most=_count(query["limit"], "limit", PAGE_LIMIT) if "limit" in query else PAGE,
    )
    return web.json_response(await _cases(request).cases(wanted))


async def detail(request: web.Request) -> web.Response:
    found = await _cases(request).case(_number(request))
    if found is None:
        raise Refused(404, "unknown", "there is no such case")
    return web.json_response(found)


# --- commands


async def open_(request: web.Request) -> web.Response:
    """One for a member who is known."""
    fields = await read(request, "agent", "id", "member", "kind", "title", "summary", "follows")
    by, name = agent(fields), minted(fields)
    member = printable(fields.get("member"), "member", ID_LIMIT)
    kind = _one_of(fields.get("kind"), "kind", KINDS)
    texts = {"title": _title(fields.get("title")), "summary": _summary(fields.get("summary", ""))}
    follows = _whole(fields["follows"], "follows") if "follows" in fields else 0
    return _answer(await _cases(request).open(by, name, member, kind, texts, follows), status=201)


async def note(request: web.Request) -> web.Response:
    fields = await read(request, "agent", "id", "body")
    by, name, text = agent(fields), minted(fields), body(fields)
    return _answer(await _cases(request).note(_number(request), by, name, text), status=201)


async def edit(request: web.Request) -> web.Response:
    fields = await read(request, "agent", "id", "title", "summary", "priority", "tags")
    by, name = agent(fields), minted(fields)
    changes: dict[str, Any] = {}
    if "title" in fields:
        changes["title"] = _title(fields["title"])
    if "summary" in fields:
        changes["summary"] = _summary(fields["summary"])
    if "priority" in fields:
        changes["priority"] = _PRIORITIES[_one_of(fields["priority"], "priority", tuple(_PRIORITIES))]
    if "tags" in fields:
        changes["tags"] = _tags(fields["tags"])
    if not changes:
        raise Refused(400, "bad_field", "one of title, summary, priority, tags is needed")
    return _answer(await _cases(request).edit(_number(request), by, name, changes))


async def assign(request: web.Request) -> web.Response:
    """To the agent with the id `to`, or without `to` to nobody."""
    fields = await read(request, "agent", "id", "to")
    by, name = agent(fields), minted(fields)
    to = printable(fields["to"], "to", ID_LIMIT) if fields.get("to") is not None else ""
    return _answer(await _cases(request).assign(_number(request), by, name, to))


async def ask(request: web.Request) -> web.Response:
    fields = await read(request, "agent", "id")
    return _answer(await _cases(request).ask(_number(request), agent(fields), minted(fields)))


async def resolve(request: web.Request) -> web.Response:
    fields = await read(request, "agent", "id", "reason")
    by, name = agent(fields), minted(fields)
    reason = _one_of(fields.get("reason"), "reason", REASONS)
    return _answer(await _cases(request).resolve(_number(request), by, name, reason))


async def reopen(request: web.Request) -> web.Response:
    fields = await read(request, "agent", "id")
    return _answer(await _cases(request).reopen(_number(request), agent(fields), minted(fields)))


async def merge(request: web.Request) -> web.Response:
    fields = await read(request, "agent", "id", "into")
    by, name, into = agent(fields), minted(fields), _whole(fields.get("into"), "into")
    return _answer(await _cases(request).merge(_number(request), by, name, into))


async def contact(request: web.Request) -> web.Response:
    fields = await read(request, "agent", "id", "body")
    by, name, text = agent(fields), minted(fields), body(fields)
    return _answer(await _cases(request).contact(_number(request), by, name, text), status=201)


# --- parts


def _cases(request: web.Request) -> Cases:
    cases = request.app[SERVICES].cases
    assert cases is not None  # the guard lets nobody through without them
    return cases


def _number(request: web.Request) -> int:
    """The case in the path. What is no number is no case."""
    found = _digits(request.match_info["number"])
    if found is None:
        raise Refused(404, "unknown", "there is no such case")
    return found


def _count(text: str, name: str, highest: int) -> int:
    found = _digits(text)
    if found is None or found > highest:
        raise bad(name, f"a number from 1 to {highest}")
    return found


def _digits(text: str) -> int | None:
    """A number that a case may have; None: it is none."""
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(_HIGHEST))):
        return None
    return int(text) if 1 <= int(text) <= _HIGHEST else None


def _whole(value: object, name: str) -> int:
    """The number of a case in a body."""
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= _HIGHEST:
        raise bad(name, "the number of a case")
    return value


def _one_of(value: object, name: str, known: tuple[str, ...]) -> str:
    if not isinstance(value, str) or value not in known:
        raise bad(name, f"one of {', '.join(filter(None, known))}")
    return value


def _title(value: object) -> str:
    return printable(value, "title", TITLE_LIMIT)


def _summary(value: object) -> str:
    if not isinstance(value, str) or len(value) > SUMMARY_LIMIT:
        raise bad("summary", f"a text of at most {SUMMARY_LIMIT} characters")
    return value


def _tags(value: object) -> list[str]:
    if not isinstance(value, list) or len(value) > TAGS_LIMIT:
        raise bad("tags", f"a list of at most {TAGS_LIMIT} texts")
    return [printable(tag, "tags", TAG_LIMIT) for tag in value]


def _answer(reply: CaseReply, *, status: int = 200) -> web.Response:
    facts: dict[str, Any] = {"number": reply.number, "state": reply.state} if reply.number else {}
    if reply.error:
        known = {} if _STATUS.get(reply.error) == 404 else facts
        raise Refused(_STATUS.get(reply.error, 409), reply.error, reply.detail, more=known)
    if reply.conversation:
        facts["conversation"] = reply.conversation
    return web.json_response(facts, status=status)
