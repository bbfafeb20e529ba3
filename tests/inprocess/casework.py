"""An agent who works on cases with whoever serves in this process."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from orchestrator.cases.counter import CaseCounter
from orchestrator.counters import Agent, CaseReply
from orchestrator.errors import Unavailable
from tests.inprocess.inline import read_now

if TYPE_CHECKING:
    from tests.inprocess.world import Member, World

#: How soon a client tries again. Seconds.
AGAIN_S = 0.1


@dataclass(frozen=True)
class Caseworker:
    """A client tries again with the same id until it is answered.

    What is minted for a command is the same in every life: an agent does nothing twice in a story.
    """

    world: World
    name: str = "ada"

    async def open(self, member: Member, title: str, kind: str = "help", follows: int = 0) -> int:
        """The number of the case."""
        who = str(self.world.discord.members.named(member.name).id)
        texts = {"title": title, "summary": ""}
        reply = await self._insist(
            f"open {title}", lambda at, me, minted: at.open(me, minted, who, kind, texts, follows)
        )
        return reply.number

    async def note(self, case: int, body: str) -> None:
        await self._insist(f"note {case} {body}", lambda at, me, minted: at.note(case, me, minted, body))

    async def edit(self, case: int, **changes: Any) -> None:
        what = f"edit {case} {sorted(changes.items())}"
        await self._insist(what, lambda at, me, minted: at.edit(case, me, minted, changes))

    async def assign(self, case: int, to: str = "") -> None:
        await self._insist(f"assign {case} {to}", lambda at, me, minted: at.assign(case, me, minted, to))

    async def ask(self, case: int) -> None:
        await self._insist(f"ask {case}", lambda at, me, minted: at.ask(case, me, minted))

    async def resolve(self, case: int, reason: str = "solved") -> None:
        await self._insist(
            f"resolve {case} {reason}", lambda at, me, minted: at.resolve(case, me, minted, reason)
        )

    async def reopen(self, case: int) -> None:
        await self._insist(f"reopen {case}", lambda at, me, minted: at.reopen(case, me, minted))

    async def merge(self, case: int, into: int) -> None:
        await self._insist(f"merge {case} {into}", lambda at, me, minted: at.merge(case, me, minted, into))

    async def contact(self, case: int, text: str) -> str:
        """The conversation."""
        reply = await self._insist(
            f"contact {case} {text}", lambda at, me, minted: at.contact(case, me, minted, text)
        )
        self.world.wrote[self._minted(f"contact {case} {text}")] = [text]
        return reply.conversation

    def show(self, case: int) -> dict[str, Any]:
        assert self.world.serving is not None
        return dict(read_now(self.world.serving.cases.case(case)) or {})

    def is_told(self, case: int, what: str) -> bool:
        """Whether the history of the case has that."""
        return any(line["what"] == what for line in self.show(case)["history"])

    def _minted(self, what: str) -> str:
        return sha256(f"case {self.name} {what}".encode()).hexdigest()[:32]

    async def _insist(
        self, what: str, act: Callable[[CaseCounter, Agent, str], Awaitable[CaseReply]]
    ) -> CaseReply:
        deadline = self.world.time.passed + self.world.patience
        while True:
            if (serving := self.world.serving) is not None:
                try:
                    reply = await act(serving.cases, Agent(self.name, self.name), self._minted(what))
                except Unavailable:
                    pass
                else:
                    assert not reply.error, (what, reply)
                    return reply
            assert self.world.time.passed < deadline, f"nobody answers {what!r}"
            await self.world.time.sleep(AGAIN_S)
