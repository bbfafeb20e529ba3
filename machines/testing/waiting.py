"""What members are told while they wait, and at the very first: once, seldom anew, and the truth in the end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import pairwise

from machines.conversation import State
from machines.events import Trigger
from machines.snapshot import DEFAULT_LIMITS
from machines.table import Outcome
from machines.testing.history import Dm, Entry, History, Line, Talk

_TAKEN = (Outcome.MOVED, Outcome.STAYED)
#: Whoever presses these while they wait is told their place anew, below what was said since.
_ASK_AGAIN = frozenset({Trigger.AGENT_REQUESTED, Trigger.HELP_REQUESTED, Trigger.NOT_HELPFUL})
#: Back to the front of the line, with the message that is there.
_BROUGHT_BACK = frozenset({Trigger.ALONE, Trigger.AGENT_IDLE})
#: A call takes no longer when all is well. Seconds.
_CALL_S = 5.0


# --- I15: the place in the line


def place_is_told(history: History) -> Iterator[str]:
    """One message each time somebody asks; edited seldom; true once whoever it tells has looked at a still line."""
    talks = {f"conversation:{talk.id}": talk for talk in history.talks}
    asked = Counter(talks[e.subject].member for e in history.journal if e.subject in talks and _asks(e))
    for dm in history.dms:
        lines = _places(dm)
        if history.journal and len(lines) > asked[dm.member]:
            yield f"{dm.member} asked {asked[dm.member]} times and was told the place {len(lines)} times"
        for line in lines:
            yield from _edited_seldom(line, history.skew)
    yield from _looked_seldom(history)
    yield from _true_in_the_end(history)


def _asks(entry: Entry) -> bool:
    if entry.outcome not in _TAKEN or entry.after != State.AWAITING_AGENT:
        return False
    if entry.before == State.AWAITING_AGENT:
        return entry.trigger in _ASK_AGAIN
    return entry.trigger not in _BROUGHT_BACK


def _places(dm: Dm) -> list[Line]:
    return [line for line in dm.lines if line.says == "place" and line.stands]


def _edited_seldom(line: Line, skew: float) -> Iterator[str]:
    """A call that was held up and the next one may come close to each other, but no third one."""
    for one, other in zip(line.edits, line.edits[2:], strict=False):
        if other - one < DEFAULT_LIMITS.place - _CALL_S - skew:
            yield f"{line.text!r} was edited three times within {other - one:.1f} s"


def _looked_seldom(history: History) -> Iterator[str]:
    looks: dict[str, list[float]] = {}
    for entry in history.journal:
        if entry.trigger == Trigger.PLACE and entry.outcome in _TAKEN:
            looks.setdefault(entry.subject, []).append(entry.at)
    for subject, times in looks.items():
        for one, other in pairwise(sorted(times)):
            if other - one < DEFAULT_LIMITS.place - history.skew - 1e-3:
                yield f"{subject} looked at the line twice within {other - one:.1f} s"


def _true_in_the_end(history: History) -> Iterator[str]:
    """Of those who still wait: what the last message says, if they have looked since the line moved last."""
    waiting = [talk for talk in history.talks if talk.state == State.AWAITING_AGENT and talk.queued_at]
    line = sorted(waiting, key=lambda talk: (talk.queued_at or 0.0, talk.id))
    moved = max((n for n, e in enumerate(history.journal) if _moves_the_line(e)), default=-1)
    for place, talk in enumerate(line, start=1):
        asked = _asked_last(history, talk)
        if not asked or not _looked(history.journal[moved + 1 :], talk) or _could_not_be_told(history, talk):
            continue
        since = asked.at - history.skew - _CALL_S
        told = [told for told in _places(history.dm(talk.member)) if told.at >= since]
        if not told:
            yield f"{talk.member} is at place {place} and was told none"
        elif told[-1].place != place:
            yield f"{talk.member} is at place {place} and reads {told[-1].text!r}"


def _asked_last(history: History, talk: Talk) -> Entry | None:
    """None: nobody asked for the request that there is now, an agent began it."""
    mine = [entry for entry in history.journal if entry.subject == f"conversation:{talk.id}"]
    began = [n for n, entry in enumerate(mine) if _asks(entry) or _begun_by_agent(entry)]
    return mine[began[-1]] if began and _asks(mine[began[-1]]) else None


def _begun_by_agent(entry: Entry) -> bool:
    return entry.trigger == Trigger.AGENT_CONTACTS and entry.outcome is Outcome.MOVED


def _moves_the_line(entry: Entry) -> bool:
    return entry.outcome is Outcome.MOVED and State.AWAITING_AGENT in (entry.before, entry.after)


def _looked(entries: Iterable[Entry], talk: Talk) -> bool:
    return any(e.subject == f"conversation:{talk.id}" and e.trigger == Trigger.PLACE for e in entries)


def _could_not_be_told(history: History, talk: Talk) -> bool:
    """The last try was refused for good, or their direct messages are closed."""
    subject = f"conversation:{talk.id}"
    tries = [deed.status for deed in history.outbox if (deed.subject, deed.kind) == (subject, "place")]
    heard = [e.trigger for e in history.journal if e.subject == subject]
    unreachable = (
        Trigger.UNREACHABLE in heard and Trigger.MEMBER_MESSAGE not in heard[_last_unreachable(heard) :]
    )
    return unreachable or tries[-1:] == ["dead"]


def _last_unreachable(heard: list[str]) -> int:
    return max(n for n, trigger in enumerate(heard) if trigger == Trigger.UNREACHABLE)


# --- I16: the first contact


def first_contact_is_told_once(history: History) -> Iterator[str]:
    """Who reads along is told with the first conversation of a member, and never again."""
    members = {f"conversation:{talk.id}": talk.member for talk in history.talks}
    deeds = [deed for deed in history.outbox if deed.says == "first_contact"]
    meant = Counter(members.get(deed.subject, "") for deed in deeds)
    died = {members.get(deed.subject, "") for deed in deeds if deed.status == "dead"}
    known = {talk.member for talk in history.talks} if history.outbox else set()
    for dm in history.dms:
        told = sum(line.says.startswith("first_contact") and line.stands for line in dm.lines)
        if told > 1 or meant[dm.member] > 1:
            yield f"{dm.member} was told {max(told, meant[dm.member])} times who reads along"
        elif told == 0 and dm.member in known and dm.member not in died:
            yield f"{dm.member} was never told who reads along"
