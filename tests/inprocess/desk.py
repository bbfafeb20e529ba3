"""An agent at the built-in desk of whoever serves in this process."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from orchestrator.counters import Agent, Reply
from orchestrator.desk.counter import Counter
from orchestrator.errors import Unavailable
from tests.inprocess.inline import read_now

if TYPE_CHECKING:
    from tests.inprocess.world import World

#: How soon a client tries again. Seconds.
AGAIN_S = 0.1


@dataclass(frozen=True)
class DeskTask:
    """A conversation at the built-in desk. A client tries again with the same id until it is answered.

    What is minted for a command is the same in every life: an agent does and says nothing twice in a story.
    """

    world: World
    conversation: str
    agent: str = "ada"  #: who acts

    async def accept(self, agent: str = "ada") -> None:
        who = DeskTask(self.world, self.conversation, agent)
        await who._insist("claim", lambda at, me, minted: at.claim(self.conversation, me, minted, join=False))

    async def write(self, text: str) -> str:
        """The id of the message."""
        minted = await self._insist(
            f"write {text}", lambda at, me, minted: at.write(self.conversation, me, minted, text)
        )
        self.world.wrote[minted] = [text]
        return minted

    async def react(self, message: str, emoji: str) -> None:
        """To a message of the member's."""
        await self._insist(
            f"react {message} {emoji}",
            lambda at, me, minted: at.react(self.conversation, me, minted, message, emoji),
        )

    async def leave(self) -> None:
        await self._insist("leave", lambda at, me, minted: at.leave(self.conversation, me, minted))

    async def transfer(self, to: str) -> None:
        await self._insist(
            "transfer", lambda at, me, minted: at.transfer(self.conversation, me, minted, to=to)
        )

    async def complete(self) -> None:
        await self._insist("close", lambda at, me, minted: at.close(self.conversation, me, minted))

    async def _insist(self, what: str, act: Callable[[Counter, Agent, str], Awaitable[Reply]]) -> str:
        """The id it was done under."""
        minted = sha256(f"{self.conversation} {self.agent} {what}".encode()).hexdigest()[:32]
        deadline = self.world.time.passed + self.world.patience
        while True:
            if (serving := self.world.serving) is not None:
                try:
                    reply = await act(serving.counter, Agent(self.agent, self.agent), minted)
                except Unavailable:
                    pass
                else:
                    assert not reply.error, (what, reply)
                    return minted
            assert self.world.time.passed < deadline, f"nobody answers {what!r}"
            await self.world.time.sleep(AGAIN_S)

    def show(self) -> dict[str, Any]:
        assert self.world.serving is not None
        return dict(read_now(self.world.serving.counter.conversation(self.conversation)) or {})

    def from_member(self) -> list[str]:
        before = self.world.found[self.conversation]
        return [
            m["body"]
            for m in self.show()["messages"]
            if m["author"] == "member" and not m["deleted"] and m["id"] not in before
        ]

    def notes(self) -> list[str]:
        return [note["text"] for note in self.show()["notes"]]

    async def gets(self, *expected: str) -> None:
        """Exactly these texts from the member, in this order, once each."""
        await self.world.until(f"the agent gets {expected}", lambda: len(self.from_member()) >= len(expected))
        assert self.from_member() == list(expected)

    def is_closed(self) -> bool:
        """Whether nobody is wanted there any more."""
        return self.show()["request"]["state"] not in ("open", "expired")
