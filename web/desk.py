"""The built-in desk's commands in JSON. Nobody gets near them without the token; pages come with sign-in."""

from __future__ import annotations

import re
from typing import Any

from aiohttp import web
from aiohttp.typedefs import Middleware

from orchestrator.ports import Agent, Counter, Reply
from web.answers import Handler, Refused
from web.bearer import check_token
from web.body import json_object
from web.services import SERVICES, Services

PREFIX = "/desk/"
#: Characters of a message. Discord takes 2,000 at once: longer ones go out in parts.
BODY_LIMIT = 8000
#: Characters of the id and of the name of an agent.
ID_LIMIT, NAME_LIMIT = 64, 80

#: Ids that callers mint: a UUID, or anything as unlikely to be minted twice.
_MINTED = re.compile(r"[A-Za-z0-9_-]{16,64}")

#: Ids in a path, ours and minted ones. What is not one is of nobody.
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
#: Of an error; every other is a conflict with what others did.
_STATUS = {"unknown": 404, "not_yours": 403, "failed": 500}


def guard(services: Services) -> Middleware:
    """The middleware before every path of the desk: 404 where there is none, 401 without the token."""

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        if request.path.startswith(PREFIX):
            if services.desk is None or not services.desk_token:
                raise Refused(404, "not_found", "Not Found")
            check_token(request, services.desk_token, "desk")
        return await handler(request)

    return check


# --- looking


async def queue(request: web.Request) -> web.Response:
    """Who waits; with `?agent=...`, what that agent has besides."""
    return web.json_response(await _counter(request).queue(request.query.get("agent", "")))


async def conversation(request: web.Request) -> web.Response:
    found = await _counter(request).conversation(_named(request))
    if found is None:
        raise Refused(404, "unknown", "there is no such conversation")
    return web.json_response(found)


# --- commands


async def claim(request: web.Request) -> web.Response:
    fields = await _fields(request, "agent", "id", "join")
    join = fields.get("join", False)
    if not isinstance(join, bool):
        raise _bad("join", "true or false")
    reply = await _counter(request).claim(_named(request), _agent(fields), _minted(fields), join=join)
    return _answer(request, reply)


async def write(request: web.Request) -> web.Response:
    fields = await _fields(request, "agent", "id", "body")
    minted = _minted(fields)
    reply = await _counter(request).write(_named(request), _agent(fields), minted, _body(fields))
    return _answer(request, reply, status=201, id=minted)


async def edit(request: web.Request) -> web.Response:
    fields = await _fields(request, "agent", "body")
    message = _in_path(request, "message")
    reply = await _counter(request).edit(_named(request), _agent(fields), message, _body(fields))
    return _answer(request, reply, id=message)


async def unsend(request: web.Request) -> web.Response:
    fields = await _fields(request, "agent")
    message = _in_path(request, "message")
    return _answer(
        request, await _counter(request).unsend(_named(request), _agent(fields), message), id=message
    )


async def leave(request: web.Request) -> web.Response:
    fields = await _fields(request, "agent", "id")
    return _answer(request, await _counter(request).leave(_named(request), _agent(fields), _minted(fields)))


async def transfer(request: web.Request) -> web.Response:
    """To the agent named in `to`, or without one back to the queue."""
    fields = await _fields(request, "agent", "id", "to")
    agent = _agent(fields)
    to = _printable(fields["to"], "to", ID_LIMIT) if "to" in fields else ""
    if to == agent.id:
        raise _bad("to", "another agent")
    return _answer(request, await _counter(request).transfer(_named(request), agent, _minted(fields), to=to))


async def close(request: web.Request) -> web.Response:
    fields = await _fields(request, "agent", "id")
    return _answer(request, await _counter(request).close(_named(request), _agent(fields), _minted(fields)))


# --- parts


def _counter(request: web.Request) -> Counter:
    counter = request.app[SERVICES].desk
    assert counter is not None  # the guard lets nobody through without one
    return counter


def _named(request: web.Request) -> str:
    return _in_path(request, "conversation")


def _in_path(request: web.Request, name: str) -> str:
    value = request.match_info[name]
    if not _ID.fullmatch(value):
        raise Refused(404, "unknown", f"there is no such {name}")
    return value


async def _fields(request: web.Request, *known: str) -> dict[str, Any]:
    """The body's fields, none of them foreign: a name that is misspelt must not go unnoticed."""
    fields = await json_object(request)
    if fields.keys() - set(known):
        raise Refused(400, "bad_field", f"known fields are {', '.join(known)}")
    return fields


def _agent(fields: dict[str, Any]) -> Agent:
    agent = fields.get("agent")
    if not isinstance(agent, dict) or agent.keys() != {"id", "name"}:
        raise _bad("agent", "an object with id and name")
    return Agent(
        _printable(agent["id"], "agent.id", ID_LIMIT), _printable(agent["name"], "agent.name", NAME_LIMIT)
    )


def _printable(value: object, name: str, limit: int) -> str:
    if (
        not isinstance(value, str)
        or not value.isprintable()
        or not 1 <= len(value) <= limit
        or value.isspace()
    ):
        raise _bad(name, f"a text of 1 to {limit} printable characters")
    return value


def _minted(fields: dict[str, Any]) -> str:
    value = fields.get("id")
    if not isinstance(value, str) or not _MINTED.fullmatch(value):
        raise _bad("id", "16 to 64 letters, digits, - or _, minted anew for each command")
    return value


def _body(fields: dict[str, Any]) -> str:
    value = fields.get("body")
    if not isinstance(value, str) or not value.strip() or len(value) > BODY_LIMIT:
        raise _bad("body", f"a text of 1 to {BODY_LIMIT} characters")
    return value


def _bad(name: str, wanted: str) -> Refused:
    """The message names the field and never quotes it."""
    return Refused(400, "bad_field", f"{name}: must be {wanted}")


def _answer(request: web.Request, reply: Reply, *, status: int = 200, **more: str) -> web.Response:
    facts = {
        "conversation": _named(request),
        "state": reply.state,
        "agents": [{"id": agent.id, "name": agent.name} for agent in reply.agents],
    }
    if reply.error:
        known = {} if reply.error == "unknown" else facts
        raise Refused(_STATUS.get(reply.error, 409), reply.error, reply.detail, more=known)
    return web.json_response({**more, **facts}, status=status)
