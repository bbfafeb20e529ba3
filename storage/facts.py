"""What a step is told besides its event: the time, the hours, and how things stand in the batch's picture."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from machines.events import Event, Source
from machines.snapshot import CaseContext, CaseFacts, Context, Given, Limits, Previous, Survivor
from storage.drafts import Case, Member, Talk
from storage.line import Line
from storage.picture import Picture


@dataclass(slots=True)
class Facts:
    """Those of one batch."""

    picture: Picture
    line: Line
    now: datetime
    opens_at: datetime | None  #: `now`: somebody is there; None: nobody within a year
    fresh_id: Callable[[], str]
    limits: Limits
    case_webhook: bool  #: changes of cases are told outside

    def of_talk(
        self,
        event: Event,
        talk: Talk,
        member: Member,
        closed: Talk | None = None,
        *,
        first_contact: bool = False,
    ) -> Given:
        """`closed`: the member's conversation before, where this one begins."""
        context = talk.snapshot.context
        assert isinstance(context, Context)
        own = self.picture.cases.get(context.case)
        contacted = self._named(event, member)
        help_case = self.picture.help_case(member.id)
        place, minutes = self.line.look(event, talk)
        open_now = self.opens_at == self.now
        return Given(
            received_at=self.now,
            fresh=self.fresh_id(),
            open_now=open_now,
            opens_at=None if open_now else self.opens_at,
            help_case=CaseFacts(help_case.snapshot.id, help_case.snapshot.state) if help_case else None,
            case=CaseFacts(own.snapshot.id, own.snapshot.state) if own else None,
            contacted=CaseFacts(contacted.snapshot.id, contacted.snapshot.state) if contacted else None,
            blocked=member.blocked,
            first_contact=first_contact,
            place=place,
            minutes=minutes,
            previous=self._previous(closed) if closed else None,
            limits=self.limits,
        )

    def of_new_case(self, member: Member) -> Given:
        return replace(self._plain(), blocked=member.blocked)

    def of_case(self, event: Event, case: Case) -> Given:
        """Only what agents do asks for more than the time."""
        plain = self._plain()
        if event.source is not Source.PAGE:
            return plain
        talk, member = self.picture.talk_about(case), self.picture.members.get(case.snapshot.member)
        into = self.picture.case(str(event.data["into"])) if event.data.get("into") else None
        return replace(
            plain,
            live=talk is not None and talk.snapshot.state == "with_agent",
            blocked=member is not None and member.blocked,
            into=_survivor(into) if into else None,
        )

    def _named(self, event: Event, member: Member) -> Case | None:
        """Agents write from the very case that they name; a member answers to what became of theirs."""
        if event.source is Source.DISCORD:
            return self._surviving(event.to.case or "", member.id)
        return self.picture.case(event.to.case) if event.to.case else None

    def _previous(self, closed: Talk) -> Previous:
        was = closed.snapshot.context
        assert isinstance(was, Context)
        case = self._surviving(was.case, closed.snapshot.member)
        return Previous(
            closed.snapshot.id,
            was.request,
            case.snapshot.id if case else was.case,
            was.closed_at,
            was.closed_by,
            case.snapshot.state if case else "",
        )

    def _surviving(self, case_id: str, member: str) -> Case | None:
        """The case of this member, or that of theirs as which it goes on."""
        case = self.picture.case(case_id) if case_id else None
        if case is None or case.snapshot.member != member:
            return None
        while case is not None:
            context = case.snapshot.context
            assert isinstance(context, CaseContext)
            into = self.picture.case(context.merged_into) if context.merged_into else None
            if into is None or into.snapshot.member != member:
                break
            case = into
        return case

    def _plain(self) -> Given:
        return Given(received_at=self.now, limits=self.limits, case_webhook=self.case_webhook)


def _survivor(case: Case) -> Survivor:
    snapshot = case.snapshot
    assert isinstance(snapshot.context, CaseContext)
    return Survivor(snapshot.id, snapshot.state, snapshot.context.kind, snapshot.member)
