"""The invariants of the whole service, checked on a recorded history: pure, and silent where all is well.

Each rule reads what the *providers* saw first; journal and outbox only say which promise held for a message.
A rule whose facts were not recorded finds nothing: a suite that wants it has to record them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

from machines.conversation import State
from machines.step import TABLES
from machines.table import Outcome, Table
from machines.testing.commands import answered_truly, nobody_else_wrote, one_owner
from machines.testing.followed import changes_are_told
from machines.testing.history import By, Dm, Entry, Exchange, History, Line
from machines.testing.relayed import (
    agent_reaches_member,
    closed_relays_nothing,
    member_reaches_agent,
    nothing_crosses,
    order_is_kept,
)
from machines.testing.silence import closed_as_warned
from machines.testing.waiting import first_contact_is_told_once, place_is_told

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
        "idle_case_open",
        "idle_goodbye",
        "idle_resolved",
        "solved",
        "closed_by_member",
        "contact_ended",
    }
)
#: What becomes of tasks in the end.
FINISHED = frozenset({"wrapping", "completed", "canceled"})
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

    invariant: str  #: `I1` ... `I18`
    what: str

    def __str__(self) -> str:
        return f"{self.invariant}: {self.what}"


def check(history: History) -> list[Violation]:
    """Every broken promise; empty when all were kept."""
    return [Violation(name, what) for name, rule in RULES.items() for what in rule(history)]


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
        for line in history.every_line():
            if line.by is By.SERVICE and line.stands and line.id not in history.claimed:
                yield f"{line.text!r} ({line.id}) is the outcome of no effect"


def _makes(kind: str) -> bool:
    """Kinds that make a new line each time; relays and places also edit one that is there."""
    return kind in ("say", "send_transcript", "desk_note", "desk_transcript")


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


# --- I14: agents and their commands


def commands_count(history: History) -> Iterator[str]:
    """At the built-in desk what is answered is what happens, and one agent has what is claimed alone."""
    yield from answered_truly(history)
    yield from nobody_else_wrote(history)
    yield from one_owner(history)


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
    "I14": commands_count,
    "I15": place_is_told,
    "I16": first_contact_is_told_once,
    "I17": changes_are_told,
    "I18": closed_as_warned,
}
