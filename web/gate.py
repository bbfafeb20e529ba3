"""The gate before every webhook of Twilio: nothing behind it sees a request that Twilio did not sign.

A middleware by path and not a decorator, so that a route added below the prefix is behind it without anybody
remembering. A middleware, too, reads the body once; handlers find the verified fields under `FIELDS`.
"""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Mapping

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.typedefs import Middleware

from web import form
from web.answers import Handler, Refused
from web.services import Services
from web.signature import Signatures

PREFIX = "/webhooks/twilio/"
#: Bytes. The longest message is 32 KB (Twilio, Conversations limits), at most three times that when escaped.
BODY_LIMIT = 256 * 1024
#: Seconds in which a body must have arrived. Twilio itself gives up after 5.
BODY_SECONDS = 10.0

FORM = "application/x-www-form-urlencoded"
SIGNATURE = "X-Twilio-Signature"
SIGNATURE_SETTINGS = "X-Twilio-Webhooks-Signature-Settings"

#: The fields of a webhook, once its signature holds.
FIELDS = web.RequestKey("FIELDS", Mapping[str, str])


def gate(services: Services, *, body_seconds: float = BODY_SECONDS) -> Middleware:
    """The middleware. Its refusals, in this order: 415, 413, 408, 400 (no form), 403, 400 (fields)."""
    signatures = Signatures(services.public_url, services.auth_tokens, services.shared_keys)

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        if not is_gated(request.match_info.route):
            return await handler(request)
        _check_type(request)
        body = await _read(request, body_seconds)
        fields = _parse(body)
        _check_signature(request, fields, signatures)
        _check_account(fields, services.account_sid)
        request[FIELDS] = fields
        return await handler(request)

    return check


def is_gated(route: web.AbstractRoute) -> bool:
    """Does this route lie behind the gate?"""
    return route.resource is not None and route.resource.canonical.startswith(PREFIX)


def _check_type(request: web.Request) -> None:
    if request.content_type != FORM:
        raise Refused(415, "unsupported_media_type", f"the body must be {FORM}", close=True)
    if (request.charset or "utf-8").lower() not in ("utf-8", "utf8"):
        raise Refused(415, "unsupported_charset", "the charset must be UTF-8", close=True)
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise Refused(415, "unsupported_encoding", "the body must not be compressed", close=True)


async def _read(request: web.Request, seconds: float) -> bytes:
    """The body, if it is short enough and arrives soon enough."""
    too_large = Refused(413, "too_large", f"the body has more than {BODY_LIMIT} bytes", close=True)
    if (request.content_length or 0) > BODY_LIMIT:
        raise too_large
    body = bytearray()
    try:
        async with asyncio.timeout(seconds):
            async for chunk in request.content.iter_any():
                body += chunk
                if len(body) > BODY_LIMIT:
                    raise too_large
    except TimeoutError:
        raise Refused(408, "too_slow", f"the body took more than {seconds:g} s", close=True) from None
    except (ConnectionError, HttpProcessingError) as broken:
        raise Refused(400, "malformed", "the body is cut or broken", close=True) from broken
    return bytes(body)


def _parse(body: bytes) -> dict[str, str]:
    try:
        return form.parse(body)
    except form.Malformed as malformed:
        raise Refused(400, "malformed", f"the body is not a plain form: {malformed}") from None


def _check_signature(request: web.Request, fields: Mapping[str, str], signatures: Signatures) -> None:
    given = request.headers.getall(SIGNATURE, [])
    settings = request.headers.get(SIGNATURE_SETTINGS)
    if len(given) != 1 or not signatures.hold(request.raw_path, fields, given[0], settings):
        hint = "is TWILIO_AUTH_TOKEN the account's, and PUBLIC_URL the origin that Twilio calls?"
        raise Refused(403, "forbidden", f"the signature does not fit: {hint}")


def _check_account(fields: Mapping[str, str], account_sid: str) -> None:
    named = fields.get("AccountSid")
    if named is None:
        raise Refused(400, "bad_field", "AccountSid: missing")
    if not hmac.compare_digest(named.encode(), account_sid.encode()):
        raise Refused(403, "forbidden", "the webhook belongs to another account")
