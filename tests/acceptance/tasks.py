"""Requests as agents have them before them: a task in Flex, or a conversation at the built-in desk."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from typing import Any, Protocol
from uuid import uuid4

import aiohttp

from tests.acceptance.looking import PATIENCE_S, POLL_S, Control, Json, says, until
from tests.english import ENGLISH


class Shown(Protocol):
    """What an agent sees of a request."""

    async def from_member(self) -> list[str]: ...
    async def notes(self) -> list[str]: ...


class Reading:
    """What an agent waits to see, whichever desk shows it."""

    async def gets(self: Shown, *expected: str, within: float = PATIENCE_S) -> None:
        """Exactly these texts from the member, in this order, once each."""

        async def look() -> bool:
            return len(await self.from_member()) >= len(expected)

        await until(f"the agent gets {expected}", look, within)
        assert await self.from_member() == list(expected)

    async def noted(self: Shown, key: str, within: float = PATIENCE_S) -> str:
        """Wait for a note of ours."""

        async def look() -> list[str]:
            return [note for note in await self.notes() if says(key, note, ENGLISH.desk)]

        return str((await until(f"the agent is told {key!r}", look, within))[-1])

    async def reads(self: Shown, text: str, within: float = PATIENCE_S) -> None:
        """Wait for these words, of the member or in a note of ours."""

        async def look() -> bool:
            return any(text in line for line in [*await self.from_member(), *await self.notes()])

        await until(f"the agent reads {text!r}", look, within)


@dataclass
class Task(Reading):
    """A task in Flex, with the conversation behind it."""

    control: Control
    sid: str

    async def show(self) -> Json:
        found: Json = await self.control.get(f"/tasks/{self.sid}")
        return found

    async def act(self, what: str, **body: Any) -> Json:
        done: Json = await self.control.post(f"/tasks/{self.sid}/{what}", **body)
        return done

    async def accept(self, agent: str = "ada") -> None:
        await self.act("accept", agent=agent)

    async def write(self, text: str) -> str:
        return str((await self.act("messages", body=text))["sid"])

    async def edit(self, message: str, text: str) -> None:
        await self.act("edit", message_sid=message, body=text)

    async def unsend(self, message: str) -> None:
        await self.act("delete", message_sid=message)

    async def leave(self) -> None:
        await self.act("leave")

    async def complete(self) -> None:
        await self.act("complete")

    async def lines(self) -> list[Json]:
        return [m for m in (await self.show())["messages"] if not m["deleted_at"]]

    async def from_member(self) -> list[str]:
        return [str(m["body"]) for m in await self.lines() if m["author"].startswith("discord_")]

    async def notes(self) -> list[str]:
        """Texts of ours for the agent, the transcript among them."""
        return [str(m["body"]) for m in await self.lines() if m["author"] == "orchestrator"]

    async def said_before(self) -> str:
        """What the agent reads of the time before the request."""
        return (await self.notes())[0]

    async def becomes(self, *statuses: str, within: float = PATIENCE_S) -> None:
        async def look() -> bool:
            return (await self.show())["status"] in statuses

        await until(f"the task becomes {statuses}", look, within)

    async def closes(self, within: float = PATIENCE_S) -> None:
        """Wait until the Twilio Conversation is closed."""
        sid = (await self.show())["conversation_sid"]

        async def look() -> bool:
            return (await self.control.get(f"/conversations/{sid}"))["state"] == "closed"

        await until("the Twilio Conversation closes", look, within)


@dataclass(frozen=True)
class Answer:
    status: int
    body: Json


@dataclass
class Counter:
    """The built-in desk's commands over HTTP. A client tries again with the same id until it is answered."""

    session: aiohttp.ClientSession
    url: str
    token: str

    async def ask(self, method: str, path: str, body: Json | None = None) -> Answer:
        headers = {"Authorization": f"Bearer {self.token}"}
        address = f"{self.url}/desk/{path}"
        async with self.session.request(method, address, json=body, headers=headers) as answer:
            return Answer(answer.status, await answer.json())

    async def insist(self, method: str, path: str, body: Json | None = None) -> Answer:
        """Until it is answered, whoever serves."""
        deadline = time.monotonic() + 3 * PATIENCE_S
        while True:
            try:
                if (answer := await self.ask(method, path, body)).status < 500:
                    return answer
            except aiohttp.ClientError:
                pass
            assert time.monotonic() < deadline, f"nobody answers {method} {path}"
            await asyncio.sleep(POLL_S)


@dataclass
class DeskTask(Reading):
    """A conversation at the built-in desk, from the moment it is found in the queue."""

    counter: Counter
    conversation: str
    agent: str = "ada"  #: who acts
    before: tuple[str, ...] = field(default=(), repr=False)  #: messages that were there when it was found

    async def show(self) -> Json:
        return (await self.counter.insist("GET", f"conversations/{self.conversation}")).body

    async def does(
        self,
        what: str,
        method: str = "POST",
        *,
        minted: str | None = None,
        agent: str | None = None,
        **body: Any,
    ) -> Answer:
        """A command, whatever it is answered with."""
        name = agent or self.agent
        given: Json = {"agent": {"id": name, "name": name}, **body}
        if method == "POST":
            given["id"] = minted or str(uuid4())
        return await self.counter.insist(method, f"conversations/{self.conversation}/{what}", given)

    async def done(self, what: str, method: str = "POST", **body: Any) -> Json:
        """A command that has to succeed."""
        answer = await self.does(what, method, **body)
        assert answer.status < 300, (what, answer)
        return answer.body

    async def accept(self, agent: str = "ada") -> None:
        self.agent = agent
        await self.done("claim")

    async def write(self, text: str) -> str:
        return str((await self.done("messages", body=text))["id"])

    async def react(self, message: str, emoji: str) -> None:
        """To a message of the member's."""
        await self.done(f"messages/{message}/reactions", emoji=emoji)

    async def edit(self, message: str, text: str) -> None:
        await self.done(f"messages/{message}", "PATCH", body=text)

    async def unsend(self, message: str) -> None:
        await self.done(f"messages/{message}", "DELETE")

    async def leave(self) -> None:
        await self.done("leave")

    async def transfer(self, to: str) -> None:
        await self.done("transfer", to=to)

    async def complete(self) -> None:
        await self.done("close")

    async def from_member(self) -> list[str]:
        return [
            _with_files(m)
            for m in (await self.show())["messages"]
            if m["author"] == "member" and not m["deleted"] and m["id"] not in self.before
        ]

    async def notes(self) -> list[str]:
        return [str(note["text"]) for note in (await self.show())["notes"]]

    async def said_before(self) -> str:
        return "\n".join(m["body"] for m in (await self.show())["messages"] if m["id"] in self.before)

    async def closes(self, within: float = PATIENCE_S) -> None:
        """Wait until nobody is wanted there any more."""

        async def look() -> bool:
            return (await self.show())["request"]["state"] not in ("open", "expired")

        await until("the request is over", look, within)


def _with_files(message: Json) -> str:
    return "\n".join([message["body"], *(file["filename"] for file in message["files"])])
