"""A storm of webhooks, repeated and out of order: every one is stored once, relayed once and answered alike."""

from __future__ import annotations

import asyncio
from collections import deque
from pathlib import Path
from random import Random

import pytest
from sqlalchemy import Engine, func, select

from machines.effects import Kind
from orchestrator.clock import SystemClock
from orchestrator.engine.commit import Committer
from orchestrator.engine.dispatch import Dispatcher
from orchestrator.ports import Done, Job
from storage import schema
from storage.engines import reader
from storage.reads.reader import Reader
from storage.values import Applied
from tests.bench.client import requests, send
from tests.bench.talks import Voices, new_store, populate
from tests.storage.replay import differences
from tests.web.serving import running

IN_FLIGHT = 50
MEMBERS = 40
PATIENCE_S = 60.0


class Postman:
    """Carries what agents wrote to members, and writes down what."""

    def __init__(self) -> None:
        self.carried: dict[str, list[str]] = {}  #: lane -> messages, in order

    async def carry(self, job: Job) -> Done:
        message = str(job.effect.payload["message"])
        self.carried.setdefault(job.effect.lane, []).append(message)
        return Done(ref=f"r-{message}", message=message, refs=(f"r-{message}",))

    @property
    def amount(self) -> int:
        return sum(len(lane) for lane in self.carried.values())


@pytest.mark.parametrize(
    "amount",
    [2_000, pytest.param(100_000, marks=[pytest.mark.long, pytest.mark.timeout(1_800)])],
)
async def test_a_storm_of_repeated_and_shuffled_webhooks_is_stored_and_relayed_once(
    tmp_path: Path, amount: int
) -> None:
    chance = Random(amount)
    file = tmp_path / "storm.db"
    store = new_store(file)
    voices = Voices()
    talks = populate(store, voices, MEMBERS)
    async_engine = reader(f"sqlite:///{file}")
    postman = Postman()

    def applied(done: Applied) -> None:
        dispatcher.accept(done.effects, done.voided)

    committer = Committer(store, SystemClock(), applied)
    dispatcher = Dispatcher(
        {Kind.RELAY_TO_MEMBER: postman.carry},
        Reader(async_engine),
        committer.finish,
        SystemClock(),
        chance.random,
    )
    committer.start()
    await dispatcher.start()
    try:
        copies = [
            request for one in requests(talks, voices, amount) for request in [one] * chance.randint(1, 3)
        ]
        chance.shuffle(copies)
        async with running(submit=committer.submit) as web:
            figures = await send(web.port, IN_FLIGHT, deque(copies))
        assert figures["statuses"] == {204: len(copies)}
        async with asyncio.timeout(PATIENCE_S):
            while dispatcher.busy:
                await asyncio.sleep(0.02)
    finally:
        await dispatcher.stop()
        await committer.close()
        await async_engine.dispose()

    assert postman.amount == amount
    assert _stored(store.engine) == postman.carried
    assert _pending(store.engine) == 0
    assert differences(store.engine) == []
    store.engine.dispose()


def _stored(engine: Engine) -> dict[str, list[str]]:
    """What agents wrote: lane -> messages, in the order in which it was committed."""
    t = schema.message
    stored: dict[str, list[str]] = {}
    with engine.connect() as connection:
        rows = connection.execute(
            select(t.c.id, t.c.member).where(t.c.author == "agent").order_by(t.c.version)
        )
        for row in rows:
            stored.setdefault(f"dm:{row.member}", []).append(row.id)
    return stored


def _pending(engine: Engine) -> int:
    t = schema.effect
    with engine.connect() as connection:
        return int(connection.scalar(select(func.count()).where(t.c.status == "pending")) or 0)
