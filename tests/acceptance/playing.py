"""The people of a story and the stage: a sandbox, the service against it, and hands on the control API."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import sqlite3
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from orchestrator.app import Service
from orchestrator.sandbox.server import Sandbox
from orchestrator.settings import Settings, load
from orchestrator.setup.provision import provision
from orchestrator.texts.say import LOCALES, words
from tests import warm
from tests.acceptance.casework import Caseworker
from tests.acceptance.looking import PATIENCE_S, POLL_S, Control, Json, free_port, says, until
from tests.acceptance.tasks import Counter, DeskTask, Task
from tests.inprocess.crm import SECRET
from tests.webhooks.receiver import Receiver

__all__ = [
    "PATIENCE_S",
    "POLL_S",
    "Control",
    "Json",
    "Member",
    "Stage",
    "Task",
    "Work",
    "either_desk",
    "free_port",
    "says",
    "until",
]

#: Short, so that a story takes seconds; idle timers stay as long as they are.
TIMERS = {"timer_ask": 0.15, "timer_ask_at_most": 0.6, "timer_alone": 0.3}
#: Bearer of the built-in desk's commands, and of those on cases.
TOKEN = "token-of-the-desk"

#: A request at either desk.
Work = Task | DeskTask

#: A story that is played over Flex and over the built-in desk.
either_desk = pytest.mark.parametrize("bare", ["flex", "builtin"], indirect=True)


class Member:
    """A member in front of Discord."""

    def __init__(self, control: Control, name: str, locale: str = LOCALES[0]) -> None:
        self.control = control
        self.name = name
        self.locale = locale  #: what they expect to read
        self._path = f"/members/{name}"

    async def write(self, text: str, **more: Any) -> str:
        """The id of the message."""
        return str((await self.control.post(f"{self._path}/messages", content=text, **more))["id"])

    async def edit(self, message: str, text: str) -> None:
        await self.control.patch(f"{self._path}/messages/{message}", content=text)

    async def unsend(self, message: str) -> None:
        await self.control.delete(f"{self._path}/messages/{message}")

    async def react(self, message: str, emoji: str) -> None:
        await self.control.post(f"{self._path}/reactions", message_id=message, emoji=emoji)

    async def helpme(self, question: str = "") -> str:
        """The id of the interaction."""
        options = {"question": question} if question else {}
        asked = {"name": "helpme", "options": options, "channel": "customer-service"}
        return str((await self.control.post(f"{self._path}/commands", **asked))["id"])

    async def set(self, **settings: Any) -> None:
        await self.control.patch(self._path, **settings)

    async def inbox(self) -> list[Json]:
        found: list[Json] = await self.control.get(f"{self._path}/messages")
        return found

    async def dm(self) -> list[Json]:
        """What stands in the DM now, oldest first."""
        return [m for m in await self.inbox() if not m["deleted_at"] and not m["ephemeral"]]

    async def texts(self) -> list[str]:
        """The bot's and the agents' words in the DM."""
        return [m["content"] for m in await self.dm() if m["author"] == "bot"]

    async def heard(self, key: str) -> list[Json]:
        """Every line of the bot in the DM that is this text of ours."""
        table = words(self.locale).member
        return [m for m in await self.dm() if m["author"] == "bot" and says(key, m["content"], table)]

    async def hears(self, key: str, times: int = 1, within: float = PATIENCE_S) -> Json:
        """Wait for a text of ours; the latest such line."""

        async def look() -> list[Json] | None:
            found = await self.heard(key)
            return found if len(found) >= times else None

        return (await until(f"{self.name} hears {key!r} x{times}", look, within))[-1]  # type: ignore[no-any-return]

    async def reads(self, text: str, within: float = PATIENCE_S) -> Json:
        """Wait for a line of the bot that contains these words; the latest such line."""

        async def look() -> list[Json]:
            return [m for m in await self.dm() if m["author"] == "bot" and text in m["content"]]

        return (await until(f"{self.name} reads {text!r}", look, within))[-1]  # type: ignore[no-any-return]

    async def told_only(self, text: str, within: float = PATIENCE_S) -> Json:
        """Wait for an ephemeral answer that contains these words."""

        async def look() -> list[Json]:
            return [m for m in await self.inbox() if m["ephemeral"] and text in m["content"]]

        return (await until(f"{self.name} is shown {text!r}", look, within))[-1]  # type: ignore[no-any-return]

    async def press(self, action: str, line: Json | None = None) -> str:
        """Press a button, by the beginning of its custom id; without a line, the latest that has it."""
        for shown in reversed([line] if line else await self.dm()):
            for button in shown["components"]:
                if button["custom_id"].startswith(action):
                    pressed = {"message_id": shown["id"], "custom_id": button["custom_id"]}
                    return str((await self.control.post(f"{self._path}/clicks", **pressed))["id"])
        raise AssertionError(f"no button {action!r} to press")

    async def fills_in(self, interaction: str, text: str) -> None:
        """Fill in the one field of the form that a press opened."""
        modal = await self._form(interaction)
        await self._sends_off(modal, {modal["fields"][0]["custom_id"]: text})

    async def opens(self, command: str, channel: str | None = "bug-report") -> Json:
        """Use a command that opens a form, in a channel or in the DM. The form."""
        place = {"channel": channel} if channel else {}
        begun = await self.control.post(f"{self._path}/commands", name=command, options={}, **place)
        return await self._form(str(begun["id"]))

    async def reports(self, command: str = "bug", channel: str | None = "bug-report", **fields: str) -> str:
        """Fill in the form of a command and send it off. The id of the interaction that does."""
        return await self._sends_off(await self.opens(command, channel), fields)

    async def _form(self, interaction: str) -> Json:
        async def look() -> Any:
            return (await self.control.get(f"/interactions/{interaction}"))["modal"]

        found: Json = await until("a form", look)
        return found

    async def _sends_off(self, form: Json, fields: dict[str, str]) -> str:
        sent = await self.control.post(f"{self._path}/modals", custom_id=form["custom_id"], fields=fields)
        return str(sent["id"])

    async def from_agent(self) -> list[str]:
        """What agents wrote, as it stands in the DM, names cut off."""
        return [m[1] for text in await self.texts() if (m := re.match(r"\*\*\w+:\*\* (.*)", text, re.DOTALL))]

    async def gets(self, *expected: str, within: float = PATIENCE_S) -> None:
        """Exactly these texts from agents, in this order, once each."""

        async def look() -> bool:
            return len(await self.from_agent()) >= len(expected)

        await until(f"{self.name} gets {expected}", look, within)
        assert await self.from_agent() == list(expected)


@dataclass
class Stage:
    """A sandbox, and the service against it: in this process, or as one that can be killed."""

    sandbox: Sandbox
    session: aiohttp.ClientSession
    folder: Path
    desk: str = "flex"  #: where agents work: `flex` or `builtin`
    adjusted: dict[str, float | str] = field(default_factory=lambda: dict(TIMERS))  #: settings by name
    receiver: Receiver | None = None  #: of a CRM that follows cases
    port: int = field(default_factory=free_port)
    service: Service | None = None
    process: warm.Process | None = None
    _running: asyncio.Task[None] | None = None
    _found: dict[str, DeskTask] = field(
        default_factory=dict
    )  #: by conversation, in the order they were found

    @property
    def control(self) -> Control:
        return Control(self.session, self.sandbox.url)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def account(self) -> dict[str, str]:
        """What points a service at the sandbox; with the built-in desk nothing of Twilio's."""
        account = {**self.sandbox.account(), "DESK_TOKEN": TOKEN}
        if self.desk == "flex":
            return account
        return {name: value for name, value in account.items() if not name.startswith("TWILIO_")}

    @property
    def counter(self) -> Counter:
        """The built-in desk, as its agents reach it."""
        return Counter(self.session, self.url, TOKEN)

    def agent(self, name: str = "ada") -> Caseworker:
        """Somebody who works on cases, at either desk."""
        return Caseworker(self.session, self.url, TOKEN, name)

    def desk_task(self, conversation: str) -> DeskTask:
        """A conversation at the built-in desk that never waited there: an agent wrote first."""
        return self._found.setdefault(conversation, DeskTask(self.counter, conversation))

    def settings(self) -> Settings:
        account = {name.lower(): value for name, value in self.account().items()}
        own = {"data_dir": self.folder, "port": self.port, "public_url": self.url}
        return load(_env_file=None, **account, **own, **self._followed(), **self.adjusted)

    def environment(self) -> dict[str, str]:
        """The same for a process of its own."""
        own = {"DATA_DIR": str(self.folder), "PORT": str(self.port), "PUBLIC_URL": self.url}
        adjusted = {name.upper(): str(value) for name, value in {**self._followed(), **self.adjusted}.items()}
        return {"PATH": "/usr/bin:/bin", **self.account(), **own, **adjusted}

    def _followed(self) -> dict[str, str]:
        if self.receiver is None:
            return {}
        return {"case_webhook_url": self.receiver.url, "case_webhook_secret": SECRET}

    def member(self, name: str = "mia", locale: str = LOCALES[0]) -> Member:
        return Member(self.control, name, locale)

    def cases(self) -> list[Json]:
        """What agents will find: every case, by its number."""
        query = "SELECT number, kind, state, member, context FROM case_ ORDER BY number"
        with closing(sqlite3.connect(self._database, uri=True)) as database:
            rows = database.execute(query).fetchall()
        return [
            {"number": number, "kind": kind, "state": state, "member": member, **json.loads(context)}
            for number, kind, state, member, context in rows
        ]

    def case_notes(self) -> list[str]:
        """What the cases have been told, of which neither sandbox knows."""
        return self._noted("SELECT note FROM case_note")

    def messages_left(self) -> list[str]:
        """What members left for later, as the cases have it."""
        return self._noted("SELECT json_extract(data, '$.body') FROM case_note WHERE note = 'message_left'")

    @property
    def database(self) -> Path:
        return self.folder / "orchestrator.db"

    @property
    def _database(self) -> str:
        return f"file:{self.database}?mode=ro"

    def _noted(self, query: str) -> list[str]:
        with closing(sqlite3.connect(self._database, uri=True)) as database:
            return [text for (text,) in database.execute(query)]

    async def tasks(self) -> list[Any]:
        """In the order in which they came: `Task`s, or `DeskTask`s at the built-in desk."""
        if self.desk == "flex":
            return [Task(self.control, task["sid"]) for task in await self.control.get("/tasks")]
        queue = (await self.counter.insist("GET", "queue")).body
        for waiting in queue["waiting"]:
            if (conversation := waiting["conversation"]) not in self._found:
                task = DeskTask(self.counter, conversation)
                task.before = tuple(message["id"] for message in (await task.show())["messages"])
                self._found[conversation] = task
        return list(self._found.values())

    async def task(self, number: int = 1, within: float = PATIENCE_S) -> Any:
        """The `number`-th task, as soon as it is there with its transcript."""

        async def look() -> Any:
            found = await self.tasks()
            return found[number - 1] if len(found) >= number else None

        return await until(f"task {number}", look, within)

    async def asked_again(self, task: Work) -> Any:
        """Where another agent is asked for, for the same request: in Flex it is a task of its own."""
        if self.desk == "flex":
            return await self.task(2)

        async def look() -> bool:
            queue = (await self.counter.insist("GET", "queue")).body
            return task.conversation in [waiting["conversation"] for waiting in queue["waiting"]]

        await until("the request waits again", look)
        return task

    # --- in this process

    async def start(self) -> None:
        """Provision and serve; returns when it is ready."""
        settings = self.settings()
        await provision(settings, lambda _line: None)
        await self.serve()

    async def serve(self) -> None:
        self.process = None
        self.service = Service(self.settings())
        self._running = asyncio.create_task(self.service.run())
        await self.ready()

    async def stop(self) -> None:
        """Stop what runs, in this process or in its own."""
        if self.process is not None and self.process.returncode is None:
            self.process.send_signal(signal.SIGTERM)
            async with asyncio.timeout(15):
                await self.process.wait()
        if self.service is not None and self._running is not None:
            self.service.stop()
            async with asyncio.timeout(15):
                await self._running
            self.service = self._running = None

    # --- as a process of its own

    async def spawn(self) -> None:
        """Serve in a process of its own; returns when it is ready."""
        with (self.folder / "service.log").open("ab") as log:
            self.process = await warm.start(
                "serve", env=self.environment(), cwd=self.folder, log=log.fileno()
            )
        await self.ready()

    async def kill(self) -> None:
        """SIGKILL: nothing of it can tidy up."""
        assert self.process is not None
        self.process.kill()
        await self.process.wait()

    async def ready(self, within: float = 20.0) -> None:
        async def look() -> bool:
            if self._running is not None and self._running.done():
                self._running.result()
                raise AssertionError("the service ended")
            if self.process is not None and self.process.returncode is not None:
                raise AssertionError((self.folder / "service.log").read_text()[-2000:])
            try:
                async with self.session.get(f"{self.url}/readyz") as answer:
                    return answer.status == 200
            except aiohttp.ClientError:
                return False

        await until("the service is ready", look, within)

    # --- what a story needs at its beginning

    async def handed_off(self, member: Member, agent: str | None = "ada") -> Any:
        """Bring a member to an agent; without an agent, into the queue."""
        before = len(await self.tasks())
        await member.helpme()
        await member.hears("greeting")
        await member.press("agent_requested")
        task = await self.task(before + 1)
        await member.hears("place")
        if agent is not None:
            await task.accept(agent)
            await member.hears("agent_joined")
        return task
