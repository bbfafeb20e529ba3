"""Every state that conversation, cases and desk request can be in together: breadth first, to the fixpoint.

A place is a conversation without what decides nothing (`machines.testing.abstraction`), with the state of its case,
with what the desk is doing (`machines.testing.desk`). A member has one conversation at a time here: of the one that
closed last, only what the next is told of it is known, and what its desk says of it afterwards is left out.
`python -m machines.testing.explorer` prints what was found, and how long that took.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from itertools import product

from machines.case import CASE
from machines.conversation import CONVERSATION, State
from machines.effects import Kind
from machines.events import TIMERS, CaseTrigger
from machines.events import Trigger as T
from machines.snapshot import REPORTS, Context
from machines.table import Edge, Table
from machines.testing.abstraction import Act, Talk, acts, forget, renamed
from machines.testing.desk import Desk, Task, moves, the_desk
from machines.testing.turns import Known, Row, Turn, Turns

_NO_DESK = the_desk(Task.NONE)
_NOTHING = Known()
#: What members report, whatever else there is: each a case of its own.
_REPORTS = tuple(product(REPORTS, ("a title", " ")))


@dataclass(frozen=True, slots=True)
class Place:
    """One state of the product."""

    talk: Talk | None = None  #: None: the member never wrote
    known: Known = _NOTHING
    desk: Desk = _NO_DESK

    def __str__(self) -> str:
        state = self.talk.state if self.talk else "nothing yet"
        agents = f" with {', '.join(sorted(self.desk.agents))}" if self.desk.agents else ""
        return f"{state} / case {self.known.case or 'none'} / desk {self.desk.task}{agents}"


Way = tuple[str, str, Place]  #: what happens, whose doing it is, where it leads


@dataclass
class Found:
    """What there is."""

    #: Each with how it was first reached: from where, by what.
    places: dict[Place, tuple[Place, str] | None] = field(default_factory=dict)
    ways: list[tuple[int, int, str]] = field(default_factory=list)  #: from, to, whose doing; places by number
    rows: dict[str, set[Row]] = field(default_factory=dict)  #: taken, by the name of the table
    faults: dict[str, Place] = field(default_factory=dict)  #: what must not be, and where it was first
    talks: int = 0
    seconds: float = 0.0  #: of processor time

    def story(self, place: Place) -> str:
        """How that place is reached, act by act."""
        told: list[str] = []
        while (origin := self.places[place]) is not None:
            place, act = origin
            told.append(act)
        return " > ".join(reversed(told))

    def __str__(self) -> str:
        return (
            f"{len(self.places)} places of {self.talks} conversations, {len(self.ways)} ways between them, "
            f"{sum(map(len, self.rows.values()))} rows taken, {self.seconds:.1f} s"
        )


class Explorer:
    """One search."""

    def __init__(self) -> None:
        self.found = Found()
        self._turns = Turns()
        self._told: dict[tuple[Talk | None, Known], list[tuple[Act, Turn]]] = {}
        self._reported: dict[tuple[Talk, Known, Act], Turn] = {}

    def run(self, *, until_fault: bool = False) -> Found:
        """Search to the fixpoint, or no further than the first thing that must not be."""
        began = time.process_time()
        places, ways = self.found.places, self.found.ways
        queue = deque([Place(), Place(known=Known(blocked=True))])
        places.update(dict.fromkeys(queue))
        for place, (kind, title) in product(queue, _REPORTS):
            taken = self._turns.report(kind, title, blocked=place.known.blocked)
            if taken != (bool(title.strip()) and not place.known.blocked):
                self.found.faults.setdefault(f"a report {title!r} is {'' if taken else 'not '}taken", place)
        number = {place: n for n, place in enumerate(queue)}
        while queue and not (until_fault and self.found.faults):
            here = queue.popleft()
            start = number[here]
            for act, by, way in self._ways(here):
                there = first_name_first(way)
                if there not in number:
                    number[there] = len(number)
                    places[there] = (here, act)
                    queue.append(there)
                    for fault in _faults(there):
                        self.found.faults.setdefault(fault, there)
                ways.append((start, number[there], by))
        self.found.rows = {CONVERSATION.name: self._turns.rows, CASE.name: self._turns.case_rows}
        self.found.talks = len({talk for talk, _ in self._told})
        self.found.seconds = time.process_time() - began
        return self.found

    def _ways(self, here: Place) -> Iterator[Way]:
        """What may happen next. What changes nothing is left out."""
        talk, known = here.talk, here.known
        if (talk, known) not in self._told:
            turns = ((act, self._turns.of(talk, known, act)) for act in _acts(talk))
            changes = [
                (act, t) for act, t in turns if (t.talk, t.known) != (talk, known) or t.orders or t.faults
            ]
            self._told[talk, known] = list({(act.by, turn): (act, turn) for act, turn in changes}.values())
        for act, turn in self._told[talk, known]:
            yield self._arrive(here, turn, here.desk, act)
        if talk is None:
            return
        for report, desk in moves(here.desk):
            if report is None:
                yield f"the desk is {desk.task}", "desk", Place(talk, known, desk)
                continue
            if (talk, known, report) not in self._reported:
                self._reported[talk, known, report] = self._turns.of(talk, known, report)
            way = self._arrive(here, self._reported[talk, known, report], desk, report)
            if way[2] != here:
                yield way
        for trigger in CaseTrigger:
            if known.case and (after := self._turns.case(known.case, trigger)) != known.case:
                by = "clock" if trigger is CaseTrigger.CASE_CLOSE else "staff"
                yield f"case {trigger}", by, Place(talk, replace(known, case=after), here.desk)
        if known.other:
            alone = replace(known, other=False, chosen=False)
            yield "the other case is resolved", "staff", Place(talk, alone, here.desk)

    def _arrive(self, here: Place, turn: Turn, desk: Desk, act: Act) -> Way:
        for fault in turn.faults:
            self.found.faults.setdefault(fault, here)
        for kind in turn.orders:
            if kind is not Kind.DESK_CREATE:
                desk = desk.ordered_to_end()
                continue
            if desk.stands:
                self.found.faults.setdefault("a second request while one stands", here)
            desk = the_desk(Task.OPENING)
        if turn.talk is None or not turn.talk.context.request:
            desk = _NO_DESK
        return act.name, act.by, Place(turn.talk, turn.known, desk)


def explore() -> Found:
    """Search everything. Raises `Unlisted` where a row is missing."""
    return Explorer().run()


def _acts(talk: Talk | None) -> Iterable[Act]:
    return acts(talk) if talk else acts(forget(State.BOT_FAQ, Context(), ()))


def first_name_first(place: Place) -> Place:
    """Of this place and the same with the agents changed over, the one that stands for both."""
    talk, desk = place.talk, place.desk
    if talk is None or not (desk.agents or talk.agents or talk.away):
        return place
    names = (sorted(desk.agents), talk.agents, talk.away)
    other, over = renamed(talk), desk.renamed()
    return (
        place if names <= (sorted(over.agents), other.agents, other.away) else Place(other, place.known, over)
    )


# --- what must not be


def _faults(place: Place) -> Iterator[str]:
    """Two owners, or none."""
    talk, desk = place.talk, place.desk
    if talk is None:
        return
    context = talk.context
    if talk.state == State.BOT_FAQ:
        if context.agents:
            yield "the bot answers, and an agent is there"
        if context.request_state == "open":
            yield "the bot answers, and a request is open"
        if desk.stands and context.request_state != "expired":
            yield "the bot answers, and a request that was given up stands at the desk"
        if context.waiting and not talk.running & {T.ASK, T.ANSWER_OVERDUE}:
            yield "a text waits, and nobody will be asked"
    elif context.question or context.waiting:
        yield f"{talk.state}, and a question is out"
    if talk.state in (State.AWAITING_AGENT, State.WITH_AGENT):
        if context.request_state != "open":
            yield f"{talk.state}, and the request is {context.request_state or 'none'}"
        if desk.task is Task.ENDING:
            yield f"{talk.state}, and the desk was told that it is over"
    if talk.state == State.CLOSED and desk.stands:
        yield "closed, and its request stands at the desk"


def stuck(found: Found, doers: Iterable[str], ends: Iterable[str]) -> list[Place]:
    """Places from which these doers (member, bot, clock, desk, staff, us) alone reach none of these states."""
    places, by, goals = list(found.places), set(doers), set(ends)
    back: list[list[int]] = [[] for _ in places]
    for start, end, who in found.ways:
        if who in by:
            back[end].append(start)
    reached = {n for n, place in enumerate(places) if place.talk and place.talk.state in goals}
    queue = deque(sorted(reached))
    while queue:
        for n in back[queue.popleft()]:
            if n not in reached:
                reached.add(n)
                queue.append(n)
    return [place for n, place in enumerate(places) if n not in reached]


def never_taken(found: Found, table: Table) -> list[str]:
    """The rows of a table that no place takes, by name. Not those that refuse a timer: it fires where it runs."""
    taken = found.rows[table.name]
    due = (row for row in table.rows if isinstance(row, Edge) or row.trigger not in TIMERS)
    rows = ((str(row.state), str(row.trigger), str(row.when)) for row in due)
    return sorted(" ".join(row) for row in rows if row not in taken)


def report(found: Found) -> Iterator[str]:
    """In words: the size of it, what must not be, and the rows that are never taken."""
    yield str(found)
    for fault, place in found.faults.items():
        yield f"fault: {fault}\n  at {place}\n  by {found.story(place)}"
    for table in (CONVERSATION, CASE):
        yield from (f"never taken: {table.name} {edge}" for edge in never_taken(found, table))


if __name__ == "__main__":
    print(*report(explore()), sep="\n")
