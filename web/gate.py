"""The gate before every webhook of Twilio: nothing behind it sees a request that Twilio did not sign.

A middleware by path and not a decorator, so that a route added below the prefix is behind it without anybody
remembering. A middleware, too, reads the body once; handlers find the verified fields under `FIELDS`.
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping

from aiohttp import web
from aiohttp.typedefs import Middleware

from web import form
from web.answers import Handler, Refused
from web.body import SECONDS, check_type, read
from web.services import Services
from web.signature import Signatures

PREFIX = "/webhooks/twilio/"
FORM = "application/x-www-form-urlencoded"
SIGNATURE = "X-Twilio-Signature"
SIGNATURE_SETTINGS = "X-Twilio-Webhooks-Signature-Settings"

#: The fields of a webhook, once its signature holds.
FIELDS = web.RequestKey("FIELDS", Mapping[str, str])


def gate(services: Services, *, body_seconds: float = SECONDS) -> Middleware:
    """The middleware. Its refusals, in this order: 415, 413, 408, 400 (no form), 403, 400 (fields)."""
    signatures = Signatures(services.public_url, services.auth_tokens, services.shared_keys)

    @web.middleware
    async def check(request: web.Request, handler: Handler) -> web.StreamResponse:
        if not is_gated(request.match_info.route):
            return await handler(request)
        check_type(request, FORM)
        body = await read(request, body_seconds)
        fields = _parse(body)
        _check_signature(request, fields, signatures)
        _check_account(fields, services.account_sid)
        request[FIELDS] = fields
        return await handler(request)

    return check


def is_gated(route: web.AbstractRoute) -> bool:
    """Does this route lie behind the gate?"""
    return route.resource is not None and route.resource.canonical.startswith(PREFIX)


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
