"""What Twilio Conversations accepts: lengths, JSON, durations, and that a closed conversation is final.

Sizes: Twilio, Conversations limits. Timers: Twilio, conversation states and timers.
"""

from __future__ import annotations

import json
import re
from datetime import timedelta

from orchestrator.sandbox.twilio import errors
from orchestrator.sandbox.twilio.errors import ApiError, invalid
from orchestrator.sandbox.twilio.records import Conversation

BODY_BYTES = 32 * 1024
MESSAGE_ATTRIBUTES_BYTES = 4 * 1024  #: of messages and participants
CONVERSATION_ATTRIBUTES_BYTES = 16 * 1024
NAME_CHARACTERS = 256  #: friendly names and identities
WEBHOOKS_PER_CONVERSATION = 5
WEBHOOK_URL_CHARACTERS = 512
SHORTEST_INACTIVE = timedelta(minutes=1)
SHORTEST_CLOSED = timedelta(minutes=10)

_DURATION = re.compile(r"P(?:(\d+)W)?(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?")


def check_open(conversation: Conversation) -> None:
    if conversation.state == "closed":
        raise ApiError(
            400, errors.CONVERSATION_CLOSED, "Can't update conversation as it's in final closed state"
        )


def body(text: str | None) -> str | None:
    if text and len(text.encode()) > BODY_BYTES:
        raise ApiError(400, errors.BODY_TOO_LONG, "Message body is longer than 32 KB")
    return text or None


def duration(text: str | None, shortest: timedelta) -> timedelta | None:
    """ISO 8601, days or smaller; `PT0S` switches the timer off. Raises 400 when malformed or too short."""
    if not text:
        return None
    match = _DURATION.fullmatch(text)
    if not match or not any(match.groups()):
        raise invalid(f"{text!r} is not an ISO 8601 duration in weeks, days, hours, minutes or seconds")
    weeks, days, hours, minutes, seconds = (int(part or 0) for part in match.groups())
    length = timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes, seconds=seconds)
    if not length:
        return None
    if length < shortest:
        raise invalid(f"Timer {text!r} is shorter than {int(shortest.total_seconds() // 60)} minutes")
    return length


def attributes(text: str, limit: int) -> str:
    """JSON text within its size. Raises 400/50303 or 400/20001."""
    if len(text.encode()) > limit:
        raise ApiError(400, errors.ATTRIBUTES_TOO_LONG, f"Attributes are longer than {limit} bytes")
    try:
        json.loads(text)
    except ValueError:
        raise invalid("Attributes must be a JSON string") from None
    return text
