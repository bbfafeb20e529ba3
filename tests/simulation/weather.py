"""What becomes of single calls: how long they take, how they fail, and where the process dies in the midst of one."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any, TypeVar

from sqlalchemy.exc import OperationalError

from orchestrator.chatbot.answer import Answer as Answered
from orchestrator.chatbot.answer import Chatbot
from orchestrator.errors import Reject, Retry
from orchestrator.inprocess.line import LOST_ANSWER, LOST_REQUEST, Fate, NoAnswer, failing
from orchestrator.sandbox.wire import Answer, Call
from orchestrator.webhooks.cases import GONE
from tests.faults.outcomes import LATE_S, OUTCOMES
from tests.inprocess.world import World

T = TypeVar("T")

#: What may become of a webhook on its way. Twilio sends a Conversations webhook once.
WEBHOOKS = {"webhook lost": LOST_REQUEST, "answer to a webhook lost": LOST_ANSWER}
#: What a provider says to what it will never do, and the chatbot while it cannot be asked.
REFUSED, AWAY, SLOW, REFUSES = "refused", "chatbot away", "chatbot slow", "chatbot refuses"
CHATBOT = (AWAY, SLOW, REFUSES)
#: One in so many of the calls that go wrong is refused for good.
SELDOM = 0.1
#: Longer than an answer is waited for. Seconds.
SLOW_S = 25.0
#: What the database says when it cannot begin a commit.
LOCKED, FULL = "database is locked", "database or disk is full"
BROKEN = (LOCKED, FULL)


class Killed(BaseException):
    """The process died here. No code of ours may catch it."""


@dataclass
class Weather:
    """Stands in every line of a world, and between the store and its disk."""

    world: World
    chance: Random
    latency: float  #: what a call takes on average. Seconds
    rates: dict[str, float] = field(default_factory=dict)  #: service -> share of its calls that go wrong
    #: service -> what its next calls meet; None: nothing
    planned: dict[str, deque[str | None]] = field(default_factory=dict)
    broken: str = ""  #: what the database says instead of beginning a commit
    unheard: int = 0  #: commits whose end nobody hears of
    crash_in: int | None = None  #: crash points until the process dies
    on_death: Callable[[], None] = lambda: None
    met: Counter[str] = field(default_factory=Counter)  #: kinds of faults
    calls: Counter[str] = field(default_factory=Counter)  #: calls of both ports
    commits: int = 0  #: how often something was stored
    points: Counter[str] = field(default_factory=Counter)  #: where the process died
    spoiled: set[str] = field(default_factory=set)  #: interactions whose acknowledgement was interfered with
    dead: bool = False
    _takes: dict[Any, float] = field(default_factory=dict)  #: task -> seconds that its call takes besides
    _late: bool = False

    def __post_init__(self) -> None:
        hooks = self.world.hooks
        hooks.point, hooks.faulty, hooks.pause = self._passes, self._decides, self._waits
        discord, twilio = self.world.discord_rest, self.world.twilio_rest

        def discord_rest(call: Call) -> Answer:
            return self._sooner_or_later(lambda: discord(call))

        def twilio_rest(host: str, call: Call) -> Answer:
            return self._sooner_or_later(lambda: twilio(host, call))

        crm = self.world.crm_takes

        def crm_takes(headers: Mapping[str, str], body: bytes) -> Answer:
            return self._sooner_or_later(lambda: crm(headers, body))

        self.world.crm_takes = crm_takes  # type: ignore[method-assign]
        self.world.discord_rest = discord_rest  # type: ignore[method-assign]
        self.world.twilio_rest = twilio_rest  # type: ignore[method-assign]

    def clear(self) -> None:
        """From here on everything goes well."""
        self.rates.clear()
        self.planned.clear()
        self.broken, self.unheard, self.crash_in = "", 0, None

    def _passes(self, point: str) -> None:
        if self.dead:
            raise Killed
        call, _, where = point.rpartition(":")
        self.commits += point == "commit:after"
        if where == "before" and "." in call:
            self.calls[call] += 1
        if self.crash_in is not None:
            self.crash_in -= 1
            if self.crash_in <= 0:
                self.points[point] += 1
                self.dead, self.crash_in = True, None
                self.on_death()
                raise Killed
        if point == "commit:before" and self.broken:
            self.met[self.broken] += 1
            raise OperationalError("BEGIN", None, Exception(self.broken))
        if point == "commit:after" and self.unheard:
            self.unheard -= 1
            self.met["commit of unknown outcome"] += 1
            raise OperationalError("COMMIT", None, Exception("connection lost"))

    def _decides(self, service: str, method: str, path: str) -> Fate | None:
        name = self._picks(service, method, path)
        if name is None:
            return None
        if path.endswith("/callback"):
            self.spoiled.add(path.split("/")[-3])
        if service == "webhook":
            self.met[name] += 1
            return WEBHOOKS[name]
        if name == REFUSED:
            self.met[f"{service}: {REFUSED}"] += 1
            return failing(GONE if service == "crm" else 400, body={"code": 0, "message": "no"})
        outcome = OUTCOMES[name]
        self.met[f"{service}: {name}"] += 1
        self._late = outcome.late
        if outcome.takes:
            self._takes[asyncio.current_task()] = outcome.takes
        return outcome.fate

    def _picks(self, service: str, method: str, path: str) -> str | None:
        """What was planned comes first; then it is a matter of chance."""
        if planned := self.planned.get(service):
            return planned.popleft()
        if self.chance.random() >= self.rates.get(service, 0.0):
            return None
        if service == "webhook":
            return self.chance.choice(tuple(WEBHOOKS))
        name = self.chance.choice(tuple(OUTCOMES))
        return REFUSED if _can_be_refused(method, path) and self.chance.random() < SELDOM else name

    async def _waits(self) -> None:
        """The way there, and the way back."""
        took = self._takes.pop(asyncio.current_task(), 0.0)
        await self.world.time.sleep(took + self.chance.uniform(0.0, self.latency))

    def _sooner_or_later(self, work: Callable[[], T]) -> T:
        late, self._late = self._late, False
        if not late:
            return work()
        asyncio.get_running_loop().call_later(LATE_S, work)
        raise NoAnswer


def _can_be_refused(method: str, path: str) -> bool:
    """What is read is there to be read; an acknowledgement and a DM are granted to everybody."""
    return method != "GET" and not path.endswith(("/callback", "/users/@me/channels"))


@dataclass
class Moody:
    """The chatbot, when one can ask it."""

    chatbot: Chatbot
    weather: Weather

    async def answer(self, question: str) -> Answered:
        if self.weather.chance.random() < self.weather.rates.get("chatbot", 0.0):
            mood = self.weather.chance.choice(CHATBOT)
            self.weather.met[mood] += 1
            if mood == AWAY:
                raise Retry("the chatbot is away")
            if mood == REFUSES:
                raise Reject("the chatbot refuses")
            await self.weather.world.time.sleep(SLOW_S)
        return await self.chatbot.answer(question)
