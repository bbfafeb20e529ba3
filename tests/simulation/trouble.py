"""What strikes the service itself: its process, its line to Discord, its webhooks, its database, its clock."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from random import Random
from typing import TYPE_CHECKING

from orchestrator.sandbox.twilio.routes import CONVERSATIONS
from orchestrator.sandbox.wire import Call
from tests.simulation.weather import FULL, LOCKED

if TYPE_CHECKING:
    from tests.simulation.town import Town

#: Jumps of the service's clock. Seconds.
JUMPS = {
    "5 s back": -5.0,
    "an hour back": -3600.0,
    "an hour on": 3600.0,
    "a day back": -86400.0,
    "a day on": 86400.0,
}
ASLEEP_S = 8 * 3600.0


@dataclass
class Trouble:
    """Strikes by name. Each returns when the world may go on; what it leaves wrong mends itself later."""

    town: Town
    chance: Random
    met: Counter[str] = field(default_factory=Counter)

    async def strike(self) -> None:
        """One of them, by chance."""
        names = [name for name, strike in STRIKES.items() if strike.desk in ("", self.town.plan.desk)]
        name = self.chance.choices(names, [STRIKES[name].often for name in names])[0]
        self.met[name] += 1
        self.town.note("trouble", name)
        await STRIKES[name].strikes(self)

    # --- the process

    async def kill(self) -> None:
        await self.town.kill()
        await self._down()

    async def kill_at_a_point(self) -> None:
        """It dies within one of the next calls or commits; the town notices and begins a new life."""
        self.town.weather.crash_in = self.chance.randint(1, 25)

    async def restart(self) -> None:
        await self.town.stop()
        await self._down()

    async def _down(self) -> None:
        await self.town.time.sleep(self.chance.choice((0.5, 4.0, 60.0, 600.0)))
        await self.town.begin()

    # --- the gateway

    async def drop(self) -> None:
        self.town.drop(self.chance.uniform(0.2, 90.0))

    async def lose_session(self) -> None:
        self.town.world.discord.sessions.end_all()
        self.town.drop(self.chance.uniform(0.2, 90.0))

    async def offline(self) -> None:
        seconds = self.chance.choice((20.0, 300.0, 3600.0))
        self.town.world.discord.go_offline(seconds)
        self.town.drop(1.0)

    # --- webhooks

    async def hold_webhooks(self) -> None:
        """They come late, and in another order."""
        webhooks = self.town.world.webhooks
        webhooks.holding = True
        await self.town.time.sleep(self.chance.uniform(1.0, 30.0))
        self.chance.shuffle(webhooks.held)
        webhooks.release()

    async def double_webhooks(self) -> None:
        webhooks = self.town.world.webhooks
        webhooks.holding = True
        await self.town.time.sleep(self.chance.uniform(1.0, 10.0))
        webhooks.held += webhooks.held
        webhooks.release()

    # --- commands of agents

    async def hold_commands(self) -> None:
        """The network is away between agents and the service; then all that waited comes at once."""
        self.town.client.holding = True
        await self.town.time.sleep(self.chance.uniform(1.0, 30.0))
        self.town.client.release()

    # --- the database

    async def locked(self) -> None:
        await self._breaks(LOCKED)

    async def full(self) -> None:
        await self._breaks(FULL)

    async def _breaks(self, words: str) -> None:
        self.town.weather.broken = words
        await self.town.time.sleep(self.chance.uniform(0.5, 20.0))
        self.town.weather.broken = ""

    async def unheard_commit(self) -> None:
        self.town.weather.unheard = self.chance.randint(1, 2)

    # --- clocks

    async def jump(self) -> None:
        name = self.chance.choice(tuple(JUMPS))
        self.met[f"clock: {name}"] += 1
        self.town.clock.jump(JUMPS[name])
        self.town.world.jumps.append((self.town.time.time(), self.town.clock.ahead))

    async def asleep(self) -> None:
        """The machine was suspended: nothing ran, and the world went on."""
        self.town.world.discord.sessions.end_all()
        self.town.drop(1.0)
        self.town.time.passed += ASLEEP_S

    # --- the weather

    async def bad_weather(self) -> None:
        """For a while a good part of one service's calls goes wrong, or all of them."""
        service, rates = self.chance.choice(self.town.floor.weather), self.town.weather.rates
        before = rates.get(service, 0.0)
        rates[service] = self.chance.choice((0.1, 0.3, 0.6, 1.0))
        await self.town.time.sleep(self.chance.uniform(10.0, 120.0))
        rates[service] = before

    # --- people with consoles

    async def close_behind_our_back(self) -> None:
        """An administrator closes a Twilio Conversation by hand."""
        standing = [c for c in self.town.world.twilio._account.conversations.values() if c.state != "closed"]
        if standing:
            sid = self.chance.choice(standing).sid
            call = Call(
                "POST", f"/v1/Conversations/{sid}", headers=self.town.login, form=[("State", "closed")]
            )
            self.town.world.twilio.rest(CONVERSATIONS, call)
            self.town.world.webhooks.news()

    async def retry_dead_letters(self) -> None:
        await self.town.retry_dead_letters()


@dataclass(frozen=True, slots=True)
class Strike:
    """A kind of trouble."""

    strikes: Callable[[Trouble], Awaitable[None]]
    often: float  #: among the others
    desk: str = ""  #: only where agents work there; empty: wherever they do


STRIKES: dict[str, Strike] = {
    "killed": Strike(Trouble.kill, 2),
    "killed at a point": Strike(Trouble.kill_at_a_point, 3),
    "restarted": Strike(Trouble.restart, 1),
    "gateway dropped": Strike(Trouble.drop, 2),
    "session lost": Strike(Trouble.lose_session, 2),
    "gateway offline": Strike(Trouble.offline, 1),
    "webhooks late and shuffled": Strike(Trouble.hold_webhooks, 2, "flex"),
    "webhooks doubled": Strike(Trouble.double_webhooks, 2, "flex"),
    "database locked": Strike(Trouble.locked, 1),
    "disk full": Strike(Trouble.full, 1),
    "commit unheard": Strike(Trouble.unheard_commit, 2),
    "clock jumped": Strike(Trouble.jump, 1),
    "machine asleep": Strike(Trouble.asleep, 0.3),
    "bad weather": Strike(Trouble.bad_weather, 6),
    "closed by an administrator": Strike(Trouble.close_behind_our_back, 0.7, "flex"),
    "dead letters retried": Strike(Trouble.retry_dead_letters, 1),
    "commands held": Strike(Trouble.hold_commands, 4, "builtin"),
}
