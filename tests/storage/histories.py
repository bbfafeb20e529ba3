"""Histories that are written by hand for the statistics, and the read model that counts them."""

from __future__ import annotations

from datetime import UTC

from machines.events import Address, CaseTrigger, Event, Source, Trigger
from storage import schema
from storage.engines import reader
from storage.reads.figures import Statistics
from storage.reads.statistics import StatisticsReader
from storage.values import moment
from tests.storage.facts import fired, pressed, reported, wrote
from tests.storage.house import House, subject_id

DAN = "4004"
DAY = 24 * 3600.0


class Counts:
    """The read model over a house, asked at the house's own time."""

    def __init__(self, house: House) -> None:
        self.house = house
        self.engine = reader(house.url)
        self.reader = StatisticsReader(self.engine, UTC)

    async def __call__(self, days: int = 7) -> Statistics:
        return await self.reader.statistics(moment(self.house.now), days)


def answers(house: House, member: str, ref: str, kind: str = "answer", body: str | None = None) -> str:
    """The member asks the bot, which says something; the conversation."""
    talk = subject_id(house.arrives(wrote(member, ref, at=house.now)))
    house.arrives(fired(house.timer(talk, "ask")))
    number = len([row for row in house.rows(schema.effect, kind="ask_chatbot") if talk in row.subject])
    to = Address(member=member, conversation=talk)
    said = body or ("So you pay." if kind == "answer" else "")
    data = {"question": number, "kind": kind, "body": said}
    house.arrives(Event(Source.EFFECT, f"{talk}:{ref}", Trigger.BOT_ANSWERED, moment(house.now), to, data))
    return talk


def press(house: House, member: str, trigger: Trigger, talk: str, **data: object) -> str:
    """The conversation that the press came to."""
    return subject_id(house.arrives(pressed(member, trigger, talk, at=house.now, **data)))


def report(house: House, trigger: Trigger, talk: str, **data: object) -> None:
    house.arrives(reported(trigger, talk, at=house.now, **data))  # type: ignore[arg-type]


def goes_quiet(house: House, talk: str) -> None:
    house.arrives(fired(house.timer(talk, "bot_idle")))


def case_of(house: House, talk: str) -> str:
    return str(house.row(schema.conversation, id=talk).case_id)


def reported_case(house: House, member: str) -> str:
    """Another case of theirs, which an agent opens. Its id."""
    said = {"kind": "bug", "title": "It breaks", "summary": "Every time."}
    to = Address(member=member)
    house.arrives(
        Event(Source.PAGE, f"page-opened-{house.now}", CaseTrigger.OPENED, moment(house.now), to, said)
    )
    return str(house.row(schema.case_, kind="bug", member=member).id)


def case_told(house: House, case: str, trigger: CaseTrigger, **data: object) -> None:
    """By hand, from a page."""
    name = f"page-{trigger}-{case}-{house.now}"
    house.arrives(Event(Source.PAGE, name, trigger, moment(house.now), Address(case=case), data))
