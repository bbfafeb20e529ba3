"""Opening the desk, link by link: what stands there already is taken if it is ours, and refused if it is not."""

from __future__ import annotations

import json
from typing import Any

import pytest
from sqlalchemy import select

from machines.effects import OPEN_DESK, Kind
from orchestrator.engine.lanes import AT_MOST
from orchestrator.inprocess.line import Fate, failing
from orchestrator.sandbox.twilio.routes import CONVERSATIONS, FLEX
from orchestrator.sandbox.wire import Answer, Call
from storage import schema
from tests.faults.stage import UNKNOWN_WORDS
from tests.inprocess.house import House, living
from tests.inprocess.virtual import play
from tests.inprocess.world import Member, World

LOGIN = {"authorization": "Basic QUMxOnNlY3JldA=="}  # AC1:secret


def made(world: World, host: str, path: str, **form: str) -> Any:
    """Somebody made it before we came to it."""
    answer = world.twilio.rest(host, Call("POST", path, headers=LOGIN, form=list(form.items())))
    assert answer.status < 300, answer
    return answer.body


async def asks(world: World, mia: Member) -> str:
    """The member is about to ask for a person. Returns the name that the Twilio Conversation will have."""
    mia.helpme()
    await mia.hears("greeting")
    mia.write(UNKNOWN_WORDS)
    line = await mia.hears("unsure")
    (button,) = [b["custom_id"] for b in line["components"] if b["custom_id"].startswith("agent_requested")]
    return f"orchestrator-{button.partition(':')[2]}-1"


def named(world: World, name: str, **form: str) -> str:
    return str(made(world, CONVERSATIONS, "/v1/Conversations", UniqueName=name, **form)["sid"])


def ours(name: str) -> str:
    return json.dumps({"orchestrator": {"request": name}})


async def opens_once(world: World, mia: Member, sid: str | None = None) -> None:
    task = await world.task()
    await mia.hears("place")
    task.accept("ada")
    await mia.hears("agent_joined")
    mia.write("one")
    task.write("two")
    await task.gets("one")
    await mia.gets("two")
    assert len(world.tasks()) == 1
    shown = task.show()
    assert sid is None or shown["conversation_sid"] == sid
    assert sum(UNKNOWN_WORDS in note for note in task.notes()) == 1
    conversation = world.twilio.conversation(shown["conversation_sid"])
    assert len(conversation["webhooks"]) == 1
    assert conversation["warnings"] == []
    assert sum(p["identity"].startswith("discord_") for p in conversation["participants"]) == 1


def test_a_conversation_that_is_ours_is_taken_up(world: World, url: str) -> None:
    async def story() -> None:
        async with living(world, url):
            mia = world.member()
            name = await asks(world, mia)
            sid = named(world, name, Attributes=ours(name))
            mia.press("agent_requested")
            await opens_once(world, mia, sid)

    play(world.time, story())


@pytest.mark.parametrize("why", ["foreign", "closed"])
def test_a_conversation_that_is_not_ours_to_use_is_told_and_left_alone(
    world: World, url: str, why: str
) -> None:
    async def story() -> None:
        async with living(world, url) as house:
            mia = world.member()
            name = await asks(world, mia)
            sid = named(world, name, Attributes="{}" if why == "foreign" else ours(name))
            if why == "closed":
                made(world, CONVERSATIONS, f"/v1/Conversations/{sid}", State="closed")
            before = world.twilio.conversation(sid)
            mia.press("agent_requested")
            await mia.hears("desk_failed")
            assert world.tasks() == []
            assert world.twilio.conversation(sid) == before
            assert statuses(house) == ["dead", "void", "void", "void", "void"]

            mia.press("agent_requested")  # the next request has a name of its own
            task = await world.task()
            assert task.show()["conversation_sid"] != sid

    play(world.time, story())


@pytest.mark.parametrize("link", OPEN_DESK)
def test_a_link_that_was_made_and_is_not_known_to_be_is_taken_up(world: World, url: str, link: Kind) -> None:
    """The process died between the call and the commit of its result."""

    async def story() -> None:
        mia = world.member()
        async with living(world, url) as house:
            await asks(world, mia)
            mia.press("agent_requested")
            task = await world.task()
            await mia.hears("place")
            await house.kill()
        forget(house, link)
        async with living(world, url):
            await opens_once(world, mia, task.show()["conversation_sid"])

    play(world.time, story())


def forget(house: House, link: Kind) -> None:
    e = schema.effect
    with house.engine.begin() as connection:
        connection.execute(e.update().where(e.c.kind == str(link)).values(status="pending", ref=None))
    house.engine.dispose()


@pytest.mark.parametrize("link", OPEN_DESK)
def test_a_link_that_twilio_refuses_takes_back_what_was_made(world: World, url: str, link: Kind) -> None:
    """The rest of the chain is void, the member is told once, and the next request says all of it again."""
    refused = {
        Kind.DESK_CREATE: "/v1/Conversations",
        Kind.DESK_JOIN: "/Participants",
        Kind.DESK_WIRE: "/Webhooks",
        Kind.DESK_TRANSCRIPT: "/Messages",
        Kind.DESK_ROUTE: "/v1/Interactions",
    }[link]

    def refuse(service: str, method: str, path: str) -> Fate | None:
        if service == "twilio" and method == "POST" and path.endswith(refused):
            return failing(400, body={"code": 20001})
        return None

    async def story() -> None:
        async with living(world, url) as house:
            mia = world.member()
            await asks(world, mia)
            world.hooks.faulty = refuse
            mia.press("agent_requested")
            mia.write("are you there?")
            await mia.hears("desk_failed")
            n = OPEN_DESK.index(link)
            assert statuses(house) == ["done"] * n + ["dead"] + ["void"] * (len(OPEN_DESK) - n - 1)
            world.hooks.faulty = lambda *_: None
            states = world.twilio._account.conversations.values()
            await world.until("it is taken back", lambda: all(c.state == "closed" for c in states))

            mia.press("agent_requested")
            task = await world.task()
            await mia.hears("place")
            (transcript,) = task.notes()
            assert UNKNOWN_WORDS in transcript
            assert "are you there?" in transcript
            assert len(mia.heard("desk_failed")) == 1
            assert len(world.tasks()) == 1

    play(world.time, story())


def statuses(house: House) -> list[str]:
    """What became of the links of the first request, in their order."""
    e = schema.effect
    with house.engine.connect() as connection:
        rows = connection.execute(
            select(e.c.kind, e.c.status).where(e.c.kind.in_([str(k) for k in OPEN_DESK])).order_by(e.c.seq)
        ).all()
    return [row.status for row in rows[: len(OPEN_DESK)]]


def test_a_task_that_shows_itself_late_is_not_made_twice(world: World, url: str) -> None:
    """Twilio accepts the Interaction without naming its task, and TaskRouter lists it seconds later."""
    real = world.twilio_rest
    made_at: list[float] = []

    def rest(host: str, call: Call) -> Answer:
        answer = real(host, call)
        if host == FLEX and call.path == "/v1/Interactions":
            made_at.append(world.time.passed)
            return Answer(answer.status, {**answer.body, "routing": None})
        if call.path.endswith("/Tasks") and (not made_at or world.time.passed < made_at[0] + 2.0):
            return Answer(answer.status, {**answer.body, "tasks": []})
        return answer

    world.twilio_rest = rest  # type: ignore[method-assign]

    async def story() -> None:
        async with living(world, url):
            mia = world.member()
            await asks(world, mia)
            mia.press("agent_requested")
            await opens_once(world, mia)
            assert len(made_at) == 1

    play(world.time, story())


def test_more_words_than_a_lane_holds_wait_in_the_table_and_arrive_in_order(world: World, url: str) -> None:
    """Both sides write while neither provider answers; then every third call fails."""
    calls = 0

    def away(service: str, method: str, path: str) -> Fate | None:
        return failing(503) if method == "POST" and path.lower().endswith("/messages") else None

    def shaky(service: str, method: str, path: str) -> Fate | None:
        nonlocal calls
        calls += 1
        return failing(500, done=bool(calls % 2)) if calls % 3 == 0 and method == "POST" else None

    async def story() -> None:
        async with living(world, url) as house:
            mia = world.member()
            task = await world.handed_off(mia)
            world.hooks.faulty = away
            words = [f"{n}" for n in range(3 * AT_MOST + 5)]
            for text in words:
                mia.write(text)
                task.write(text)
            await world.time.sleep(5)
            held = [len(lane.queue) for lane in house.dispatcher._lanes.values()]
            assert len(held) == 2
            assert max(held) <= AT_MOST
            world.hooks.faulty = shaky
            await world.time.sleep(1_500)
            await task.gets(*words)
            await mia.gets(*words)

    play(world.time, story())
