"""A story that can go on in another process: what was done is remembered with the world, and not done again."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

from orchestrator.sandbox.refusal import Refusal
from tests.inprocess.world import Json, Member, Task, World

#: Discord: how long the member sees "thinking" before being told that the application did not respond.
PRESS_S = 3.5
#: How long people wait for what they expect: a message in doubt is looked for after 20 s, twice if it dies twice.
PATIENCE_S = 120.0


@dataclass
class Play:
    """Stories take every step through `do`; the first ones of a later life return what they returned then.

    A step waits first and acts last, so a crash finds it done or not begun. What several people do at once are
    strands: plays within the play, each with steps of its own.
    """

    world: World
    done: list[Any] = field(default_factory=list)  #: what each step returned
    down: list[tuple[float, float]] = field(
        default_factory=list
    )  #: when nobody served. Seconds since the epoch
    strands: dict[int, list[Play]] = field(default_factory=dict)  #: by the number of the step they are
    _next: int = 0

    def __getstate__(self) -> Json:
        kept = ("world", "done", "down", "strands")
        return {**{name: getattr(self, name) for name in kept}, "_next": 0}

    def begin_again(self) -> None:
        """What was done so far was another story."""
        self.done.clear()
        self.strands.clear()

    async def do(self, step: Callable[..., Any], *args: Any, **more: Any) -> Any:
        """Do it, unless it was done in an earlier life. What it returns."""
        number, self._next = self._next, self._next + 1
        if number < len(self.done):
            return self.done[number]
        found = step(*args, **more)
        if inspect.isawaitable(found):
            found = await found
        self.done.append(found)
        return found

    async def together(self, *stories: Callable[[Play], Coroutine[Any, Any, None]]) -> None:
        """At the same time, as one step. What a story waits for holds up no other."""
        strands = self.strands.setdefault(self._next, [Play(self.world) for _ in stories])
        async with asyncio.TaskGroup() as group:
            for story, strand in zip(stories, strands, strict=True):
                group.create_task(story(strand))
        await self.do(lambda: None)

    async def task(self, number: int = 1) -> Task:
        found: Task = await self.do(self.world.task, number)
        return found

    async def press(self, member: Member, action: str, sees: Callable[[], Any]) -> None:
        """Press until there is something to see: who is told that the application did not respond tries again."""

        async def pressed() -> None:
            deadline = self.world.time.passed + PATIENCE_S
            while not sees():
                assert self.world.time.passed < deadline, f"nothing comes of {action!r}"
                _attempt(lambda: member.press(action))
                await self._answered(member, sees)

        await self.do(pressed)

    async def command(self, member: Member, sees: Callable[[], Any]) -> None:
        """`/helpme`, with the same patience."""

        async def entered() -> None:
            deadline = self.world.time.passed + PATIENCE_S
            while not sees():
                assert self.world.time.passed < deadline, "nothing comes of /helpme"
                _attempt(member.helpme)
                await self._answered(member, sees)

        await self.do(entered)

    async def fill_in(self, member: Member, action: str, text: str, sees: Callable[[], Any]) -> None:
        """Press a button that opens a form, and fill it in."""

        async def filled() -> None:
            deadline = self.world.time.passed + PATIENCE_S
            while not sees():
                assert self.world.time.passed < deadline, f"nothing comes of the form {action!r}"
                interaction = _attempt(lambda: member.press(action))
                if interaction is None or not await self._form(interaction):
                    await self.world.time.sleep(PRESS_S)
                    continue
                await member.fills_in(interaction, text)
                await self._answered(member, sees)

        await self.do(filled)

    async def _form(self, interaction: int) -> bool:
        deadline = self.world.time.passed + PRESS_S
        found = self.world.discord.interactions.get(interaction)
        while self.world.time.passed < deadline:
            if found is not None and found.modal:
                return True
            await self.world.time.sleep(0.1)
        return False

    async def _answered(self, member: Member, sees: Callable[[], Any]) -> None:
        """Until there is something to see, or so long that the member was told to try again."""
        discord = self.world.discord
        user = discord.members.named(member.name).id
        deadline = self.world.time.passed + PATIENCE_S
        began = self.world.time.passed
        while not sees() and self.world.time.passed < deadline:
            own = [begun for begun in discord.interactions.all() if begun.user_id == user]
            taken = bool(own) and own[-1].acknowledged_at is not None
            if not taken and self.world.time.passed > began + PRESS_S:
                return
            await self.world.time.sleep(0.1)


def _attempt(act: Callable[[], Any]) -> Any:
    """None while nobody serves: Discord does not even take the press."""
    try:
        return act()
    except Refusal:
        return None
