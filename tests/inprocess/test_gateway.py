"""The gateway in process: it hears what discord.py hears, acknowledges at once, resumes, and begins anew."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

import pytest

from machines.events import CaseTrigger, Event, Trigger
from orchestrator.clock import SystemClock
from orchestrator.discord import events as discord_events
from orchestrator.discord import forms, limits
from orchestrator.discord.client import Supervisor
from orchestrator.discord.commands import COMMANDS
from orchestrator.discord.intake import Intake
from orchestrator.discord.rest import DiscordRest
from orchestrator.errors import ConfigurationError, Retry
from orchestrator.inprocess.discord import TOKEN, InProcessDiscord
from orchestrator.inprocess.gateway import InProcessGateway
from orchestrator.inprocess.line import LOST_REQUEST, Line
from orchestrator.sandbox.discord.interactions import Interaction
from orchestrator.sandbox.discord.model import DiscordModel
from orchestrator.sandbox.wire import Call, Upload
from orchestrator.texts.plain import storable
from storage.values import Receipt
from tests.acceptance.playing import until
from tests.discord.serving import pointed
from tests.inprocess.ports import Planted
from tests.inprocess.virtual import Time

BOT = {"authorization": "Bot somebody"}


@dataclass
class Ears:
    """An intake that only notes."""

    heard: list[Event] = field(default_factory=list)
    held: int = 0

    def put(self, event: Event) -> None:
        self.heard.append(event)

    def hold(self) -> None:
        self.held += 1

    def triggers(self) -> list[str]:
        return [str(event.trigger) for event in self.heard]


@dataclass
class Listening:
    """A gateway over a model, and what it heard."""

    model: DiscordModel
    ears: Ears = field(default_factory=Ears)
    planted: Planted = field(default_factory=Planted)
    ready: int = 0

    def __post_init__(self) -> None:
        register(self.model)
        self.discord = InProcessDiscord(self.model.rest, limits, storable, Line("discord", self.planted))
        self.gateway = InProcessGateway(
            self.model,
            self.discord,
            discord_events,
            forms,
            self.ears,
            SystemClock(),
            codes=limits,
            clean=storable,
            fresh=lambda: "fresh",
            on_ready=self._became_ready,
        )

    def _became_ready(self) -> None:
        self.ready += 1

    async def connect(self) -> None:
        await self.gateway.connect()
        await self.gateway.take()


def register(model: DiscordModel) -> None:
    path = f"/applications/{model.world.application_id}/commands"
    other = {"name": "other", "type": 1, "description": "not ours"}
    assert model.rest(Call("PUT", path, headers=BOT, json=[*COMMANDS, other])).status == 200


def offer(model: DiscordModel, *custom_ids: str) -> int:
    """A line of the bot's in mia's DM with these buttons; its id."""
    channel = model.world.dm(model.members.named("mia")).id
    buttons = [{"type": 2, "style": 2, "label": c[:80], "custom_id": c} for c in custom_ids]
    body = {"content": "press", "components": [{"type": 1, "components": buttons}]}
    return int(model.rest(Call("POST", f"/channels/{channel}/messages", headers=BOT, json=body)).body["id"])


async def live(model: DiscordModel) -> None:
    """Everything that a member can do to us."""
    members = model.members
    first = members.post("mia", "hello\0")
    members.edit("mia", members.post("mia", "tpyo", reply_to=first.id).id, "typo")
    members.post("mia", "", stickers=["wave"], files=[Upload("a.txt", "text/plain", b"a")])
    members.react("mia", first.id, "👍")
    members.delete("mia", first.id)
    members.type("mia")
    members.command("mia", "helpme", {}, "customer-service")
    members.command("mia", "helpme", {"question": "how?"})
    members.command("mia", "other", {}, "general")
    line = offer(model, "agent_requested:c1", "rating:c1:4", "somebody_elses")
    for pressed in ("agent_requested:c1", "rating:c1:4", "somebody_elses"):
        members.click("mia", line, pressed)
    for command, channel, more in (("bug", "bug-report", {"steps": "jump\0"}), ("new_feature", None, {})):
        form = await _opened(members.command("mia", command, {}, channel))
        members.submit("mia", form["custom_id"], {"title": " a  title ", "summary": "what\nhappens", **more})
    modal = await _opened(members.click("mia", offer(model, "comment:c1"), "comment:c1"))
    members.submit("mia", "comment:c1", {modal["components"][0]["components"][0]["custom_id"]: "good"})


async def _opened(begun: Interaction) -> dict[str, Any]:
    async def look() -> Any:
        return begun.modal

    found: dict[str, Any] = await until("a form", look)
    return found


async def test_it_hears_the_very_events_that_discord_py_hears() -> None:
    """Two sessions of one application are told the same; deletes and reactions are dated by whoever hears them."""
    heard: list[Event] = []

    async def submit(events: Sequence[Event]) -> list[Receipt]:
        heard.extend(events)
        return [Receipt(None) for _ in events]

    ready = asyncio.Event()

    async def on_ready() -> None:
        ready.set()

    async with pointed() as sandbox:
        clock = SystemClock()
        intake = Intake(submit, clock)
        supervisor = Supervisor("any-token", intake, DiscordRest(), clock, on_ready=on_ready)
        intake.start()
        running = asyncio.create_task(supervisor.run())
        try:
            await ready.wait()
            ours = Listening(sandbox.discord)
            await ours.connect()
            await live(sandbox.discord)

            async def all_heard() -> bool:
                return any(event.trigger is Trigger.COMMENT for event in heard)

            await until("the last event", all_heard)
            await ours.gateway.take()
        finally:
            running.cancel()
            await supervisor.close()
            await intake.stop()
            await asyncio.gather(running, return_exceptions=True)
    assert list(map(_undated, ours.ears.heard)) == list(map(_undated, heard))
    assert len(heard) >= 12
    reports = [event for event in heard if event.trigger is CaseTrigger.OPENED]
    assert [(r.data["kind"], r.data["title"], "asked_in" in r.data) for r in reports] == [
        ("bug", "a title", True),
        ("feature", "a title", False),
    ]
    assert reports[0].data["steps"] == "jump\ufffd"


def _undated(event: Event) -> Event:
    if event.trigger is Trigger.MEMBER_REACTED:
        return replace(event, id="", at=None)  # type: ignore[arg-type]
    return replace(event, at=None) if event.trigger is Trigger.MEMBER_DELETED else event  # type: ignore[arg-type]


@pytest.fixture
async def listening() -> Listening:
    found = Listening(DiscordModel(SystemClock().now, _random()))
    await found.connect()
    return found


def _random() -> Random:
    return Random(7)


async def test_everything_is_acknowledged_as_soon_as_it_is_heard(listening: Listening) -> None:
    members = listening.model.members
    asked = members.command("mia", "helpme", {}, "customer-service")
    other = members.command("mia", "other", {}, "general")
    line = offer(listening.model, "solved:c1", "comment:c1")
    pressed = members.click("mia", line, "solved:c1")
    form = members.click("mia", line, "comment:c1")
    bug = members.command("mia", "bug", {}, "bug-report")
    await listening.gateway.take()
    assert bug.modal is not None
    fields = {"title": "It crashes", "summary": "always"}
    sent = members.submit("mia", bug.modal["custom_id"], fields)
    await listening.gateway.take()
    assert [begun.callback for begun in (asked, other, pressed, form, bug, sent)] == [5, 4, 6, 9, 9, 5]
    assert sent.original is not None
    assert sent.original.ephemeral
    assert asked.original is not None
    assert asked.original.ephemeral
    assert other.original is not None
    assert "server" in other.original.content


async def test_an_acknowledgement_that_fails_is_not_tried_again_and_costs_no_event(
    listening: Listening,
) -> None:
    listening.planted.fates.append(("POST", "/callback$", LOST_REQUEST))
    listening.model.members.command("mia", "helpme", {}, "customer-service")
    await listening.gateway.take()
    assert listening.ears.triggers() == ["help_requested"]


async def test_a_line_that_was_cut_is_resumed_and_nothing_is_missed_or_told_twice(
    listening: Listening,
) -> None:
    listening.model.members.post("mia", "before")
    await listening.gateway.take()
    listening.gateway.drop()
    listening.model.members.post("mia", "meanwhile")
    await listening.gateway.take()
    await listening.connect()
    listening.model.members.post("mia", "after")
    await listening.gateway.take()
    assert [event.data["body"] for event in listening.ears.heard] == ["before", "meanwhile", "after"]
    assert listening.ready == 1


async def test_a_lost_session_begins_anew_and_holds_what_is_live_until_all_is_read(
    listening: Listening,
) -> None:
    listening.gateway.drop()
    listening.model.sessions.end_all()
    listening.model.members.post("mia", "meanwhile")
    await listening.connect()
    assert (listening.ready, listening.ears.held) == (2, 2)
    assert listening.ears.heard == []


async def test_while_discord_is_away_connecting_is_put_off_and_a_refused_token_is_fatal() -> None:
    time = Time()
    listening = Listening(DiscordModel(time.now, _random()))
    listening.model.go_offline(60)
    with pytest.raises(Retry):
        await listening.connect()
    time.passed = 61.0
    listening.model.revoked_tokens.add(TOKEN)
    with pytest.raises(ConfigurationError, match="DISCORD_TOKEN"):
        await listening.connect()


async def test_after_the_end_of_a_connection_every_call_is_put_off(listening: Listening) -> None:
    listening.gateway.close()
    with pytest.raises(Retry, match="not connected"):
        await listening.discord.open_dm("1")
