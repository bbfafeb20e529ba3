"""The same over sockets, with the real clients: their own retries, rate limits and time-outs lie in between."""

from __future__ import annotations

from typing import Any

import pytest

from tests.acceptance.playing import Stage, until
from tests.faults.stage import UNKNOWN_WORDS

PATIENCE_S = 20.0
#: Time-outs of the clients, so that a slow answer is one too late. Seconds.
TIME_OUT_S, TOO_LATE_S = 1.0, 1.5

#: How long an answer takes that drips: in one piece for who waits for the whole, or without end.
DRIPS_S, DRIPS_ON_S = 0.5, 3.0

TOO_MANY = {"message": "slow down", "retry_after": 0.3, "global": False, "code": 0}
#: What the far side may do. `Via` tells discord.py that a 429 is Discord's own, and not of what stands before it.
OUTCOMES: dict[str, dict[str, Any]] = {
    "429 with Via": {"status": 429, "body": TOO_MANY, "headers": {"Via": "1.1 google", "Retry-After": "0.3"}},
    "429 of a proxy": {"status": 429, "body": TOO_MANY, "headers": {"Retry-After": "1"}},
    "429 with Via, naming no time": {"status": 429, "body": TOO_MANY, "headers": {"Via": "1.1 google"}},
    "429 of a proxy, naming no time": {"status": 429, "body": "<html>Too many requests</html>"},
    "500": {"status": 500},
    "502 in HTML": {"status": 502, "body": "<html>Bad gateway</html>"},
    "answer lost": {"lose_reply": True},
    "two answers lost": {"lose_reply": True, "times": 2},
    "reset": {"abort": True},
    "nonsense": {"status": 200, "body": "<html>Hello</html>"},
    "time-out before": {"delay_s": TOO_LATE_S, "abort": True},
    "time-out after": {"drip_s": DRIPS_ON_S},
    "drips": {"drip_s": DRIPS_S},
    "too late": {"delay_s": TOO_LATE_S},
}
#: Method and path
TO_DISCORD = (
    ("POST", "/users/@me/channels"),
    ("POST", "/channels/.*/messages$"),
    ("PATCH", "/channels/.*/messages/"),
    ("DELETE", "/channels/.*/messages/"),
)
TO_TWILIO = (
    ("POST", "/Conversations$"),
    ("POST", "/Participants$"),
    ("POST", "/Webhooks$"),
    ("POST", "/Messages$"),
    ("POST", "/Interactions$"),
    ("POST", "/Messages/IM"),
    ("DELETE", "/Messages/IM"),
)


def spoiled(number: int) -> list[tuple[str, str, str]]:
    """Service, method and path of the calls that meet an outcome: two of each service, in turn."""
    return [
        *(("discord", *TO_DISCORD[(number + i) % len(TO_DISCORD)]) for i in range(2)),
        *(("twilio", *TO_TWILIO[(2 * number + i) % len(TO_TWILIO)]) for i in range(2)),
    ]


@pytest.mark.parametrize("name", OUTCOMES)
async def test_a_whole_talk_comes_through_whatever_becomes_of_its_calls(
    stage: Stage, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orchestrator.twilio.client.TIMEOUT_S", TIME_OUT_S)
    monkeypatch.setattr("orchestrator.discord.rest.TIMEOUT_S", TIME_OUT_S)
    monkeypatch.setattr("orchestrator.twilio.requests.SETTLE_S", TOO_LATE_S)
    for service, method, path in spoiled(list(OUTCOMES).index(name)):
        await stage.control.fault(service, method, path, **OUTCOMES[name])

    mia = stage.member()
    await mia.helpme()
    await mia.hears("greeting", within=PATIENCE_S)
    await mia.write(UNKNOWN_WORDS)
    await mia.hears("unsure", within=PATIENCE_S)
    await mia.press("agent_requested")
    task = await stage.task(within=PATIENCE_S)
    await mia.hears("place", within=PATIENCE_S)
    await task.accept("ada")
    await mia.hears("agent_joined", within=PATIENCE_S)
    mine, my_slip = await mia.write("one"), await mia.write("oops")
    theirs, their_slip = await task.write("two"), await task.write("sorry")
    await task.gets("one", "oops", within=PATIENCE_S)
    await mia.gets("two", "sorry", within=PATIENCE_S)
    await mia.edit(mine, "one, corrected")
    await mia.unsend(my_slip)
    await task.edit(theirs, "two, corrected")
    await task.unsend(their_slip)
    await mia.write("three")
    await task.write("four")

    async def all_of_it() -> bool:
        at_the_desk = await task.from_member() == ["one, corrected", "three"]
        return at_the_desk and await mia.from_agent() == ["two, corrected", "four"]

    await until("all of it, once, corrected and in order", all_of_it, PATIENCE_S)
    left = [
        fault
        for fault in await stage.control.get("/faults")
        if fault["times"] == OUTCOMES[name].get("times", 1)
    ]
    assert left == []  # every one was met
    assert len(await stage.tasks()) == 1
    texts, notes = await mia.texts(), await task.notes()
    assert len(texts) == len(set(texts))
    assert [UNKNOWN_WORDS in note for note in notes] == [True]
    shown = await stage.control.get(f"/conversations/{(await task.show())['conversation_sid']}")
    # webhooks have no name: one that was added too late stands there twice, and tells the ledger nothing new
    assert len({webhook["url"] for webhook in shown["webhooks"]}) == 1
    assert shown["warnings"] == []
