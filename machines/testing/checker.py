"""The invariants of the whole service, checked on a recorded history: pure, and silent where all is well.

Each rule reads what the *providers* saw first; journal and outbox only say which promise held for a message.
A rule whose facts were not recorded finds nothing: a suite that wants it has to record them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from machines.conversation import State
from machines.step import TABLES
from machines.table import Outcome, Table
from machines.testing.history import By, Desk, Dm, Entry, Exchange, History, Line

WITH_A_DESK = frozenset({State.AWAITING_AGENT, State.WITH_AGENT})
NOT_CLOSED = WITH_A_DESK | {State.BOT_FAQ}
#: Texts that tell an author that a message of theirs did not arrive.
APOLOGIES = frozenset(
    {
        "not_delivered",
        "not_delivered_closed",
        "not_delivered_over",
        "withdrawn_not_delivered",
        "nobody_waits",
        "step_failed",
        "desk_failed",
        "unreachable",
        "written_before_close",
    }
)
#: What the bot says in its turn to what a member wrote.
ANSWERS = frozenset({"answer"})
AMENDS = frozenset({"unsure", "bot_failed", "offer_person", "outside_hours", "step_failed"})
#: Lines that say that the member is with people now, and that this is over.
HANDED = frozenset({"place", "agent_joined", "contact"})
HANDED_BACK = frozenset(
    {
        "withdrawn",
        "nobody_came",
        "desk_failed",
        "goodbye",
        "idle_goodbye",
        "solved",
        "closed_by_member",
        "contact_ended",
    }
)
#: What becomes of tasks in the end.
FINISHED = frozenset({"wrapping", "completed", "canceled"})
#: Providers tell us times cut to this. Seconds.
GRAIN_S = 0.001
#: How long a provider waits for us. Seconds; Discord and Twilio documentation.
PATIENCE_S = {
    "interaction": 3.0,
    "conversations": 5.0,
    "studio": 10.0,
    "interactions": 15.0,
    "taskrouter": 15.0,
}


@dataclass(frozen=True, slots=True)
class Violation:
    """A promise that was broken."""

    invariant: str  #: `I1` ... `I13`
    what: str

    def __str__(self) -> str:
        return f"{self.invariant}: {self.what}"


def check(history: History) -> list[Violation]:
    """Every broken promise; empty when all were kept."""
    return [Violation(name, what) for name, rule in RULES.items() for what in rule(history)]


# --- I1, I2: everything arrives, once


def member_reaches_agent(history: History) -> Iterator[str]:
    """I1. What a member wrote while the conversation was with a desk, whether or not we ever committed it."""
    for dm in history.dms:
        for line in _by(dm.lines, By.MEMBER):
            entry = history.entry("discord", line.id)
            if entry is None:
                if line.stands:
                    yield f"{line.text!r} of {dm.member} was never committed"
                continue
            if not line.stands or entry.before not in WITH_A_DESK:
                continue
            copies = [_copies(desk.lines, line) for desk in _desks_of(history, dm.member)]
            yield from _exactly_once(
                line,
                copies,
                _due(history, line, WITH_A_DESK),
                apologies=dm.lines,
                elsewhere=_noted(history, dm.member, line) or _in_vain(history, entry.subject, "say"),
            )


def agent_reaches_member(history: History) -> Iterator[str]:
    """I2. What agents wrote to a member."""
    for desk in history.desks:
        lines = history.dm(desk.member).lines
        for line in _by(desk.lines, By.AGENT):
            if line.stands:
                due = _due(history, line, NOT_CLOSED)
                in_vain = _in_vain(history, f"conversation:{desk.conversation}", "desk_note")
                yield from _exactly_once(
                    line, [_copies(lines, line)], due, apologies=desk.lines, elsewhere=in_vain
                )


def _due(history: History, line: Line, states: Collection[str]) -> tuple[str, ...]:
    """What the other side may read of it: the last text, unless that came when edits were not passed on."""
    edits = [entry for entry in history.journal if entry.id.startswith(f"{line.id}:edit:")]
    return line.texts if edits and edits[-1].before not in states else (line.text,)


def _exactly_once(
    line: Line,
    places: Sequence[Sequence[Line]],
    due: Collection[str],
    *,
    apologies: Sequence[Line],
    elsewhere: bool = False,
) -> Iterator[str]:
    told = [a.at for a in apologies if a.says in APOLOGIES and a.at >= line.at]
    edited = line.edited_at or 0.0
    copies = [copy for place in places for copy in place]
    same = Counter(copy.carries for copy in copies)  # a later desk may be told what was corrected since
    times = max((0, *same.values(), *map(len, places)))
    if times > 1:
        yield f"{line.text!r} arrived {times} times"
    elif not copies and not elsewhere and not told:
        yield f"{line.text!r} never arrived, and nobody was told"
    elif copies and copies[-1].carries not in due and not (elsewhere or any(at >= edited for at in told)):
        yield f"{line.text!r} reads {copies[-1].carries!r} on the other side"


def _in_vain(history: History, subject: str, kind: str) -> bool:
    """An author who cannot be reached either was to be told that what they wrote did not arrive."""
    return any(
        deed.says in APOLOGIES and (deed.subject, deed.kind) == (subject, kind) and deed.ref is None
        for deed in history.outbox
        if deed.status in ("done", "dead")
    )


def _noted(history: History, member: str, line: Line) -> bool:
    """The transcript of a request brings what was said before it was opened."""
    return any(
        line.text in note.text
        for desk in _desks_of(history, member)
        for note in _by(desk.lines, By.SERVICE)
        if note.carries is None
    )


# --- I3: order


def order_is_kept(history: History) -> Iterator[str]:
    """But for what an operator had sent when its author had been told already that it was not."""
    late = {deed.ref for deed in history.outbox if deed.generation}
    for desk in history.desks:
        dm = history.dm(desk.member)
        at_desk, in_dm = ([line for line in lines if line.id not in late] for lines in (desk.lines, dm.lines))
        yield from _in_order(_said_to_a_desk(history, dm), at_desk, f"to {desk.ref}")
        yield from _in_order(_by(desk.lines, By.AGENT), in_dm, f"to {desk.member}")


def _said_to_a_desk(history: History, dm: Dm) -> list[Line]:
    """Not what the bot was told: an agent who reads that in the transcript may get a later wording as a new line."""
    entries = {entry.id: entry for entry in history.journal if entry.source == "discord"}
    told = [(line, entries.get(line.id)) for line in _by(dm.lines, By.MEMBER)]
    return [line for line, entry in told if entry is None or entry.before in WITH_A_DESK]


def _in_order(said: Sequence[Line], heard: Sequence[Line], where: str) -> Iterator[str]:
    places = [[n for n, line in enumerate(heard) if _carries(line, one)] for one in said]
    first = [(found[0], one) for found, one in zip(places, said, strict=True) if found]
    for (place, one), (next_place, other) in pairwise(first):
        if next_place < place:
            yield f"{other.text!r} overtook {one.text!r} on the way {where}"


# --- I4: one of each


def one_open_conversation(history: History) -> Iterator[str]:
    open_now = Counter(talk.member for talk in history.talks if talk.state != State.CLOSED)
    for member, number in open_now.items():
        if number > 1:
            yield f"{member} has {number} open conversations"
    for one, other in pairwise(sorted(history.talks, key=lambda talk: (talk.member, talk.opened_at))):
        overlaps = one.closed_at is None or one.closed_at > other.opened_at + history.skew
        if one.member == other.member and State.CLOSED in (one.state, other.state) and overlaps:
            yield f"{one.id} and {other.id} of {one.member} were open at the same time"
    cases = Counter(
        case.member
        for case in history.cases
        if case.state in ("open", "in_progress", "pending") and not case.chosen
    )
    for member, number in cases.items():
        if number > 1:
            yield f"{member} has {number} open help cases that nobody chose"


# --- I5: nothing crosses


def nothing_crosses(history: History) -> Iterator[str]:
    """Every word of the other side has an author there, in the same member's affairs."""
    for dm in history.dms:
        own = [line for desk in _desks_of(history, dm.member) for line in _by(desk.lines, By.AGENT)]
        yield from _foreign(dm.lines, own, f"the DM of {dm.member}")
    for desk in history.desks:
        own = _by(history.dm(desk.member).lines, By.MEMBER)
        yield from _foreign(desk.lines, own, f"the desk of {desk.member}")
        others = [x for dm in history.dms if dm.member != desk.member for x in _by(dm.lines, By.MEMBER)]
        ours = {text for line in own for text in line.texts}
        for note in _by(desk.lines, By.SERVICE):
            for line in others:
                if note.carries is None and line.text in note.text and line.text not in ours:
                    yield f"{line.text!r} of another member stands in a note at the desk of {desk.member}"


def _foreign(lines: Sequence[Line], sources: Sequence[Line], where: str) -> Iterator[str]:
    for line in lines:
        if line.carries is not None and not any(_carries(line, source) for source in sources):
            yield f"{line.carries!r} in {where} was written by nobody there"


# --- I6: only what the diagram shows


def edges_only(history: History) -> Iterator[str]:
    for entry in history.journal:
        table = TABLES.get(entry.subject.partition(":")[0])
        if table is not None and not _is_listed(table, entry):
            yield f"{entry.subject}: {entry.before} -{entry.trigger}-> {entry.after} is no edge"
    yield from history.differences()


def _is_listed(table: Table, entry: Entry) -> bool:
    if entry.outcome in (Outcome.MOVED, Outcome.STAYED):
        wanted = (entry.before or table.initial, entry.trigger, entry.after)
        return any((row.state, row.trigger, row.to) == wanted for row in table.edges)
    return entry.before == entry.after


# --- I7: the outbox ends


def outbox_ends(history: History) -> Iterator[str]:
    """Everything settled, and every line of ours is the outcome of one effect."""
    for deed in history.outbox:
        if deed.status not in ("done", "dead", "void"):
            yield f"{deed.kind} {deed.key} is {deed.status}"
    refs = Counter(
        deed.ref for deed in history.outbox if deed.status == "done" and deed.ref and _makes(deed.kind)
    )
    for ref, number in refs.items():
        if number > 1:
            yield f"{ref} is called theirs by {number} effects"
    for desk in history.desks:
        waiting = [status for status in desk.tasks if status not in FINISHED]
        if len(waiting) > 1:
            yield f"{desk.ref} has {len(waiting)} tasks at once"
    if history.outbox:
        for line in _every_line(history):
            if line.by is By.SERVICE and line.stands and line.id not in history.claimed:
                yield f"{line.text!r} ({line.id}) is the outcome of no effect"


def _makes(kind: str) -> bool:
    """Kinds that make a new line each time; relays and places also edit one that is there."""
    return kind in ("say", "send_transcript", "desk_note", "desk_transcript")


# --- I8: closed is closed


def closed_relays_nothing(history: History) -> Iterator[str]:
    ended = {talk.id: talk.closed_at for talk in history.talks if talk.closed_at is not None}
    for desk in history.desks:
        closed_at = ended.get(desk.conversation)
        dm = history.dm(desk.member)
        if closed_at is not None:
            surely = closed_at + history.skew + GRAIN_S
            yield from _late(_by(dm.lines, By.MEMBER), desk.lines, surely, desk.ref)
            yield from _late(_by(desk.lines, By.AGENT), dm.lines, surely, desk.member)
        if desk.closed_at is not None:
            for line in desk.lines:
                if line.at > desk.closed_at:
                    yield f"{line.text!r} was written into {desk.ref} after it closed"


def _late(said: Sequence[Line], heard: Sequence[Line], closed_at: float, where: str) -> Iterator[str]:
    for line in said:
        if line.at > closed_at and _copies(heard, line):
            yield f"{line.text!r}, written after the close, was relayed to {where}"


# --- I9: in time


def in_time(history: History) -> Iterator[str]:
    for exchange in history.exchanges:
        patience = PATIENCE_S[exchange.kind]
        late = exchange.ended is None or exchange.ended - exchange.began > patience
        if late and not _was_down(history, exchange, patience):
            yield f"{exchange.kind} of second {exchange.began:.1f} was not answered within {patience:g} s"


def _was_down(history: History, exchange: Exchange, patience: float) -> bool:
    begins, ends = exchange.began - history.skew, exchange.began + patience + history.skew
    return any(since <= ends and begins <= until for since, until in history.down)


# --- I11: nothing is left


def nothing_leaks(history: History) -> Iterator[str]:
    for name in history.leaks:
        yield f"{name} was left behind"


# --- I13: the bot's turn


def every_question_is_covered(history: History) -> Iterator[str]:
    """A burst gets one answer; what interrupts the bot's turn covers what was asked before it."""
    for dm in history.dms:
        yield from _covered(history, dm)


def _covered(history: History, dm: Dm) -> Iterator[str]:
    open_texts: list[Line] = []
    asked = answered = 0
    handed = False
    for line in dm.lines:
        if line.by is By.MEMBER:
            entry = history.entry("discord", line.id)
            if entry is not None and _is_question(entry):
                asked, handed = asked + 1, False
                if line.stands:
                    open_texts.append(line)
        elif line.says in ANSWERS | AMENDS:
            answered += line.says in ANSWERS
            if line.says in ANSWERS and handed:
                yield f"{line.text!r} stands after the hand-off"
            elif answered > asked:
                yield f"{line.text!r} answers nothing"
            open_texts.clear()
        elif line.says in HANDED | HANDED_BACK:
            handed = line.says in HANDED
            open_texts.clear()
    died = {
        deed.subject for deed in history.outbox if deed.status == "dead" and deed.kind in ("say", "place")
    }
    for line in open_texts:
        entry = history.entry("discord", line.id)
        if entry is None or entry.subject not in died:  # who cannot be reached hears no answer
            yield f"{line.text!r} of {dm.member} was never answered"


def _is_question(entry: Entry) -> bool:
    return entry.before in (None, State.BOT_FAQ) and entry.outcome in (Outcome.MOVED, Outcome.STAYED)


# --- parts

Rule = Callable[[History], Iterable[str]]

RULES: dict[str, Rule] = {
    "I1": member_reaches_agent,
    "I2": agent_reaches_member,
    "I3": order_is_kept,
    "I4": one_open_conversation,
    "I5": nothing_crosses,
    "I6": edges_only,
    "I7": outbox_ends,
    "I8": closed_relays_nothing,
    "I9": in_time,
    "I11": nothing_leaks,
    "I13": every_question_is_covered,
}


def _by(lines: Iterable[Line], who: By) -> list[Line]:
    return [line for line in lines if line.by is who]


def _desks_of(history: History, member: str) -> list[Desk]:
    return [desk for desk in history.desks if desk.member == member]


def _carries(line: Line, source: Line) -> bool:
    return line.carries is not None and line.carries in source.texts


def _copies(lines: Iterable[Line], source: Line) -> list[Line]:
    return [line for line in lines if line.stands and _carries(line, source)]


def _every_line(history: History) -> Iterator[Line]:
    for dm in history.dms:
        yield from dm.lines
    for desk in history.desks:
        yield from desk.lines
