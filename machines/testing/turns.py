"""What one act does to a conversation and to the member's cases: a step, with all that decides nothing forgotten."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from machines.case import CASE_ASKS
from machines.conversation import ASKS
from machines.draft import Draft
from machines.draft_case import CaseDraft
from machines.effects import Kind
from machines.events import OPENERS, Address, CaseTrigger, Event, Source
from machines.events import Trigger as T
from machines.guards import GUARDS
from machines.guards_case import CASE_GUARDS
from machines.snapshot import CaseFacts, Context, Given, Previous, Snapshot, Step, Survivor
from machines.step import new_case, new_conversation, step
from machines.table import ALWAYS, Outcome
from machines.testing.abstraction import FRESH, MEMBER, NOW, OTHER, OWN, PREVIOUS, Act, Talk, forget

LIVE = ("open", "in_progress", "pending")
Row = tuple[str, str, str]  #: state, trigger, answer of the guard
#: What a case may be told to go on as.
_SURVIVORS = (
    None,
    Survivor(OWN, "open", "help", MEMBER),
    Survivor(OTHER, "closed", "help", MEMBER),
    Survivor(OTHER, "open", "help", "4002"),
    Survivor(OTHER, "open", "help", MEMBER),
)


@dataclass(frozen=True, slots=True)
class Known:
    """What a step is told besides the conversation."""

    case: str = ""  #: state of the conversation's case; empty: it has none
    other: bool = False  #: the member has another open help case
    chosen: bool = False  #: member or agent chose that there are two
    blocked: bool = False


@dataclass(frozen=True, slots=True)
class Turn:
    """What an act does, wherever the desk is."""

    talk: Talk | None
    known: Known
    orders: tuple[Kind, ...] = ()  #: what the desk is asked for, in order
    faults: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Heard:
    """What an act does to the conversation alone."""

    talk: Talk | None
    case: str = ""  #: the name of its case now
    opened: bool = False  #: it is the next conversation
    tells: tuple[tuple[str, CaseTrigger], ...] = ()
    orders: tuple[Kind, ...] = ()


class Looked(Exception):
    """A step asked about cases, so it has to be told of them."""


class Unseen:
    """Stands where the facts of a case would, to find the many steps that ask for none."""

    def __bool__(self) -> bool:
        raise Looked


_UNSEEN: Any = Unseen()


@dataclass
class Turns:
    """Every act is worked out once, and once for each state of the cases if it asks about them."""

    rows: set[Row] = field(default_factory=set)  #: of the conversation, taken
    case_rows: set[Row] = field(default_factory=set)
    _heard: dict[tuple[Talk | None, Act, Known], Heard] = field(default_factory=dict)
    _blind: dict[tuple[Talk | None, Act, bool], Heard | None] = field(default_factory=dict)
    _case_steps: dict[tuple[str, CaseTrigger], str] = field(default_factory=dict)

    def of(self, talk: Talk | None, known: Known, act: Act) -> Turn:
        """Raises `Unlisted` where the table has no row."""
        if act.event.trigger is T.MEMBER_BLOCKED:
            known = replace(known, blocked=True)
        merges = act.event.trigger is T.CASE_MERGED
        if merges and not (known.other and talk and talk.context.case):
            return Turn(talk, known)
        heard = self._hear(talk, known, act)
        if heard.talk is None:
            return Turn(None, known)
        cases = {PREVIOUS if heard.opened else OWN: known.case, OTHER: LIVE[0] if known.other else ""}
        if merges and heard.case == OTHER:
            cases[OWN] = self.case(known.case, CaseTrigger.MERGED_INTO)
        pressed = act.event.trigger is T.OTHER_CASE or (act.by == "member" and act.event.to.case is not None)
        chosen = known.chosen or act.by == "staff" or pressed
        faults = tuple(self._tell(cases, heard, chosen))
        other = any(state in LIVE for name, state in cases.items() if name != heard.case)
        after = Known(cases.get(heard.case, ""), other, other and chosen, known.blocked)
        return Turn(heard.talk, after, heard.orders, faults)

    def case(self, state: str, trigger: CaseTrigger) -> str:
        """Where a case in that state goes."""
        if (state, trigger) not in self._case_steps:
            event = Event(Source.TELL, "e", trigger, NOW, Address(case=OWN))
            before = replace(new_case(OWN, MEMBER), state=state)
            merges = trigger is CaseTrigger.MERGED_INTO
            for into in _SURVIVORS if merges else (None,):  # the one that fits comes last
                after = self._step_case(before, event, Given(NOW, into=into))
            self._case_steps[state, trigger] = str(after.snapshot.state)
        return self._case_steps[state, trigger]

    def report(self, kind: str, title: str, *, blocked: bool) -> bool:
        """Whether a report becomes a case. No conversation hears of it, and nothing that is known here changes."""
        data = {"kind": kind, "title": title, "summary": "what happened"}
        event = Event(Source.DISCORD, "e", CaseTrigger.OPENED, NOW, Address(member=MEMBER), data)
        done = self._step_case(new_case(FRESH, MEMBER), event, Given(NOW, blocked=blocked))
        return done.outcome is not Outcome.REFUSED

    def _step_case(self, before: Snapshot, event: Event, given: Given) -> Step:
        guard = CASE_ASKS.get((before.state, event.trigger))
        answer = CASE_GUARDS[guard][1](CaseDraft(before, event, given)) if guard else ALWAYS
        self.case_rows.add((before.state, str(event.trigger), answer))
        return step(before, event, given)

    def _tell(self, cases: dict[str, str], heard: Heard, chosen: bool) -> Iterator[str]:
        """What the cases are told, and what must not come of it."""
        for name, trigger in heard.tells:
            live = [other for other, state in cases.items() if state in LIVE and other != name]
            was = cases.get(name, "")
            cases[name] = self.case(was or LIVE[0], trigger)
            if live and was not in LIVE and cases[name] in LIVE and not chosen:
                yield "a second help case that nobody chose"

    def _hear(self, talk: Talk | None, known: Known, act: Act) -> Heard:
        blind = (talk, act, known.blocked)
        if blind not in self._blind:
            try:
                self._blind[blind] = self._step_of(talk, None, known.blocked, act)
            except Looked:
                self._blind[blind] = None
        if (heard := self._blind[blind]) is not None:
            return heard
        case = LIVE[0] if known.case == "in_progress" else known.case  # to a conversation they are the same
        seen = Known(case, known.other, blocked=known.blocked)
        if (talk, act, seen) not in self._heard:
            self._heard[talk, act, seen] = self._step_of(talk, seen, known.blocked, act)
        return self._heard[talk, act, seen]

    def _step_of(self, talk: Talk | None, seen: Known | None, blocked: bool, act: Act) -> Heard:
        """`seen` None: without a look at the cases. Raises `Looked` if that will not do."""
        if talk is None and act.event.trigger not in OPENERS:
            return Heard(None)
        before, running = _snapshot(talk), talk.running if talk else frozenset[str]()
        if act.unreachable:
            before = replace(before, context=context_of(before).but(unreachable=True))
        given = _given(seen, blocked, act, before)
        done = self._step(before, act.event, given)
        opened = done.outcome is Outcome.OPENS
        if opened:
            given = _given(seen, blocked, act, new_conversation("c", MEMBER), previous=before)
            before, running = _snapshot(None), frozenset()
            to = replace(act.event.to, case=PREVIOUS if act.event.to.case else None)
            done = self._step(before, replace(act.event, to=to), given)
        elif talk is None and done.outcome is Outcome.REFUSED:
            return Heard(None)
        if act.again:
            self._step(done.snapshot, act.event, given)
        now = context_of(done.snapshot)
        set_again = {name for name, due in done.timers.items() if due}
        running = (running - {act.event.trigger} - set(done.timers)) | set_again
        return Heard(
            forget(done.snapshot.state, now, running),
            now.case,
            opened,
            tuple((tell.case, tell.trigger) for tell in done.tells),
            tuple(_orders(done, context_of(before).request)),
        )

    def _step(self, before: Snapshot, event: Event, given: Given) -> Step:
        guard = ASKS.get((before.state, event.trigger))
        answer = GUARDS[guard][1](Draft(before, event, given)) if guard else ALWAYS
        self.rows.add((before.state, str(event.trigger), answer))
        return step(before, event, given)


def context_of(snapshot: Snapshot) -> Context:
    assert isinstance(snapshot.context, Context)
    return snapshot.context


def _orders(done: Step, request: int) -> Iterator[Kind]:
    """What becomes of the request that was there, and whether there is a new one."""
    for effect in done.effects:
        ends = effect.kind in (Kind.DESK_WITHDRAW, Kind.DESK_CLOSE)
        if effect.kind is Kind.DESK_CREATE or (ends and effect.payload["request"] == request):
            yield effect.kind


def _snapshot(talk: Talk | None) -> Snapshot:
    fresh = new_conversation("c", MEMBER)
    return replace(fresh, state=talk.state, context=talk.context, version=1) if talk else fresh


def _given(
    seen: Known | None, blocked: bool, act: Act, before: Snapshot, previous: Snapshot | None = None
) -> Given:
    given = Given(NOW, FRESH, act.open_now, opens_at=NOW, blocked=blocked, place=act.place)
    if seen is None:
        if previous and context_of(previous).case:
            raise Looked
        told = _previous(previous, "") if previous else None
        own = _UNSEEN if context_of(before).case else None
        contacted = _UNSEEN if act.event.to.case else None
        return replace(given, help_case=_UNSEEN, case=own, contacted=contacted, previous=told)
    own = CaseFacts(PREVIOUS if previous else OWN, seen.case) if seen.case else None
    live = own if seen.case in LIVE else None
    return replace(
        given,
        help_case=CaseFacts(OTHER, LIVE[0]) if seen.other else live,
        case=own if context_of(before).case else None,
        contacted=(own or CaseFacts(OWN, LIVE[0])) if act.event.to.case else None,
        previous=_previous(previous, seen.case) if previous else None,
    )


def _previous(snapshot: Snapshot, case_state: str) -> Previous:
    was = context_of(snapshot)
    case = PREVIOUS if case_state else ""
    return Previous(snapshot.id, was.request, case, was.closed_at, was.closed_by, case_state)
