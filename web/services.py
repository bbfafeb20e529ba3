"""What the web is handed by the wiring. It knows neither the engine nor an adapter, only these."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from aiohttp import web

from machines.events import Event
from orchestrator.counters import Cases, Counter
from storage.reads.figures import Backlog, Statistics
from storage.values import Receipt

#: Form fields, the address's query, when it arrived -> events. Raises ValueError whose message names the
#: field that is missing or ill-typed; the message is shown to the caller, so it must not quote a value.
Intake = Callable[[Mapping[str, str], Mapping[str, str], datetime], tuple[Event, ...]]


def _foreign(_fields: Mapping[str, str], _query: Mapping[str, str], _at: datetime) -> tuple[Event, ...]:
    """Nothing that is told here is ours."""
    return ()


class Figures(Protocol):
    """What is counted of the service's work."""

    async def statistics(self, now: datetime, days: int) -> Statistics:
        """Of today and the days before it. Raises ValueError for `days` out of range."""
        ...

    async def backlog(self, now: datetime) -> Backlog:
        """What is still to be done."""
        ...


@dataclass(frozen=True, slots=True)
class Services:
    """The doors to the rest of the service, and the settings the web needs."""

    public_url: str  #: origin that providers were given, e.g. `https://help.example.org`
    account_sid: str  #: Twilio account whose webhooks are taken; empty: no Twilio, every webhook is refused
    auth_tokens: tuple[str, ...] = field(repr=False)  #: current, then previous while it is being rotated
    submit: Callable[[Sequence[Event]], Awaitable[Sequence[Receipt]]]
    """Returns when the events are committed. Raises Unavailable."""
    is_ours: Callable[[str, str], Awaitable[bool]]
    """Is this link (kind, reference) one of ours? Raises Unavailable."""
    health: Callable[[], Mapping[str, Any]]
    """Facts known without I/O."""
    ready: Callable[[], Awaitable[tuple[bool, Mapping[str, Any]]]]
    """Can work be done (database, gateway, outbox age), and the facts."""
    now: Callable[[], datetime]  #: the injected clock, aware UTC
    conversations: Intake = _foreign
    interactions: Intake = _foreign
    desk: Counter | None = None  #: the built-in one, where it is the desk
    cases: Cases | None = None
    desk_token: str = field(default="", repr=False)  #: its callers bear it; empty: there are no routes to it
    figures: Figures | None = None
    metrics_token: str = field(default="", repr=False)  #: who asks for figures bears it; empty: nobody may
    #: Secrets of Twilio's shared-key signatures. Once set, the weaker auth-token signature is refused.
    shared_keys: tuple[str, ...] = field(default=(), repr=False)


SERVICES = web.AppKey("SERVICES", Services)
