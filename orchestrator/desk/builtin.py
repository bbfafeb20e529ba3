"""The desk over our own tables: what is meant for agents stands there the moment it is recorded."""

from __future__ import annotations

from machines.effects import OPEN_DESK, Kind
from machines.events import Trigger
from orchestrator.ports import Done, Handler, Job, Read
from storage.values import Link

#: The kind of link that a request at this desk has.
LINK = "builtin"


class BuiltinDesk:
    """Carries out effects in lanes `desk:` without any call: a repeat does no harm, and nothing is ever in doubt.

    Agents read rows: a request is its conversation's, the transcript and what the member writes are messages, a
    note is the effect that brings it, and a request that is over is no longer shown to wait.
    """

    def handlers(self) -> dict[str, Handler]:
        return {
            **dict.fromkeys(OPEN_DESK, _recorded),
            Kind.DESK_CREATE: self.create,
            Kind.DESK_ROUTE: self.route,
            Kind.RELAY_TO_DESK: self.relay,
            Kind.DESK_NOTE: self.note,
            Kind.DESK_INVITE: _recorded,
            Kind.DESK_CLOSE: _recorded,
            Kind.DESK_WITHDRAW: _recorded,
        }

    async def create(self, job: Job) -> Done:
        """It is on record that the request is at this desk, should there be another one in use some day."""
        request = int(job.effect.payload["request"])
        return Done(links=(Link(LINK, job.effect.lane, job.effect.conversation, request),))

    async def route(self, job: Job) -> Done:
        """The end of the chain: agents see the request."""
        return Done(trigger=Trigger.DESK_OPENED, request=int(job.effect.payload["request"]))

    async def relay(self, job: Job) -> Done:
        """The message is its own copy: agents read the row itself, corrected or taken back as it is."""
        message = str(job.effect.payload["message"])
        if job.effect.payload["op"] == "delete":
            return Done(message=message)
        return Done(ref=message, message=message, refs=(message,))

    async def note(self, job: Job) -> Done:
        """The effect is the note."""
        return Done(ref=job.effect.key)


async def _recorded(_job: Job) -> Done:
    """That it was recorded is all there is to do."""
    return Done()


async def nothing_missed() -> Read:
    """Agents' commands are stored before they are answered: there is no other side to read up."""

    async def remember() -> None:
        """There is no position in it."""

    return Read((), remember)
