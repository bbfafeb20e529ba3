"""Reading up Twilio Conversations: messages, who is there, and whether it is still open."""

from __future__ import annotations

import json
import logging
import secrets
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from machines.events import Event, Source, Trigger
from orchestrator.clock import Clock
from orchestrator.errors import Reject, Retry
from orchestrator.ports import Made, Read, Twilio, TwilioMessage
from orchestrator.twilio.intake import BadField, Mark, conversations, effect_of
from orchestrator.twilio.live import Positions
from storage.reads.reader import Reader
from storage.reads.rows import DeskRow

log = logging.getLogger(__name__)

#: Messages of one conversation that are read at most; the newest count.
AT_MOST = 1000

#: Reports of how things stand; a later one is worth more.
_LEVELS = frozenset({Trigger.AGENT_JOINED, Trigger.AGENT_LEFT})

#: (sid, highest Index read, read once after its close)
Mark_ = Callable[[list[tuple[str, int, bool]]], Awaitable[None]]


def fresh() -> str:
    return secrets.token_hex(12)


@dataclass(slots=True)
class _Found:
    """What reading has found so far."""

    events: list[Event] = field(default_factory=list)
    marks: list[tuple[str, int, bool]] = field(default_factory=list)
    made: list[Made] = field(default_factory=list)
    heard: dict[str, int] = field(default_factory=dict)  #: live webhooks taken before each was read
    complete: bool = True


class DeskBackfill:
    """Every Twilio Conversation of ours until one read after its close has succeeded."""

    def __init__(
        self,
        twilio: Twilio,
        reader: Reader,
        clock: Clock,
        mark: Mark_,
        *,
        positions: Positions | None = None,
        workspace: str = "",
    ) -> None:
        """Without a workspace no tasks are looked for: one canceled behind our back is not found then."""
        self.twilio = twilio
        self.reader = reader
        self.clock = clock
        self.mark = mark
        self.positions = positions or Positions()
        self.workspace = workspace

    async def read(self) -> Read:
        found = _Found()
        for desk in await self.reader.desks():
            try:
                await self._read_one(desk, found)
            except Reject as error:
                log.warning("a conversation cannot be read", extra={"reason": str(error)})
            except Retry as error:
                log.warning("reading up put off", extra={"reason": str(error)})
                found.complete = False
        return self._told_of(found)

    async def read_one(self, sid: str) -> Read:
        """One conversation, at once. Raises what the port raises."""
        found = _Found()
        desk = await self.reader.desk(sid)
        if desk is not None:
            await self._read_one(desk, found)
        return self._told_of(found)

    def _told_of(self, found: _Found) -> Read:
        async def remember() -> None:
            for sid, top, done in found.marks:
                self.positions.read(sid, top)
                if done:
                    self.positions.forget(sid)
            if found.marks:
                await self.mark(found.marks)

        def still(event: Event) -> bool:
            """Who is there may have changed since it was read, if anything was heard since."""
            if event.trigger not in _LEVELS or event.to.link is None:
                return True
            sid = event.to.link[1]
            return self.positions.of(sid).heard == found.heard.get(sid)

        return Read(tuple(found.events), remember, found.complete, tuple(found.made), still)

    async def _read_one(self, desk: DeskRow, found: _Found) -> None:
        """The state is read first: what was said before a close is then surely in the list."""
        mark = Mark(desk.conversation, desk.request)
        heard = self.positions.of(desk.sid).heard
        known = await self.reader.standing(desk.member, "agent")
        state = await self.twilio.conversation(desk.sid)
        now = self.clock.now()
        if state is None:
            fields = {"EventType": "onConversationStateUpdated", "StateTo": "closed"}
            found.events += self._told(fields, desk, mark, now)
            found.marks.append((desk.sid, desk.read_up_to, True))
            return
        top = desk.read_up_to
        newest = await self.twilio.messages(desk.sid, newest_first=True, limit=AT_MOST)
        made = await self._ours(desk, newest)
        events: list[Event] = []
        standing = set(known)
        for message in reversed(newest):
            top = max(top, message.index)
            if message.index > desk.read_up_to or message.sid in standing or message.updated_at > message.at:
                events += self._message(message, desk, mark, now)
        events += await self._deleted(known, newest, desk, mark, now)
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
            events += await self._present(desk, mark, now)
        found.events += events
        found.made += made
        found.heard[desk.sid] = heard
        found.marks.append((desk.sid, top, closed))

    async def _present(self, desk: DeskRow, mark: Mark, now: datetime) -> list[Event]:
        """Who is there, where that is news; and of one that nobody accepted, whether somebody still may."""
        there = await self.twilio.participants(desk.sid)
        reports = [("onParticipantAdded", identity) for identity in there if identity not in desk.agents]
        reports += [("onParticipantRemoved", identity) for identity in set(desk.agents) - set(there)]
        events: list[Event] = []
        for kind, identity in reports:
            events += self._told({"EventType": kind, "Identity": identity}, desk, mark, now)
        if desk.waits and not events and await self._canceled(desk):
            fields = {
                "EventType": "onConversationStateUpdated",
                "StateTo": "closed",
                "Reason": "task_canceled",
            }
            events += self._told(fields, desk, mark, now)
        return events

    async def _canceled(self, desk: DeskRow) -> bool:
        """Was its task taken off the queue? Twilio leaves the conversation as it is then, and nobody comes."""
        if not self.workspace:
            return False
        name = f"orchestrator-{desk.conversation}-{desk.request}"
        tasks = await self.twilio.find_tasks(self.workspace, f"orchestrator_request == '{name}'")
        return bool(tasks) and all(task.status == "canceled" for task in tasks)

    async def _ours(self, desk: DeskRow, newest: Sequence[TwilioMessage]) -> list[Made]:
        """What we posted, by key. One that was posted twice is healed: the later copy goes."""
        copies: dict[str, list[TwilioMessage]] = {}
        for message in sorted(newest, key=lambda message: message.index):
            if key := effect_of(json.dumps(message.attributes)):
                copies.setdefault(key, []).append(message)
        for key, (_, *later) in copies.items():
            for copy in later:
                log.warning("a message stood there twice", extra={"key": key})
                await self.twilio.delete(desk.sid, copy.sid)
        return [Made(key, first.sid, bool(later)) for key, (first, *later) in copies.items()]

    async def _deleted(
        self, known: Sequence[str], newest: Sequence[TwilioMessage], desk: DeskRow, mark: Mark, now: datetime
    ) -> list[Event]:
        """Agents' messages that we hold and that are not there any more."""
        missing = set(known) - {message.sid for message in newest}
        if not missing:
            return []
        lowest = newest[-1].index if len(newest) >= AT_MOST else 0
        events: list[Event] = []
        for sid, (to, data) in (await self.reader.origins(Source.TWILIO, sorted(missing))).items():
            if to.link == ("conversation_sid", desk.sid) and data.get("index", 0) >= lowest:
                fields = {"EventType": "onMessageRemoved", "MessageSid": sid, "Author": data.get("agent", "")}
                events += self._told(fields, desk, mark, now)
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
        if events:  # lists tell whole seconds: an edit within the first one is seen by its text alone
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
