"""Members and agents who do whatever the two providers let them do, at moments of their own choosing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from random import Random
from typing import Any

from orchestrator.sandbox.refusal import Refusal
from orchestrator.sandbox.twilio.errors import ApiError
from tests.inprocess.world import Json, Member, Task, World

QUESTIONS = (
    "I forgot my password",
    "how do I change my nickname",
    "where can I find the rules",
    "how do I report somebody",
    "I cannot see some channels",
    "my notifications do not work",
)
GIBBERISH = ("zzgrbl qwrk", "brrf xlopt mnnk", "wub wub fnord", "plugh xyzzy")
#: Short words of thanks: each is used once by a member, because texts have to tell who said what.
THANKS = ("thanks!", "thank you", "thx", "ty", "cheers", "thanks a lot", "thank you so much", "many thanks")
EMOJI = ("👍", "❤️", "🎉")
AGENTS = ("ada", "ben")
#: Buttons that open a form.
FORMS = ("comment", "message_left")

Note = Callable[[str, str], None]
Act = Callable[[], Any]


def pause(chance: Random) -> float:
    """Seconds until somebody acts again: mostly soon, now and then after minutes."""
    return chance.choices(
        (chance.uniform(0.05, 2.0), chance.uniform(2, 12), chance.uniform(30, 240)), (6, 5, 0.6)
    )[0]


@dataclass
class Crowd:
    """Everybody in front of the two providers. `note` is told who did what."""

    world: World
    chance: Random
    note: Note
    members: list[Person] = field(default_factory=list)
    numbers: count[int] = field(default_factory=lambda: count(1))

    def text(self, *choices: str) -> str:
        """Words that nobody used before."""
        return f"{self.chance.choice(choices)} ({next(self.numbers)})"

    def attempt(self, who: str, what: str, act: Act) -> Any:
        """Do it, unless the provider says that it cannot be done: then nothing happened."""
        try:
            found = act()
        except (Refusal, ApiError):
            return None
        self.note(who, what)
        return found


@dataclass
class Person:
    """A member of the community."""

    crowd: Crowd
    member: Member
    wrote: list[str] = field(default_factory=list)  #: ids of messages, oldest first
    thanks: list[str] = field(default_factory=lambda: list(THANKS))
    dms_open: bool = True

    @property
    def chance(self) -> Random:
        return self.crowd.chance

    def act(self) -> None:
        """Something that a member may do now."""
        acts: tuple[tuple[Act, float], ...] = (
            (self.ask, 5),
            (self.babble, 3),
            (self.press, 7),
            (self.thank, 1),
            (self.edit, 1.5),
            (self.unsend, 1),
            (self.react, 1),
            (self.helpme, 1.5),
            (self.shut_or_open, 0.3 if self.dms_open else 4),
        )
        self.chance.choices([act for act, _ in acts], [weight for _, weight in acts])[0]()

    def ask(self) -> None:
        self._write("asks", self.crowd.text(*QUESTIONS))

    def babble(self) -> None:
        self._write("babbles", self.crowd.text(*GIBBERISH))

    def thank(self) -> None:
        if self.thanks:
            self._write("thanks", self.thanks.pop(0))

    def _write(self, what: str, text: str) -> None:
        message = self.crowd.attempt(self.member.name, what, lambda: self.member.write(text))
        if message is not None:
            self.wrote.append(message)

    def edit(self) -> None:
        if self.wrote:
            message, text = self.wrote[-1], self.crowd.text("I meant", "correction:")
            self.crowd.attempt(self.member.name, "edits", lambda: self.member.edit(message, text))

    def unsend(self) -> None:
        if self.wrote:
            message = self.wrote.pop()
            self.crowd.attempt(self.member.name, "unsends", lambda: self.member.unsend(message))

    def react(self) -> None:
        if lines := self.member.dm():
            line, emoji = self.chance.choice(lines[-6:]), self.chance.choice(EMOJI)
            self.crowd.attempt(self.member.name, "reacts", lambda: self.member.react(line["id"], emoji))

    def helpme(self) -> None:
        question = self.crowd.text(*QUESTIONS) if self.chance.random() < 0.4 else ""
        self.crowd.attempt(self.member.name, "helpme", lambda: self.member.helpme(question))

    def press(self) -> None:
        """A button of one of the last lines; sometimes of an old one."""
        offered = [(line, button) for line in self.member.dm() for button in line["components"]]
        if not offered:
            return
        recent = offered if self.chance.random() < 0.15 else offered[-8:]
        self._click(*self.chance.choice(recent))

    def presses(self, action: str) -> bool:
        """The latest button of that name; whether there is one, and Discord takes it."""
        offered = [(line, button) for line in self.member.dm() for button in line["components"]]
        fitting = [(line, button) for line, button in offered if _action(button) == action]
        return bool(fitting) and self._click(*fitting[-1])

    def _click(self, line: Json, button: Json) -> bool:
        members, action = self.crowd.world.discord.members, _action(button)
        interaction = self.crowd.attempt(
            self.member.name,
            f"presses {action}",
            lambda: members.click(self.member.name, int(line["id"]), button["custom_id"]),
        )
        if interaction is not None and action in FORMS:
            asyncio.get_running_loop().call_later(1.0, self._fill_in, interaction)
        return interaction is not None

    def _fill_in(self, interaction: Any) -> None:
        if interaction.modal:
            custom_id, text = interaction.modal["custom_id"], self.crowd.text("please call me", "well done")
            members = self.crowd.world.discord.members
            self.crowd.attempt(
                self.member.name,
                "fills in",
                lambda: members.submit(self.member.name, custom_id, {"text": text}),
            )

    def shut_or_open(self) -> None:
        self.set_doors(open_=not self.dms_open)

    def set_doors(self, *, open_: bool) -> None:
        if open_ != self.dms_open:
            self.dms_open = open_
            self.crowd.world.discord.members.change(self.member.name, dms_open=open_)
            self.crowd.note(self.member.name, "opens DMs" if open_ else "shuts DMs")


def _action(button: Json) -> str:
    return str(button["custom_id"]).partition(":")[0]


@dataclass
class Agent:
    """One of those who sit in Flex."""

    crowd: Crowd
    name: str
    wrote: dict[str, list[str]] = field(default_factory=dict)  #: task -> ids of messages

    def act(self) -> None:
        """Something that an agent may do now: with a task of theirs, or with one that waits."""
        chance, tasks = self.crowd.chance, self.crowd.world.tasks()
        mine = [
            task
            for task in tasks
            if task.show()["agent"] == self.name and task.show()["status"] == "assigned"
        ]
        waiting = [task for task in tasks if task.show()["status"] in ("pending", "reserved")]
        if waiting and (not mine or chance.random() < 0.4):
            self._take_or_not(chance.choice(waiting))
        elif mine:
            self._go_on(chance.choice(mine))

    def _take_or_not(self, task: Task) -> None:
        acts = (self.accept, self.reject, self.cancel)
        self.crowd.chance.choices(acts, (8, 1, 0.5))[0](task)

    def accept(self, task: Task) -> None:
        self._do("accepts", lambda: task.accept(self.name))

    def reject(self, task: Task) -> None:
        self._do("rejects", lambda: self.crowd.world.twilio.reject(task.sid, self.name))

    def cancel(self, task: Task) -> None:
        self._do("cancels", lambda: self.crowd.world.twilio.cancel(task.sid))

    def _go_on(self, task: Task) -> None:
        acts: tuple[tuple[Callable[[Task], None], float], ...] = (
            (self.write, 9),
            (self.edit, 1.5),
            (self.unsend, 1),
            (self.leave, 0.7),
            (self.hand_over, 0.7),
            (self.complete, 1.5),
        )
        self.crowd.chance.choices([act for act, _ in acts], [weight for _, weight in acts])[0](task)

    def write(self, task: Task) -> None:
        text = self.crowd.text("let me see", "try this", "one moment please", "is it better now")
        sid = self._do("writes", lambda: task.write(text))
        if sid is not None:
            self.wrote.setdefault(task.sid, []).append(sid)

    def edit(self, task: Task) -> None:
        if mine := self.wrote.get(task.sid):
            text = self.crowd.text("what I meant is")
            self._do("edits", lambda: task.edit(mine[-1], text))

    def unsend(self, task: Task) -> None:
        if mine := self.wrote.get(task.sid):
            message = mine.pop()
            self._do("unsends", lambda: task.unsend(message))

    def leave(self, task: Task) -> None:
        self._do("leaves", task.leave)

    def hand_over(self, task: Task) -> None:
        other = next(name for name in AGENTS if name != self.name)
        self._do("hands over", lambda: self.crowd.world.twilio.transfer(task.sid, other))

    def complete(self, task: Task) -> None:
        self._do("completes", task.complete)

    def _do(self, what: str, act: Act) -> Any:
        found = self.crowd.attempt(self.name, what, act)
        self.crowd.world.webhooks.news()
        return found
