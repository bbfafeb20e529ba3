"""What agents of the built-in desk asked for: it was done or refused as they were told, and two never had one alone."""

from __future__ import annotations

from collections.abc import Iterator

from machines.conversation import State
from machines.events import Trigger
from machines.table import Outcome
from machines.testing.history import By, Command, Entry, History, Line

#: Where the journal has commands, and under which trigger.
PAGE = "page"
TRIGGERS = {
    "claim": Trigger.AGENT_JOINED,
    "join": Trigger.AGENT_JOINED,
    "write": Trigger.AGENT_MESSAGE,
    "leave": Trigger.AGENT_LEFT,
    "react": Trigger.AGENT_REACTED,
    "transfer": Trigger.TRANSFER_STARTED,
    "close": Trigger.DESK_CLOSED,
}
#: Commands about a message that is there already: the message is the record of them.
CHANGES = ("edit", "unsend")
_DONE = (Outcome.MOVED, Outcome.STAYED)
#: Whoever does that is there.
_COMES = (Trigger.AGENT_JOINED, Trigger.AGENT_MESSAGE)


def answered_truly(history: History) -> Iterator[str]:
    """I14. Every command is answered, what was called done is done, and what was refused is not."""
    entries = {entry.id: entry for entry in history.journal if entry.source == PAGE}
    for command in history.commands:
        if command.answer is None:
            yield f"{_named(command)} was never answered"
        elif command.what in TRIGGERS:
            yield from _as_answered(history, command, entries.get(command.id))
    yield from _changes(history)


def _as_answered(history: History, command: Command, entry: Entry | None) -> Iterator[str]:
    if not command.answer:
        if entry is None:
            yield f"{_named(command)} was called done, and the journal does not know it"
        elif entry.trigger != TRIGGERS[command.what] or not _is_of(entry, command):
            yield f"{_named(command)} was called done, and is {entry.trigger} of {entry.subject}"
        elif entry.outcome not in _DONE and command.what not in ("claim", "join"):
            yield f"{_named(command)} was called done, and was {entry.outcome}"
        elif command.what == "write" and _line(history, command) is None:
            yield f"{_named(command)} was called done, and does not stand at the desk"
    elif (
        entry is not None and entry.outcome in _DONE and not command.stray and _shows(history, command, entry)
    ):
        yield f"{_named(command)} was refused ({command.answer}), and {entry.trigger} {entry.outcome}"


def _shows(history: History, command: Command, entry: Entry) -> bool:
    """Does the member see anything of it? What came too late is kept, and its author told so."""
    if command.what == "write":
        return any(line.carries == command.text for dm in history.dms for line in dm.lines)
    return command.what not in ("claim", "join") or entry.after == State.WITH_AGENT


def _changes(history: History) -> Iterator[str]:
    """What stands of a message is the last that its author made it say; of two at once it may be either."""
    for written in history.commands:
        if written.what != "write" or written.answer or (line := _line(history, written)) is None:
            continue
        later = [c for c in history.commands if c.what in CHANGES and c.id == written.id]
        done = [command for command in (written, *later) if not command.answer]
        may_stand = [
            command.text if command.what != "unsend" else None
            for command in (written, *later)
            if not any(other.asked > command.answered for other in done)
        ]
        stands = line.text if line.stands else None
        if stands not in may_stand:
            yield f"{_named(written)} reads {stands!r} at the desk, and was to read one of {may_stand!r}"


def nobody_else_wrote(history: History) -> Iterator[str]:
    """I14. Every word of an agent at the built-in desk was given by a command; silent where none was recorded.

    The first words of an agent who writes first are given from a case: the journal has them.
    """
    given = {command.id for command in history.commands if command.what == "write"}
    given |= {entry.id for entry in history.journal if entry.trigger == Trigger.AGENT_CONTACTS}
    for desk in history.desks if history.commands else ():
        for line in desk.lines:
            if line.by is By.AGENT and line.id not in given:
                yield f"{line.text!r} at {desk.ref} was written by nobody"


def one_owner(history: History) -> Iterator[str]:
    """I14. Who claims alone what another agent has is refused, and nobody hands over what they do not have."""
    present: dict[str, set[str]] = {}
    for entry in sorted(history.journal, key=lambda entry: entry.version):
        there = present.setdefault(entry.subject, set())
        claimed = entry.trigger == Trigger.AGENT_JOINED and entry.claim
        if claimed and entry.outcome in _DONE and entry.claim == "alone" and there - {entry.agent}:
            yield f"{entry.agent} claimed {entry.subject} alone, which {', '.join(sorted(there))} had"
        if entry.outcome not in _DONE:
            continue
        if entry.trigger == Trigger.TRANSFER_STARTED and entry.agent and entry.agent not in there:
            yield f"{entry.agent} handed {entry.subject} over without having it"
        if entry.after != State.WITH_AGENT:
            there.clear()
        elif entry.agent and (entry.trigger in _COMES or _begins(entry)):
            there.add(entry.agent)
        elif entry.trigger == Trigger.AGENT_LEFT:
            there.discard(entry.agent)


def _begins(entry: Entry) -> bool:
    """An agent writes first, and talks with the member from then on."""
    return entry.trigger == Trigger.AGENT_CONTACTS and entry.outcome is Outcome.MOVED


def _line(history: History, command: Command) -> Line | None:
    lines = (
        line for desk in history.desks if desk.conversation == command.conversation for line in desk.lines
    )
    return next((line for line in lines if line.id == command.id), None)


def _is_of(entry: Entry, command: Command) -> bool:
    return (entry.subject, entry.agent) == (f"conversation:{command.conversation}", command.agent)


def _named(command: Command) -> str:
    return f"{command.what} {command.id} of {command.agent}"
