"""The Discord port over sockets: what goes through, and what the far side does in our two errors."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from machines.events import Trigger
from orchestrator.discord.rest import DiscordRest
from orchestrator.errors import Reject, Retry
from orchestrator.ports import Button, File
from tests.discord.serving import NONCE, Served, serving


@pytest.fixture
async def served() -> AsyncIterator[Served]:
    async with serving() as found:
        yield found


async def test_a_dm_is_the_same_every_time(served: Served) -> None:
    assert await served.rest.open_dm(served.member) == served.channel


async def test_the_same_nonce_sends_once(served: Served) -> None:
    first = await served.rest.send(served.channel, "hello", nonce=NONCE)
    assert await served.rest.send(served.channel, "hello", nonce=NONCE) == first
    assert served.texts() == ["hello"]


async def test_the_same_nonce_sends_a_file_once(served: Served) -> None:
    file = File("transcript.txt", b"lines")
    first = await served.rest.send(served.channel, "", nonce=NONCE, files=[file])
    assert await served.rest.send(served.channel, "", nonce=NONCE, files=[file]) == first
    assert served.texts() == [""]


async def test_buttons_stand_under_a_message_and_nobody_is_pinged(served: Served) -> None:
    rows = [[Button("solved:c1", "Solved"), Button("agent_requested:c1", "Person", primary=True)]]
    await served.rest.send(served.channel, "@everyone hello", nonce=NONCE, buttons=rows)
    (entry,) = [e for e in served.sandbox.log.entries if e.path.endswith("/messages")]
    assert entry.request["allowed_mentions"] == {"parse": []}
    buttons = entry.request["components"][0]["components"]
    assert [(b["custom_id"], b["style"]) for b in buttons] == [("solved:c1", 2), ("agent_requested:c1", 1)]


async def test_a_reply_to_a_message_that_is_gone_is_sent_all_the_same(served: Served) -> None:
    await served.rest.send(served.channel, "yes", nonce=NONCE, reply_to="1234567890")
    assert served.texts() == ["yes"]


async def test_a_message_is_edited_and_deleted_and_deleted_again(served: Served) -> None:
    ref = await served.rest.send(served.channel, "one", nonce=NONCE)
    await served.rest.edit(served.channel, ref, "two")
    assert served.texts() == ["two"]
    await served.rest.delete(served.channel, ref)
    await served.rest.delete(served.channel, ref)
    assert served.texts() == []


async def test_history_is_read_oldest_first(served: Served) -> None:
    ids = [served.write(f"message {n}") for n in range(5)]
    await served.rest.send(served.channel, "of ours", nonce=NONCE)
    found = await served.rest.history(served.channel, after=ids[1])
    assert [m.body for m in found] == ["message 2", "message 3", "message 4", "of ours"]
    assert [m.own for m in found] == [False, False, False, True]
    assert found[0].author == served.member
    assert len(await served.rest.history(served.channel, after="0", limit=3)) == 3


async def test_closed_dms_are_a_rejection_that_says_so(served: Served) -> None:
    served.sandbox.discord.members.change("mia", dms_open=False)
    with pytest.raises(Reject) as refused:
        await served.rest.send(served.channel, "hello", nonce=NONCE)
    assert refused.value.report is Trigger.UNREACHABLE


async def test_what_discord_calls_wrong_is_a_rejection(served: Served) -> None:
    for text in ("x" * 2001, ""):
        with pytest.raises(Reject) as refused:
            await served.rest.send(served.channel, text, nonce=NONCE)
        assert refused.value.report is None
    with pytest.raises(Reject):
        await served.rest.edit(served.channel, "1234567890", "gone")
    with pytest.raises(Reject):
        await served.rest.answer("1", "no-such-token", "too late")


@pytest.mark.parametrize(
    "how", [{"abort": True}, {"lose_reply": True, "times": 2}], ids=["lost request", "lost answer"]
)
async def test_a_post_whose_answer_is_lost_leaves_a_doubt_and_other_calls_do_not(
    served: Served, how: dict[str, object]
) -> None:
    served.fault("POST", "/messages$", **how)
    with pytest.raises(Retry) as failed:
        await served.rest.send(served.channel, "hello", nonce=NONCE)
    assert failed.value.ambiguous
    served.sandbox.faults.clear()
    await served.rest.send(served.channel, "hello", nonce=NONCE)
    assert served.texts() == ["hello"]
    served.fault("POST", "/channels$", abort=True)
    with pytest.raises(Retry) as failed:
        await served.rest.open_dm(served.member)
    assert not failed.value.ambiguous


@pytest.mark.parametrize("how", [{"delay_s": 0.6}, {"drip_s": 3.0}], ids=["no answer", "it drips"])
async def test_a_call_that_takes_too_long_is_given_up(
    served: Served, monkeypatch: pytest.MonkeyPatch, how: dict[str, float]
) -> None:
    monkeypatch.setattr("orchestrator.discord.rest.TIMEOUT_S", 0.2)
    served.fault("POST", "/messages$", **how)
    with pytest.raises(Retry) as failed:
        await served.rest.send(served.channel, "hello", nonce=NONCE)
    assert failed.value.ambiguous


async def test_a_429_that_is_not_discords_own_is_put_off_for_as_long_as_it_says(served: Served) -> None:
    served.fault("POST", "/messages$", status=429, body="<html>", headers={"Retry-After": "7"})
    with pytest.raises(Retry) as failed:
        await served.rest.send(served.channel, "hello", nonce=NONCE)
    assert failed.value.after == 7.0
    assert not failed.value.ambiguous


async def test_a_429_of_discords_own_is_waited_for(served: Served) -> None:
    body = {"message": "slow down", "retry_after": 0.1, "global": False, "code": 0}
    served.fault("POST", "/messages$", status=429, body=body, headers={"Via": "1.1 google"})
    await served.rest.send(served.channel, "hello", nonce=NONCE)
    assert served.texts() == ["hello"]


async def test_a_token_that_is_refused_in_the_middle_is_not_the_messages_fault(served: Served) -> None:
    served.fault("POST", "/messages$", status=401)
    with pytest.raises(Retry):
        await served.rest.send(served.channel, "hello", nonce=NONCE)


async def test_without_a_connection_every_call_is_put_off(served: Served) -> None:
    await served.client.close()
    for rest in (served.rest, DiscordRest()):
        with pytest.raises(Retry, match="not connected"):
            await rest.send(served.channel, "hello", nonce=NONCE)
