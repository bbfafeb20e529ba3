"""Rate limits per route and major parameter, with the headers that announce them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from orchestrator.sandbox.wire import Answer


@dataclass(slots=True)
class _Window:
    ends: datetime
    used: int = 0


class Buckets:
    """Fixed windows. The default is generous: Discord publishes no numbers and asks not to assume any."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._windows: dict[tuple[str, str], _Window] = {}
        self.limit = 1000  #: requests per window
        self.window = timedelta(seconds=1)

    def take(self, route: str, major: str) -> tuple[dict[str, str], Answer | None]:
        """Count one request. Returns the headers of its answer, and the 429 when there is no room."""
        now = self._now()
        window = self._windows.get((route, major))
        if window is None or window.ends <= now:
            window = self._windows[route, major] = _Window(now + self.window)
        window.used += 1
        left = (window.ends - now).total_seconds()
        headers = {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(max(0, self.limit - window.used)),
            "X-RateLimit-Reset": f"{window.ends.timestamp():.3f}",
            "X-RateLimit-Reset-After": f"{left:.3f}",
            "X-RateLimit-Bucket": hashlib.blake2b(route.encode(), digest_size=16).hexdigest(),
        }
        if window.used <= self.limit:
            return headers, None
        refusal = rate_limited(left)
        scoped = {"X-RateLimit-Scope": "user"}
        return headers, Answer(429, refusal.body, {**headers, **scoped, **refusal.headers})


def rate_limited(retry_after: float) -> Answer:
    """429 as it comes through Discord's proxy; clients take one without `Via` for a ban."""
    body = {
        "message": "You are being rate limited.",
        "retry_after": round(retry_after, 3),
        "global": False,
        "code": 0,
    }
    return Answer(429, body, {"Retry-After": str(max(1, round(retry_after))), "Via": "1.1 google"})
