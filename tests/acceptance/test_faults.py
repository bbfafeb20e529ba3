"""Providers that fail, lose answers, repeat and reorder: everything arrives exactly once and in order."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from tests.acceptance.playing import Stage, until

TOO_MANY = {"status": 429, "body": {"message": "slow down", "retry_after": 0.3, "global": False, "code": 0}}
#: What a provider may do to a POST. `Via` tells discord.py that the answer is Discord's own.
DISCORD_FAULTS: dict[str, dict[str, Any]] = {
    "429 of Discord": TOO_MANY | {"headers": {"Via": "1.1 google", "Retry-After": "0.3"}},
    "429 of a proxy": TOO_MANY | {"headers": {"Retry-After": "1"}},
    "500": {"status": 500},
    "502 in HTML": {"status": 502, "body": "<html>Bad gateway</html>"},
    "a lost answer": {"lose_reply": True},
    "a lost request": {"abort": True},
    "two lost answers": {"lose_reply": True, "times": 2},
}


@pytest.mark.parametrize("how", DISCORD_FAULTS.values(), ids=DISCORD_FAULTS.keys())
async def test_an_agents_words_reach_the_dm_once_whatever_discord_does(stage: Stage, how: Any) -> None:
    mia = stage.member()
    task = await stage.handed_off(mia)
    await stage.control.fault("discord", "POST", "/messages$", **how)
    await task.write("one")
    await task.write("two")
    await mia.gets("one", "two")
    assert await stage.control.get("/faults") == []


@pytest.mark.parametrize(
    "how",
    [{"abort": True}, {"lose_reply": True}, {"status": 500}],
    ids=["lost request", "lost answer", "500"],
)
async def test_a_dm_is_opened_and_greeted_once(stage: Stage, how: Any) -> None:
    mia = stage.member()
    await stage.control.fault("discord", "POST", "/users/@me/channels", **how)
    await stage.control.fault("discord", "POST", "/messages$", **how)
    await mia.helpme()
    await mia.hears("greeting")
    await mia.press("agent_requested")
    await mia.hears("place")
    assert len(await mia.texts()) == len(["first contact", "greeting", "place"])


#: The calls that open a desk, in their order.
CHAIN = ("/Conversations$", "/Participants$", "/Webhooks$", "/Interactions$")
SHORT: dict[str, dict[str, Any]] = {
    "500": {"status": 500},
    "429": {"status": 429, "headers": {"Retry-After": "0.2"}},
    "a lost answer": {"lose_reply": True},
    "a lost request": {"abort": True},
}


@pytest.mark.parametrize("how", SHORT.values(), ids=SHORT.keys())
@pytest.mark.parametrize("call", CHAIN)
async def test_the_desk_opens_once_whatever_twilio_does(stage: Stage, call: str, how: Any) -> None:
    mia = stage.member()
    await mia.helpme("zzgrbl qwrk")
    await mia.hears("unsure")
    await stage.control.fault("twilio", "POST", call, **how)
    await mia.press("agent_requested")
    task = await stage.task()
    assert await stage.control.get("/faults") == []
    await task.accept("ada")
    await mia.hears("agent_joined")
    await mia.write("one")
    await task.write("two")
    await task.gets("one")
    await mia.gets("two")

    assert len(await stage.tasks()) == 1
    assert len([note for note in await task.notes() if "zzgrbl" in note]) == 1
    log = await stage.control.log()
    made = {entry["response"]["sid"] for entry in log if made_conversation(entry)}
    assert len(made) <= 1
    shown = await stage.control.get(f"/conversations/{(await task.show())['conversation_sid']}")
    assert len(shown["webhooks"]) == 1
    assert shown["warnings"] == []


def made_conversation(entry: dict[str, Any]) -> bool:
    path = "/conversations.twilio.com/v1/Conversations"
    return bool(entry["method"] == "POST" and entry["path"] == path and entry["status"] == 201)


async def test_a_desk_that_answers_slowly_is_opened_once(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orchestrator.twilio.client.TIMEOUT_S", 0.4)
    mia = stage.member()
    await mia.helpme()
    await mia.hears("greeting")
    for call in CHAIN:
        await stage.control.fault("twilio", "POST", call, delay_s=0.8)
    await mia.press("agent_requested")
    task = await stage.task()
    await mia.write("one")
    await task.gets("one")
    assert len(await stage.tasks()) == 1


async def test_a_transcript_in_doubt_is_found_and_not_posted_again(stage: Stage) -> None:
    mia = stage.member()
    await mia.helpme("zzgrbl qwrk")
    await mia.hears("unsure")
    await stage.control.fault("twilio", "POST", "/Messages$", lose_reply=True)
    await mia.press("agent_requested")
    task = await stage.task()
    assert len([note for note in await task.notes() if "zzgrbl" in note]) == 1


async def test_words_in_doubt_are_found_at_the_desk_and_not_posted_again(stage: Stage) -> None:
    mia = stage.member()
    task = await stage.handed_off(mia)
    await stage.control.fault("twilio", "POST", "/Messages$", lose_reply=True)
    await mia.write("one")
    await mia.write("two")
    await task.gets("one", "two")


async def test_a_desk_that_cannot_be_opened_is_told_and_taken_back(stage: Stage) -> None:
    mia = stage.member()
    await mia.helpme()
    await mia.hears("greeting")
    await stage.control.fault("twilio", "POST", "/Interactions$", status=400, body={"code": 20001})
    await mia.press("agent_requested")
    await mia.hears("desk_failed")
    await mia.press("agent_requested")
    await stage.task()
    assert len(await stage.tasks()) == 1


async def test_repeated_webhooks_change_nothing(stage: Stage) -> None:
    mia = stage.member()
    await stage.control.post("/webhooks", duplicate=100)
    task = await stage.handed_off(mia)
    for n in range(3):
        await task.write(f"reply {n}")
    await mia.gets("reply 0", "reply 1", "reply 2")
    await task.act("complete")
    await mia.hears("goodbye")
    assert len(await mia.heard("agent_joined")) == 1
    assert len(await mia.heard("goodbye")) == 1
    assert await mia.from_agent() == ["reply 0", "reply 1", "reply 2"]


async def test_shuffled_webhooks_lose_and_repeat_nothing(stage: Stage) -> None:
    mia = stage.member()
    task = await stage.handed_off(mia, agent=None)
    await stage.control.post("/webhooks", hold=True, duplicate=20)
    await task.accept("ada")
    kept = await task.write("reply 0")
    for n in range(1, 4):
        await task.write(f"reply {n}")
    await task.edit(kept, "reply zero")
    held = stage.sandbox.twilio_shell.delivery.held

    async def all_held() -> bool:
        return Counter(hook.field("EventType") for hook in held)["onMessageUpdated"] > 0

    await until("the last webhook is held", all_held)
    await stage.control.post("/webhooks", release="shuffled", duplicate=0)

    async def complete() -> bool:
        return sorted(await mia.from_agent()) == ["reply 1", "reply 2", "reply 3", "reply zero"]

    await until("all of it, once", complete)
    assert len(await mia.heard("agent_joined")) == 1


async def test_what_a_lost_webhook_would_have_told_is_read_up(stage: Stage) -> None:
    mia = stage.member()
    task = await stage.handed_off(mia)
    await stage.control.fault("webhook", "POST", "/conversations", abort=True, times=3)
    await task.write("one")
    await task.write("two")
    await mia.write("and mine")
    await task.gets("and mine")

    async def all_lost() -> bool:
        return (await stage.control.get("/faults"))[:1] == [] or stage.sandbox.faults.planted[0].times == 1

    await until("both webhooks are lost", all_lost)
    await stage.control.delete("/faults")
    await stage.stop()
    await stage.serve()
    await mia.gets("one", "two")
