"""The reader: every question that someone outside the one transaction asks of the database."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from sqlalchemy import BindParameter, Column, ColumnElement, Select, and_, bindparam, func, or_, select, text
from sqlalchemy.ext.asyncio import AsyncEngine

from machines.effects import Kind
from machines.events import Address, Source
from storage import codec
from storage.letters import Request, how_many, request_of, waiting
from storage.reads.rows import CaseRow, ConversationRow, DeskRow, DmRow, FactRow, MemberRow, MessageRow
from storage.reads.thread import ReadThread
from storage.schema import case_, conversation, effect, event, link, member, message, parked, timer, watermark
from storage.values import Pending, SetTimer, Status

#: Values that one query names at most. The driver keeps the last 128 statements of every connection prepared, and a
#: statement of another length is another one: of 5,000 values each takes a megabyte.
VALUES = 100

#: What carries a message to the other side.
_RELAYS = (Kind.RELAY_TO_MEMBER, Kind.RELAY_TO_DESK)
_PENDING = text("status = 'pending'")
_OPEN = text("state <> 'closed'")
_LATEST = func.max(conversation.c.updated_at)

# What is asked for every message, or every few seconds: made once, for making a statement takes as long as asking it.
_ID: BindParameter[str] = bindparam("id")
_MEMBER = select(member).where(member.c.id == _ID)
_CONVERSATION = select(conversation).where(conversation.c.id == _ID)
_CASE = select(case_).where(case_.c.id == _ID)
_MESSAGE = select(message).where(message.c.id == _ID)
_REFS = select(link.c.kind, link.c.ref).where(
    link.c.conversation == bindparam("conversation"), link.c.request == bindparam("request")
)
_DUE_EFFECTS = (
    select(effect.c.key, effect.c.lane)
    .where(_PENDING, effect.c.due_at < bindparam("before"))
    .limit(bindparam("at_most"))
)
_DUE_TIMERS = select(timer).where(timer.c.due_at < bindparam("before")).order_by(timer.c.due_at)


class Reader:
    """Reads on the asynchronous engine, or in a thread of its own. Nothing here writes."""

    def __init__(self, engine: AsyncEngine | ReadThread) -> None:
        self.engine = engine

    async def _all(self, query: Select[Any], **values: Any) -> list[Any]:
        if isinstance(self.engine, ReadThread):
            return await self.engine.all(query, values)
        async with self.engine.connect() as connection:
            return list((await connection.execute(query, values)).all())

    async def _one(self, query: Select[Any], **values: Any) -> Any:
        rows = await self._all(query, **values)
        return rows[0] if rows else None

    async def _among(self, query: Select[Any], column: Column[Any], values: Iterable[str]) -> list[Any]:
        """What the query finds where the column has one of these values, however many they are."""
        left = list(values)
        parts = (left[start : start + VALUES] for start in range(0, len(left), VALUES))
        return [row for part in parts for row in await self._all(query.where(column.in_(part)))]

    # --- people, conversations, cases

    async def member(self, member_id: str) -> MemberRow | None:
        row = await self._one(_MEMBER, id=member_id)
        return row and MemberRow(row.id, row.dm_channel, row.name, row.locale, row.known_since)

    async def conversation(self, conversation_id: str) -> ConversationRow | None:
        row = await self._one(_CONVERSATION, id=conversation_id)
        if row is None:
            return None
        context = codec.load(row.context)
        return ConversationRow(
            row.id,
            row.member,
            row.state,
            row.version,
            row.case_id,
            row.request,
            row.created_at,
            row.queued_at,
            context.get("place", 0),
            context.get("minutes", 0),
        )

    async def case(self, case_id: str) -> CaseRow | None:
        row = await self._one(_CASE, id=case_id)
        return row and CaseRow(row.id, row.number, row.member, row.kind, row.state, row.title)

    async def began(self, owner: str) -> float | None:
        """When the conversation or case of that id began."""
        row = await self._one(_CONVERSATION, id=owner) or await self._one(_CASE, id=owner)
        return float(row.created_at) if row else None

    # --- what was said

    async def message(self, message_id: str) -> MessageRow | None:
        row = await self._one(_MESSAGE, id=message_id)
        return row and _message(row)

    async def messages(self, ids: Iterable[str]) -> list[MessageRow]:
        t = message
        rows = await self._all(select(t).where(t.c.id.in_(list(ids))).order_by(t.c.version))
        return [_message(row) for row in rows]

    async def transcript(
        self, conversation_id: str, upto: int | None = None, since: int = 0
    ) -> list[MessageRow]:
        """What was said after version `since`, up to and with version `upto`, oldest first."""
        t = message
        where = [t.c.conversation == conversation_id, t.c.version > since]
        if upto is not None:
            where.append(t.c.version <= upto)
        rows = await self._all(select(t).where(and_(*where)).order_by(t.c.version))
        lost = await self._undelivered(conversation_id) if rows else frozenset[str]()
        return [replace(_message(row), undelivered=row.id in lost) for row in rows]

    async def _undelivered(self, conversation_id: str) -> frozenset[str]:
        """Messages of a conversation whose relay was given up."""
        t, subject = effect, f"conversation:{conversation_id}"
        given_up = (t.c.status == str(Status.DEAD), t.c.kind.in_(_RELAYS))
        query = select(t.c.payload).where(t.c.key > f"{subject}:", t.c.key < f"{subject};", *given_up)
        payloads = [codec.load(row.payload) for row in await self._all(query)]
        return frozenset(str(found["message"]) for found in payloads if found["op"] == "create")

    # --- links

    async def refs(self, conversation_id: str, request: int) -> dict[str, str]:
        """The providers' names for a request: kind -> reference."""
        rows = await self._all(_REFS, conversation=conversation_id, request=request)
        return {row.kind: row.ref for row in rows}

    async def knows(self, kind: str, ref: str) -> bool:
        t = link
        return await self._one(select(t.c.ref).where(t.c.kind == kind, t.c.ref == ref)) is not None

    # --- the outbox and the timers

    async def lanes(self) -> list[str]:
        """Lanes with effects that are still to be done."""
        return [row.lane for row in await self._all(select(effect.c.lane).where(_PENDING).distinct())]

    async def lane(self, lane: str, at_most: int = 20) -> list[Pending]:
        query = select(effect).where(_PENDING, effect.c.lane == lane).order_by(effect.c.seq).limit(at_most)
        return [codec.pending(row) for row in await self._all(query)]

    async def due_effects(self, before: float, at_most: int = 500) -> list[tuple[str, str]]:
        """(key, lane) of effects that were due before that time."""
        rows = await self._all(_DUE_EFFECTS, before=before, at_most=at_most)
        return [(row.key, row.lane) for row in rows]

    async def oldest_effect(self) -> float | None:
        """When the oldest effect that is still to be done was due."""
        row = await self._one(select(func.min(effect.c.due_at)).where(_PENDING))
        return float(row[0]) if row and row[0] is not None else None

    async def effect_ref(self, subject: str, kind: str) -> tuple[str, dict[str, Any]] | None:
        """The provider's id and payload of the latest done effect of a kind."""
        row = await self._latest(subject, kind, Status.DONE, effect.c.ref.is_not(None))
        return (row.ref, codec.load(row.payload)) if row else None

    async def was_done_since(self, key: str, kind: str) -> bool:
        """Whether a later effect of that kind, of the same subject, has made something."""
        subject, t = key.rsplit(":", 3)[0], effect
        latest = await self._latest(subject, kind, Status.DONE, t.c.ref.is_not(None))
        return (
            latest is not None and (await self._one(select(t.c.seq).where(t.c.key == key))).seq < latest.seq
        )

    async def died(self, subject: str, kind: str) -> dict[str, Any] | None:
        """The payload of the latest dead effect of a kind."""
        row = await self._latest(subject, kind, Status.DEAD)
        return codec.load(row.payload) if row else None

    async def _latest(self, subject: str, kind: str, status: Status, *more: ColumnElement[bool]) -> Any:
        t = effect
        # the next character: every key of this subject lies between
        mine = (t.c.key > f"{subject}:", t.c.key < f"{subject};", t.c.kind == kind)
        query = select(t.c.seq, t.c.ref, t.c.payload).where(*mine, t.c.status == str(status), *more)
        return await self._one(query.order_by(t.c.seq.desc()).limit(1))

    async def made_in(self, subject: str, lane: str, ref: str) -> bool:
        """Whether an effect of this subject and lane made what the provider calls so."""
        t = effect
        mine = (t.c.key > f"{subject}:", t.c.key < f"{subject};", t.c.lane == lane, t.c.ref == ref)
        return await self._one(select(t.c.key).where(*mine).limit(1)) is not None

    async def last_ref(self, subject: str, lane: str, before: str) -> str | None:
        """The provider's id of the last thing that this subject made in a lane before the effect of that key."""
        t = effect
        turn = select(t.c.seq).where(t.c.key == before).scalar_subquery()
        query = (
            select(t.c.ref)
            .where(
                t.c.key > f"{subject}:",
                t.c.key < f"{subject};",
                t.c.lane == lane,
                t.c.ref.is_not(None),
                t.c.seq < turn,
            )
            .order_by(t.c.seq.desc())
            .limit(1)
        )
        row = await self._one(query)
        return str(row.ref) if row else None

    async def claimed(self, refs: list[str]) -> set[str]:
        """Which of these Discord messages some effect already made."""
        t = effect
        rows = await self._all(select(t.c.ref).where(t.c.ref.in_(refs)))
        found = {row.ref for row in rows}
        for row in await self._all(
            select(message.c.refs).where(or_(*(message.c.refs.contains(f'"{ref}"') for ref in refs)))
        ):
            found |= set(codec.load(row.refs))
        return found

    async def timers(self, before: float) -> list[SetTimer]:
        rows = await self._all(_DUE_TIMERS, before=before)
        return [SetTimer(row.subject, row.name, row.due_at, row.epoch) for row in rows]

    # --- reconcile

    async def dms(self, active_since: float) -> list[DmRow]:
        """Direct messages with a conversation that changed since then, the newest first."""
        return [_dm(row) for row in await self._all(_dms().having(active_since <= _LATEST))]

    async def quiet_dms(self, active_since: float) -> list[DmRow]:
        """Those whose last change was before then, the newest first."""
        return [_dm(row) for row in await self._all(_dms().having(active_since > _LATEST))]

    async def dm(self, member_id: str) -> DmRow | None:
        """One member's direct messages, if there ever was a conversation."""
        row = await self._one(_dms().where(member.c.id == member_id))
        return _dm(row) if row else None

    async def desks(self) -> list[DeskRow]:
        """Twilio Conversations that were not yet read once after their close."""
        return [_desk(row) for row in await self._all(_desks().where(link.c.done.is_(False)))]

    async def desk(self, sid: str) -> DeskRow | None:
        """One Twilio Conversation of ours, whether it is done or not."""
        row = await self._one(_desks().where(link.c.ref == sid))
        return _desk(row) if row else None

    async def standing(self, member_id: str, author: str) -> list[str]:
        """The provider's ids of what an author said to or as a member, and did not delete, while it is open."""
        t, of = message, conversation
        query = (
            select(t.c.id)
            .join(of, of.c.id == t.c.conversation)
            .where(of.c.member == member_id, _OPEN, t.c.author == author, t.c.deleted.is_(False))
        )
        return [row.id.partition(":")[2] for row in await self._all(query)]

    async def origins(self, source: Source, ids: Iterable[str]) -> dict[str, tuple[Address, dict[str, Any]]]:
        """How facts were told that arrived under these names."""
        t = event
        query = select(t.c.id, t.c.address, t.c.data).where(t.c.source == str(source))
        return {
            row.id: (codec.address(codec.load(row.address)), codec.load(row.data))
            for row in await self._among(query, t.c.id, ids)
            if row.data
        }

    async def effects(self, keys: Iterable[str]) -> list[tuple[Pending, Status]]:
        """Effects by their keys, whatever became of them."""
        rows = await self._among(select(effect), effect.c.key, keys)
        return [(codec.pending(row), Status(row.status)) for row in rows]

    # --- dead letters

    async def requests(self) -> list[Request]:
        """What operators ask and nobody has seen to."""
        return [request_of(row) for row in await self._all(waiting())]

    async def count_letters(self) -> int:
        return int((await self._one(how_many()))[0] or 0)

    # --- looking

    async def journal(self, subject: str) -> list[dict[str, Any]]:
        """The journal of one conversation or case, oldest first."""
        t = event
        rows = await self._all(select(t).where(t.c.subject == subject).order_by(t.c.version))
        return [dict(row._mapping) for row in rows]

    async def fact(self, source: Source, fact: str) -> FactRow | None:
        """What came of a fact; None: it is not known, or nobody was concerned."""
        t = event
        row = await self._one(select(t).where(t.c.source == str(source), t.c.id == fact))
        if row is None:
            return None
        subject, data = row.subject or "", codec.load(row.data) if row.data else {}
        return FactRow(
            subject.partition(":")[2], row.trigger, row.outcome, row.reason, row.to_state or "", data
        )

    async def count_parked(self) -> int:
        return int((await self._one(select(func.count()).select_from(parked)))[0])

    async def alive(self) -> None:
        """Raises what the database raises if it cannot be read."""
        await self._one(select(1))


def _message(row: Any) -> MessageRow:
    return MessageRow(
        row.id,
        row.conversation,
        row.author,
        row.name,
        row.body,
        tuple(codec.load(row.attachments)),
        row.version,
        row.at,
        bool(row.deleted),
        bool(row.withheld),
        tuple(codec.load(row.refs)),
        row.edited_at,
        reply_to=row.reply_to,
    )


def _dms() -> Select[Any]:
    of = conversation
    return (
        select(member.c.id, member.c.dm_channel, member.c.known_since, watermark.c.position)
        .join(of, of.c.member == member.c.id)
        .outerjoin(watermark, watermark.c.channel == "dm:" + member.c.dm_channel)
        .group_by(member.c.id, member.c.dm_channel, member.c.known_since, watermark.c.position)
        .order_by(_LATEST.desc())
    )


def _dm(row: Any) -> DmRow:
    return DmRow(row.id, row.dm_channel, row.known_since, row.position)


def _desks() -> Select[Any]:
    t, of = link, conversation
    return (
        select(t, of.c.member, of.c.request.label("current"), of.c.state, of.c.context)
        .join(of, of.c.id == t.c.conversation)
        .where(t.c.kind == "conversation_sid")
    )


def _desk(row: Any) -> DeskRow:
    context = codec.load(row.context) if row.request == row.current else {}
    agents: list[list[str]] = context.get("agents", []) if row.state == "with_agent" else []
    return DeskRow(
        row.ref,
        row.conversation,
        row.request,
        -1 if row.read_up_to is None else row.read_up_to,
        tuple(identity for identity, _ in agents),
        row.member,
        row.state != "closed" and not agents and context.get("request_state") in ("open", "expired"),
    )
