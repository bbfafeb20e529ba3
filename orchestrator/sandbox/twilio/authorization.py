"""HTTP Basic as Twilio takes it: account sid and auth token, or API key and its secret."""

from __future__ import annotations

import base64
import binascii

from orchestrator.sandbox.wire import Call


def credentials(call: Call) -> tuple[str, str] | None:
    """User and password; None unless the user is an `AC` or `SK` sid and there is a password."""
    scheme, _, encoded = call.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        user, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return None
    if not user.startswith(("AC", "SK")) or not password:
        return None
    return user, password
