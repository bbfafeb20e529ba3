"""The program through which agents give commands at the built-in desk, and the network between it and the service."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

from machines.testing.history import Command
from orchestrator.counters import Agent, Reply
from orchestrator.desk.counter import Counter
from orchestrator.errors import Unavailable
from tests.inprocess.world import World
from tests.simulation.weather import Weather

#: How long an answer is waited for; how soon a command is repeated, at first and at last. Seconds.
PATIENCE_S, AGAIN_S, AGAIN_AT_MOST_S = 10.0, 0.5, 15.0
#: How late a copy of a command may arrive that nobody waits for any more. Seconds.
LATE_S = 45.0
#: What may become of a command on its way. A change of a message has no id of its own: no copy of it may come late.
LOST, UNHEARD = "command lost", "answer to a command lost"
DOUBLED, LATE = "command doubled", "command late"
COMMANDS = (LOST, UNHEARD, DOUBLED, LATE)
COMMANDS_ABOUT_MESSAGES = (LOST, UNHEARD)

#: How each command is given at the counter.
_CALLS: dict[str, Callable[[Counter, Agent, Command], Awaitable[Reply]]] = {
    "claim": lambda at, me, c: at.claim(c.conversation, me, c.id, join=False),
    "join": lambda at, me, c: at.claim(c.conversation, me, c.id, join=True),
    "write": lambda at, me, c: at.write(c.conversation, me, c.id, c.text),
    "edit": lambda at, me, c: at.edit(c.conversation, me, c.id, c.text),
    "unsend": lambda at, me, c: at.unsend(c.conversation, me, c.id),
    "react": lambda at, me, c: at.react(c.conversation, me, c.id, *c.text.split()),
    "leave": lambda at, me, c: at.leave(c.conversation, me, c.id),
    "transfer": lambda at, me, c: at.transfer(c.conversation, me, c.id, to=c.text),
    "close": lambda at, me, c: at.close(c.conversation, me, c.id),
}


@dataclass
class Client:
    """Gives a command again, with the same id, until it is answered.

    What an agent does about one conversation goes one after the other; `unheard` is what they do in another window.
    """

    world: World
    chance: Random
    latency: float  #: what the way there takes on average, and the way back. Seconds
    weather: Weather  #: its rate for `desk`: the share of commands with which something goes wrong
    note: Callable[[str, str], None]  #: told who did what, and how it was answered
    asked: list[Command] = field(default_factory=list)  #: in the order in which they were first given
    holding: bool = False  #: nothing gets through
    _held: list[asyncio.Event] = field(default_factory=list)
    _windows: dict[tuple[str, str], deque[int]] = field(default_factory=dict)
    _tasks: dict[asyncio.Task[None], None] = field(default_factory=dict)
    _gate: asyncio.Event | None = None

    def give(self, agent: str, what: str, conversation: str, text: str = "", message: str = "") -> str:
        """Under which id it is given. What becomes of it is heard later."""
        number = len(self.asked)
        minted = message or f"minted-by-{agent}-{number:06}"
        self.asked.append(Command(minted, conversation, agent, what, text, self.world.time.passed))
        if self._gate is not None:
            self._start(self._in_another_window(number, self._gate))
        else:
            window = self._windows.setdefault((agent, conversation), deque())
            window.append(number)
            if len(window) == 1:
                self._start(self._one_after_the_other(window))
        return minted

    def unheard(self, act: Callable[[], None]) -> asyncio.Event:
        """What is given by `act` gets through once the event is set."""
        was, self._gate = self._gate, asyncio.Event()
        act()
        gate, self._gate = self._gate, was
        self._held.append(gate)
        return gate

    def release(self) -> None:
        """What was held gets through, all at once."""
        self.holding = False
        for gate in self._held:
            gate.set()
        self._held.clear()

    async def answered(self) -> None:
        """Wait until every command was answered, and no copy of one is on its way."""
        self.release()
        while self._tasks:
            await asyncio.wait(self._tasks)

    # --- one command

    async def _one_after_the_other(self, window: deque[int]) -> None:
        while window:
            await self._insist(window[0])
            window.popleft()

    async def _in_another_window(self, number: int, gate: asyncio.Event) -> None:
        await gate.wait()
        await self._insist(number)

    async def _insist(self, number: int) -> None:
        again = AGAIN_S
        while (reply := await self._try(number)) is None:
            await self.world.time.sleep(again * self.chance.uniform(0.5, 1.5))
            again = min(2 * again, AGAIN_AT_MOST_S)
        command, now = self.asked[number], self.world.time.passed
        self.asked[number] = replace(command, answer=reply.error, answered=now)
        self.note(command.agent, f"{command.what}: {reply.error or 'done'}")

    async def _try(self, number: int) -> Reply | None:
        """None: no answer came."""
        fate = self._picks(self.asked[number])
        if fate == LOST:
            return None
        if fate == LATE:
            self._start(self._later(number, self.chance.uniform(0.0, LATE_S)))
            return None
        if fate == DOUBLED:
            self._start(self._later(number, 0.0))
        reply = await self._arrives(number)
        return None if fate == UNHEARD else reply

    def _picks(self, command: Command) -> str | None:
        """What was planned comes first; then it is a matter of chance."""
        fates = COMMANDS if command.what in _MINTED else COMMANDS_ABOUT_MESSAGES
        if planned := self.weather.planned.get("desk"):
            fate = planned.popleft()
        elif self.chance.random() < self.weather.rates.get("desk", 0.0):
            fate = self.chance.choice(fates)
        else:
            return None
        if fate in fates:
            self.weather.met[str(fate)] += 1
        return fate if fate in fates else None

    async def _later(self, number: int, seconds: float) -> None:
        """A copy that nobody waits for."""
        await self.world.time.sleep(seconds)
        await self._arrives(number)

    async def _arrives(self, number: int) -> Reply | None:
        """One way there and back. A process that ended meanwhile answers nothing."""
        if self.holding:
            gate = asyncio.Event()
            self._held.append(gate)
            await gate.wait()
        await self._travels()
        command, house = self.asked[number], self.world.serving
        if house is None:
            return None
        if command.answer is not None:
            self.asked[number] = replace(command, stray=True)
        agent = Agent(command.agent, command.agent)
        try:
            async with asyncio.timeout(PATIENCE_S):
                reply = await _CALLS[command.what](house.counter, agent, command)
        except (Unavailable, TimeoutError):
            return None
        if self.world.serving is not house:
            return None
        await self._travels()
        return reply

    async def _travels(self) -> None:
        await self.world.time.sleep(self.chance.uniform(0.0, self.latency))

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks[task] = None
        task.add_done_callback(self._tasks.pop)


_MINTED = _CALLS.keys() - {"edit", "unsend"}
