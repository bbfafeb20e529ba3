"""Agents, whichever desk they sit at: what they do of their own accord, and where everybody sees their work."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol, TypeVar

#: What agents call their work: a task in Flex, a conversation at the built-in desk.
W = TypeVar("W")
W_contra = TypeVar("W_contra", contravariant=True)

AGENTS = ("ada", "ben")
#: Somebody on leave: what is handed to them waits until another agent takes it.
ABSENT = "cleo"


class Agent(Protocol[W_contra]):
    """One of those who talk to members. What becomes of an act is seen later; some desks refuse some of them."""

    name: str

    def act(self) -> None:
        """Something that an agent may do now: with work of theirs, or with some that waits."""

    def take(self, work: W_contra) -> None: ...
    def decline(self, work: W_contra) -> None: ...
    def write(self, work: W_contra) -> None: ...
    def edit(self, work: W_contra) -> None: ...
    def unsend(self, work: W_contra) -> None: ...
    def leave(self, work: W_contra) -> None: ...
    def hand_over(self, work: W_contra) -> None: ...
    def complete(self, work: W_contra) -> None: ...


class Floor(Protocol[W]):
    """Where agents sit."""

    @property
    def weather(self) -> Sequence[str]:
        """Services whose calls may go wrong in bad weather; one that is named twice does so twice as often."""

    @property
    def agents(self) -> Sequence[Agent[W]]: ...

    def works(self) -> Sequence[W]:
        """All that is known of now."""

    def offered(self) -> Sequence[W]:
        """What anybody may take, the oldest first."""

    def had(self) -> Sequence[tuple[W, Agent[W]]]:
        """What agents have, and who, the oldest first."""

    def unheard(self, act: Callable[[], None]) -> Any:
        """Somebody does something that the service does not hear of yet. What is on its way, for `heard`."""

    def heard(self, late: Any, *, backwards: bool = False) -> None:
        """Now it does; `backwards`: of the last first, where a desk tells of one after the other."""

    async def answered(self) -> None:
        """Wait until agents know what became of all that they did."""


def mostly(chance: Any, acts: Sequence[tuple[Callable[[W], None], float]]) -> Callable[[W], None]:
    """One of these, by how often each is done."""
    found: Callable[[W], None] = chance.choices([act for act, _ in acts], [often for _, often in acts])[0]
    return found
