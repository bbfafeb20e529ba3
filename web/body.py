"""Bodies of requests, read strictly: what is too long, too slow, or could be understood in two ways is refused."""

from __future__ import annotations

import asyncio
import json
from typing import Any, NoReturn

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError

from web.answers import Refused

#: Bytes. The longest message of Twilio is 32 KB (Conversations limits), at most three times that when escaped.
LIMIT = 256 * 1024
#: Seconds in which a body must have arrived. Twilio itself gives up after 5.
SECONDS = 10.0


def check_type(request: web.Request, wanted: str) -> None:
    """The body is of this type, in UTF-8 and not compressed. Raises Refused 415."""
    if request.content_type != wanted:
        raise Refused(415, "unsupported_media_type", f"the body must be {wanted}", close=True)
    if (request.charset or "utf-8").lower() not in ("utf-8", "utf8"):
        raise Refused(415, "unsupported_charset", "the charset must be UTF-8", close=True)
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise Refused(415, "unsupported_encoding", "the body must not be compressed", close=True)


async def read(request: web.Request, seconds: float = SECONDS) -> bytes:
    """The body, if it is short enough and arrives soon enough. Raises Refused 413, 408, 400."""
    too_large = Refused(413, "too_large", f"the body has more than {LIMIT} bytes", close=True)
    if (request.content_length or 0) > LIMIT:
        raise too_large
    body = bytearray()
    try:
        async with asyncio.timeout(seconds):
            async for chunk in request.content.iter_any():
                body += chunk
                if len(body) > LIMIT:
                    raise too_large
    except TimeoutError:
        raise Refused(408, "too_slow", f"the body took more than {seconds:g} s", close=True) from None
    except (ConnectionError, HttpProcessingError) as broken:
        raise Refused(400, "malformed", "the body is cut or broken", close=True) from broken
    return bytes(body)


async def json_object(request: web.Request) -> dict[str, Any]:
    """A JSON object with every name once. Raises Refused 415, 413, 408, 400."""
    check_type(request, "application/json")
    body = await read(request)
    try:
        found = json.loads(body.decode(), object_pairs_hook=_once, parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise Refused(400, "malformed", "the body is not a plain JSON object in UTF-8") from None
    if not isinstance(found, dict):
        raise Refused(400, "malformed", "the body is not a JSON object")
    return found


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name is repeated")
    return found


def _no_number(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
