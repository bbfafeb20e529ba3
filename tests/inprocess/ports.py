"""Both implementations of both ports, each over a model that a test can reach into."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from random import Random
from typing import Any

from orchestrator.discord import limits as discord_limits
from orchestrator.inprocess.discord import InProcessDiscord
from orchestrator.inprocess.line import (
    LOST_ANSWER,
    LOST_REQUEST,
    NONSENSE,
    Fate,
    Line,
    failing,
    limited,
)
from orchestrator.inprocess.twilio import InProcessTwilio
from orchestrator.ports import Discord, Twilio
from orchestrator.sandbox.discord.model import DiscordModel
from orchestrator.sandbox.faults import Fault, Faults
from orchestrator.sandbox.twilio.model import TwilioModel
from orchestrator.sandbox.wire import Answer
from orchestrator.texts.plain import storable
from orchestrator.twilio import limits as twilio_limits
from tests.discord import serving as discord_serving
from tests.twilio import serving as twilio_serving

#: Faults that both sides know: how the socket shell plants them, and what becomes of a call in process.
FAULTS: dict[str, tuple[dict[str, Any], Fate]] = {
    "a lost request": ({"abort": True}, LOST_REQUEST),
    "a lost answer": ({"lose_reply": True}, LOST_ANSWER),
    "429 that names a time": (
        {"status": 429, "body": "<html>", "headers": {"Retry-After": "7"}},
        limited(7),
    ),
    "429 without a time": ({"status": 429, "body": "<html>"}, limited()),
    "503": ({"status": 503, "body": "<html>"}, failing(503)),
    "401": ({"status": 401, "body": {"code": 0, "message": "no"}}, failing(401, body={"code": 0})),
    "nonsense": ({"status": 200, "body": "<html>Hello</html>"}, NONSENSE),
    "an empty object": ({"status": 200, "body": {}}, Fate(done=True, answer=Answer(200, {}))),
}


@dataclass
class Planted:
    """Faults of the in-process side: the first whose pattern is found decides, until they are cleared."""

    fates: list[tuple[str, str, Fate]] = field(default_factory=list)

    def __call__(self, _service: str, method: str, path: str) -> Fate | None:
        for wanted, pattern, fate in self.fates:
            if wanted == method and re.search(pattern, path):
                return fate
        return None


@dataclass
class DiscordSide:
    port: Discord
    model: DiscordModel
    member: str  #: user id of mia
    channel: str  #: her DM
    spoil: Callable[[str, str, str], None]  #: method, path, name of a fault; until `mend`
    mend: Callable[[], None]

    def write(self, text: str = "", **more: Any) -> str:
        """The member writes; the id of the message."""
        return str(self.model.members.post("mia", text, **more).id)

    def texts(self) -> list[str]:
        """What the bot wrote and what still stands there."""
        bot = self.model.world.bot.id
        inbox = self.model.members.inbox("mia")
        return [m.content for m in inbox if m.author_id == bot and m.deleted_at is None]


@asynccontextmanager
async def discord_over_sockets() -> AsyncIterator[DiscordSide]:
    async with discord_serving.serving() as served:
        faults = served.sandbox.faults
        yield DiscordSide(
            served.rest,
            served.sandbox.discord,
            served.member,
            served.channel,
            _planting(faults, "discord"),
            faults.clear,
        )


@asynccontextmanager
async def discord_in_process() -> AsyncIterator[DiscordSide]:
    model = DiscordModel(lambda: datetime.now(UTC), Random(7))
    planted = Planted()
    port = InProcessDiscord(model.rest, discord_limits, storable, Line("discord", planted))
    await port.login()
    member = str(model.members.named("mia").id)
    channel = await port.open_dm(member)
    yield DiscordSide(port, model, member, channel, _spoiling(planted), planted.fates.clear)


@dataclass
class TwilioSide:
    port: Twilio
    model: TwilioModel
    spoil: Callable[[str, str, str], None]
    mend: Callable[[], None]

    async def conversation(self, name: str = "orchestrator-c1-1") -> str:
        """A Twilio Conversation with a member in it; its sid."""
        made = await self.port.create_conversation(name, "Mia", {"orchestrator": {"request": name}})
        await self.port.add_participant(made.sid, "discord_33", {})
        return made.sid


@asynccontextmanager
async def twilio_over_sockets() -> AsyncIterator[TwilioSide]:
    async with twilio_serving.serving() as served:
        faults = served.sandbox.faults
        yield TwilioSide(served.twilio, served.sandbox.twilio, _planting(faults, "twilio"), faults.clear)


@asynccontextmanager
async def twilio_in_process() -> AsyncIterator[TwilioSide]:
    model = TwilioModel(lambda: datetime.now(UTC), Random(7))
    planted = Planted()
    account = model.account()["TWILIO_ACCOUNT_SID"]
    port = InProcessTwilio(model.rest, account, twilio_limits, Line("twilio", planted))
    yield TwilioSide(port, model, _spoiling(planted), planted.fates.clear)


def _planting(faults: Faults, service: Any) -> Callable[[str, str, str], None]:
    def plant(method: str, path: str, name: str) -> None:
        faults.plant(Fault(service, method, path, times=-1, **FAULTS[name][0]))

    return plant


def _spoiling(planted: Planted) -> Callable[[str, str, str], None]:
    def spoil(method: str, path: str, name: str) -> None:
        planted.fates.append((method, path, FAULTS[name][1]))

    return spoil
