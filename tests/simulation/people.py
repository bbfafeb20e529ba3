"""Members, who do whatever Discord lets them do, at moments of their own choosing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count
from random import Random
from typing import Any

from orchestrator.sandbox.refusal import Refusal
from orchestrator.sandbox.twilio.errors import ApiError
from tests.inprocess.world import Json, Member, World

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
    """Everybody in front of the service. `note` is told who did what."""

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
