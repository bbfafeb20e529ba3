"""What agents do with cases, as events. Pure: a command goes in, the fact that it states comes out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from machines.events import Address, CaseTrigger, Event, Source, Trigger, message_id
from orchestrator.counters import Agent
from orchestrator.texts.plain import storable

#: A note that an agent wrote, among those that conversations leave.
AGENT_NOTE = "agent_note"


@dataclass(frozen=True, slots=True)
class Command:
    """The fact that one command states, under the caller's own id."""

    member: str
    case: str  #: empty: it is to be opened
    agent: Agent
    id: str
    at: datetime

    def open(self, kind: str, title: str, summary: str, follows: str) -> Event:
        texts = {"title": storable(title), "summary": storable(summary)}
        more = {"follows": follows} if follows else {}
        return self._event(CaseTrigger.OPENED, kind=kind, **texts, **more)

    def note(self, body: str) -> Event:
        return self._event(CaseTrigger.NOTE_ADDED, note=AGENT_NOTE, body=storable(body))

    def edit(self, changes: Mapping[str, Any]) -> Event:
        """Of title, summary, priority and tags those that are named."""
        clean = {
            name: storable(value) if isinstance(value, str) else [storable(tag) for tag in value]
            for name, value in changes.items()
        }
        return self._event(CaseTrigger.EDITED, **clean)

    def assign(self, to: str) -> Event:
        """To nobody where `to` is empty."""
        return self._event(CaseTrigger.ASSIGNED, to=to) if to else self._event(CaseTrigger.UNASSIGNED)

    def ask(self) -> Event:
        return self._event(CaseTrigger.ASKED_MEMBER)

    def resolve(self, reason: str) -> Event:
        return self._event(CaseTrigger.RESOLVED, reason=reason)

    def reopen(self) -> Event:
        return self._event(CaseTrigger.REOPENED)

    def merge(self, into: str) -> Event:
        return self._event(CaseTrigger.MERGED_INTO, into=into)

    def contact(self, body: str, *, present: bool) -> Event:
        """`present`: at this desk the agent has the conversation at once."""
        said = {"message": message_id(Source.PAGE, self.id), "ref": self.id, "body": storable(body)}
        return self._event(Trigger.AGENT_CONTACTS, case=self.case, present=present, **said)

    def _event(self, trigger: CaseTrigger | Trigger, **data: Any) -> Event:
        to = Address(member=self.member, case=self.case or None)
        by = {"agent": self.agent.id, "name": self.agent.name}
        return Event(Source.PAGE, self.id, trigger, self.at, to, {**by, **data})
