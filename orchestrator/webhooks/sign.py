"""Signatures of Standard Webhooks: a secret, and what it says of one delivery. Pure.

Source: the specification 1.0.0, https://github.com/standard-webhooks/standard-webhooks, "Signature scheme".
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac

PREFIX = "whsec_"
#: How long a key may be. Bytes; the specification's own bounds.
SHORTEST, LONGEST = 24, 64

ID, TIMESTAMP, SIGNATURE = "Webhook-Id", "Webhook-Timestamp", "Webhook-Signature"


def key(secret: str) -> bytes:
    """The key of a secret `whsec_...`. Raises ValueError, without a word of the secret in it."""
    encoded = secret.removeprefix(PREFIX)
    if encoded == secret:
        raise ValueError(f"begins with {PREFIX}")
    try:
        found = base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError(f"is not base64 after {PREFIX}") from None
    if not SHORTEST <= len(found) <= LONGEST:
        raise ValueError(f"holds {len(found)} bytes, and should hold {SHORTEST} to {LONGEST}")
    return found


def signature(with_key: bytes, delivery: str, timestamp: int, body: bytes) -> str:
    """`v1,...` for one delivery. `timestamp`: seconds since the epoch; `delivery` may not hold a full stop."""
    signed = b"%s.%d." % (delivery.encode(), timestamp) + body
    return "v1," + base64.b64encode(hmac.new(with_key, signed, hashlib.sha256).digest()).decode()


def headers(with_key: bytes, delivery: str, timestamp: int, body: bytes) -> dict[str, str]:
    """The three headers of one attempt."""
    return {
        ID: delivery,
        TIMESTAMP: str(timestamp),
        SIGNATURE: signature(with_key, delivery, timestamp, body),
    }
