"""Bug reports and wishes: members file them now and then, whatever else is going on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from sqlalchemy import Engine, select

from storage import schema
from tests.inprocess.reporting import numbers, sent_off
from tests.simulation.people import Crowd, Person

#: Where a command is used; None: in the DM.
PLACES = ("bug-report", "feature-request", "customer-service", None)


@dataclass
class Reports:
    """Filed with dice of their own, so that the rest of a seed stays as it was."""

    crowd: Crowd
    chance: Random

    async def file(self) -> None:
        """One, and once more if Discord says that the application did not respond. Some say nothing."""
        person = self.chance.choice(self.crowd.members)
        command = self.chance.choice(("bug", "new_feature"))
        title = self.chance.choice(("it crashes", "a night mode", "it crashes", "   "))
        fields = {"title": title, "summary": self.chance.choice(("as soon as I jump", "for the eyes"))}
        place = self.chance.choice(PLACES)
        for _ in range(2):
            sent = await sent_off(person.member, command, fields, place)
            if sent is None:
                return
            self.crowd.note(person.member.name, f"files /{command}")
            await self.crowd.world.time.sleep(4.0)
            if not self.crowd.world.discord.interactions.failed(sent):
                return


def untold(engine: Engine, people: list[Person]) -> Iterator[str]:
    """Reports whose number its member was told twice, or never though no message to them died, in words.

    An answer of which it was never known whether it arrived is followed by a direct message.
    """
    case, effect = schema.case_, schema.effect
    with engine.connect() as connection:
        rows = connection.execute(select(case).where(case.c.kind != "help")).all()
        dead = select(effect.c.subject, effect.c.kind).where(effect.c.status == "dead")
        died = {(row.subject, row.kind) for row in connection.execute(dead)}
    for person in people:
        told = numbers(person.member)
        mine = str(person.member.world.discord.members.named(person.member.name).id)
        for row in rows:
            times = told.count(str(row.number)) if row.member == mine else 1
            most = 1 + ((f"case:{row.id}", "answer_interaction") in died)
            if times > most or (times == 0 and (f"case:{row.id}", "say") not in died):
                yield f"{person.member.name} was told {times} times of report {row.number}"
