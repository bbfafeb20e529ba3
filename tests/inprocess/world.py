"""What is outside the service: Discord, Twilio, a CRM, and the people in front of them. It outlives every crash."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any, Protocol

from orchestrator.cases.counter import CaseCounter
from orchestrator.desk.counter import Counter
from orchestrator.discord.commands import COMMANDS
from orchestrator.inprocess.line import Fate, Faulty, Line, NoAnswer, Pause, Point, at_once, onward, well
from orchestrator.inprocess.webhooks import InProcessWebhooks
from orchestrator.sandbox.discord import view
from orchestrator.sandbox.discord.model import DiscordModel
from orchestrator.sandbox.twilio.model import TwilioModel
from orchestrator.sandbox.twilio.routes import FLEX
from orchestrator.sandbox.wire import Answer, Call
from orchestrator.texts.say import words
from orchestrator.twilio.limits import INTERACTION_EVENTS
from tests.acceptance.playing import says
from tests.english import ENGLISH
from tests.inprocess.crm import Crm
from tests.inprocess.desk import DeskTask
from tests.inprocess.inline import read_now
from tests.inprocess.virtual import Time, WallClock

Json = dict[str, Any]

PUBLIC_URL = "https://help.example.org"
PATIENCE_S = 30.0
LOOK_S = 0.1


class Serving(Protocol):
    """The service as the providers and the agents of the built-in desk meet it."""

    counter: Counter
    cases: CaseCounter

    def hear(self) -> None: ...
    async def take(self, path: str, fields: Mapping[str, str], query: Mapping[str, str]) -> int: ...


@dataclass
class Taken:
    """A webhook that was handed over. Times are seconds since the epoch."""

    kind: str  #: the last word of its address, e.g. `conversations`
    began: float
    ended: float | None = None  #: None: not answered yet


@dataclass
class Hooks:
    """What a test plants. It is asked anew at every call, so it may be changed while a story runs."""

    faulty: Faulty = well
    point: Point = onward
    pause: Pause = at_once

    def line(self, service: str) -> Line:
        return Line(service, self.decide, self.pass_by, self.wait)

    def decide(self, service: str, method: str, path: str) -> Fate | None:
        return self.faulty(service, method, path)

    def pass_by(self, name: str) -> None:
        self.point(name)

    async def wait(self) -> None:
        await self.pause()


@dataclass
class World:
    """Both providers, provisioned, and whoever serves at the moment."""

    time: Time = field(default_factory=Time)
    seed: int = 7
    hooks: Hooks = field(default_factory=Hooks)
    serving: Serving | None = None
    patience: float = PATIENCE_S  #: how long people of the story wait for what they expect. Seconds
    wrote: dict[str, list[str]] = field(
        default_factory=dict
    )  #: message -> what a person made it say, in turn
    taken: list[Taken] = field(default_factory=list)  #: every webhook that reached the service
    desk: str = "flex"  #: where agents work: `flex` or `builtin`
    locale: str = "en"  #: what members speak
    found: dict[str, tuple[str, ...]] = field(
        default_factory=dict
    )  #: conversation at the built-in desk -> messages that were there when it was found in the queue
    edits: dict[str, list[tuple[str, float]]] = field(
        default_factory=dict
    )  #: message of the bot's -> what it came to say, and when
    followed: bool = False  #: a CRM follows cases
    crm: Crm = field(default_factory=Crm)
    ahead: tuple[float, float] = (0.0, 0.0)  #: by how much the clocks of Discord and Twilio are. Seconds
    jumps: list[tuple[float, float]] = field(
        default_factory=list
    )  #: when the service's clock was set, and by how much it is ahead since. Seconds

    def __post_init__(self) -> None:
        chance = Random(self.seed)
        discord, twilio = (WallClock(self.time, ahead) for ahead in self.ahead)
        self.discord = DiscordModel(discord.now, chance)
        self.twilio = TwilioModel(twilio.now, chance)
        self._wire()
        self._provision()

    def _wire(self) -> None:
        self.discord.sessions.on_dispatch = self._on_dispatch
        self.webhooks = InProcessWebhooks(self.twilio.drain, self._take, self.hooks.line("webhook"))
        self.account = self.twilio.account()

    def __getstate__(self) -> Json:
        """What stays when the process that holds it is killed: the models, the time, what people did."""
        people = ("patience", "wrote", "taken", "edits", "desk", "locale", "found", "followed", "jumps")
        models = ("discord", "twilio", "crm")
        return {name: getattr(self, name) for name in ("time", "seed", *people, *models)}

    def __setstate__(self, kept: Json) -> None:
        """The same world, where nobody serves, no session stands, and webhooks under way have failed."""
        self.__dict__.update(kept)
        self.hooks, self.serving = Hooks(), None
        self.discord.sessions.end_all()
        self._wire()

    def _provision(self) -> None:
        application = self.discord.world.application_id
        bot = {"authorization": "Bot provision"}
        path = f"/applications/{application}/commands"
        assert self.discord.rest(Call("PUT", path, headers=bot, json=list(COMMANDS))).status == 200
        path = f"/v1/Instances/{self.account['TWILIO_FLEX_INSTANCE_SID']}/InteractionWebhooks"
        form = [
            ("Type", "global"),
            ("WebhookUrl", f"{PUBLIC_URL}/webhooks/twilio/interactions"),
            ("WebhookMethod", "POST"),
            *(("WebhookEvents", name) for name in INTERACTION_EVENTS),
        ]
        login = {"authorization": "Basic QUMxOnNlY3JldA=="}  # AC1:secret
        assert self.twilio.rest(FLEX, Call("POST", path, headers=login, form=form)).status < 300

    # --- the service's calls, and what they cause

    def discord_rest(self, call: Call) -> Answer:
        answer = self.discord.rest(call)
        if call.method == "PATCH" and (edited := re.fullmatch(r"/channels/\d+/messages/(\d+)", call.path)):
            known = self.edits.setdefault(edited[1], [])
            text = str(call.json["content"])
            if answer.status == 200 and [said for said, _ in known[-1:]] != [text]:
                known.append((text, self.time.time()))
        return answer

    def twilio_rest(self, host: str, call: Call) -> Answer:
        answer = self.twilio.rest(host, call)
        self.webhooks.news()
        return answer

    def crm_takes(self, headers: Mapping[str, str], body: bytes) -> Answer:
        return self.crm.receive(headers, body)

    def _on_dispatch(self, _session: str) -> None:
        if self.serving is not None:
            self.serving.hear()

    async def _take(self, path: str, fields: Mapping[str, str], query: Mapping[str, str]) -> int:
        if self.serving is None:
            raise NoAnswer
        taken = Taken(path.rpartition("/")[2], self.time.time())
        self.taken.append(taken)
        status = await self.serving.take(path, fields, query)
        taken.ended = self.time.time()
        return status

    # --- people

    def member(self, name: str = "mia") -> Member:
        if self.locale != "en":
            self.discord.members.change(name, locale=self.locale)
        return Member(self, name)

    def tasks(self) -> list[Any]:
        """In the order in which they came: `Task`s, or `DeskTask`s at the built-in desk."""
        if self.desk == "flex":
            return [Task(self, sid) for sid in self.twilio._account.tasks]
        if self.serving is not None:
            counter = self.serving.counter
            for waiting in read_now(counter.queue(""))["waiting"]:
                if (conversation := waiting["conversation"]) not in self.found:
                    shown = read_now(counter.conversation(conversation))
                    self.found[conversation] = tuple(message["id"] for message in shown["messages"])
        return [DeskTask(self, conversation) for conversation in self.found]

    def desk_task(self, conversation: str) -> DeskTask:
        """A conversation at the built-in desk that never waited there: an agent wrote first."""
        assert self.serving is not None
        shown = read_now(self.serving.counter.conversation(conversation))
        self.found[conversation] = tuple(message["id"] for message in shown["messages"])
        return DeskTask(self, conversation)

    async def task(self, number: int = 1) -> Any:
        """The `number`-th task, as soon as it is there."""
        await self.until(f"task {number}", lambda: len(self.tasks()) >= number)
        return self.tasks()[number - 1]

    async def until(self, what: str, look: Callable[[], Any], within: float | None = None) -> Any:
        """Look until there is something to see, and return it. The story's time passes, ours does not."""
        patience = self.patience if within is None else within
        deadline = self.time.passed + patience
        while not (found := look()):
            assert self.time.passed < deadline, f"waited {patience:g} s for: {what}"
            await self.time.sleep(LOOK_S)
        return found

    async def handed_off(self, member: Member, agent: str | None = "ada") -> Any:
        """Bring a member to an agent; without an agent, into the queue."""
        before = len(self.tasks())
        member.helpme()
        await member.hears("greeting")
        member.press("agent_requested")
        task = await self.task(before + 1)
        await member.hears("place")
        if agent is not None:
            if (accepted := task.accept(agent)) is not None:
                await accepted
            await member.hears("agent_joined")
        return task


@dataclass(frozen=True)
class Member:
    """A member in front of Discord."""

    world: World
    name: str

    def write(self, text: str, **more: Any) -> str:
        """The id of the message."""
        message = str(self.world.discord.members.post(self.name, text, **more).id)
        self.world.wrote[message] = [text]
        return message

    def edit(self, message: str, text: str) -> None:
        self.world.wrote[message].append(text)
        self.world.discord.members.edit(self.name, int(message), text)

    def unsend(self, message: str) -> None:
        self.world.discord.members.delete(self.name, int(message))

    def react(self, message: str, emoji: str) -> None:
        self.world.discord.members.react(self.name, int(message), emoji)

    def helpme(self, question: str = "") -> None:
        options = {"question": question} if question else {}
        self.world.discord.members.command(self.name, "helpme", options, "customer-service")

    def press(self, action: str, line: Json | None = None) -> int:
        """Press a button, by the beginning of its custom id; without a line, the latest that has it."""
        for shown in reversed([line] if line else self.dm()):
            for button in shown["components"]:
                if button["custom_id"].startswith(action):
                    members = self.world.discord.members
                    return members.click(self.name, int(shown["id"]), button["custom_id"]).id
        raise AssertionError(f"no button {action!r} to press")

    async def fills_in(self, interaction: int, text: str) -> None:
        """Fill in the form that a press opened."""
        found = self.world.discord.interactions.get(interaction)
        assert found is not None
        modal = await self.world.until("a form", lambda: found.modal)
        self.world.discord.members.submit(self.name, modal["custom_id"], {"text": text})

    def inbox(self) -> list[Json]:
        model = self.world.discord
        return [view.message(model.world, message) for message in model.members.inbox(self.name)]

    def dm(self) -> list[Json]:
        """What stands in the DM now, oldest first."""
        return [m for m in self.inbox() if not m["deleted_at"] and not m["ephemeral"]]

    def texts(self) -> list[str]:
        """The bot's and the agents' words in the DM."""
        return [m["content"] for m in self.dm() if m["author"] == "bot"]

    def heard(self, key: str) -> list[Json]:
        """Every line of the bot in the DM that is this text of ours."""
        table = words(self.world.locale).member
        return [m for m in self.dm() if m["author"] == "bot" and says(key, m["content"], table)]

    async def hears(self, key: str, times: int = 1) -> Json:
        """Wait for a text of ours; the latest such line."""
        await self.world.until(f"{self.name} hears {key!r} x{times}", lambda: len(self.heard(key)) >= times)
        return self.heard(key)[-1]

    async def reads(self, text: str) -> Json:
        """Wait for a line of the bot that contains these words; the latest such line."""

        def look() -> list[Json]:
            return [m for m in self.dm() if m["author"] == "bot" and text in m["content"]]

        found: list[Json] = await self.world.until(f"{self.name} reads {text!r}", look)
        return found[-1]

    async def told_only(self, text: str) -> None:
        """Wait for an ephemeral answer that contains these words."""

        def look() -> list[Json]:
            return [m for m in self.inbox() if m["ephemeral"] and text in m["content"]]

        await self.world.until(f"{self.name} is shown {text!r}", look)

    def from_agent(self) -> list[str]:
        """What agents wrote, as it stands in the DM, names cut off."""
        return [m[1] for text in self.texts() if (m := re.match(r"\*\*\w+:\*\* (.*)", text, re.DOTALL))]

    async def gets(self, *expected: str) -> None:
        """Exactly these texts from agents, in this order, once each."""
        await self.world.until(
            f"{self.name} gets {expected}", lambda: len(self.from_agent()) >= len(expected)
        )
        assert self.from_agent() == list(expected)


@dataclass(frozen=True)
class Task:
    """A task as agents see it, with the conversation behind it."""

    world: World
    sid: str

    def show(self) -> Json:
        return self.world.twilio.task(self.sid)

    def accept(self, agent: str = "ada") -> None:
        self.world.twilio.accept(self.sid, agent)
        self.world.webhooks.news()

    def write(self, text: str) -> str:
        """The sid of the message."""
        sid = self.world.twilio.agent_message(self.sid, text).sid
        self.world.wrote[sid] = [text]
        self.world.webhooks.news()
        return sid

    def edit(self, message: str, text: str) -> None:
        self.world.twilio.agent_edit(self.sid, message, text)
        self.world.wrote[message].append(text)
        self.world.webhooks.news()

    def unsend(self, message: str) -> None:
        self.world.twilio.agent_delete(self.sid, message)
        self.world.webhooks.news()

    def leave(self) -> None:
        self.world.twilio.leave(self.sid)
        self.world.webhooks.news()

    def complete(self) -> None:
        self.world.twilio.complete(self.sid)
        self.world.webhooks.news()

    def lines(self) -> list[Json]:
        return [m for m in self.show()["messages"] if not m["deleted_at"]]

    def from_member(self) -> list[str]:
        return [str(m["body"]) for m in self.lines() if m["author"].startswith("discord_")]

    def notes(self) -> list[str]:
        """Texts of ours for the agent, the transcript among them."""
        return [str(m["body"]) for m in self.lines() if m["author"] == "orchestrator"]

    async def noted(self, key: str) -> str:
        """Wait for a note of ours."""

        def look() -> list[str]:
            return [note for note in self.notes() if says(key, note, ENGLISH.desk)]

        found: list[str] = await self.world.until(f"the agent is told {key!r}", look)
        return found[-1]

    async def gets(self, *expected: str) -> None:
        """Exactly these texts from the member, in this order, once each."""
        await self.world.until(f"the agent gets {expected}", lambda: len(self.from_member()) >= len(expected))
        assert self.from_member() == list(expected)

    async def becomes(self, *statuses: str) -> None:
        await self.world.until(f"the task becomes {statuses}", lambda: self.show()["status"] in statuses)

    def is_closed(self) -> bool:
        """Whether the Twilio Conversation is."""
        state = self.world.twilio.conversation(self.show()["conversation_sid"])["state"]
        return bool(state == "closed")
