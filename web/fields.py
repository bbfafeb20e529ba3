"""Fields of agents' commands, read strictly. A refusal names the field and never quotes it."""

from __future__ import annotations

import re
from typing import Any

from aiohttp import web

from orchestrator.counters import Agent
from web.answers import Refused
from web.body import json_object

#: Characters of a message. Discord takes 2,000 at once: longer ones go out in parts.
BODY_LIMIT = 8000
#: Characters of the id and of the name of an agent.
ID_LIMIT, NAME_LIMIT = 64, 80
#: Characters of an emoji: Discord's own are written `<a:name:id>`, with up to 32 and 20 characters.
EMOJI_LIMIT = 64
#: What joins parts of an emoji, and spells the flags of regions, is not printable by itself.
_UNSEEN = {0x200D: None} | dict.fromkeys(range(0xE0020, 0xE0080))

#: Ids that callers mint: a UUID, or anything as unlikely to be minted twice.
_MINTED = re.compile(r"[A-Za-z0-9_-]{16,64}")


async def read(request: web.Request, *known: str) -> dict[str, Any]:
    """The body's fields, none of them foreign: a name that is misspelt must not go unnoticed."""
    fields = await json_object(request)
    if fields.keys() - set(known):
        raise Refused(400, "bad_field", f"known fields are {', '.join(known)}")
    return fields


def agent(fields: dict[str, Any]) -> Agent:
    given = fields.get("agent")
    if not isinstance(given, dict) or given.keys() != {"id", "name"}:
        raise bad("agent", "an object with id and name")
    return Agent(
        printable(given["id"], "agent.id", ID_LIMIT), printable(given["name"], "agent.name", NAME_LIMIT)
    )


def printable(value: object, name: str, limit: int) -> str:
    if (
        not isinstance(value, str)
        or not value.isprintable()
        or not 1 <= len(value) <= limit
        or value.isspace()
    ):
        raise bad(name, f"a text of 1 to {limit} printable characters")
    return value


def minted(fields: dict[str, Any]) -> str:
    value = fields.get("id")
    if not isinstance(value, str) or not _MINTED.fullmatch(value):
        raise bad("id", "16 to 64 letters, digits, - or _, minted anew for each command")
    return value


def body(fields: dict[str, Any]) -> str:
    value = fields.get("body")
    if not isinstance(value, str) or not value.strip() or len(value) > BODY_LIMIT:
        raise bad("body", f"a text of 1 to {BODY_LIMIT} characters")
    return value


def emoji(fields: dict[str, Any]) -> str:
    value = fields.get("emoji")
    if not isinstance(value, str) or len(value) > EMOJI_LIMIT or any(char.isspace() for char in value):
        raise bad("emoji", f"1 to {EMOJI_LIMIT} characters without a space")
    printable(value.translate(_UNSEEN), "emoji", EMOJI_LIMIT)
    return value


def bad(name: str, wanted: str) -> Refused:
    """What to raise where a field is not as it has to be."""
    return Refused(400, "bad_field", f"{name}: must be {wanted}")
