"""Logical gateway sessions: who is told of which event, and what a resume replays. No sockets."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from enum import IntFlag
from random import Random
from typing import Any

from orchestrator.sandbox.discord import limits
from orchestrator.sandbox.discord.errors import GatewayClosed


class Intent(IntFlag):
    """The intents that gate events of the sandbox, and the privileged ones (Gateway, Intents)."""

    GUILDS = 1 << 0
    GUILD_MEMBERS = 1 << 1
    GUILD_PRESENCES = 1 << 8
    GUILD_MESSAGES = 1 << 9
    GUILD_MESSAGE_REACTIONS = 1 << 10
    GUILD_MESSAGE_TYPING = 1 << 11
    DIRECT_MESSAGES = 1 << 12
    DIRECT_MESSAGE_REACTIONS = 1 << 13
    DIRECT_MESSAGE_TYPING = 1 << 14
    MESSAGE_CONTENT = 1 << 15


PRIVILEGED = Intent.GUILD_MEMBERS | Intent.GUILD_PRESENCES | Intent.MESSAGE_CONTENT


@dataclass(frozen=True, slots=True)
class Dispatch:
    """One gateway event, numbered within its session."""

    seq: int
    event: str
    data: dict[str, Any]

    def as_json(self) -> dict[str, Any]:
        return {"op": 0, "t": self.event, "s": self.seq, "d": self.data}


@dataclass(slots=True)
class Session:
    """What one IDENTIFY began. It outlives its socket until it is resumed, ended or forgotten."""

    id: str
    intents: int
    seq: int = 0
    connected: bool = True
    left_at: datetime | None = None  #: when its socket dropped
    replay: deque[Dispatch] = field(default_factory=lambda: deque(maxlen=limits.REPLAY))
    pending: list[Dispatch] = field(default_factory=list)  #: not yet taken by `Sessions.drain`


class Sessions:
    """Every live session. `on_dispatch` is called with the id of a connected session that has news."""

    def __init__(self, now: Callable[[], datetime], random: Random) -> None:
        self._now = now
        self._random = random
        self._live: dict[str, Session] = {}
        self.on_dispatch: Callable[[str], None] | None = None
        self.allowed_privileged = 0  #: privileged intents that the application was granted

    def identify(self, intents: int) -> Session:
        """Raises GatewayClosed 4014 for a privileged intent that the application was not granted."""
        if intents & PRIVILEGED & ~self.allowed_privileged:
            raise GatewayClosed(4014, "Disallowed intent(s).")
        session = Session(self._random.randbytes(16).hex(), intents)
        self._live[session.id] = session
        return session

    def resume(self, session_id: str, seq: int) -> list[Dispatch] | None:
        """What the client missed after `seq`; None when the session or the events are gone."""
        self._forget()
        session = self._live.get(session_id)
        if session is None or seq > session.seq:
            return None
        oldest = session.replay[0].seq if session.replay else session.seq + 1
        if seq < oldest - 1:
            return None
        session.connected, session.left_at = True, None
        missed = [d for d in session.replay if d.seq > seq and d.event != "RESUMED"]
        session.pending = list(missed)
        self.tell(session, "RESUMED", {})
        return missed

    def disconnect(self, session_id: str) -> None:
        """The socket dropped: the session stays resumable for a few minutes."""
        session = self._live.get(session_id)
        if session is not None:
            session.connected, session.left_at = False, self._now()

    def end(self, session_id: str) -> None:
        """The client said goodbye (close code 1000 or 1001), or Discord lost the session."""
        self._live.pop(session_id, None)

    def end_all(self) -> None:
        self._live.clear()

    def any_connected(self) -> bool:
        return any(session.connected for session in self._live.values())

    def drain(self, session_id: str) -> list[Dispatch]:
        """The events that session has not been handed yet, in order."""
        session = self._live.get(session_id)
        if session is None:
            return []
        taken, session.pending = session.pending, []
        return taken

    def dispatch(self, event: str, data: dict[str, Any], intent: int | None) -> None:
        """Tell every session that asked for it; None: an event that needs no intent."""
        self._forget()
        for session in list(self._live.values()):
            if intent is None or session.intents & intent:
                self.tell(session, event, data)

    def tell(self, session: Session, event: str, data: dict[str, Any]) -> None:
        session.seq += 1
        dispatch = Dispatch(session.seq, event, data)
        session.replay.append(dispatch)
        session.pending.append(dispatch)
        if session.connected and self.on_dispatch is not None:
            self.on_dispatch(session.id)

    def _forget(self) -> None:
        now = self._now()
        for session in list(self._live.values()):
            if session.left_at is not None and now - session.left_at > limits.RESUME_WINDOW:
                self.end(session.id)
