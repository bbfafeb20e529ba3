"""What crossed the sandbox's border: one entry per call in either direction, in order."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True)
class Entry:
    """One exchange as both ends would describe it."""

    seq: int  #: 1, 2, 3 ... without gaps
    at: str  #: ISO 8601, UTC, when the answer was decided
    from_: str  #: who called: `app`, `member:ada`, `agent:ben`, `discord`, `twilio`
    to: str  #: who was called: `discord`, `twilio`, `webhook`, `gateway`
    method: str  #: HTTP method, or the gateway event's name
    path: str
    request: Any  #: parsed body or event data; secrets never appear
    status: int | None  #: None where no answer came (timeout, aborted connection)
    response: Any
    fault: str | None  #: the injected fault that shaped this exchange

    def as_json(self) -> dict[str, Any]:
        """The shape `GET /control/log` serves: `from` instead of `from_`."""
        row = asdict(self)
        row["from"] = row.pop("from_")
        return row


@dataclass(slots=True)
class Log:
    """Append-only. The demo's checks and the invariants checker read it; nothing else decides by it."""

    now: Callable[[], datetime]
    entries: list[Entry] = field(default_factory=list)

    def add(
        self,
        from_: str,
        to: str,
        method: str,
        path: str,
        request: Any = None,
        status: int | None = None,
        response: Any = None,
        fault: str | None = None,
    ) -> Entry:
        entry = Entry(
            seq=len(self.entries) + 1,
            at=self.now().isoformat(),
            from_=from_,
            to=to,
            method=method,
            path=path,
            request=request,
            status=status,
            response=response,
            fault=fault,
        )
        self.entries.append(entry)
        return entry
