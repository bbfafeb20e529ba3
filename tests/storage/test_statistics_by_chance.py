"""Histories that chance wrote, counted by SQL and anew from the whole journal: the same on both databases."""

from __future__ import annotations

from collections import Counter
from datetime import UTC
from itertools import count
from random import Random

import pytest

from machines.events import Address, CaseTrigger, Event, Source, Trigger
from storage import schema
from storage.codec import load
from storage.engines import reader
from storage.reads.figures import Statistics
from storage.reads.statistics import StatisticsReader
from storage.values import SetTimer, moment
from tests.storage import recount
from tests.storage.facts import answered_by_agent, fired, pressed, reported, wrote
from tests.storage.house import House

T = Trigger
MEMBERS = ("4001", "4002", "4003", "4004")
PRESSES = (
    *(T.AGENT_REQUESTED, T.AGENT_REQUESTED, T.AGENT_REQUESTED, T.AGENT_REQUEST_CANCELLED),
    *(T.NOT_HELPFUL, T.NOT_HELPFUL, T.SOLVED, T.SOLVED, T.MEMBER_CLOSED, T.MESSAGE_LEFT, T.OTHER_CASE),
)
REPORTS = (T.DESK_OPENED, T.AGENT_JOINED, T.AGENT_JOINED, T.AGENT_LEFT, T.DESK_CLOSED, T.DESK_FAILED)
TOLD = (CaseTrigger.RESOLVED, CaseTrigger.RESOLVED, CaseTrigger.REOPENED, CaseTrigger.MERGED_INTO)
PAUSES = (0.5, 30.0, 600.0, 5_000.0, 20_000.0, -1_000.0, -10_000.0)
STEPS = 400


class Chance:
    """One thing after another happens in a house."""

    def __init__(self, house: House, seed: int) -> None:
        self.house, self.random, self.names = house, Random(seed), count(1)

    def plays(self, steps: int) -> None:
        acts = (
            *(self.bot, self.bot, self.bot, self.timer, self.timer, self.press, self.press),
            *(self.report, self.report, self.agent, self.rates, self.contacts, self.case),
            *(self.pause, self.pause, self.pause),
        )
        for _ in range(steps):
            self.random.choice(acts)(self.random.choice(MEMBERS))

    def latest(self, member: str) -> str | None:
        rows = sorted(
            self.house.rows(schema.conversation, member=member), key=lambda row: float(row.created_at)
        )
        return str(rows[-1].id) if rows else None

    def writes(self, member: str) -> None:
        self.house.arrives(wrote(member, f"{next(self.names)}", at=self.house.now))

    def timer(self, member: str) -> None:
        rows = self.house.rows(schema.timer)
        if rows:
            row = self.random.choice(rows)
            self.house.arrives(fired(SetTimer(row.subject, row.name, row.due_at, row.epoch)))

    def press(self, member: str) -> None:
        trigger, talk = self.random.choice(PRESSES), self.latest(member)
        told = {"reopened": True} if trigger is T.AGENT_REQUESTED and self.random.random() < 0.3 else {}
        self.house.arrives(pressed(member, trigger, talk or "", at=self.house.now, **told))

    def report(self, member: str) -> None:
        if talk := self.latest(member):
            request = self.house.row(schema.conversation, id=talk).request or 1
            trigger = self.random.choice(REPORTS)
            self.house.arrives(reported(trigger, talk, request=request, at=self.house.now))

    def bot(self, member: str) -> None:
        """They ask, and the bot answers, or does not; unless it is not its turn."""
        self.writes(member)
        talk = self.latest(member) or ""
        if "ask" in self.house.timers(talk):
            self.house.arrives(fired(self.house.timer(talk, "ask")))
        context = load(self.house.row(schema.conversation, id=talk).context)
        kind = self.random.choice(("answer", "answer", "unsure", "unsure", "handoff"))
        data = {
            "question": context.get("question", 1),
            "kind": kind,
            "body": "So." if kind == "answer" else "",
        }
        name, at, to = f"bot-{next(self.names)}", moment(self.house.now), Address(member, talk)
        trigger = self.random.choice((T.BOT_ANSWERED, T.BOT_ANSWERED, T.BOT_FAILED))
        self.house.arrives(Event(Source.EFFECT, name, trigger, at, to, data))

    def agent(self, member: str) -> None:
        if talk := self.latest(member):
            self.house.arrives(answered_by_agent(talk, f"IM{next(self.names)}", at=self.house.now))

    def rates(self, member: str) -> None:
        if talk := self.latest(member):
            self.house.arrives(
                pressed(member, T.RATING, talk, at=self.house.now, rating=self.random.randint(1, 5))
            )

    def contacts(self, member: str) -> None:
        if self.random.random() < 0.3:
            name = f"page-{next(self.names)}"
            data = {"agent": "ada", "name": "Ada", "message": f"page:{name}", "body": "Hello"}
            at, to = moment(self.house.now), Address(member=member)
            self.house.arrives(Event(Source.PAGE, name, T.AGENT_CONTACTS, at, to, data))

    def case(self, member: str) -> None:
        if rows := self.house.rows(schema.case_, member=member):
            told = {
                "reason": self.random.choice(("solved", "declined")),
                "into": self.random.choice(rows).id,
            }
            name, to = f"page-{next(self.names)}", Address(case=self.random.choice(rows).id)
            trigger = self.random.choice(TOLD)
            self.house.arrives(Event(Source.PAGE, name, trigger, moment(self.house.now), to, told))

    def pause(self, member: str) -> None:
        self.house.passes(self.random.choice(PAUSES))


def assert_recounted(house: House, found: Statistics) -> None:
    since = found.period.since.timestamp()
    assert found.first_response == recount.first_responses(house, since)
    assert (found.resolution, found.withdrawn) == recount.resolutions(house, since)
    assert Counter(found.handoffs) == recount.handoffs(house, since)
    assert Counter(found.ended) == recount.endings(house, since)


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_two_ways_of_counting_come_to_the_same(house: House, seed: int) -> None:
    Chance(house, seed).plays(STEPS)
    engine = reader(house.url)
    counts = StatisticsReader(engine, UTC)
    everything = await counts.statistics(moment(house.now), 366)
    lately = [await counts.statistics(moment(house.now), days) for days in (1, 2, 4)]
    await engine.dispose()

    for found in (everything, *lately):
        assert_recounted(house, found)
    assert everything.first_response.count > 3
    assert everything.resolution.count > 3
    assert sum(bool(times) for times in everything.handoffs.values()) >= 4
    assert sum(bool(times) for times in everything.ended.values()) >= 4
    assert lately[0].answerable < everything.answerable
