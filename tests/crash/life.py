"""One life of the service, in a process of its own: from its start to the end of the story, or to its crash."""

from __future__ import annotations

import asyncio
import json
import os
import pickle
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, event, func, select

from machines.testing.checker import check
from storage import schema
from tests.crash.flows import FLOWS, Flow, Story
from tests.crash.play import PATIENCE_S, Play
from tests.crash.seen import recorded
from tests.inprocess.house import House
from tests.inprocess.virtual import play as run
from tests.inprocess.world import World

#: Between a death and the next life: long enough that Discord drops what was not acknowledged.
DEAD_S = 4.0
#: Once nothing is left to do, this long is waited for what should not come. Seconds
QUIET_S = 25.0
#: How long effects may take to end, once faults have stopped: two messages in doubt, one after the other.
SETTLE_S = 180.0

#: Asked at every crash point, with its number from 1: whether this process ends there.
Dies = Callable[[int], bool]

WORLD, VERDICT, POINTS = "world", "verdict", "points"


class Life:
    """What stands there goes on: the database as it was left, and the world around it in `folder`."""

    def __init__(self, folder: Path, url: str, flow: Flow, dies: Dies) -> None:
        self.folder = folder
        self.url = url
        self.flow = flow
        self.dies = dies
        self.passed: list[str] = []
        self.play: Play = pickle.loads((folder / WORLD).read_bytes())
        self.world.patience = PATIENCE_S

    @property
    def world(self) -> World:
        return self.play.world

    def begin(self, story: Story) -> list[str]:
        """A life without a crash that ends politely, so that others can begin where it ended. What was wrong."""
        run(self.world.time, self._live(story))
        self.play.begin_again()
        self._keep()
        return []

    def go_on(self) -> list[str]:
        """The story until its end, and what the checker has to say; or a crash."""
        self.world.hooks.point = self._pass
        if self.play.done or self.play.down:
            self.world.time.passed += DEAD_S
        leaks = run(self.world.time, self._live(self.flow.story, self.flow.meanwhile))
        engine = self.house.engine
        wrong = check(recorded(self.world, engine, self.play.down, leaks))
        engine.dispose()  # nobody who is forked later may share a connection
        return [*map(str, wrong), *(f"operator alerted: {alert}" for alert in self.house.alerts)]

    async def _live(self, story: Story, meanwhile: Callable[[Play], None] | None = None) -> list[str]:
        if meanwhile is not None:
            await self.play.do(meanwhile, self.play)
            await self.world.time.sleep(DEAD_S)
        died = self.play.down[-1][0] if self.play.down else self.world.time.time()
        self.house = House(
            self.world, self.url, limits=self.flow.limits, hours=self.flow.hours, watched=False
        )
        with self._inside_transactions():
            await self.house.start()
            self.play.down[-1:] = [(died, self.world.time.time())]
            await story(self.play)
            await self.world.until("the outbox is empty", lambda: not self._pending(), SETTLE_S)
            await self.world.time.sleep(QUIET_S)
            self.play.down.append((self.world.time.time(), self.world.time.time()))
            await self.house.stop()
        return sorted(task.get_name() for task in asyncio.all_tasks() - {asyncio.current_task()})

    def _pending(self) -> int:
        pending = select(func.count()).where(schema.effect.c.status == "pending")
        with self.house.engine.connect() as connection:
            return int(connection.execute(pending).scalar_one())

    @contextmanager
    def _inside_transactions(self) -> Iterator[None]:
        """Every transaction of the writer is a crash point: all of it is written, nothing of it is committed."""

        def written(_connection: Connection) -> None:
            self.world.hooks.pass_by("transaction:written")

        event.listen(self.house.engine, "commit", written)
        yield
        event.remove(self.house.engine, "commit", written)

    def _pass(self, point: str) -> None:
        self.passed.append(point)
        if self.dies(len(self.passed)):
            self.play.down.append((self.world.time.time(), self.world.time.time()))
            self._keep()
            os.kill(os.getpid(), signal.SIGKILL)

    def _keep(self) -> None:
        (self.folder / WORLD).write_bytes(pickle.dumps(self.play))


def never(_point: int) -> bool:
    return False


def live(folder: Path, url: str, name: str, dies: Dies = never, *, start: bool = False) -> None:
    """The body of a process. It leaves a verdict, and the names of the points it passed, unless it is killed."""
    life = Life(folder, url, FLOWS[name], dies)
    if start:
        assert life.flow.start is not None
        verdict = life.begin(life.flow.start)
    else:
        verdict = life.go_on()
    (folder / POINTS).write_text(json.dumps(life.passed))
    (folder / VERDICT).write_text(json.dumps(verdict))
