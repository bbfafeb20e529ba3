"""Faults that a test or a curious developer plants: which exchange goes wrong, how, and how often."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

Service = Literal["discord", "twilio", "webhook"]


@dataclass(slots=True)
class Fault:
    """One planted fault. `lose_reply` does the work, then drops the connection instead of answering."""

    service: Service
    method: str  #: HTTP method in capitals, `*` for any
    path: str  #: regular expression, searched in the path without the service's prefix
    times: int = 1  #: how many exchanges it still spoils; -1 until removed
    status: int | None = None  #: answer this status instead of doing the work
    headers: dict[str, str] = field(default_factory=dict)
    body: Any = None  #: JSON body of that answer; a str is sent as text/html
    abort: bool = False  #: drop the connection before doing the work
    delay_s: float = 0.0  #: wait before doing the work
    lose_reply: bool = False
    drip_s: float = (
        0.0  #: do the work, and take this long from the first byte of the answer's body to the last
    )

    def name(self) -> str:
        parts = [f"status={self.status}"] if self.status else []
        parts += ["abort"] if self.abort else []
        parts += [f"delay={self.delay_s:g}s"] if self.delay_s else []
        parts += ["lose_reply"] if self.lose_reply else []
        parts += [f"drip={self.drip_s:g}s"] if self.drip_s else []
        return "+".join(parts) or "none"


@dataclass(slots=True)
class Faults:
    """The planted faults, in the order they were planted; the first that matches is spent."""

    planted: list[Fault] = field(default_factory=list)

    def plant(self, fault: Fault) -> None:
        re.compile(fault.path)
        self.planted.append(fault)

    def clear(self, service: str | None = None) -> None:
        self.planted = [f for f in self.planted if service is not None and f.service != service]

    def take(self, service: str, method: str, path: str) -> Fault | None:
        """The fault for this exchange, its count reduced by one; None when the exchange goes well."""
        for fault in self._matching(service, method, path):
            if fault.times > 0:
                fault.times -= 1
                if fault.times == 0:
                    self.planted.remove(fault)
            return fault
        return None

    def _matching(self, service: str, method: str, path: str) -> Iterable[Fault]:
        return [
            f
            for f in self.planted
            if f.service == service and f.method in ("*", method) and re.search(f.path, path)
        ]
