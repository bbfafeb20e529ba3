"""What the built-in desk asks of the database: requests and notes."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Select, select, text

from machines.effects import Kind, desk_lane
from storage import codec
from storage.reads.reader import Reader
from storage.reads.rows import NoteRow, RequestRow
from storage.schema import case_, conversation, effect, link, member

#: The kind of link that a request in Flex has from its first call on: its Twilio Conversation.
FLEX_LINK = "conversation_sid"
_OPEN = text("state <> 'closed'")
_NOTES = text(f"kind = '{Kind.DESK_NOTE}'")
_NOT_VOID = text("status <> 'void'")


class DeskReader(Reader):
    """The reader, for the desk that has these tables as its truth."""

    async def live_requests(self) -> list[RequestRow]:
        """Requests that somebody has or may take, the longest waiting first."""
        open_ = select(conversation).where(_OPEN, conversation.c.request > 0).subquery()
        found = [_request(row) for row in await self._all(_requests(open_))]
        return sorted(
            (row for row in found if row.is_live), key=lambda row: (row.waiting_since, row.conversation)
        )

    async def live_with(self, kind: str) -> list[RequestRow]:
        """Live requests that have a link of that kind."""
        live, t = await self.live_requests(), link
        query = select(t.c.conversation, t.c.request).where(t.c.kind == kind)
        found = await self._among(query, t.c.conversation, [row.conversation for row in live])
        linked = {(row.conversation, row.request) for row in found}
        return [row for row in live if (row.conversation, row.request) in linked]

    async def request(self, conversation_id: str) -> RequestRow | None:
        """The current request of a conversation, whatever became of it."""
        named = select(conversation).where(conversation.c.id == conversation_id).subquery()
        row = await self._one(_requests(named))
        return _request(row) if row else None

    async def notes(self, conversation_id: str, requests: int) -> list[NoteRow]:
        """Texts of ours for the agents of requests 1 to `requests`, oldest first.

        Also of those that are not done yet: they stand here from the moment they are recorded.
        """
        lanes = [desk_lane(conversation_id, number) for number in range(1, requests + 1)]
        t = effect
        query = select(t.c.payload, t.c.due_at, t.c.done_at).where(_NOTES, _NOT_VOID, t.c.lane.in_(lanes))
        return [_note(row) for row in await self._all(query.order_by(t.c.seq))]


def _requests(of: Any) -> Select[Any]:
    """Rows of conversations with what their member and their case are called."""
    return (
        select(
            of,
            member.c.name.label("member_name"),
            case_.c.number,
            case_.c.kind,
            case_.c.context.label("case_context"),
        )
        .join(member, member.c.id == of.c.member)
        .outerjoin(case_, case_.c.id == of.c.case_id)
    )


def _request(row: Any) -> RequestRow:
    context = codec.load(row.context)
    linked = codec.load(row.case_context).get("conversations", ()) if row.case_context else ()
    return RequestRow(
        conversation=row.id,
        member=row.member,
        member_name=row.member_name,
        case=row.number,
        case_kind=row.kind or "",
        same_case=tuple(other for other in linked if other != row.id),
        state=row.state,
        version=row.version,
        request=row.request,
        request_state=context.get("request_state", ""),
        waiting_since=row.queued_at or row.created_at,
        agents=tuple((identity, name) for identity, name in context.get("agents", ())),
        away=tuple(context.get("away", ())),
        addressed=context.get("addressed", ""),
    )


def _note(row: Any) -> NoteRow:
    payload = codec.load(row.payload)
    return NoteRow(
        str(payload["text"]),
        dict(payload.get("args", {})),
        row.done_at or row.due_at,
        int(payload["request"]),
    )
