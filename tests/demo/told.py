"""A story told by hand: histories as the control API serves them, without a sandbox or a service."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from orchestrator.demo import seen
from tests.english import ENGLISH

Json = dict[str, Any]
AFTER_AN_ANSWER = ("solved", "not_helpful", "agent_requested")


@dataclass
class Told:
    """Each method is something that happens; half a second passes before it unless `after` says otherwise."""

    now: datetime = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
    inbox: list[Json] = field(default_factory=list)
    tasks: list[Json] = field(default_factory=list)
    log: list[Json] = field(default_factory=list)

    def seen(self) -> seen.Seen:
        return seen.read("mia", self.inbox, self.tasks, self.log)

    def tick(self, after: float = 0.5) -> str:
        self.now += timedelta(seconds=after)
        return self.now.isoformat()

    def entry(self, by: str, to: str, method: str, path: str, **more: Any) -> Json:
        shape = {"request": None, "status": 201, "response": None, "fault": None, **more}
        shape |= {"seq": len(self.log) + 1, "at": self.now.isoformat()}
        shape |= {"from": by, "to": to, "method": method, "path": path}
        self.log.append(shape)
        return shape

    # --- the member

    def member(self, text: str, after: float = 0.5) -> None:
        self._line("mia", text, (), after)
        path = "/control/members/mia/messages"
        self.entry("member:mia", "discord", "POST", path, request={"content": text})

    def press(self, custom_id: str, acknowledged_after: float | None = 0.1) -> None:
        self.tick()
        self._begin("clicks", {"custom_id": custom_id}, acknowledged_after)

    def command(self, name: str) -> None:
        self.tick()
        self._begin("commands", {"name": name}, 0.1)

    def bot(self, text: str, *buttons: str, after: float = 0.5) -> None:
        self._line("bot", text, buttons, after)

    def place(self, number: int) -> None:
        text = ENGLISH.member["place"].format(number=number, place=ENGLISH.member["place_first"])
        self.bot(text, "agent_request_cancelled")

    def goodbye(self, number: int) -> None:
        self.bot(ENGLISH.member["goodbye"].format(number=number), "rating")

    # --- the desk

    def task(self) -> Json:
        number = len(self.tasks) + 1
        task = {"sid": f"WT{number}", "conversation_sid": f"CH{number}", "status": "assigned", "messages": []}
        self.tasks.append(task)
        return task

    def at_desk(self, task: Json, author: str, text: str, after: float = 0.1) -> None:
        line = {"sid": f"IM{len(task['messages'])}", "author": author, "body": text, "deleted_at": None}
        task["messages"].append(line | {"at": self.tick(after)})

    def agent(self, task: Json, name: str, text: str) -> None:
        self.at_desk(task, name, text, after=0.5)
        self.act(task, name, "messages", {"body": text})

    def act(self, task: Json, name: str, what: str, request: Json | None = None) -> None:
        self.entry(f"agent:{name}", "twilio", "POST", f"/tasks/{task['sid']}/{what}", request=request)

    def webhook(self, status: int | None = 204, took: float = 0.1, **fields: str) -> Json:
        created = self.now.isoformat()
        self.tick(took)
        request = {"EventType": "onMessageAdded", "DateCreated": created, **fields}
        return self.entry("twilio", "webhook", "POST", "http://app/webhooks", request=request, status=status)

    def demo(self, what: str) -> None:
        self.tick()
        self.entry("demo", "service", what, "/", status=None)

    def _line(self, author: str, text: str, buttons: tuple[str, ...], after: float) -> None:
        shown = [
            {"custom_id": f"{b}:c1", "label": ENGLISH.button.get(b, b), "disabled": False} for b in buttons
        ]
        line: Json = {"id": str(len(self.inbox)), "author": author, "content": text, "embeds": []}
        line |= {"components": shown, "ephemeral": False, "deleted_at": None, "at": self.tick(after)}
        self.inbox.append(line)

    def _begin(self, what: str, request: Json, acknowledged_after: float | None) -> None:
        begun = str(1000 + len(self.log))
        path = f"/control/members/mia/{what}"
        self.entry("member:mia", "discord", "POST", path, request=request, response={"id": begun})
        if acknowledged_after is not None:
            self.tick(acknowledged_after)
            self.entry("app", "discord", "POST", f"/interactions/{begun}/{{token}}/callback", status=204)


def whole_story() -> Told:
    """The story as it should go."""
    told = Told()
    told.demo("READY")
    told.command("helpme")
    told.bot(ENGLISH.member["greeting"])
    told.member("I forgot my password")
    told.member("and no mail came", after=0.2)
    told.bot("This should help: the sign-in page.", *AFTER_AN_ANSWER)
    told.member("Which bus?")
    told.bot(ENGLISH.member["unsure"], *AFTER_AN_ANSWER)
    told.press("agent_requested:c1")
    told.place(1001)
    task = told.task()
    told.at_desk(
        task, "Bot", "What was said so far:\nI forgot my password\nand no mail came\nhelp\nWhich bus?"
    )
    told.act(task, "ada", "accept")
    told.bot(ENGLISH.member["agent_joined"].format(name="ada"))
    for number in range(5):
        told.member(f"question {number}")
        told.at_desk(task, "discord_1", f"question {number}")
        told.agent(task, "ada", f"reply {number}")
        told.webhook()
        told.bot(f"reply {number}", after=0.1)
    told.member("question cut")
    told.demo("KILL")
    told.member("question while down")
    told.agent(task, "ada", "reply while down")
    told.demo("START")
    told.webhook(status=None)
    told.at_desk(task, "discord_1", "question cut", after=0.1)
    posted = "/conversations.twilio.com/v1/Conversations/CH1/Messages"
    told.entry("app", "twilio", "POST", posted, request={"form": {"Body": "question cut"}}, fault="delay=2s")
    told.demo("READY")
    told.at_desk(task, "discord_1", "question while down")
    told.bot("reply while down")
    told.tick()
    told.act(task, "ada", "complete")
    told.goodbye(1001)
    told.press("rating:c1")
    told.bot(ENGLISH.member["rating_thanks"])
    told.member("how do I invite a friend?")
    told.bot("Choose Friends, Invite.", *AFTER_AN_ANSWER)
    told.press("agent_requested:c2")
    told.place(1002)
    again = told.task()
    told.at_desk(again, "Bot", "What was said so far:\nhow do I invite a friend?")
    told.act(again, "ben", "accept")
    told.bot(ENGLISH.member["agent_joined"].format(name="ben"))
    told.member("one last word")
    told.at_desk(again, "discord_1", "one last word")
    return told
