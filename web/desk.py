"""The built-in desk's commands in JSON. Nobody gets near them without the token; pages come with sign-in."""

from __future__ import annotations

import re

from aiohttp import web

from orchestrator.counters import Counter, Reply
from web.answers import Refused
from web.fields import ID_LIMIT, agent, bad, body, emoji, minted, printable, read
from web.services import SERVICES

PREFIX = "/desk/"
#: Ids in a path, ours and minted ones. What is not one is of nobody.
_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
#: Of an error; every other is a conflict with what others did.
_STATUS = {"unknown": 404, "not_yours": 403, "failed": 500}


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
    fields = await read(request, "agent", "id", "join")
    join = fields.get("join", False)
    if not isinstance(join, bool):
        raise bad("join", "true or false")
    reply = await _counter(request).claim(_named(request), agent(fields), minted(fields), join=join)
    return _answer(request, reply)


async def write(request: web.Request) -> web.Response:
    fields = await read(request, "agent", "id", "body")
    name = minted(fields)
    reply = await _counter(request).write(_named(request), agent(fields), name, body(fields))
    return _answer(request, reply, status=201, id=name)


async def edit(request: web.Request) -> web.Response:
    fields = await read(request, "agent", "body")
    message = _in_path(request, "message")
    reply = await _counter(request).edit(_named(request), agent(fields), message, body(fields))
    return _answer(request, reply, id=message)


async def unsend(request: web.Request) -> web.Response:
    fields = await read(request, "agent")
    message = _in_path(request, "message")
    return _answer(
        request, await _counter(request).unsend(_named(request), agent(fields), message), id=message
    )


async def react(request: web.Request) -> web.Response:
    fields = await read(request, "agent", "id", "emoji")
    by, name, message = agent(fields), minted(fields), _in_path(request, "message")
    reply = await _counter(request).react(_named(request), by, name, message, emoji(fields))
    return _answer(request, reply)


async def types(request: web.Request) -> web.Response:
    fields = await read(request, "agent")
    return _answer(request, await _counter(request).types(_named(request), agent(fields)))


async def leave(request: web.Request) -> web.Response:
    fields = await read(request, "agent", "id")
    return _answer(request, await _counter(request).leave(_named(request), agent(fields), minted(fields)))


async def transfer(request: web.Request) -> web.Response:
    """To the agent named in `to`, or without one back to the queue."""
    fields = await read(request, "agent", "id", "to")
    by = agent(fields)
    to = printable(fields["to"], "to", ID_LIMIT) if "to" in fields else ""
    if to == by.id:
        raise bad("to", "another agent")
    return _answer(request, await _counter(request).transfer(_named(request), by, minted(fields), to=to))


async def close(request: web.Request) -> web.Response:
    fields = await read(request, "agent", "id")
    return _answer(request, await _counter(request).close(_named(request), agent(fields), minted(fields)))


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
