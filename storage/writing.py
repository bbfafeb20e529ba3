"""Writing what a batch did: updates before inserts, one statement per table, cases numbered last."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, Table, bindparam, delete, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite

from machines.snapshot import Context
from storage import codec, schema
from storage.stepping import Run
from storage.values import Result, Status

_CONVERSATION_UPDATE = (
    update(schema.conversation)
    .where(schema.conversation.c.id == bindparam("_id"))
    .values(
        {
            name: bindparam(name)
            for name in (
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
        }
    )
)
_MEMBER_UPDATE = (
    update(schema.member)
    .where(schema.member.c.id == bindparam("_id"))
    .values({name: bindparam(name) for name in ("dm_channel", "name", "locale", "blocked", "known_since")})
)
_CASE_UPDATE = (
    update(schema.case_)
    .where(schema.case_.c.id == bindparam("_id"))
    .values(
        {
            name: bindparam(name)
            for name in ("state", "version", "table_version", "context", "kind", "updated_at")
        }
    )
)
_MESSAGE_UPDATE = (
    update(schema.message)
    .where(schema.message.c.id == bindparam("_id"))
    .values({name: bindparam(name) for name in ("body", "attachments", "revision", "edited_at", "deleted")})
)
_MESSAGE_REFS = (
    update(schema.message).where(schema.message.c.id == bindparam("_id")).values(refs=bindparam("refs"))
)
_EFFECT_RESULT = (
    update(schema.effect)
    .where(
        schema.effect.c.key == bindparam("_key"),
        schema.effect.c.generation == bindparam("_generation"),
        schema.effect.c.status.in_([Status.PENDING, Status.VOID]),
    )
    .values(
        {name: bindparam(name) for name in ("status", "attempts", "due_at", "last_error", "ref", "done_at")}
    )
)
#: A retry that was planned leaves an effect that became void meanwhile alone.
_EFFECT_RETRY = (
    update(schema.effect)
    .where(
        schema.effect.c.key == bindparam("_key"),
        schema.effect.c.generation == bindparam("_generation"),
        schema.effect.c.status == str(Status.PENDING),
    )
    .values({name: bindparam(name) for name in ("attempts", "due_at", "last_error")})
)
_TIMER_DELETE = delete(schema.timer).where(
    schema.timer.c.subject == bindparam("_subject"), schema.timer.c.name == bindparam("_name")
)
_PARKED_DELETE = delete(schema.parked).where(
    schema.parked.c.source == bindparam("_source"), schema.parked.c.id == bindparam("_id")
)


def wake_parked(connection: Connection, run: Run) -> None:
    """Step the events that waited for a name which this batch brought into being, until none is left."""
    while run.woken:
        names, run.woken = run.woken, set()
        waiting = [held for held in run.parked.values() if held[0] in names]
        t = schema.parked
        query = select(t).where(t.c.waits_for.in_(sorted(names))).order_by(t.c.parked_at)
        for row in connection.execute(query):
            waiting.append((row.waits_for, codec.load_event(row.event)))
        run.wake(waiting)


def write(connection: Connection, run: Run) -> list[str]:
    """Store everything. Returns the keys of unsent effects that became void."""
    _update(connection, run)
    voided = _void(connection, run)
    _insert(connection, run)
    return voided


def _many(connection: Connection, statement: Any, rows: Iterable[dict[str, Any]]) -> None:
    rows = list(rows)
    if rows:
        connection.execute(statement, rows)


def _update(connection: Connection, run: Run) -> None:
    picture = run.picture
    _many(
        connection,
        _MEMBER_UPDATE,
        (
            {
                "_id": m.id,
                "dm_channel": m.dm_channel,
                "name": m.name,
                "locale": m.locale,
                "blocked": m.blocked,
                "known_since": m.known_since,
            }
            for m in picture.members.values()
            if m.dirty and not m.new
        ),
    )
    rows: list[dict[str, Any]] = []
    for talk in picture.talks.values():
        if talk.dirty and not talk.new:
            row = _conversation_row(talk, run.now)
            row["_id"] = row.pop("id")
            del row["member"], row["created_at"]
            rows.append(row)
    _many(connection, _CONVERSATION_UPDATE, rows)
    _many(
        connection,
        _CASE_UPDATE,
        (
            {
                "_id": case.snapshot.id,
                "state": case.snapshot.state,
                "version": case.snapshot.version,
                "table_version": case.snapshot.table_version,
                "context": codec.dump(case.snapshot.context.as_json()),
                "kind": getattr(case.snapshot.context, "kind", "help"),
                "updated_at": run.now,
            }
            for case in picture.cases.values()
            if case.dirty and not case.new
        ),
    )
    _many(
        connection,
        _MESSAGE_UPDATE,
        (
            {
                "_id": said.id,
                "body": said.body,
                "attachments": said.attachments,
                "revision": said.revision,
                "edited_at": said.edited_at,
                "deleted": said.deleted,
            }
            for said in picture.said.values()
            if said.dirty and not said.new
        ),
    )
    _many(connection, _EFFECT_RETRY, (_result(r, run.now) for r in run.results if r.status is Status.PENDING))
    _many(
        connection,
        _EFFECT_RESULT,
        (_result(r, run.now) for r in run.results if r.status is not Status.PENDING),
    )
    _many(
        connection,
        _MESSAGE_REFS,
        ({"_id": r.message, "refs": codec.dump(r.refs)} for r in run.results if r.message),
    )
    _many(
        connection,
        _TIMER_DELETE,
        ({"_subject": s, "_name": n} for (s, n), timer in run.timers.items() if timer is None),
    )
    _many(connection, _PARKED_DELETE, ({"_source": s, "_id": i} for s, i in run.unparked))


def _result(result: Result, now: float) -> dict[str, Any]:
    row: dict[str, Any] = {
        "_key": result.key,
        "_generation": result.generation,
        "attempts": result.attempts,
        "due_at": result.due_at or now,
        "last_error": result.error,
    }
    if result.status is not Status.PENDING:
        row |= {"status": str(result.status), "ref": result.ref, "done_at": now}
    return row


def _void(connection: Connection, run: Run) -> list[str]:
    t = schema.effect
    voided: list[str] = []
    pending = t.c.status == str(Status.PENDING)
    for subject, lane, kinds in run.voids:
        where = [pending, t.c.lane == lane, t.c.subject == subject]
        if kinds:
            where.append(t.c.kind.in_(kinds))
        voided += connection.scalars(
            update(t).where(*where).values(status=str(Status.VOID), done_at=run.now).returning(t.c.key)
        )
    for lane, mark in run.replaced:
        voided += connection.scalars(
            update(t)
            .where(pending, t.c.lane == lane, t.c.replaces == mark)
            .values(status=str(Status.VOID), done_at=run.now)
            .returning(t.c.key)
        )
    return voided


def _insert(connection: Connection, run: Run) -> None:
    picture = run.picture
    _many(
        connection,
        insert(schema.member),
        (
            {
                "id": m.id,
                "dm_channel": m.dm_channel,
                "name": m.name,
                "locale": m.locale,
                "blocked": m.blocked,
                "known_since": m.known_since,
            }
            for m in picture.members.values()
            if m.new
        ),
    )
    new_talks = [talk for talk in picture.talks.values() if talk.new]
    _many(connection, insert(schema.conversation), (_conversation_row(t, run.now) for t in new_talks))
    _many(connection, insert(schema.event), [journal_row(row, run.now) for row in run.journal])
    _many(
        connection,
        insert(schema.effect),
        [
            {
                "key": e.key,
                "subject": e.subject,
                "member": e.member,
                "lane": e.lane,
                "kind": e.kind,
                "payload": codec.dump(e.payload),
                "replaces": e.replaces,
                "status": "pending",
                "due_at": e.due_at,
                "attempts": 0,
                "generation": 0,
            }
            for e in run.effects
        ],
    )
    _many(
        connection,
        upsert(connection, schema.timer, ("subject", "name"), ("due_at", "epoch")),
        (
            {"subject": t.subject, "name": t.name, "due_at": t.due_at, "epoch": t.epoch}
            for t in run.timers.values()
            if t is not None
        ),
    )
    _many(
        connection,
        upsert(connection, schema.link, ("kind", "ref"), ()),
        (
            {"kind": link.kind, "ref": link.ref, "conversation": link.conversation, "request": link.request}
            for link in run.links
        ),
    )
    _many(
        connection,
        insert(schema.message),
        [
            {
                "id": said.id,
                "conversation": said.conversation,
                "member": said.member,
                "author": said.author,
                "name": said.name,
                "body": said.body,
                "attachments": said.attachments,
                "reply_to": said.reply_to,
                "version": said.version,
                "at": said.at,
                "revision": said.revision,
                "edited_at": said.edited_at,
                "deleted": said.deleted,
            }
            for said in picture.said.values()
            if said.new
        ],
    )
    _many(
        connection,
        upsert(connection, schema.parked, ("source", "id"), ()),
        (
            {
                "source": str(event.source),
                "id": event.id,
                "waits_for": waits_for,
                "event": codec.dump_event(event),
                "parked_at": run.now,
            }
            for waits_for, event in run.parked.values()
        ),
    )
    _many(
        connection,
        insert(schema.case_note),
        (
            {"key": key, "case_id": case, "at": at, "note": note, "data": data}
            for key, case, at, note, data in run.notes
        ),
    )
    _insert_cases(connection, run)


def _insert_cases(connection: Connection, run: Run) -> None:
    """New cases get their numbers from the counter, which is locked last and shortest."""
    new = [case for case in run.picture.cases.values() if case.new]
    if not new:
        return
    t = schema.counter
    last = connection.scalar(
        update(t).where(t.c.name == "case").values(value=t.c.value + len(new)).returning(t.c.value)
    )
    for n, case in enumerate(new):
        case.number = int(last or 0) - len(new) + 1 + n
    _many(
        connection,
        insert(schema.case_),
        (
            {
                "id": case.snapshot.id,
                "number": case.number,
                "member": case.snapshot.member,
                "kind": getattr(case.snapshot.context, "kind", "help"),
                "state": case.snapshot.state,
                "version": case.snapshot.version,
                "table_version": case.snapshot.table_version,
                "context": codec.dump(case.snapshot.context.as_json()),
                "created_at": case.created_at,
                "updated_at": run.now,
            }
            for case in new
        ),
    )


def _conversation_row(talk: Any, now: float) -> dict[str, Any]:
    snapshot = talk.snapshot
    context: Context = snapshot.context
    return {
        "id": snapshot.id,
        "member": snapshot.member,
        "state": snapshot.state,
        "version": snapshot.version,
        "table_version": snapshot.table_version,
        "context": codec.dump(context.as_json()),
        "case_id": context.case or None,
        "request": context.request,
        "created_at": talk.created_at,
        "updated_at": now,
        "queued_at": talk.queued_at,
        "closed_at": context.closed_at or None,
    }


def journal_row(row: Any, now: float) -> dict[str, Any]:
    event = row.event
    return {
        "source": str(event.source),
        "id": event.id,
        "subject": row.subject,
        "version": row.version,
        "trigger": str(event.trigger),
        "from_state": row.from_state,
        "to_state": row.to_state,
        "outcome": str(row.outcome),
        "reason": row.reason,
        "at": event.at.timestamp(),
        "received_at": now,
        "address": codec.dump(codec.address_json(event.to)),
        "data": codec.dump(event.data),
        "given": row.given,
    }


def upsert(connection: Connection, table: Table, keys: tuple[str, ...], values: tuple[str, ...]) -> Any:
    """Insert; on a known key set `values`, or do nothing where there are none."""
    dialect: Any = postgresql if connection.dialect.name == "postgresql" else sqlite
    statement = dialect.insert(table)
    if not values:
        return statement.on_conflict_do_nothing(index_elements=list(keys))
    return statement.on_conflict_do_update(
        index_elements=list(keys), set_={name: statement.excluded[name] for name in values}
    )
