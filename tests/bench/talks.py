"""Who talks in a measurement: a store full of conversations with an agent, and what both sides say next."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

from machines.events import Address, Event, Source, Trigger
from orchestrator.discord.events import said
from orchestrator.ports import DiscordMessage
from orchestrator.twilio.intake import Mark, conversations
from storage.apply import Store
from storage.engines import writer
from storage.upgrade import upgrade
from storage.values import Link, Result, Status

START = datetime(2026, 11, 22, 10, 0, tzinfo=UTC)
NOW = START.timestamp()
ACCOUNT = "AC" + "a" * 32
BODY = "Thank you, I have tried that now and the page still tells me that my invitation has expired."
#: Discord's ids grow with time; Twilio's are random. Both matter to an index.
_FIRST_SNOWFLAKE = 1_440_000_000_000_000_000


@dataclass(frozen=True, slots=True)
class Talk:
    """A conversation that an agent has joined."""

    member: str
    conversation: str
    twilio: str  #: sid of its Twilio Conversation


class Voices:
    """What members and agents say, as the adapters report it. The same seed says the same."""

    def __init__(self, seed: int = 1) -> None:
        self._random = random.Random(seed)
        self._snowflakes = count(_FIRST_SNOWFLAKE + (seed << 40), 4_194_304)

    def sid(self, prefix: str) -> str:
        return prefix + self._random.randbytes(16).hex()

    def snowflake(self) -> str:
        return str(next(self._snowflakes))

    def member_says(self, member: str) -> Event:
        (event,) = said(
            DiscordMessage(
                id=self.snowflake(),
                channel=f"{member}7",
                author=member,
                author_name=f"member {member}",
                own=False,
                body=BODY,
                attachments=(),
                at=START,
            )
        )
        return event

    def webhook(self, talk: Talk) -> dict[str, str]:
        """The form that Twilio posts when an agent has written."""
        return {
            "AccountSid": ACCOUNT,
            "EventType": "onMessageAdded",
            "Source": "SDK",
            "RetryCount": "0",
            "ChatServiceSid": "IS" + "b" * 32,
            "ConversationSid": talk.twilio,
            "MessageSid": self.sid("IM"),
            "ParticipantSid": "MB" + "d" * 32,
            "Index": "3",
            "DateCreated": "2026-11-22T10:00:00.250Z",
            "Body": BODY,
            "Author": "ada",
            "Attributes": "{}",
        }

    def agent_says(self, talk: Talk) -> Event:
        (event,) = conversations(
            self.webhook(talk), Mark(talk.conversation, 1), START, lambda: self.sid("fresh")
        )
        return event

    def turns(self, talks: list[Talk]) -> Iterator[Event]:
        """Members and agents by turns, each time somebody else."""
        while True:
            for n, talk in enumerate(self._random.sample(talks, len(talks))):
                yield self.agent_says(talk) if n % 2 else self.member_says(talk.member)

    def agent_comes(self, talk: Talk) -> list[Event | Result]:
        """The desk opened, under a name of the provider's, and an agent is there."""
        to = Address(conversation=talk.conversation, request=1)
        link = Link("conversation_sid", talk.twilio, talk.conversation, 1)
        agent = {"agent": "ada", "name": "ada"}
        return [
            Result(self.sid("effect"), 0, Status.DONE, links=(link,)),
            Event(Source.EFFECT, self.sid("opened"), Trigger.DESK_OPENED, START, to, {}),
            Event(Source.TWILIO, self.sid("joined"), Trigger.AGENT_JOINED, START, to, agent),
        ]


def new_store(file: Path) -> Store:
    """A store of its own on a new file, every commit on disk."""
    upgrade(f"sqlite:///{file}")
    return Store(writer(f"sqlite:///{file}"))


def populate(store: Store, voices: Voices, members: int) -> list[Talk]:
    """That many members talk with an agent; everything asked for so far has been done."""
    talks: list[Talk] = []
    for first in range(0, members, 50):
        names = [str(40_000_000 + n) for n in range(first, min(first + 50, members))]
        asks: list[Event] = [voices.member_says(name) for name in names]
        asks += [
            Event(Source.DISCORD, voices.snowflake(), Trigger.AGENT_REQUESTED, START, Address(member=name))
            for name in names
        ]
        asked = store.apply(asks, NOW)
        subjects = [receipt.subject.removeprefix("conversation:") for receipt in asked.receipts]
        some = [Talk(name, subject, voices.sid("CH")) for name, subject in zip(names, subjects, strict=False)]
        came = store.apply([item for talk in some for item in voices.agent_comes(talk)], NOW)
        effects = [*asked.effects, *came.effects]
        store.apply([Result(effect.key, 0, Status.DONE) for effect in effects], NOW)
        talks += some
    return talks
