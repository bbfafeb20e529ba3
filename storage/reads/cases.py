"""What agents ask about cases: lists of them, one with all that belongs to it, and those that may be the same."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Select, func, or_, select, text

from machines.snapshot import CaseContext
from storage import codec
from storage.reads.reader import Reader
from storage.reads.rows import CaseFile, CaseNote, CaseQuery, HistoryRow, LinkedTalk
from storage.schema import case_, case_note, conversation, event, member

#: At most so many lines of a history, and notes, are shown: the newest.
LINES = 1_000
_LIVE = text("case_.state IN ('open', 'in_progress', 'pending')")


class CaseReader(Reader):
    """The reader, for whoever works on cases."""

    async def cases(self, wanted: CaseQuery) -> list[CaseFile]:
        """The newest first."""
        t = case_
        fields = (
            ("state", t.c.state),
            ("kind", t.c.kind),
            ("member", t.c.member),
            ("assignee", t.c.assignee),
        )
        where: list[ColumnElement[bool]] = [
            column == value for name, column in fields if (value := getattr(wanted, name))
        ]
        if wanted.before:
            where.append(t.c.number < wanted.before)
        for word in wanted.words.split():
            where.append(or_(_has(t.c.title, word), _has(t.c.summary, word)))
        query = _files().where(*where).order_by(t.c.number.desc()).limit(wanted.at_most)
        return [_file(row) for row in await self._all(query)]

    async def case_file(self, number: int) -> CaseFile | None:
        row = await self._one(_files().where(case_.c.number == number))
        return _file(row) if row else None

    async def case_of(self, case_id: str) -> CaseFile | None:
        row = await self._one(_files().where(case_.c.id == case_id))
        return _file(row) if row else None

    async def numbers(self, ids: Sequence[str]) -> dict[str, int]:
        """What cases are called, by their ids."""
        query = select(case_.c.id, case_.c.number)
        return {row.id: row.number for row in await self._among(query, case_.c.id, ids)}

    async def alike(self, kind: str, *, but: str, at_most: int) -> list[CaseFile]:
        """The last open cases of a kind."""
        t = case_
        query = _files().where(t.c.kind == kind, _LIVE, t.c.id != but)
        return [_file(row) for row in await self._all(query.order_by(t.c.number.desc()).limit(at_most))]

    async def case_notes(self, ids: Sequence[str]) -> list[CaseNote]:
        """On any of these cases, oldest first."""
        t = case_note
        query = select(t).where(t.c.case_id.in_(ids)).order_by(t.c.at.desc(), t.c.key.desc()).limit(LINES)
        rows = reversed(await self._all(query))
        return [CaseNote(row.case_id, row.at, row.note, codec.load(row.data)) for row in rows]

    async def history(self, case_id: str) -> list[HistoryRow]:
        """What the case was told, oldest first."""
        t = event
        query = select(t).where(t.c.subject == f"case:{case_id}").order_by(t.c.version.desc()).limit(LINES)
        return [
            HistoryRow(
                row.received_at,
                row.source,
                row.trigger,
                row.from_state or "",
                row.to_state or "",
                row.outcome,
                row.reason,
                codec.load(row.data) if row.data else {},
            )
            for row in reversed(await self._all(query))
        ]

    async def talks(self, ids: Sequence[str]) -> list[LinkedTalk]:
        """These conversations, oldest first."""
        t = conversation
        query = select(t.c.id, t.c.state, t.c.created_at, t.c.closed_at)
        found = [
            LinkedTalk(row.id, row.state, row.created_at, row.closed_at)
            for row in await self._among(query, t.c.id, ids)
        ]
        return sorted(found, key=lambda talk: talk.created_at)


def _files() -> Select[Any]:
    return select(case_, member.c.name.label("member_name")).join(member, member.c.id == case_.c.member)


def _file(row: Any) -> CaseFile:
    return CaseFile(
        row.id,
        row.number,
        row.member,
        row.member_name,
        row.state,
        row.version,
        CaseContext.from_json(codec.load(row.context)),
        row.created_at,
        row.updated_at,
    )


def _has(column: Any, word: str) -> ColumnElement[bool]:
    """Whether the text has this word in it, in capitals or not. SQLite knows the capitals of ASCII only."""
    forms = dict.fromkeys((word.lower(), word.capitalize()))
    return or_(*(func.lower(column).contains(form, autoescape=True) for form in forms))
