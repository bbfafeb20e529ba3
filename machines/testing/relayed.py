"""What people wrote, on both sides: all of it arrives, once, in order, and nowhere else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import pairwise

from machines.conversation import State
from machines.testing.history import By, Desk, Dm, History, Line, by

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
#: Providers tell us times cut to this. Seconds.
GRAIN_S = 0.001
#: Twilio's REST tells when a message was written in whole seconds: what is read up after an outage comes with those.
READ_UP_GRAIN_S = 1.0


# --- I1, I2: everything arrives, once


def member_reaches_agent(history: History) -> Iterator[str]:
    """I1. What a member wrote while the conversation was with a desk, whether or not we ever committed it."""
    for dm in history.dms:
        for line in by(dm.lines, By.MEMBER):
            entry = history.entry("discord", line.id)
            if entry is None:
                if line.stands:
                    yield f"{line.text!r} of {dm.member} was never committed"
                continue
            if not line.stands or entry.before not in WITH_A_DESK:
                continue
            copies = [_copies(desk.lines, line) for desk in history.desks_of(dm.member)]
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
        for line in by(desk.lines, By.AGENT):
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
        for desk in history.desks_of(member)
        for note in by(desk.lines, By.SERVICE)
        if note.carries is None
    )


# --- I3: order


def order_is_kept(history: History) -> Iterator[str]:
    """But for what an operator had sent when its author had been told already that it was not."""
    late = {deed.ref for deed in history.outbox if deed.generation}
    for desk in history.desks:
        dm = history.dm(desk.member)
        at_desk, in_dm = ([line for line in lines if line.id not in late] for lines in (desk.lines, dm.lines))
        yield from _in_order(_said_to_this(history, dm, desk), at_desk, f"to {desk.ref}")
        yield from _in_order(by(desk.lines, By.AGENT), in_dm, f"to {desk.member}")


def _said_to_a_desk(history: History, dm: Dm) -> list[Line]:
    """Not what the bot was told: an agent who reads that in the transcript may get a later wording as a new line."""
    entries = {entry.id: entry for entry in history.journal if entry.source == "discord"}
    told = [(line, entries.get(line.id)) for line in by(dm.lines, By.MEMBER)]
    return [line for line, entry in told if entry is None or entry.before in WITH_A_DESK]


def _said_to_this(history: History, dm: Dm, desk: Desk) -> list[Line]:
    """Nor what an earlier request was told: its next reads that in the transcript likewise."""
    before = [
        line
        for other in history.desks
        if other.conversation == desk.conversation and other.request < desk.request
        for line in other.lines
    ]
    return [one for one in _said_to_a_desk(history, dm) if not any(_carries(line, one) for line in before)]


def _in_order(said: Sequence[Line], heard: Sequence[Line], where: str) -> Iterator[str]:
    places = [[n for n, line in enumerate(heard) if _carries(line, one)] for one in said]
    first = [(found[0], one) for found, one in zip(places, said, strict=True) if found]
    for (place, one), (next_place, other) in pairwise(first):
        if next_place < place:
            yield f"{other.text!r} overtook {one.text!r} on the way {where}"


# --- I5: nothing crosses


def nothing_crosses(history: History) -> Iterator[str]:
    """Every word of the other side has an author there, in the same member's affairs."""
    for dm in history.dms:
        own = [line for desk in history.desks_of(dm.member) for line in by(desk.lines, By.AGENT)]
        yield from _foreign(dm.lines, own, f"the DM of {dm.member}")
    for desk in history.desks:
        own = by(history.dm(desk.member).lines, By.MEMBER)
        yield from _foreign(desk.lines, own, f"the desk of {desk.member}")
        others = [x for dm in history.dms if dm.member != desk.member for x in by(dm.lines, By.MEMBER)]
        ours = {text for line in own for text in line.texts}
        for note in by(desk.lines, By.SERVICE):
            told = note.text.splitlines()
            for line in others:
                stands = any(one.endswith(f": {line.text}") for one in told)  # after whoever said it
                if note.carries is None and stands and line.text not in ours:
                    yield f"{line.text!r} of another member stands in a note at the desk of {desk.member}"


def _foreign(lines: Sequence[Line], sources: Sequence[Line], where: str) -> Iterator[str]:
    for line in lines:
        if line.carries is not None and not any(_carries(line, source) for source in sources):
            yield f"{line.carries!r} in {where} was written by nobody there"


# --- I8: closed is closed


def closed_relays_nothing(history: History) -> Iterator[str]:
    ended = {talk.id: talk.closed_at for talk in history.talks if talk.closed_at is not None}
    cut = {entry.id for entry in history.journal if entry.at % 1 == 0}
    for desk in history.desks:
        closed_at = ended.get(desk.conversation)
        dm = history.dm(desk.member)
        if closed_at is not None:
            surely = closed_at + history.skew + GRAIN_S
            yield from _late(by(dm.lines, By.MEMBER), desk.lines, surely, desk.ref)
            said = by(desk.lines, By.AGENT)
            known = [replace(line, at=line.at - READ_UP_GRAIN_S) if line.id in cut else line for line in said]
            yield from _late(known, dm.lines, surely, desk.member)
        if desk.closed_at is not None:
            for line in desk.lines:
                if line.at > desk.closed_at:
                    yield f"{line.text!r} was written into {desk.ref} after it closed"


def _late(said: Sequence[Line], heard: Sequence[Line], closed_at: float, where: str) -> Iterator[str]:
    for line in said:
        if line.at > closed_at and _copies(heard, line):
            yield f"{line.text!r}, written after the close, was relayed to {where}"


# --- parts


def _carries(line: Line, source: Line) -> bool:
    return line.carries is not None and line.carries in source.texts


def _copies(lines: Iterable[Line], source: Line) -> list[Line]:
    return [line for line in lines if line.stands and _carries(line, source)]
