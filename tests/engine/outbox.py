"""An outbox in memory, and handlers that write down what they are asked to do: the dispatcher's two sides."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

from machines.effects import Kind
from orchestrator.engine.dispatch import Dispatcher
from orchestrator.ports import Done, Job
from storage.values import Pending, Result, Status
from tests.engine.clock import ManualClock, settle
from tests.storage.facts import START

Answer = Callable[[Job], Awaitable[Done]]


def effect(lane: str, n: int, kind: str = Kind.SAY, **values: Any) -> Pending:
    """The n-th effect of a lane."""
    made = Pending(f"{lane}#{n}", "conversation:c", "4001", lane, kind, {"text": "hello"}, START)
    return replace(made, **values)


class Outbox:
    """The table of effects: what is committed is here, whether or not the dispatcher was told."""

    def __init__(self) -> None:
        self.rows: dict[str, Pending] = {}
        self.ends: dict[str, Status] = {}
        self.results: list[Result] = []
        self.reads: list[str] = []
        self.broken: Exception | None = None  #: what storing a result raises
        self.reading: asyncio.Event | None = None  #: held: a read has looked, and is not back yet

    def commit(self, *effects: Pending) -> tuple[Pending, ...]:
        for one in effects:
            self.rows[one.key] = replace(one, seq=len(self.rows) + 1)
        return effects

    def void(self, *keys: str) -> tuple[str, ...]:
        for key in keys:
            self.ends[key] = Status.VOID
        return keys

    def _pending(self) -> list[Pending]:
        return [row for key, row in self.rows.items() if key not in self.ends]

    async def lanes(self) -> list[str]:
        return list(dict.fromkeys(row.lane for row in self._pending()))

    async def lane(self, lane: str, at_most: int = 20) -> list[Pending]:
        self.reads.append(lane)
        found = [row for row in self._pending() if row.lane == lane][:at_most]
        if self.reading is not None:
            await self.reading.wait()
        return found

    async def due_effects(self, before: float, at_most: int = 500) -> list[tuple[str, str]]:
        return [(row.key, row.lane) for row in self._pending() if row.due_at < before][:at_most]

    async def finish(self, result: Result) -> None:
        if self.broken is not None:
            raise self.broken
        self.results.append(result)
        if result.status is Status.PENDING:
            row = self.rows[result.key]
            self.rows[result.key] = replace(row, attempts=result.attempts, due_at=result.due_at)
        else:
            self.ends[result.key] = result.status

    def result(self, key: str) -> Result:
        return [result for result in self.results if result.key == key][-1]


class Far:
    """The far side: it remembers every job, and answers as it was told to."""

    def __init__(self) -> None:
        self.jobs: list[Job] = []
        self.answers: dict[str, list[Exception | Done | asyncio.Event]] = {}

    def will(self, key: str, *answers: Exception | Done | asyncio.Event) -> None:
        """What the next attempts of an effect meet; an event: it takes until that is set."""
        self.answers[key] = list(answers)

    async def handle(self, job: Job) -> Done:
        self.jobs.append(job)
        answers = self.answers.get(job.effect.key, [])
        while answers:
            answer = answers.pop(0)
            if isinstance(answer, asyncio.Event):
                await answer.wait()
            elif isinstance(answer, Exception):
                raise answer
            else:
                return answer
        return Done()

    @property
    def keys(self) -> list[str]:
        return [job.effect.key for job in self.jobs]


class Office:
    """A dispatcher between an outbox and a far side."""

    def __init__(self, outbox: Outbox | None = None, **options: Any) -> None:
        self.clock = ManualClock()
        self.outbox = outbox or Outbox()
        self.far = Far()
        self.dispatcher = Dispatcher(
            dict.fromkeys(Kind, self.far.handle),
            self.outbox,
            self.outbox.finish,
            self.clock,
            lambda: 1.0,
            **options,
        )

    def commit(self, *effects: Pending, void: tuple[str, ...] = ()) -> None:
        """A transaction was stored, and the dispatcher is told of it."""
        self.outbox.void(*void)
        self.dispatcher.accept(self.outbox.commit(*effects), void)

    async def works(self, *effects: Pending) -> None:
        self.commit(*effects)
        await settle()

    async def runs(self, seconds: float = 0.0) -> None:
        await self.clock.advance(seconds)
