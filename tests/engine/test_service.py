"""The whole engine over a real database: every effect once and in order, also across a restart."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from machines.effects import Kind
from machines.events import Trigger
from orchestrator.clock import SystemClock
from orchestrator.engine.commit import Committer
from orchestrator.engine.dispatch import Dispatcher
from orchestrator.errors import Retry
from orchestrator.ports import Done, Job
from storage import schema
from storage.engines import reader
from storage.reads.reader import Reader
from storage.values import Applied
from tests.engine.clock import eventually
from tests.engine.outbox import Far
from tests.storage import replay
from tests.storage.facts import pressed, wrote
from tests.storage.house import House

MEMBERS = [f"70{n}" for n in range(6)]


@dataclass
class Service:
    committer: Committer
    dispatcher: Dispatcher
    far: Far


@asynccontextmanager
async def running(house: House, far: Far) -> AsyncIterator[Service]:
    """Committer, dispatcher and reader, wired as in the service."""

    def applied(done: Applied) -> None:
        dispatcher.accept(done.effects, done.voided)

    clock = SystemClock()
    engine = reader(house.url)
    committer = Committer(house.store, clock, applied)
    handlers = dict.fromkeys(Kind, far.handle)
    dispatcher = Dispatcher(handlers, Reader(engine), committer.finish, clock, lambda: 0.0)
    committer.start()
    await dispatcher.start()
    try:
        yield Service(committer, dispatcher, far)
    finally:
        await dispatcher.stop(grace=0.5)
        await committer.close()
        await engine.dispose()


def pending(house: House) -> int:
    return len(house.rows(schema.effect, status="pending"))


async def test_every_effect_is_carried_out_once_and_each_lane_in_order(house: House) -> None:
    far = Far()
    async with running(house, far) as service:

        async def writes(member: str) -> None:
            await service.committer.submit([pressed(member, Trigger.AGENT_REQUESTED, "", f"{member}-p")])
            for n in range(30):
                await service.committer.submit([wrote(member, f"{member}-{n}")])

        await asyncio.gather(*(writes(member) for member in MEMBERS))
        await eventually(lambda: service.dispatcher.busy == 0 and pending(house) == 0, 20)

    assert len(far.keys) == len(set(far.keys)) == house.size(schema.effect)
    for lane in {row.lane for row in house.rows(schema.effect)}:
        rows = sorted(house.rows(schema.effect, lane=lane), key=lambda row: row.seq)
        assert [job.effect.key for job in far.jobs if job.effect.lane == lane] == [row.key for row in rows]
    assert replay.differences(house.engine) == []


async def test_a_restart_takes_up_every_lane_with_its_head_in_doubt(house: House) -> None:
    house.talks(MEMBERS[0])
    house.arrives(*(wrote(MEMBERS[0], f"{n}") for n in range(25)))
    house.restart()
    far = Far()

    async with running(house, far):
        await eventually(lambda: pending(house) == 0, 20)

    assert len(far.keys) == len(set(far.keys)) == house.size(schema.effect)
    lanes = {row.lane for row in house.rows(schema.effect)}
    doubted = [job.effect.key for job in far.jobs if job.in_doubt]
    heads = [min(house.rows(schema.effect, lane=lane), key=lambda row: row.seq).key for lane in lanes]
    assert sorted(doubted) == sorted(heads)


async def test_attempts_and_time_of_a_retry_are_there_after_a_restart(house: House) -> None:
    talk = house.waits(MEMBERS[0])
    key = house.rows(schema.effect, subject=f"conversation:{talk}", kind="desk_create")[0].key
    far = Far()
    far.will(key, *(Retry("busy", after=seconds, ambiguous=True) for seconds in (0.0, 3600.0)))
    async with running(house, far):
        await eventually(lambda: house.row(schema.effect, key=key).attempts == 2)
    house.restart()

    row = house.row(schema.effect, key=key)
    assert (row.status, row.last_error) == ("pending", "busy")
    again = Far()
    async with running(house, again) as service:
        await service.committer.submit([pressed(MEMBERS[1], Trigger.AGENT_REQUESTED, "")])
        await eventually(lambda: house.rows(schema.effect, member=MEMBERS[1], status="pending") == [])
    assert again.keys != []
    assert key not in again.keys


async def test_what_an_effect_causes_is_stored_with_its_end(house: House) -> None:
    talk = house.waits(MEMBERS[0])
    (route,) = house.rows(schema.effect, kind="desk_route")
    far = Far()
    far.will(route.key, Done(ref="WT1", trigger=Trigger.DESK_OPENED, request=1))
    async with running(house, far):
        await eventually(lambda: pending(house) == 0)
    assert house.row(schema.event, source="effect").id == f"{route.key}:0:done"
    assert house.row(schema.conversation, id=talk).version == 3


@pytest.mark.parametrize("kind", [Kind.RELAY_TO_DESK, Kind.DESK_CREATE])
async def test_an_effect_that_fails_with_a_bug_never_changes_state_by_itself(
    house: House, kind: Kind
) -> None:
    talk = house.waits(MEMBERS[0])
    house.arrives(wrote(MEMBERS[0], "1"))
    before = house.row(schema.conversation, id=talk)
    effect = house.rows(schema.effect, kind=kind)[0]
    far = Far()

    async def handle(job: Job) -> Done:
        if job.effect.key == effect.key:
            raise RuntimeError("a bug")
        return await Far.handle(far, job)

    far.handle = handle  # type: ignore[method-assign]
    async with running(house, far):
        await eventually(lambda: house.row(schema.effect, key=effect.key).attempts >= 1)
    assert house.row(schema.conversation, id=talk) == before
