"""Reading up Twilio Conversations: messages, who is there, and whether it is still open."""

from __future__ import annotations

import json
import logging
import secrets
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from machines.events import Event
from orchestrator.clock import Clock
from orchestrator.errors import Reject, Retry
from orchestrator.ports import Read, Twilio, TwilioMessage
from orchestrator.twilio.intake import BadField, Mark, conversations
from storage.reads.reader import Reader
from storage.reads.rows import DeskRow

log = logging.getLogger(__name__)

#: Messages of one conversation that are read at most; the newest count.
AT_MOST = 1000

#: (sid, highest Index read, read once after its close)
Mark_ = Callable[[list[tuple[str, int, bool]]], Awaitable[None]]


def fresh() -> str:
    return secrets.token_hex(12)


class DeskBackfill:
    """Every Twilio Conversation of ours until one read after its close has succeeded."""

    def __init__(self, twilio: Twilio, reader: Reader, clock: Clock, mark: Mark_) -> None:
        self.twilio = twilio
        self.reader = reader
        self.clock = clock
        self.mark = mark

    async def read(self) -> Read:
        events: list[Event] = []
        marks: list[tuple[str, int, bool]] = []
        complete = True
        for desk in await self.reader.desks():
            try:
                events += await self._read_one(desk, marks)
            except Reject as error:
                log.warning("a conversation cannot be read", extra={"reason": str(error)})
            except Retry as error:
                log.warning("reading up put off", extra={"reason": str(error)})
                complete = False

        async def remember() -> None:
            if marks:
                await self.mark(marks)

        return Read(tuple(events), remember, complete)

    async def _read_one(self, desk: DeskRow, marks: list[tuple[str, int, bool]]) -> list[Event]:
        """The state is read first: what was said before a close is then surely in the list."""
        mark = Mark(desk.conversation, desk.request)
        state = await self.twilio.conversation(desk.sid)
        now = self.clock.now()
        if state is None:
            marks.append((desk.sid, desk.read_up_to, True))
            return self._told(
                {"EventType": "onConversationStateUpdated", "StateTo": "closed"}, desk, mark, now
            )
        events: list[Event] = []
        top = desk.read_up_to
        newest = await self.twilio.messages(desk.sid, newest_first=True, limit=AT_MOST)
        for message in reversed(newest):
            top = max(top, message.index)
            if message.index > desk.read_up_to or message.updated_at > message.at:
                events += self._message(message, desk, mark, now)
        closed = state.state == "closed"
        if closed:
            fields = {
                "EventType": "onConversationStateUpdated",
                "StateTo": "closed",
                # told in whole seconds: whatever else was said within that second came before
                "StateUpdated": (state.updated_at + timedelta(seconds=0.999)).isoformat(),
            }
            events += self._told(fields, desk, mark, now)
        else:
            present = await self.twilio.participants(desk.sid)
            for identity in present:
                fields = {"EventType": "onParticipantAdded", "Identity": identity}
                events += self._told(fields, desk, mark, now)
            for identity in set(desk.agents) - set(present):
                fields = {"EventType": "onParticipantRemoved", "Identity": identity}
                events += self._told(fields, desk, mark, now)
        marks.append((desk.sid, top, closed))
        return events

    def _message(self, message: TwilioMessage, desk: DeskRow, mark: Mark, now: datetime) -> list[Event]:
        fields = {
            "EventType": "onMessageAdded",
            "MessageSid": message.sid,
            "Index": str(message.index),
            "Author": message.author,
            "Body": message.body,
            "Attributes": json.dumps(message.attributes),
            "DateCreated": message.at.isoformat(),
            "Media": json.dumps([_media(entry) for entry in message.media]) if message.media else "",
        }
        events = self._told(fields, desk, mark, now)
        if events and message.updated_at > message.at:
            fields |= {"EventType": "onMessageUpdated", "DateUpdated": message.updated_at.isoformat()}
            events += self._told(fields, desk, mark, now)
        return events

    def _told(self, fields: dict[str, str], desk: DeskRow, mark: Mark, now: datetime) -> list[Event]:
        """The same reader as for webhooks: the same fact gets the same name."""
        try:
            return list(conversations({"ConversationSid": desk.sid, **fields}, mark, now, fresh))
        except BadField as error:
            log.warning("a message cannot be read", extra={"field": error.name})
            return []


def _media(entry: object) -> dict[str, object]:
    found = entry if isinstance(entry, dict) else {}
    return {
        "Sid": found.get("sid") or found.get("Sid"),
        "ContentType": found.get("content_type") or found.get("ContentType") or "",
        "Filename": found.get("filename") or found.get("Filename") or "",
        "Size": found.get("size") or found.get("Size") or 0,
    }
