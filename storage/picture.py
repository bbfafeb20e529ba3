"""The picture a batch works on: every row it may touch, loaded under the members' locks."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Row, func, select, text, tuple_

from machines.events import ABOUT_A_MESSAGE, CaseTrigger, Event, Source, Trigger
from storage import codec, schema
from storage.drafts import Case, Member, Owners, Recent, Said, Talk
from storage.statements import Query
from storage.values import Batch, Link, Result

_LIVE = ("open", "in_progress", "pending")
_NOT_NUMBERED = 1 << 40  #: a case of this batch comes after every other
_NOT_CLOSED = text("state <> 'closed'")
_SEEN = Query(
    "SELECT id FROM event WHERE source = ? AND id IN (SELECT value FROM json_each(?))",
    "SELECT id FROM event WHERE source = %s AND id = ANY(%s)",
)

#: These never look at a case, so that they do not load any. A message does: a pending case waits for it.
_CASELESS = frozenset(
    {
        Trigger.MEMBER_EDITED,
        Trigger.MEMBER_DELETED,
        Trigger.AGENT_EDITED,
        Trigger.AGENT_DELETED,
        Trigger.ASK,
        Trigger.PLACE,
    }
)


class Overtaken(Exception):
    """Another process committed what changes who or what this batch is about. Begin it again."""


@dataclass(slots=True)
class Picture:
    """Everything one batch reads. Stepping changes it; writing stores what is new or dirty."""

    connection: Connection
    owners: Owners
    recent: Recent | None = None  #: None: there are other writers, everything is read
    lock_rows: bool = False  #: there are other writers: members are locked row by row
    caseless: set[str] = field(default_factory=set)  #: members whose cases were left out
    whole: set[str] = field(default_factory=set)  #: members who were loaded with all that is theirs
    members: dict[str, Member] = field(default_factory=dict)
    talks: dict[str, Talk] = field(default_factory=dict)
    open: dict[str, str] = field(default_factory=dict)  #: member -> id of the open conversation
    latest_closed: dict[str, str] = field(default_factory=dict)  #: member -> id
    cases: dict[str, Case] = field(default_factory=dict)
    cases_of: dict[str, list[str]] = field(default_factory=dict)  #: member -> ids, in the order they came
    said: dict[str, Said] = field(default_factory=dict)
    timers: dict[tuple[str, str], tuple[float, int]] = field(default_factory=dict)
    ledger: set[tuple[str, str]] = field(default_factory=set)

    def owner(self, event: Event) -> str | None:
        """The member this event concerns: by our own mark first, then link, message, member."""
        to = event.to
        if event.source is Source.DISCORD and to.member:
            return to.member  # who acted is certain; a button may name somebody else's conversation
        if to.conversation and (owner := self.owners.conversations.get(to.conversation)):
            return owner
        if to.link and (link := self.owners.links.get(to.link)):
            return self.owners.conversations.get(link.conversation)
        if to.message and (said := self.said.get(to.message)):
            return said.member
        if to.case and (case := self.cases.get(to.case)):
            return case.snapshot.member
        return to.member

    # --- loading

    def load(self, batch: Batch) -> None:
        """Everything that the batch may touch. Raises `Overtaken` if its owners changed meanwhile."""
        events = [e for item in batch for e in (item.events if isinstance(item, Result) else (item,))]
        linked = {link.conversation for item in batch if isinstance(item, Result) for link in item.links}
        self._resolve(events, linked)
        wanted = self._wanted(batch, events, linked)
        unknown = self._recall(wanted)
        self._lock_members(unknown, lock_rows=self.lock_rows)
        if self.lock_rows:
            self._look_again(batch, events, linked, wanted)
        self._load_ledger(events)
        self._load_talks(events, linked, unknown)
        if self.recent is None and not linked and all(e.trigger in _CASELESS for e in events):
            self.caseless = unknown
        else:
            self._load_cases(unknown)
        self.whole |= wanted if self.recent is not None else set()
        self._load_said({e.to.message for e in events if e.to.message and e.trigger in ABOUT_A_MESSAGE})
        self._load_timers(events)

    def _wanted(self, batch: Batch, events: Sequence[Event], linked: set[str]) -> set[str]:
        """The members whom the batch concerns."""
        wanted = {owner for event in events if (owner := self.owner(event))}
        survivors = (self.cases.get(into) for event in events if (into := _survivor(event)))
        wanted |= {case.snapshot.member for case in survivors if case}
        wanted |= {owner for c in linked if (owner := self.owners.conversations.get(c))}
        return wanted | {item.dm_channel[0] for item in batch if isinstance(item, Result) and item.dm_channel}

    def _look_again(self, batch: Batch, events: Sequence[Event], linked: set[str], wanted: set[str]) -> None:
        """What was read before the members were locked may be old by now, or may have come to be."""
        self.said.clear()
        self.cases.clear()
        self.cases_of.clear()
        self._resolve(events, linked)
        if self._wanted(batch, events, linked) - wanted:
            raise Overtaken

    def join(self, member: str) -> Member:
        """A member whom the batch did not foresee: the owner of a row that an event was parked for."""
        unknown = self._recall({member})
        self._lock_members(unknown, lock_rows=self.lock_rows)
        self._load_talks((), set(), unknown)
        self._load_cases(unknown)
        if self.recent is not None:
            self.whole.add(member)
        return self.members[member]

    def complete(self) -> None:
        """Load the cases that the batch was not going to look at: something else is stepped in it."""
        skipped, self.caseless = self.caseless, set()
        self._load_cases(skipped)

    def _resolve(self, events: Sequence[Event], linked: set[str]) -> None:
        """Learn the owners of conversations, links and messages that are only named."""
        links = {e.to.link for e in events if e.to.link} - self.owners.links.keys()
        for kind in {kind for kind, _ in links}:
            t = schema.link
            refs = [ref for k, ref in links if k == kind]
            for row in self._rows(select(t).where(t.c.kind == kind, t.c.ref.in_(refs))):
                self.owners.links[row.kind, row.ref] = Link(row.kind, row.ref, row.conversation, row.request)
        messages = {e.to.message for e in events if e.to.message and e.trigger in ABOUT_A_MESSAGE}
        self._load_said(messages)
        named = self._named(events) | linked
        named -= self.owners.conversations.keys()
        if named:
            t = schema.conversation
            for row in self._rows(select(t.c.id, t.c.member).where(t.c.id.in_(named))):
                self.owners.conversations[row.id] = row.member
        cases = {case for e in events for case in (e.to.case, _survivor(e)) if case}
        if cases:
            self._take_cases(self._rows(select(schema.case_).where(schema.case_.c.id.in_(cases))))

    def _recall(self, wanted: set[str]) -> set[str]:
        """Take from memory whom the last batches knew. Returns the others."""
        recent = self.recent
        if recent is None:
            return wanted
        for member in wanted & recent.members.keys():
            self.members[member] = recent.members[member]
            for case in recent.cases[member]:
                self.add_case(case)
            if talk := recent.talks.get(member):
                self.talks[talk.snapshot.id] = talk
                place = self.latest_closed if talk.snapshot.state == "closed" else self.open
                place[member] = talk.snapshot.id
        return wanted - recent.members.keys()

    def _lock_members(self, wanted: set[str], *, lock_rows: bool) -> None:
        """Serialise the members: their rows are locked in sorted order before anything of theirs is read."""
        if not wanted:
            return
        t = schema.member
        query = select(t).where(t.c.id.in_(sorted(wanted))).order_by(t.c.id)
        rows = list(self._rows(query.with_for_update() if lock_rows else query))
        missing = sorted(wanted - {row.id for row in rows})
        if missing and lock_rows:
            from sqlalchemy.dialects.postgresql import insert

            statement = insert(t).on_conflict_do_nothing()
            self.connection.execute(statement, [{"id": m} for m in missing])
            rows = list(self._rows(query.with_for_update()))
            missing = []
        for row in rows:
            self.members[row.id] = Member(
                row.id, row.dm_channel, row.name, row.locale, bool(row.blocked), row.known_since
            )
        for member in missing:
            self.members[member] = Member(member, new=True)

    def _load_ledger(self, events: Sequence[Event]) -> None:
        by_source: dict[Source, list[str]] = {}
        for event in events:
            if event.source is not Source.TIMER:  # a timer's row is its own ledger: it fires once
                by_source.setdefault(event.source, []).append(event.id)
        for source, ids in by_source.items():
            self.ledger |= {(str(source), id_) for (id_,) in _SEEN.run(self.connection, str(source), ids)}

    def _named(self, events: Sequence[Event]) -> set[str]:
        """Conversations that events name, by our mark or by a link."""
        named = {e.to.conversation for e in events if e.to.conversation}
        return named | {
            link.conversation for e in events if e.to.link and (link := self.owners.links.get(e.to.link))
        }

    def talk_about(self, case: Case) -> Talk | None:
        """The open conversation of its member, if it is about this case."""
        opened = self.talks.get(self.open.get(case.snapshot.member, ""))
        return opened if opened and getattr(opened.snapshot.context, "case", "") == case.snapshot.id else None

    def _load_talks(self, events: Sequence[Event], linked: set[str], unknown: set[str]) -> None:
        t = schema.conversation
        members = sorted(unknown)
        if members:
            self._take_talks(self._rows(select(t).where(t.c.member.in_(members), _NOT_CLOSED)))
        named = self._named(events) | linked
        named |= {said.conversation for said in self.said.values()}
        named -= self.talks.keys()
        if named:
            self._take_talks(self._rows(select(t).where(t.c.id.in_(named))))
        without = unknown - self.open.keys()
        if without:
            other = t.alias()
            latest = (
                select(func.max(other.c.created_at)).where(other.c.member == t.c.member).scalar_subquery()
            )
            query = select(t).where(t.c.member.in_(sorted(without)), t.c.created_at == latest)
            for row in self._rows(query):
                self._take_talks([row])
                if row.state == "closed":
                    self.latest_closed[row.member] = row.id

    def _take_talks(self, rows: Iterable[Row[Any]]) -> None:
        for row in rows:
            if row.id in self.talks:
                continue
            self.talks[row.id] = Talk(codec.conversation_snapshot(row), row.created_at, row.queued_at)
            self.owners.conversations[row.id] = row.member
            if row.state != "closed":
                self.open[row.member] = row.id

    def _load_cases(self, members: set[str]) -> None:
        if members:
            t = schema.case_
            query = select(t).where(t.c.member.in_(sorted(members)), _NOT_CLOSED)
            self._take_cases(self._rows(query.order_by(t.c.number)))

    def _take_cases(self, rows: Iterable[Row[Any]]) -> None:
        for row in rows:
            self.add_case(Case(codec.case_snapshot(row), row.created_at, row.number))

    def case(self, case_id: str) -> Case | None:
        """One case, loaded late where the batch did not foresee it."""
        if case_id not in self.cases:
            self._take_cases(self._rows(select(schema.case_).where(schema.case_.c.id == case_id)))
        return self.cases.get(case_id)

    def help_case(self, member: str) -> Case | None:
        """The member's open help case; of two, which only the member's own choice makes, the older."""
        live = [
            case
            for case_id in self.cases_of.get(member, ())
            if (case := self.cases[case_id]).snapshot.state in _LIVE
            and getattr(case.snapshot.context, "kind", "") == "help"
        ]
        return min(live, key=lambda case: case.number or _NOT_NUMBERED) if live else None

    def any_of(self, names: Iterable[str]) -> bool:
        """Whether one of these names that events are parked for is in the tables."""
        kinds: dict[str, list[str]] = {}
        for name in names:
            kind, _, rest = name.partition(":")
            kinds.setdefault(kind, []).append(rest)
        t = schema.link
        refs = [tuple(ref.split(":", 1)) for ref in kinds.get("link", ())]
        looks = (
            select(schema.message.c.id).where(schema.message.c.id.in_(kinds.get("message", ()))),
            select(schema.conversation.c.id).where(
                schema.conversation.c.id.in_(kinds.get("conversation", ()))
            ),
            select(t.c.ref).where(tuple_(t.c.kind, t.c.ref).in_(refs)),
        )
        return any(self.connection.execute(look.limit(1)).first() is not None for look in looks)

    def add_case(self, case: Case) -> None:
        if case.snapshot.id not in self.cases:
            self.cases[case.snapshot.id] = case
            self.cases_of.setdefault(case.snapshot.member, []).append(case.snapshot.id)

    def _load_said(self, ids: Iterable[str]) -> None:
        missing = set(ids) - self.said.keys()
        if not missing:
            return
        t = schema.message
        for row in self._rows(select(t).where(t.c.id.in_(missing))):
            self.said[row.id] = Said(
                row.id,
                row.conversation,
                row.member,
                row.author,
                row.name,
                row.body,
                row.attachments,
                row.reply_to,
                row.version,
                row.at,
                row.revision,
                row.edited_at,
                bool(row.deleted),
                bool(row.withheld),
            )

    def _load_timers(self, events: Sequence[Event]) -> None:
        subjects = {str(e.data["subject"]) for e in events if e.source is Source.TIMER}
        if subjects:
            t = schema.timer
            for row in self._rows(select(t).where(t.c.subject.in_(subjects))):
                self.timers[row.subject, row.name] = (row.due_at, row.epoch)

    def _rows(self, query: Any) -> Iterable[Row[Any]]:
        return self.connection.execute(query)


def _survivor(event: Event) -> str | None:
    """The case that another one is merged into: both members are concerned."""
    return str(event.data.get("into", "")) if event.trigger is CaseTrigger.MERGED_INTO else None
