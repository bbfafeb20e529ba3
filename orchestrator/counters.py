"""Where agents come to, as the web meets them: the counter of the built-in desk, and that of cases."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from storage.reads.rows import CaseQuery


@dataclass(frozen=True, slots=True)
class Agent:
    """An agent at a desk. Both can be printed: every database holds them."""

    id: str
    name: str  #: as members read it


@dataclass(frozen=True, slots=True)
class Reply:
    """What came of a command of an agent. A repeat of the command gets the same."""

    error: str = ""  #: empty: it was done; else `unknown`, `over`, `taken`, `not_here`, `not_yours`, ...
    detail: str = ""  #: the same for people
    state: str = ""  #: of the conversation after it
    agents: tuple[Agent, ...] = ()  #: who is there now


class Counter(Protocol):
    """The built-in desk as the web meets it.

    `minted` is an id that the caller made before its first try: the same id is the same fact. Everything raises
    `Unavailable` (orchestrator.errors) when the store cannot take or tell it.
    """

    async def queue(self, agent: str) -> Mapping[str, Any]:
        """Who waits, the longest first, and what this agent has."""
        ...

    async def conversation(self, conversation: str) -> Mapping[str, Any] | None:
        """What agents see of a conversation; None: there is none."""
        ...

    async def claim(self, conversation: str, agent: Agent, minted: str, *, join: bool) -> Reply:
        """Take it up. Only who joins knowingly comes to a conversation that another agent has."""
        ...

    async def write(self, conversation: str, agent: Agent, minted: str, body: str) -> Reply: ...
    async def edit(self, conversation: str, agent: Agent, message: str, body: str) -> Reply: ...
    async def unsend(self, conversation: str, agent: Agent, message: str) -> Reply: ...

    async def react(self, conversation: str, agent: Agent, minted: str, message: str, emoji: str) -> Reply:
        """To a message of the member's."""
        ...

    async def types(self, conversation: str, agent: Agent) -> Reply:
        """Show the member that the agent is typing. Not recorded; that it did not come through is no error."""
        ...

    async def leave(self, conversation: str, agent: Agent, minted: str) -> Reply: ...

    async def transfer(self, conversation: str, agent: Agent, minted: str, *, to: str) -> Reply:
        """Hand it to the agent of that id, or back to the queue where that is empty, and leave."""
        ...

    async def close(self, conversation: str, agent: Agent, minted: str) -> Reply: ...


@dataclass(frozen=True, slots=True)
class CaseReply:
    """What came of a command on a case. A repeat of the command gets the same."""

    error: str = (
        ""  #: empty: it was done; else `unknown`, the state that forbids it, `into_closed`, `blocked`, ...
    )
    detail: str = ""  #: the same for people
    number: int = 0  #: of the case; 0: there is none
    state: str = ""  #: of the case after it
    conversation: str = ""  #: in which the agent wrote first


class Cases(Protocol):
    """Cases as the web meets them, by their numbers. As with `Counter`, what `minted` names is done once."""

    async def cases(self, wanted: CaseQuery) -> Mapping[str, Any]:
        """A page of cases, the newest first."""
        ...

    async def case(self, number: int) -> Mapping[str, Any] | None:
        """A case with all that belongs to it; None: there is none."""
        ...

    async def open(
        self, agent: Agent, minted: str, member: str, kind: str, texts: Mapping[str, str], follows: int
    ) -> CaseReply:
        """For a known member. `texts`: title and summary. `follows`: the number of an earlier case of theirs, or 0."""
        ...

    async def note(self, number: int, agent: Agent, minted: str, body: str) -> CaseReply: ...

    async def edit(self, number: int, agent: Agent, minted: str, changes: Mapping[str, Any]) -> CaseReply:
        """Of title, summary, priority and tags those that are named."""
        ...

    async def assign(self, number: int, agent: Agent, minted: str, to: str) -> CaseReply:
        """To the agent of that id, or to nobody where it is empty."""
        ...

    async def ask(self, number: int, agent: Agent, minted: str) -> CaseReply:
        """From now on the case waits for its member."""
        ...

    async def resolve(self, number: int, agent: Agent, minted: str, reason: str) -> CaseReply: ...
    async def reopen(self, number: int, agent: Agent, minted: str) -> CaseReply: ...
    async def merge(self, number: int, agent: Agent, minted: str, into: int) -> CaseReply: ...

    async def contact(self, number: int, agent: Agent, minted: str, body: str) -> CaseReply:
        """Write to the member first: a conversation with this agent begins, or the one that is open goes on."""
        ...
