"""The desk's side of one request, as far as a conversation can hear of it: what the desk may do, and report.

Reports may be lost, late or repeated, so most moves come in two forms: with their report, and silently. What was
not reported when it happened can be reported for as long as it is true.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from functools import cache

from machines.events import Trigger as T
from machines.testing.abstraction import AGENTS, BEFORE, OTHER_AGENT, Act, report


class Task(StrEnum):
    """What has become of the request at the desk."""

    NONE = "no task"
    OPENING = "opening"
    QUEUED = "queued"
    ACCEPTED = "accepted"
    TRANSFER = "transfer"
    WRAPPING = "wrapping"
    ENDING = "told to end"  #: by us; who is there may not know it yet
    CLOSED = "closed"
    FAILED = "failed"


#: Agents can take it, or have it, and nobody has told the desk that this is over.
STANDING = frozenset({Task.OPENING, Task.QUEUED, Task.ACCEPTED, Task.TRANSFER, Task.WRAPPING})


@dataclass(frozen=True, slots=True, eq=False)
class Desk:
    """One request at the desk. Made by `the_desk`: equal ones are the same object."""

    task: Task
    agents: frozenset[str]  #: who is there by the desk's own truth

    @property
    def stands(self) -> bool:
        return self.task in STANDING

    def ordered_to_end(self) -> Desk:
        return the_desk(Task.ENDING) if self.stands else self

    def renamed(self) -> Desk:
        """The same with the two agents changed over."""
        return (
            the_desk(self.task, frozenset(OTHER_AGENT[agent] for agent in self.agents))
            if self.agents
            else self
        )


@cache
def the_desk(task: Task, agents: frozenset[str] = frozenset()) -> Desk:
    return Desk(task, agents)


Move = tuple[Act | None, Desk]


@cache
def moves(desk: Desk) -> tuple[Move, ...]:
    """What the desk may do next: the report of it, None where it comes to nobody's ears, and where it is then."""
    return tuple(_MOVES[desk.task](desk))


def _none(_: Desk) -> Iterator[Move]:
    yield from ()


def _opening(_: Desk) -> Iterator[Move]:
    yield report(T.DESK_OPENED), the_desk(Task.QUEUED)
    yield None, the_desk(Task.QUEUED)
    yield report(T.DESK_FAILED), the_desk(Task.FAILED)


def _standing(desk: Desk) -> Iterator[Move]:
    yield report(T.DESK_OPENED), desk
    yield report(T.DESK_FAILED), desk  # a call of ours was refused for good: it may stand all the same
    yield report(T.DESK_CLOSED), the_desk(Task.CLOSED)
    yield None, the_desk(Task.CLOSED)
    for agent in AGENTS:
        there = desk.agents | {agent}
        if desk.task is not Task.WRAPPING:
            yield report(T.AGENT_JOINED, agent), the_desk(Task.ACCEPTED, there)
            yield None, the_desk(Task.ACCEPTED, there)
            yield report(T.AGENT_MESSAGE, agent), the_desk(Task.ACCEPTED, there)
            for claim in ("alone", "beside"):
                yield report(T.AGENT_JOINED, agent, claim=claim), the_desk(Task.ACCEPTED, there)
        if agent in desk.agents:
            yield report(T.AGENT_LEFT, agent), the_desk(desk.task, desk.agents - {agent})
            yield None, the_desk(desk.task, desk.agents - {agent})
            yield None, the_desk(Task.WRAPPING, desk.agents)
            for who in ("", agent):
                yield report(T.TRANSFER_STARTED, who), the_desk(Task.TRANSFER, desk.agents)
        elif desk.agents:
            yield report(T.AGENT_LEFT, agent), desk


def _ending(desk: Desk) -> Iterator[Move]:
    for trigger in (T.AGENT_JOINED, T.AGENT_MESSAGE, T.AGENT_LEFT):
        yield report(trigger, AGENTS[0]), desk
    yield report(T.DESK_OPENED), desk
    yield report(T.DESK_CLOSED), the_desk(Task.CLOSED)
    yield None, the_desk(Task.CLOSED)


def _closed(desk: Desk) -> Iterator[Move]:
    yield report(T.DESK_CLOSED), desk
    yield report(T.AGENT_MESSAGE, AGENTS[0], BEFORE), desk
    yield report(T.AGENT_MESSAGE, AGENTS[0]), desk


_MOVES: dict[Task, Callable[[Desk], Iterator[Move]]] = {
    Task.NONE: _none,
    Task.OPENING: _opening,
    **dict.fromkeys((Task.QUEUED, Task.ACCEPTED, Task.TRANSFER, Task.WRAPPING), _standing),
    Task.ENDING: _ending,
    Task.CLOSED: _closed,
    Task.FAILED: _closed,
}
