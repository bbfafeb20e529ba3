"""The Twilio port over sockets: what goes through, and what the far side does in our errors."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from machines.events import Trigger
from orchestrator.errors import Reject, Retry
from orchestrator.ports import Conflict
from orchestrator.twilio.client import TwilioRest
from tests.twilio.serving import HOOK, NAME, Served


async def test_a_name_that_is_taken_is_a_conflict_and_can_be_found(served: Served) -> None:
    made = await served.twilio.create_conversation(NAME, "Mia", {"orchestrator": {"request": NAME}})
    with pytest.raises(Conflict):
        await served.twilio.create_conversation(NAME, "Mia", {})
    found = await served.twilio.conversation(NAME)
    assert found is not None
    assert (found.sid, found.state) == (made.sid, "active")
    assert found.attributes == {"orchestrator": {"request": NAME}}
    assert await served.twilio.conversation("nobody") is None


async def test_doing_it_again_is_harmless_where_it_says_so(served: Served) -> None:
    sid = await served.conversation()
    await served.twilio.add_participant(sid, "discord_33", {})
    assert await served.twilio.participants(sid) == ["discord_33"]
    message = await served.twilio.post(sid, author="discord_33", body="hello", attributes={})
    await served.twilio.delete(sid, message)
    await served.twilio.delete(sid, message)
    await served.twilio.close_conversation(sid)
    await served.twilio.close_conversation(sid)
    await served.twilio.close_conversation("CH" + "0" * 32)


async def test_messages_are_read_in_order_and_the_newest_first_on_demand(served: Served) -> None:
    sid = await served.conversation()
    for n in range(3):
        await served.twilio.post(
            sid, author="discord_33", body=f"{n}", attributes={"orchestrator": {"effect": n}}
        )
    assert [m.body for m in await served.twilio.messages(sid)] == ["0", "1", "2"]
    newest = await served.twilio.messages(sid, newest_first=True, limit=2)
    assert [(m.body, m.index) for m in newest] == [("2", 2), ("1", 1)]
    assert newest[0].attributes == {"orchestrator": {"effect": 2}}


async def test_webhooks_are_listed_beyond_the_first_page(served: Served) -> None:
    sid = await served.conversation()
    urls = [f"{HOOK}?n={n}" for n in range(5)]
    for url in urls:
        await served.twilio.add_webhook(sid, url, ("onMessageAdded",))
    assert sorted(await served.twilio.webhooks(sid)) == urls


async def test_a_closed_conversation_is_a_rejection_that_says_so(served: Served) -> None:
    sid = await served.conversation()
    await served.twilio.close_conversation(sid)
    with pytest.raises(Reject) as refused:
        await served.twilio.post(sid, author="discord_33", body="too late", attributes={})
    assert refused.value.report is Trigger.DESK_CLOSED


async def test_a_body_that_is_too_long_is_a_rejection_that_closes_nothing(served: Served) -> None:
    sid = await served.conversation()
    with pytest.raises(Reject) as refused:
        await served.twilio.post(sid, author="discord_33", body="x" * 40_000, attributes={})
    assert refused.value.report is None


async def test_a_429_is_put_off_for_as_long_as_it_says_and_was_not_done(served: Served) -> None:
    sid = await served.conversation()
    served.fault("POST", "/Messages$", status=429, headers={"Retry-After": "3"}, body={"code": 20429})
    with pytest.raises(Retry) as failed:
        await served.twilio.post(sid, author="discord_33", body="hello", attributes={})
    assert failed.value.after == 3.0
    assert not failed.value.ambiguous


FAULTS: dict[str, dict[str, Any]] = {
    "500": {"status": 500, "body": {"code": 20500, "message": "oops", "status": 500}},
    "502 in HTML": {"status": 502, "body": "<html>Bad gateway</html>"},
    "503 without a body": {"status": 503},
    "nonsense": {"status": 200, "body": "<html>Hello</html>"},
    "JSON of another kind": {"status": 201, "body": [1, 2, 3]},
    "JSON without a sid": {"status": 201, "body": {"hello": "world"}},
    "a lost request": {"abort": True},
    "a lost answer": {"lose_reply": True},
    "an answer that does not come": {"delay_s": 1.0},
    "an answer that drips": {"drip_s": 3.0},
}


def post(twilio: TwilioRest, sid: str) -> Awaitable[Any]:
    return twilio.post(sid, author="discord_33", body="hello", attributes={})


def interaction(twilio: TwilioRest, sid: str) -> Awaitable[Any]:
    return twilio.create_interaction({"properties": {"media_channel_sid": sid}}, {"properties": {}})


def create(twilio: TwilioRest, _sid: str) -> Awaitable[Any]:
    return twilio.create_conversation("another", "Mia", {})


def webhook(twilio: TwilioRest, sid: str) -> Awaitable[Any]:
    return twilio.add_webhook(sid, HOOK, ("onMessageAdded",))


#: The calls that make something, and whether making it twice would be wrong.
CALLS = {post: True, interaction: True, create: False, webhook: False}
UNREAD = "JSON without a sid"  # what `webhook` answers is not looked at


@pytest.mark.parametrize(
    ("call", "doubt", "how"),
    [
        pytest.param(call, doubt, how, id=f"{call.__name__}-{name}")
        for call, doubt in CALLS.items()
        for name, how in FAULTS.items()
        if not (call is webhook and name == UNREAD)
    ],
)
async def test_what_a_failing_twilio_does_is_tried_again(
    served: Served,
    monkeypatch: pytest.MonkeyPatch,
    call: Callable[[TwilioRest, str], Awaitable[Any]],
    doubt: bool,
    how: dict[str, Any],
) -> None:
    """In doubt where doing it twice is not the same as once."""
    sid = await served.conversation()
    if how.keys() & {"delay_s", "drip_s"}:  # elsewhere a slow machine would be taken for a time-out
        monkeypatch.setattr("orchestrator.twilio.client.TIMEOUT_S", 0.3)
    served.fault("POST", "/(Messages|Interactions|Conversations|Webhooks)$", **how)
    with pytest.raises(Retry) as failed:
        await call(served.twilio, sid)
    assert failed.value.ambiguous is doubt


async def test_a_token_that_is_refused_in_the_middle_is_not_the_messages_fault(served: Served) -> None:
    sid = await served.conversation()
    served.fault("POST", "/Messages$", status=401, body={"code": 20003})
    with pytest.raises(Retry):
        await post(served.twilio, sid)
