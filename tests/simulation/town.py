"""One run of a seed: a service that is struck again and again, people who go on regardless, and a quiet end."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Coroutine, Iterator
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.exc import OperationalError

from machines.testing.checker import check
from machines.testing.history import Exchange, History
from orchestrator.errors import Reject, Retry, Unavailable
from storage import schema
from storage.letters import Command, ask, letters
from storage.upgrade import upgrade
from tests.crash.seen import recorded
from tests.inprocess.house import House, chatbot
from tests.inprocess.virtual import Time, WallClock
from tests.inprocess.world import World
from tests.simulation.agents import Agent, Floor
from tests.simulation.builtin import BuiltinFloor
from tests.simulation.casework import Office
from tests.simulation.client import Client
from tests.simulation.flex import FlexFloor
from tests.simulation.loop import SeededLoop
from tests.simulation.people import Crowd, Person, pause
from tests.simulation.plan import Plan
from tests.simulation.reports import Reports, untold
from tests.simulation.scenes import Scenes
from tests.simulation.tally import Tally
from tests.simulation.trouble import Trouble
from tests.simulation.weather import Killed, Moody, Weather

NAMES = ("mia", "tom", "zoe", "ali", "eva")
#: How long effects may take to end once all is well again: the longest pause between two attempts and more.
SETTLE_S = 3600.0
#: After that, this long is waited for what should not come; the desk side is read again meanwhile.
QUIET_S = 200.0
#: What an operator is told only when our own code is wrong.
WRONG = "step_failed"
#: How often the outbox is looked at.
LOOK_S = 5.0
#: How many of the commands of agents go wrong on their way, but for bad weather.
ASTRAY = (0.0, 0.1, 0.4)
#: Between two looks at the gateway.
AGAIN_S = 0.5


@dataclass
class Jumping(WallClock):
    """The service's clock. What it showed at two moments is never further from the truth than `apart`. Seconds."""

    most: float = 0.0  #: ahead of the truth
    least: float = 0.0

    def jump(self, seconds: float) -> None:
        self.ahead += seconds
        self.most, self.least = max(self.most, self.ahead), min(self.least, self.ahead)

    @property
    def apart(self) -> float:
        return self.most - self.least


def but_for_deaths(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    if not isinstance(context.get("exception"), Killed):
        loop.default_exception_handler(context)


@dataclass
class Town:
    """A world with everybody in it. `run` lives it to its end."""

    plan: Plan
    url: str
    log: list[str] = field(default_factory=list)
    house: House | None = None
    down: list[tuple[float, float]] = field(default_factory=list)  #: when it heard nothing from Discord
    alerts: list[str] = field(default_factory=list)  #: what the operator was told
    _deaf_since: float | None = None
    _tasks: dict[asyncio.Task[None], None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.chance = Random(self.plan.seed)
        self.time = Time()
        self.clock = Jumping(self.time)
        self.world = World(
            self.time,
            seed=self.plan.seed,
            ahead=self.plan.ahead,
            desk=self.plan.desk,
            followed=self.plan.crm is not None,
        )
        self.weather = Weather(self.world, self.chance, self.plan.latency, on_death=self._died)
        self.weather.rates["crm"] = self.plan.crm or 0.0
        self.crowd = Crowd(self.world, self.chance, self.note)
        self.crowd.members = [
            Person(self.crowd, self.world.member(name)) for name in NAMES[: self.plan.members]
        ]
        self.client = Client(self.world, self.chance, self.plan.latency, self.weather, self.note)
        self.floor = self._floor()
        own = Random(f"office {self.plan.seed}")
        self.office = Office(self.world, own, [p.member.name for p in self.crowd.members], self.note)
        self.trouble = Trouble(self, self.chance)
        self.scenes = Scenes(self, self.chance)
        self.reports = Reports(self.crowd, Random(f"reports of {self.plan.seed}"))
        self.login = {"authorization": "Basic QUMxOnNlY3JldA=="}
        self._lost = asyncio.Event()

    def _floor(self) -> Floor[Any]:
        if self.plan.desk == "flex":
            return FlexFloor(self.crowd)
        self.weather.rates["desk"] = self.chance.choice(ASTRAY)
        return BuiltinFloor(self.crowd, self.client)

    def note(self, who: str, what: str) -> None:
        self.log.append(f"{self.time.passed:12.3f} {who} {what}")

    # --- a run

    def run(self) -> History:
        """From the first word to the last."""
        with asyncio.Runner(
            loop_factory=lambda: SeededLoop(self.time, self.chance, self.plan.disk)
        ) as runner:
            runner.get_loop().set_exception_handler(but_for_deaths)
            return runner.run(self._live())

    async def _live(self) -> History:
        await self.begin()
        await self.introduce()
        keeper = asyncio.create_task(self.keep())
        struck = asyncio.create_task(self._strikes())
        played = asyncio.create_task(self._scenes())
        filed = asyncio.create_task(self._reports())
        worked = asyncio.create_task(self._casework())
        await self._act()
        await struck
        await played
        await filed
        await worked
        await self.make_well()
        keeper.cancel()
        await asyncio.gather(keeper, return_exceptions=True)
        return await self.end()

    async def end(self) -> History:
        """All is well: what is under way comes to its end, the service stops, and this is what was seen."""
        await self._settle()
        assert self.house is not None
        house = self.house
        await self.stop()
        leaks = sorted(t.get_name() for t in asyncio.all_tasks() - {asyncio.current_task()})
        history = recorded(self.world, house.engine, self.down, leaks)
        assert (wrong := [*untold(house.engine, self.crowd.members)]) == [], wrong
        skew = self.clock.apart + sum(map(abs, self.plan.ahead))
        commands = tuple(self.client.asked)
        return replace(history, exchanges=tuple(self._exchanges()), commands=commands, skew=skew)

    async def introduce(self) -> None:
        """Everybody says a first word while all is well: nobody can hear of a DM that was never heard of."""
        for person in self.crowd.members:
            person.member.helpme()
        await self.world.until(
            "everybody is known",
            lambda: all(person.member.heard("greeting") for person in self.crowd.members),
        )

    async def _act(self) -> None:
        everybody: list[Person | Agent[Any]] = [*self.crowd.members, *self.floor.agents]
        for _ in range(self.plan.acts):
            await self.time.sleep(pause(self.chance) * self.plan.slowly)
            self.chance.choice(everybody).act()

    async def _strikes(self) -> None:
        for _ in range(self.plan.troubles):
            await self.time.sleep(self.chance.uniform(5.0, 120.0) * self.plan.slowly)
            await self.trouble.strike()

    async def _scenes(self) -> None:
        for _ in range(self.plan.scenes):
            await self.time.sleep(self.chance.uniform(5.0, 120.0) * self.plan.slowly)
            await self.scenes.play()

    async def _casework(self) -> None:
        for _ in range(self.plan.casework):
            await self.time.sleep(pause(self.office.chance) * self.plan.slowly)
            self.office.act()

    async def _reports(self) -> None:
        for _ in range(self.plan.reports):
            await self.time.sleep(self.reports.chance.uniform(1.0, 90.0) * self.plan.slowly)
            await self.reports.file()

    async def make_well(self) -> None:
        """The end of all trouble: whoever is down stands up, and everybody can be reached."""
        self.weather.clear()
        await self.time.sleep(1.0)
        while self._deaf_since is not None:
            await self.time.sleep(1.0)
        for person in self.crowd.members:
            person.set_doors(open_=True)

    async def _settle(self) -> None:
        async with asyncio.timeout(SETTLE_S):
            await self.floor.answered()
            await self.office.answered()
        await self._until_empty()
        await self.time.sleep(QUIET_S)
        for person in self.crowd.members:
            person.ask()
        await self.time.sleep(QUIET_S)
        await self._until_empty()

    async def _until_empty(self) -> None:
        deadline = self.time.passed + SETTLE_S
        while self._pending():
            assert self.time.passed < deadline, f"{self._pending()} effects are still pending"
            await self.time.sleep(LOOK_S)

    def _pending(self) -> int:
        assert self.house is not None
        pending = select(func.count()).where(schema.effect.c.status == "pending")
        with self.house.engine.connect() as connection:
            return int(connection.execute(pending).scalar_one())

    # --- lives

    async def begin(self) -> None:
        """A new life, unless one is under way."""
        if self.house is not None:
            return
        self.weather.dead = False
        self.house = House(
            self.world,
            self.url,
            limits=self.plan.limits,
            hours=self.plan.hours,
            clock=self.clock,
            watched=False,
            bot=Moody(chatbot(), self.weather),
        )
        with suppress(Killed):
            await self.house.open()
            await self.connect()

    async def connect(self) -> None:
        """The gateway, as soon as it lets us in; returns once what was missed before is read up."""
        house = self.house
        while house is not None and house is self.house and not self.weather.dead:
            if house.gateway.connected and house.has_read_up:
                self._heard_again()
                return
            if not house.gateway.connected:
                with suppress(Retry, Reject):
                    await house.gateway.connect()
            await self.time.sleep(AGAIN_S)

    def drop(self, seconds: float) -> None:
        """The line to Discord is cut, and mended after that time."""
        if self.house is not None:
            self._deaf()
            self.house.gateway.drop()
            self._spawn(self._mend(seconds))

    async def _mend(self, seconds: float) -> None:
        await self.time.sleep(seconds)
        with suppress(Killed):
            await self.connect()

    async def kill(self) -> None:
        """SIGKILL: nothing of it goes on, and nothing can tidy up."""
        house, self.house = self.house, None
        if house is None:
            return
        self._deaf()
        self.weather.dead = True
        await house.kill()
        self.alerts += house.alerts

    async def stop(self) -> None:
        """SIGTERM."""
        if self.house is None:
            return
        self._deaf()
        try:
            await self.house.stop()
        except Killed:
            await self.kill()
        else:
            self.alerts += self.house.alerts
            self.house = None

    def _died(self) -> None:
        """At a crash point, somewhere within the house."""
        self.world.serving = None
        self._deaf()
        self._lost.set()

    async def keep(self) -> None:
        """Whoever dies by themselves is cleared away, and somebody starts it anew."""
        while True:
            await self._lost.wait()
            self._lost.clear()
            await self.kill()
            await self.time.sleep(self.chance.choice((1.0, 5.0, 60.0)))
            await self.begin()

    def _deaf(self) -> None:
        if self._deaf_since is None:
            self._deaf_since = self.time.time()

    def _heard_again(self) -> None:
        if self._deaf_since is not None:
            self.down.append((self._deaf_since, self.time.time()))
            self._deaf_since = None

    async def retry_dead_letters(self) -> None:
        """The operator has every dead letter tried again."""
        if self.house is not None and not self.weather.broken:
            names = [letter.name for letter in letters(self.house.engine)]
            ask(self.house.engine, Command.RETRY, names, "", self.clock.time())
            with suppress(Killed, OperationalError, Unavailable):
                await self.house.operator.see_to_all()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks[task] = None
        task.add_done_callback(self._tasks.pop)

    # --- afterwards

    def _exchanges(self) -> Iterator[Exchange]:
        """What the providers waited for, but for what the weather kept us from."""
        spoiled = self.weather.spoiled
        yield from (Exchange(taken.kind, taken.began, taken.ended) for taken in self.world.taken)
        for begun in self.world.discord.interactions.all():
            if str(begun.id) not in spoiled:
                ended = begun.acknowledged_at
                yield Exchange("interaction", begun.at.timestamp(), ended.timestamp() if ended else None)

    def tally(self, history: History) -> Tally:
        """What this run has met."""
        found = Tally(faults=self.trouble.met + self.weather.met, calls=+self.weather.calls)
        found.count(history)
        return found


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of a seed."""

    seed: int
    log: tuple[str, ...]
    broken: tuple[str, ...]  #: promises, in words; empty when all were kept
    tally: Tally


def simulate(seed: int, folder: Path) -> Verdict:
    """Run a seed over a database of its own. The address never changes, so that statements stay compiled."""
    file = folder / "town.db"
    for left in folder.glob("town.db*"):
        left.unlink()
    shutil.copy(_migrated(folder), file)
    town = Town(Plan.of(seed), f"sqlite:///{file}")
    try:
        history = town.run()
    except AssertionError as error:
        return Verdict(seed, tuple(town.log), (str(error),), Tally())
    broken = [*map(str, check(history)), *(f"alert: {text}" for text in town.alerts if text == WRONG)]
    return Verdict(seed, tuple(town.log), tuple(broken), town.tally(history))


@cache
def _migrated(folder: Path) -> Path:
    """A database with today's schema and nothing in it."""
    file = folder / "migrated.db"
    upgrade(f"sqlite:///{file}")
    return file
