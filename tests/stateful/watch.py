"""What must hold at any moment, however much is under way: cheap enough to be looked at after every step."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Engine, select

from machines.testing.checker import ANSWERS, FINISHED, HANDED, HANDED_BACK
from storage import schema
from tests.inprocess.world import World

#: Everybody numbers what they say, and no number is used twice.
_NUMBER = re.compile(r"\((\d+)\)")


@dataclass
class Watch:
    """Looks at one database and one world, again and again."""

    world: World
    handed: set[str] = field(default_factory=set)  #: conversations whose last word was that people take over
    _looked_at: int = 0

    def wrong(self, engine: Engine) -> Iterator[str]:
        """What does not hold, in words."""
        yield from self.one_of_each(engine)
        yield from self.one_in_charge(engine)
        yield from self.nobody_elses_words(engine)

    def one_of_each(self, engine: Engine) -> Iterator[str]:
        """At most one open conversation for a member, one live request in it, one task that is not finished."""
        t = schema.conversation
        with engine.connect() as connection:
            rows = connection.execute(select(t.c.member, t.c.id, t.c.context).where(t.c.state != "closed"))
            found = rows.all()
        for member, number in Counter(row.member for row in found).items():
            if number > 1:
                yield f"{member} has {number} open conversations"
        for row in found:
            ended = json.loads(row.context).get("ended", ())
            live = [number for number, at in enumerate(ended, start=1) if not at]
            if len(live) > 1:
                yield f"requests {live} of {row.id} are live at once"
        waiting = Counter(
            task.attributes.get("conversationSid")
            for task in self.world.twilio._account.tasks.values()
            if task.status not in FINISHED
        )
        for sid, number in waiting.items():
            if number > 1:
                yield f"{number} tasks for {sid} at once"

    def one_in_charge(self, engine: Engine) -> Iterator[str]:
        """Once people have taken over, the chatbot answers nothing until they are gone."""
        t = schema.effect
        with engine.connect() as connection:
            query = (
                select(t.c.seq, t.c.subject, t.c.payload).where(t.c.seq > self._looked_at).order_by(t.c.seq)
            )
            rows = connection.execute(query).all()
        for row in rows:
            says = json.loads(row.payload).get("text", "")
            if says in ANSWERS and row.subject in self.handed:
                yield f"the chatbot answers in {row.subject}, which was handed off"
            elif says in HANDED:
                self.handed.add(row.subject)
            elif says in HANDED_BACK:
                self.handed.discard(row.subject)
            self._looked_at = row.seq

    def nobody_elses_words(self, engine: Engine) -> Iterator[str]:
        """Neither a DM nor a desk shows what was said in another member's affairs."""
        said: dict[str, set[str]] = {}  # member -> numbers
        shown: dict[str, set[str]] = {}
        for user in list(self.world.discord.world.users.values()):
            if not user.bot:
                mine, ours = said.setdefault(str(user.id), set()), shown.setdefault(str(user.id), set())
                for message in self.world.discord.members.inbox(user.name):
                    by_member = message.author_id == user.id
                    (mine if by_member else ours).update(_numbers([message.content]))
                    mine.update(_numbers(self.world.wrote.get(str(message.id), ())) if by_member else ())
        for conversation in self.world.twilio._account.conversations.values():
            names = [p.identity for p in conversation.participants if p.identity]
            for name in names:
                member = name.removeprefix("discord_")
                if member != name:
                    for line in conversation.messages:
                        by_agent = line.author != "orchestrator" and line.author != name
                        (said if by_agent else shown)[member].update(_numbers([line.body or ""]))
        if self.world.desk == "builtin":
            for row in _at_our_desk(engine):
                (said if row.author == "agent" else shown)[row.member].update(_numbers([row.body or ""]))
        for member, words in shown.items():
            for other, theirs in said.items():
                if other != member and (crossed := words & theirs):
                    yield f"{member} was shown ({', '.join(sorted(crossed))}), which is {other}'s affair"


def _at_our_desk(engine: Engine) -> Sequence[Any]:
    """What stands in each member's conversations, and who wrote it."""
    m, c = schema.message, schema.conversation
    query = select(c.c.member, m.c.author, m.c.body).join(c, c.c.id == m.c.conversation)
    with engine.connect() as connection:
        return connection.execute(query).all()


def _numbers(texts: Iterable[str]) -> set[str]:
    return {number for text in texts for number in _NUMBER.findall(text)}
