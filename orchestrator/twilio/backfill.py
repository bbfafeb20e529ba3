"""Reading up Twilio Conversations: messages, who is there, and whether it is still open."""

from __future__ import annotations

import json
import logging
import secrets
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from machines.events import Event, Source, Trigger
from orchestrator.clock import Clock
from orchestrator.ports import Made, Read, Twilio, TwilioMessage
from orchestrator.reading import Reading
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


@dataclass(frozen=True, slots=True)
class _Found:
    """What reading one Twilio Conversation has found."""

    sid: str
    top: int  #: highest Index read
    done: bool  #: read once after its close
    events: Sequence[Event] = ()
    made: Sequence[Made] = ()
    heard: int = 0  #: live webhooks taken before it was read


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
        self.reading = Reading(clock)

    async def read(self) -> Read:
        return await self._read([desk.sid for desk in await self.reader.desks()])

    async def read_one(self, sid: str) -> Read:
        """One conversation, at once. Raises what the port raises."""
        async with self.reading.one():
            found = await self._read_one(sid)
        return self._told_of([found] if found else [])

    async def _read(self, sids: Sequence[str]) -> Read:
        found, left = await self.reading.every(sids, self._read_one)
        return self._told_of([one for one in found if one], left)

    def _told_of(self, found: Sequence[_Found], left: Sequence[str] = ()) -> Read:
        async def remember() -> None:
            for one in found:
                self.positions.read(one.sid, one.top)
                if one.done:
                    self.positions.forget(one.sid)
            if found:
                await self.mark([(one.sid, one.top, one.done) for one in found])

        heard = {one.sid: one.heard for one in found}

        def still(event: Event) -> bool:
            """Who is there may have changed since it was read, if anything was heard since."""
            if event.trigger not in _LEVELS or event.to.link is None:
                return True
            sid = event.to.link[1]
            return self.positions.of(sid).heard == heard.get(sid)

        events = tuple(event for one in found for event in one.events)
        made = tuple(made for one in found for made in one.made)
        return Read(events, remember, partial(self._read, left) if left else None, made, still)

    async def _read_one(self, sid: str) -> _Found | None:
        """The state is read first: what was said before a close is then surely in the list.

        None for a conversation that is not ours.
        """
        heard = self.positions.of(sid).heard
        desk = await self.reader.desk(sid)
        if desk is None:
            return None
        mark = Mark(desk.conversation, desk.request)
        known = await self.reader.standing(desk.member, "agent")
        state = await self.twilio.conversation(desk.sid)
        now = self.clock.now()
        if state is None:
            fields = {"EventType": "onConversationStateUpdated", "StateTo": "closed"}
            return _Found(sid, desk.read_up_to, True, self._told(fields, desk, mark, now))
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
        return _Found(sid, top, closed, events, made, heard)

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
