"""The built-in desk over sockets: its commands, who wins, repeats, and what it refuses."""

from __future__ import annotations

import asyncio
from typing import Any
from uuid import uuid4

import pytest

from tests.acceptance.playing import Stage, until
from tests.acceptance.tasks import Answer, Counter, DeskTask

pytestmark = pytest.mark.parametrize("bare", ["builtin"], indirect=True)


async def waiting(stage: Stage) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await stage.counter.insist("GET", "queue")).body["waiting"]
    return found


async def test_the_queue_shows_who_waits_in_their_order_and_an_agent_their_own(stage: Stage) -> None:
    mia, tom = stage.member("mia"), stage.member("tom")
    hers = await stage.handed_off(mia, agent=None)
    await stage.handed_off(tom, agent=None)
    first, second = await waiting(stage)
    assert (first["member"]["name"], first["case"], first["kind"], first["place"]) == ("Mia", 1, "help", 1)
    assert (second["member"]["name"], second["case"], second["place"]) == ("Tom", 2, 2)
    assert first["waiting_since"] < second["waiting_since"]
    await hers.accept("ada")
    queue = (await stage.counter.insist("GET", "queue?agent=ada")).body
    assert [row["conversation"] for row in queue["mine"]] == [hers.conversation]
    assert [(row["member"]["name"], row["place"]) for row in queue["waiting"]] == [("Tom", 1)]


async def test_of_two_who_claim_at_once_one_wins_and_the_other_hears_who(stage: Stage) -> None:
    mia = stage.member()
    task = await stage.handed_off(mia, agent=None)
    answers = await asyncio.gather(*(task.does("claim", agent=agent) for agent in ("ada", "ben")))
    assert sorted(answer.status for answer in answers) == [200, 409]
    [won], [lost] = ([a.body for a in answers if a.status == status] for status in (200, 409))
    assert (lost["error"], lost["agents"]) == ("taken", won["agents"])
    assert won["agents"][0]["name"] in lost["detail"]
    await mia.hears("agent_joined")
    assert len(await mia.heard("agent_joined")) == 1


async def test_a_second_agent_may_join_knowingly_and_both_talk(stage: Stage) -> None:
    mia = stage.member()
    task = await stage.handed_off(mia)
    joined = await task.does("claim", agent="ben", join=True)
    assert (joined.status, [a["id"] for a in joined.body["agents"]]) == (200, ["ada", "ben"])
    await task.write("ada here")
    await task.done("messages", agent="ben", body="ben here")
    await mia.gets("ada here", "ben here")


@pytest.mark.parametrize("first", ["claim", "cancel", "nobody knows"])
async def test_cancel_races_accept_and_both_are_told_how_it_ended(stage: Stage, first: str) -> None:
    mia = stage.member()
    task: DeskTask = await stage.handed_off(mia, agent=None)
    if first == "claim":
        claimed = await task.does("claim")
        await mia.press("agent_request_cancelled")
        await mia.hears("who_is_here")
    elif first == "cancel":
        await mia.press("agent_request_cancelled")
        await mia.hears("withdrawn")
        claimed = await task.does("claim")
    else:
        _, claimed = await asyncio.gather(mia.press("agent_request_cancelled"), task.does("claim"))
    if claimed.status == 200:
        await mia.hears("agent_joined")
        await task.write("hello")
        await mia.gets("hello")
        assert await mia.heard("withdrawn") == []
    else:
        assert (claimed.status, claimed.body["error"]) == (409, "over")
        await mia.hears("withdrawn")
        assert await mia.heard("agent_joined") == []


async def test_the_member_sees_that_an_agent_types_and_how_they_react(stage: Stage) -> None:
    mia = stage.member()
    task: DeskTask = await stage.handed_off(mia)
    message = await mia.write("it works now")
    await task.gets("it works now")
    ada = {"agent": {"id": "ada", "name": "ada"}}
    assert (await stage.counter.ask("POST", f"conversations/{task.conversation}/typing", ada)).status == 200
    typed = [call for call in await stage.control.log() if call["path"].endswith("/typing")]
    assert [call["status"] for call in typed] == [204]
    await task.react(message, "👩‍💻")
    assert "👩‍💻" in (await mia.hears("agent_reacted"))["content"]


async def test_a_talk_is_handed_to_a_named_agent(stage: Stage) -> None:
    mia = stage.member()
    task = await stage.handed_off(mia)
    await task.done("transfer", to="ben")
    await mia.hears("transfer")
    await mia.hears("colleague_comes")
    assert [row["addressed_to"] for row in await waiting(stage)] == ["ben"]
    await mia.write("is somebody there?")
    await task.accept("ben")
    await mia.hears("agent_joined", times=2)
    await task.write("ben here")
    await mia.gets("ben here")
    await task.gets("is somebody there?")


async def test_a_talk_is_handed_back_to_the_queue_and_an_agent_who_comes_at_once_is_there(
    stage: Stage,
) -> None:
    mia = stage.member()
    task = await stage.handed_off(mia)
    await task.done("transfer")
    await task.accept("ben")
    await mia.hears("agent_joined", times=2)
    await task.write("ben here")
    await mia.gets("ben here")
    assert (await task.does("messages", agent="ada", body="and me")).body["error"] == "not_here"


async def test_a_repeat_is_answered_like_the_first_and_does_nothing(stage: Stage) -> None:
    mia = stage.member()
    task = await stage.handed_off(mia, agent=None)
    ids = {what: str(uuid4()) for what in ("claim", "messages", "leave", "close")}

    async def twice(what: str, **body: Any) -> Answer:
        first, second = [await task.does(what, minted=ids[what], **body) for _ in range(2)]
        assert first == second
        return first

    assert (await twice("claim")).status == 200
    assert (await twice("messages", body="once")).status == 201
    assert (await twice("close")).status == 200
    await mia.hears("goodbye")
    assert (await task.does("messages", minted=ids["messages"], body="once")).status == 201
    assert await mia.from_agent() == ["once"]
    assert len(await mia.heard("agent_joined")) == 1


async def test_an_id_is_no_one_elses(stage: Stage) -> None:
    task = await stage.handed_off(stage.member())
    minted = str(uuid4())
    await task.done("messages", minted=minted, body="mine")
    for other in ({"body": "other words"}, {"body": "mine", "agent": "ben"}):
        answer = await task.does("messages", minted=minted, **other)
        assert (answer.status, answer.body["error"]) == (409, "id_used")


async def test_what_came_too_late_is_refused_and_not_delivered(stage: Stage) -> None:
    mia = stage.member()
    task = await stage.handed_off(mia)
    said = await task.write("hello")
    await mia.gets("hello")
    theirs = await mia.write("hi")
    await task.gets("hi")
    await task.complete()
    await mia.hears("goodbye")
    for what, method, body in (
        ("claim", "POST", {}),
        ("messages", "POST", {"body": "one more thing"}),
        ("leave", "POST", {}),
        ("transfer", "POST", {}),
        ("close", "POST", {}),
        (f"messages/{said}", "PATCH", {"body": "hi"}),
        (f"messages/{said}", "DELETE", {}),
        (f"messages/{theirs}/reactions", "POST", {"emoji": "👍"}),
    ):
        answer = await task.does(what, method, **body)
        assert (what, answer.status, answer.body["error"]) == (what, 409, "over")
    assert await mia.from_agent() == ["hello"]


async def test_only_who_is_there_may_act_and_only_on_words_of_their_own(stage: Stage) -> None:
    mia = stage.member()
    task = await stage.handed_off(mia)
    said = await task.write("hello")
    theirs = await mia.write("hi")
    await task.gets("hi")
    for what in ("messages", "leave", "transfer", "close"):
        body = {"body": "me too"} if what == "messages" else {}
        answer = await task.does(what, agent="ben", **body)
        assert (what, answer.status, answer.body["error"]) == (what, 409, "not_here")
    assert (await task.does(f"messages/{said}", "DELETE", agent="ben")).status == 403
    assert (await task.does(f"messages/{theirs}", "PATCH", body="changed")).status == 404


async def test_a_message_that_did_not_arrive_is_marked_and_the_agent_is_told(stage: Stage) -> None:
    mia = stage.member()
    task = await stage.handed_off(mia)
    await task.write("one")
    await mia.gets("one")
    await mia.set(dms_open=False)
    await task.write("two")
    await task.noted("not_delivered")
    shown = [(m["body"], m["delivered"]) for m in (await task.show())["messages"] if m["author"] == "agent"]
    assert shown == [("one", True), ("two", False)]


async def test_whoever_is_handed_a_member_the_bot_knew_reads_it_all(stage: Stage) -> None:
    mia = stage.member()
    await mia.write("zzgrbl qwrk")
    await mia.hears("unsure")
    await mia.press("agent_requested")
    task = await stage.task()
    shown = await task.show()
    assert next((m["author"], m["body"]) for m in shown["messages"]) == ("member", "zzgrbl qwrk")
    assert (shown["case"], shown["state"], shown["member"]["name"]) == (1, "awaiting_agent", "Mia")


async def test_who_falls_silent_and_comes_again_has_it_again(bare: Stage) -> None:
    bare.adjusted |= {"timer_agent_idle_warn": 0.3, "timer_agent_idle": 0.6}
    await bare.start()
    mia = bare.member()
    task = await bare.handed_off(mia)
    await mia.write("are you there?")
    await mia.hears("agent_silent")
    await task.accept("ada")
    await mia.hears("agent_joined", times=2)


async def test_without_twilio_there_is_nothing_of_twilio(stage: Stage) -> None:
    async with stage.session.get(f"{stage.url}/readyz") as answer:
        facts = await answer.json()
    assert "twilio" not in facts
    assert facts["ready"] is True
    for hook in ("conversations", "interactions"):
        form = {"AccountSid": "", "EventType": "onMessageAdded"}
        async with stage.session.post(f"{stage.url}/webhooks/twilio/{hook}", data=form) as answer:
            assert answer.status == 403
    assert [e for e in await stage.control.log() if e["to"] == "twilio"] == []


async def test_a_token_is_needed_and_the_right_one(stage: Stage) -> None:
    for token in ("", "wrong"):
        answer = await Counter(stage.session, stage.url, token).ask("GET", "queue")
        assert (answer.status, answer.body["error"]) == (401, "unauthorized")


async def test_agents_see_what_is_said_while_they_look(stage: Stage) -> None:
    mia = stage.member()
    task = await stage.handed_off(mia)
    version = (await task.show())["version"]
    await mia.write("news")

    async def newer() -> bool:
        return int((await task.show())["version"]) > version

    await until("a newer version", newer)
    await task.gets("news")
