"""Writing what a batch did: updates before inserts, one statement per table, cases numbered last."""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, Table, bindparam, delete, literal_column, select, text, update

from machines.events import Trigger
from machines.snapshot import CaseContext, Context
from storage import codec, schema
from storage.drafts import Case, Member, Said, Talk
from storage.record import Journal, Record
from storage.statements import Statement, insert, insert_new, upsert
from storage.values import Result, Status


def _update(table: Table, *names: str) -> Statement:
    """Update by id; the id comes last."""
    statement = update(table).where(table.c.id == bindparam("_id"))
    return Statement((*names, "_id"), lambda _: statement.values({name: bindparam(name) for name in names}))


_MEMBER = ("dm_channel", "name", "locale", "blocked", "known_since")
_CONVERSATION = (
    "state",
    "version",
    "table_version",
    "context",
    "case_id",
    "request",
    "updated_at",
    "queued_at",
    "closed_at",
)
_MESSAGE = ("body", "attachments", "revision", "edited_at", "deleted", "withheld")
_CASE = (
    "state",
    "version",
    "table_version",
    "context",
    "kind",
    "title",
    "summary",
    "assignee",
    "updated_at",
)

_UPDATE_MEMBER = _update(schema.member, *_MEMBER)
_INSERT_MEMBER = insert(schema.member, "id", *_MEMBER)
_UPDATE_CONVERSATION = _update(schema.conversation, *_CONVERSATION)
_INSERT_CONVERSATION = insert(schema.conversation, *_CONVERSATION, "id", "member", "created_at")
_UPDATE_CASE = _update(schema.case_, *_CASE)
_INSERT_CASE = insert(schema.case_, *_CASE, "id", "member", "number", "created_at")
_UPDATE_MESSAGE = _update(schema.message, *_MESSAGE)
_UPDATE_REFS = _update(schema.message, "refs")
_INSERT_MESSAGE = insert(
    schema.message,
    *_MESSAGE,
    "id",
    "conversation",
    "member",
    "author",
    "name",
    "reply_to",
    "version",
    "at",
)
INSERT_EVENT = insert(
    schema.event,
    "source",
    "id",
    "subject",
    "version",
    "table_version",
    "trigger",
    "from_state",
    "to_state",
    "outcome",
    "reason",
    "at",
    "received_at",
    "address",
    "data",
    "given",
)
_INSERT_EFFECT = insert(
    schema.effect,
    "key",
    "subject",
    "member",
    "lane",
    "kind",
    "payload",
    "replaces",
    "status",
    "due_at",
    "attempts",
    "generation",
)
_UPSERT_TIMER = upsert(schema.timer, ("subject", "name"), ("due_at", "epoch"))
_INSERT_LINK = insert_new(schema.link, ("kind", "ref"), "conversation", "request")
_INSERT_PARKED = insert_new(schema.parked, ("source", "id"), "waits_for", "event", "parked_at")
_RATE = upsert(schema.feedback, ("conversation",), ("rating", "at"))
_COMMENT = upsert(schema.feedback, ("conversation",), ("comment", "at"))
_END_WAIT = upsert(schema.wait, ("conversation", "request"), ("queued_at", "ended_at", "taken"))
_INSERT_NOTE = insert(schema.case_note, "key", "case_id", "at", "note", "data")
_DELETE_TIMER = Statement(
    ("_subject", "_name"),
    lambda _: delete(schema.timer).where(
        schema.timer.c.subject == bindparam("_subject"), schema.timer.c.name == bindparam("_name")
    ),
)
_DELETE_PARKED = Statement(
    ("_source", "_id"),
    lambda _: delete(schema.parked).where(
        schema.parked.c.source == bindparam("_source"), schema.parked.c.id == bindparam("_id")
    ),
)


def _result(status: str, *names: str) -> Statement:
    t = schema.effect
    where = (t.c.key == bindparam("_key"), t.c.generation == bindparam("_generation"), text(status))
    return Statement(
        (*names, "_key", "_generation"),
        lambda _: update(t).where(*where).values({name: bindparam(name) for name in names}),
    )


#: What came of an effect holds even where it became void meanwhile: it was in flight. A dead one may be found done.
_END_EFFECT = _result(
    "status IN ('pending', 'void', 'dead')", "status", "attempts", "due_at", "last_error", "ref", "done_at"
)
#: A retry that was planned leaves an effect that became void meanwhile alone.
_RETRY_EFFECT = _result("status = 'pending'", "attempts", "due_at", "last_error")

_VOID_EFFECT = Statement(
    ("done_at", "_key"),
    lambda _: (
        update(schema.effect)
        .where(schema.effect.c.key == bindparam("_key"))
        .values(status=literal_column("'void'"), done_at=bindparam("done_at"))
    ),
)


def write(connection: Connection, record: Record) -> list[str]:
    """Store everything. Returns the keys of unsent effects that became void."""
    _write_updates(connection, record)
    voided = _void(connection, record)
    _write_inserts(connection, record)
    return voided


def _write_updates(connection: Connection, record: Record) -> None:
    picture, now = record.picture, record.now
    _UPDATE_MEMBER.run(
        connection, [(*_member(m), m.id) for m in picture.members.values() if m.dirty and not m.new]
    )
    _UPDATE_CONVERSATION.run(
        connection,
        [(*_conversation(t, now), t.snapshot.id) for t in picture.talks.values() if t.dirty and not t.new],
    )
    _UPDATE_CASE.run(
        connection,
        [(*_case(c, now), c.snapshot.id) for c in picture.cases.values() if c.dirty and not c.new],
    )
    _UPDATE_MESSAGE.run(
        connection, [(*_message(s), s.id) for s in picture.said.values() if s.dirty and not s.new]
    )
    _RETRY_EFFECT.run(
        connection,
        [
            (r.attempts, r.due_at or now, r.error, r.key, r.generation)
            for r in record.results
            if r.status is Status.PENDING
        ],
    )
    _END_EFFECT.run(connection, [_ended(r, now) for r in record.results if r.status is not Status.PENDING])
    _UPDATE_REFS.run(connection, [(codec.dump(r.refs), r.message) for r in record.results if r.message])
    _DELETE_TIMER.run(connection, [key for key, timer in record.timers.items() if timer is None])
    _DELETE_PARKED.run(connection, record.unparked)


def _void(connection: Connection, record: Record) -> list[str]:
    """Unsent effects that are not wanted any more: one look at their lanes, one statement for all of them."""
    wanted: dict[tuple[str, str], list[tuple[str, ...]]] = {}
    for subject, lane, kinds in record.voids:
        wanted.setdefault((subject, lane), []).append(kinds)
    replaced = set(record.replaced)
    lanes = {lane for _, lane, _ in record.voids} | {lane for lane, _ in replaced}
    if not lanes:
        return []
    t = schema.effect
    query = select(t.c.key, t.c.subject, t.c.lane, t.c.kind, t.c.replaces)
    voided = [
        row.key
        for row in connection.execute(query.where(text("status = 'pending'"), t.c.lane.in_(sorted(lanes))))
        if (row.lane, row.replaces) in replaced
        or any(not kinds or row.kind in kinds for kinds in wanted.get((row.subject, row.lane), ()))
    ]
    _VOID_EFFECT.run(connection, [(record.now, key) for key in voided])
    return voided


def _write_inserts(connection: Connection, record: Record) -> None:
    picture, now = record.picture, record.now
    _INSERT_MEMBER.run(connection, [(m.id, *_member(m)) for m in picture.members.values() if m.new])
    _INSERT_CONVERSATION.run(
        connection,
        [
            (*_conversation(t, now), t.snapshot.id, t.snapshot.member, t.created_at)
            for t in picture.talks.values()
            if t.new
        ],
    )
    INSERT_EVENT.run(connection, [journal_row(row, now) for row in record.journal])
    _INSERT_EFFECT.run(
        connection,
        [
            (
                e.key,
                e.subject,
                e.member,
                e.lane,
                e.kind,
                codec.dump(e.payload),
                e.replaces,
                "pending",
                e.due_at,
                0,
                0,
            )
            for e in record.effects
        ],
    )
    _UPSERT_TIMER.run(
        connection,
        [(t.subject, t.name, t.due_at, t.epoch) for t in record.timers.values() if t is not None],
    )
    _INSERT_LINK.run(connection, [(n.kind, n.ref, n.conversation, n.request) for n in record.links])
    _INSERT_MESSAGE.run(
        connection,
        [
            (
                *_message(s),
                s.id,
                s.conversation,
                s.member,
                s.author,
                s.name,
                s.reply_to,
                s.version,
                s.at,
            )
            for s in picture.said.values()
            if s.new
        ],
    )
    _INSERT_PARKED.run(
        connection,
        [
            (str(event.source), event.id, waits_for, codec.dump_event(event), now)
            for waits_for, event in record.parked.values()
        ],
    )
    _INSERT_NOTE.run(connection, record.notes)
    _END_WAIT.run(connection, record.waits)
    for conversation, trigger, data, at in record.feedback:
        if trigger is Trigger.RATING:
            _RATE.run(connection, [(conversation, data.get("rating"), at)])
        else:
            _COMMENT.run(connection, [(conversation, data.get("body", ""), at)])
    _insert_cases(connection, record)


def _insert_cases(connection: Connection, record: Record) -> None:
    """New cases get their numbers from the counter, which is locked last and shortest."""
    new = [case for case in record.picture.cases.values() if case.new]
    if not new:
        return
    t = schema.counter
    last = connection.scalar(
        update(t).where(t.c.name == "case").values(value=t.c.value + len(new)).returning(t.c.value)
    )
    for n, case in enumerate(new):
        case.number = int(last or 0) - len(new) + 1 + n
    _INSERT_CASE.run(
        connection,
        [(*_case(c, record.now), c.snapshot.id, c.snapshot.member, c.number, c.created_at) for c in new],
    )


# --- rows, in the order of the statements above


def _member(member: Member) -> tuple[Any, ...]:
    return member.dm_channel, member.name, member.locale, member.blocked, member.known_since


def _conversation(talk: Talk, now: float) -> tuple[Any, ...]:
    snapshot = talk.snapshot
    context = snapshot.context
    assert isinstance(context, Context)
    return (
        snapshot.state,
        snapshot.version,
        snapshot.table_version,
        codec.dump(context.as_json()),
        context.case or None,
        context.request,
        now,
        talk.queued_at,
        context.closed_at or None,
    )


def _case(case: Case, now: float) -> tuple[Any, ...]:
    snapshot = case.snapshot
    context = snapshot.context
    assert isinstance(context, CaseContext)
    return (
        snapshot.state,
        snapshot.version,
        snapshot.table_version,
        codec.dump(context.as_json()),
        context.kind,
        context.title,
        context.summary,
        context.assignee,
        now,
    )


def _message(said: Said) -> tuple[Any, ...]:
    return said.body, said.attachments, said.revision, said.edited_at, said.deleted, said.withheld


def _ended(result: Result, now: float) -> tuple[Any, ...]:
    return (
        str(result.status),
        result.attempts,
        result.due_at or now,
        result.error,
        result.ref,
        now,
        result.key,
        result.generation,
    )


def journal_row(row: Journal, now: float) -> tuple[Any, ...]:
    event = row.event
    return (
        str(event.source),
        event.id,
        row.subject,
        row.version,
        row.table_version,
        str(event.trigger),
        row.from_state,
        row.to_state,
        str(row.outcome),
        row.reason,
        event.at.timestamp(),
        now,
        codec.dump(codec.address_json(event.to)),
        codec.dump(event.data),
        row.given,
    )
