"""Agents who work on cases now and then, with dice of their own: what they do to them and write from them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from itertools import count
from random import Random
from typing import Any

from sqlalchemy.exc import SQLAlchemyError

from machines.case import REASONS
from orchestrator.cases.counter import CaseCounter
from orchestrator.counters import Agent, CaseReply
from orchestrator.errors import Unavailable
from storage.reads.rows import CaseQuery
from tests.inprocess.inline import read_now
from tests.inprocess.world import World
from tests.simulation.agents import AGENTS

#: How long an answer is waited for, and how soon a command is repeated. Seconds.
PATIENCE_S, AGAIN_S = 10.0, 3.0

Give = Callable[[CaseCounter, Agent, str], Awaitable[CaseReply]]


@dataclass
class Office:
    """A command is given again with the same id until it is answered, whatever the answer."""

    world: World
    chance: Random
    members: list[str]  #: names
    note: Callable[[str, str], None]  #: told who did what, and how it was answered
    _numbers: count[int] = field(default_factory=lambda: count(1))
    _tasks: dict[asyncio.Task[None], None] = field(default_factory=dict)

    def act(self) -> None:
        """Something that an agent may do now; sometimes to a case that is no more."""
        found = self._cases()
        if not found:
            return
        case = self.chance.choice(found)
        acts = {
            "note": 2,
            "edit": 3,
            "assign": 2,
            "ask": 4,
            "resolve": 3,
            "reopen": 5,
            "merge": 7,
            "contact": 5,
        }
        what = self.chance.choices([*acts, "open"], [*acts.values(), 2])[0]
        own = [
            other["number"]
            for other in found
            if other["member"] == case["member"] and other["state"] != "closed"
        ]
        self._give(what, self._command(what, case["number"], own or [case["number"]]))

    def _cases(self) -> list[dict[str, Any]]:
        if self.world.serving is None:
            return []
        try:
            return list(read_now(self.world.serving.cases.cases(CaseQuery(at_most=12)))["cases"])
        except (Unavailable, SQLAlchemyError):
            return []

    def _command(self, what: str, case: int, others: list[int]) -> Give:
        number, chance = next(self._numbers), self.chance
        text = f"about your case ({number} of the office)"
        member = str(self.world.discord.members.named(chance.choice(self.members)).id)
        kind = "help"  # a report is told to its member: nobody files one for them here
        changes: dict[str, Any] = chance.choice(
            ({"title": text}, {"priority": "urgent"}, {"tags": ["seen"]}, {"summary": text})
        )
        into, to, reason = chance.choice(others), chance.choice(("", *AGENTS)), chance.choice(REASONS)
        commands: dict[str, Give] = {
            "note": lambda at, me, minted: at.note(case, me, minted, text),
            "edit": lambda at, me, minted: at.edit(case, me, minted, changes),
            "assign": lambda at, me, minted: at.assign(case, me, minted, to),
            "ask": lambda at, me, minted: at.ask(case, me, minted),
            "resolve": lambda at, me, minted: at.resolve(case, me, minted, reason),
            "reopen": lambda at, me, minted: at.reopen(case, me, minted),
            "merge": lambda at, me, minted: at.merge(case, me, minted, into),
            "contact": lambda at, me, minted: at.contact(case, me, minted, text),
            "open": lambda at, me, minted: at.open(
                me, minted, member, kind, {"title": text, "summary": ""}, 0
            ),
        }
        return commands[what]

    def _give(self, what: str, give: Give) -> None:
        name = self.chance.choice(AGENTS)
        minted = f"minted-in-the-office-{next(self._numbers):06}"
        task = asyncio.get_running_loop().create_task(self._insist(name, what, minted, give))
        self._tasks[task] = None
        task.add_done_callback(self._tasks.pop)

    async def _insist(self, name: str, what: str, minted: str, give: Give) -> None:
        while True:
            house = self.world.serving
            if house is not None:
                try:
                    async with asyncio.timeout(PATIENCE_S):
                        reply = await give(house.cases, Agent(name, name), minted)
                except (Unavailable, TimeoutError):
                    pass
                else:
                    if self.world.serving is house:  # a process that ended meanwhile answers nothing
                        self.note(name, f"case {reply.number}: {what}: {reply.error or 'done'}")
                        return
            await self.world.time.sleep(AGAIN_S)

    async def answered(self) -> None:
        while self._tasks:
            await asyncio.wait(self._tasks)
