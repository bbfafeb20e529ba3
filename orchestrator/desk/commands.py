"""What agents do at the built-in desk, as events. Pure: a command goes in, the facts that it states come out."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from machines.events import Address, Event, Source, Trigger, message_id
from orchestrator.counters import Agent
from orchestrator.texts.plain import storable

#: By how much a change is at least later than what it changes. Seconds.
GRAIN_S = 0.001


@dataclass(frozen=True, slots=True)
class Command:
    """The facts that one command states, for one request. The first bears the caller's own id."""

    conversation: str
    request: int
    agent: Agent
    id: str
    at: datetime

    def claim(self, *, join: bool) -> tuple[Event, ...]:
        """`claim` tells the table that the agent says so: alone, or beside whoever is there."""
        return (self._event(Trigger.AGENT_JOINED, claim="beside" if join else "alone"),)

    def write(self, body: str) -> tuple[Event, ...]:
        said = {"message": message_id(Source.PAGE, self.id), "ref": self.id, "body": storable(body)}
        return (self._event(Trigger.AGENT_MESSAGE, **said),)

    def react(self, message: str, emoji: str) -> tuple[Event, ...]:
        """To a message row of the member's."""
        to = Address(conversation=self.conversation, request=self.request, message=message)
        said = {**self._author(), "message": message, "emoji": emoji}
        return (Event(Source.PAGE, self.id, Trigger.AGENT_REACTED, self.at, to, said),)

    def leave(self) -> tuple[Event, ...]:
        return (self._event(Trigger.AGENT_LEFT),)

    def transfer(self, to: str) -> tuple[Event, ...]:
        return (
            self._event(Trigger.TRANSFER_STARTED, to=to),
            self._event(Trigger.AGENT_LEFT, name_of_fact=f"{self.id}:left"),
        )

    def close(self) -> tuple[Event, ...]:
        return (self._event(Trigger.DESK_CLOSED, reason="closed_by_agent"),)

    def edit(self, body: str, last_changed: float) -> tuple[Event, ...]:
        """The id is of the message. A clock that was set back since does not make the change older than the message."""
        edited_at = max(self.at.timestamp(), last_changed + GRAIN_S)
        name = f"{self.id}:{edited_at}"  # never the message's own: the ledger holds that since it was written
        return (self._about(Trigger.AGENT_EDITED, name, body=storable(body), edited_at=edited_at),)

    def unsend(self) -> tuple[Event, ...]:
        return (self._about(Trigger.AGENT_DELETED, f"{self.id}:delete"),)

    def _event(self, trigger: Trigger, *, name_of_fact: str = "", **data: Any) -> Event:
        to = Address(conversation=self.conversation, request=self.request)
        return Event(Source.PAGE, name_of_fact or self.id, trigger, self.at, to, {**self._author(), **data})

    def _about(self, trigger: Trigger, name_of_fact: str, **data: Any) -> Event:
        row = message_id(Source.PAGE, self.id)
        to = Address(conversation=self.conversation, request=self.request, message=row)
        said = {**self._author(), "message": row, "ref": self.id, **data}
        return Event(Source.PAGE, name_of_fact, trigger, self.at, to, said)

    def _author(self) -> dict[str, Any]:
        return {"agent": self.agent.id, "name": self.agent.name}
