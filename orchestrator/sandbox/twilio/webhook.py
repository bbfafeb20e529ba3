"""An outgoing webhook as a value, and how Twilio writes times."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

Family = Literal["conversations", "interactions", "taskrouter"]


@dataclass(frozen=True, slots=True)
class Webhook:
    """One request Twilio means to send. The shell signs and sends it; a simulation hands it over in process."""

    url: str
    fields: list[tuple[str, str]]
    family: Family
    at: datetime
    lane: str  #: sid whose webhooks of this family are sent in order
    token: str  #: I-Twilio-Idempotency-Token, the same for every attempt
    method: str = "POST"

    def field(self, name: str) -> str | None:
        """The first value of a field; None when it is absent."""
        return next((value for key, value in self.fields if key == name), None)


def rest_time(at: datetime) -> str:
    """As resources carry it: whole seconds."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def event_time(at: datetime) -> str:
    """As Conversations webhooks carry it: milliseconds."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
