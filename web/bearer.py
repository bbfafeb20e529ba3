"""Bearer tokens: who may ask what is not for everybody, until people sign in."""

from __future__ import annotations

import hmac

from aiohttp import web

from web.answers import Refused


def check_token(request: web.Request, token: str, realm: str) -> None:
    """The caller bears this token. Raises Refused 401, in which `realm` names what the token is for."""
    given = request.headers.getall("Authorization", [])
    scheme, _, bearer = given[0].partition(" ") if len(given) == 1 else ("", "", "")
    same = hmac.compare_digest(bearer.strip().encode("utf-8", "surrogateescape"), token.encode())
    if scheme.lower() != "bearer" or not same:
        challenge = {"WWW-Authenticate": f'Bearer realm="{realm}"'}
        detail = f"the token of the {realm} is needed as bearer"
        raise Refused(401, "unauthorized", detail, headers=challenge, close=True)
