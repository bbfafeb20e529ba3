"""What every implementation of the Twilio port does: the SDK over sockets, and the model in process."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from machines.events import Trigger
from orchestrator.errors import Reject, Retry
from orchestrator.inprocess.twilio import InProcessTwilio
from orchestrator.ports import Conflict, Interaction
from orchestrator.twilio import limits
from tests.inprocess.ports import FAULTS, TwilioSide, twilio_in_process, twilio_over_sockets

NAME = "orchestrator-c1-1"
HOOK = "https://help.example.org/webhooks/twilio/conversations"
NOBODY = "CH" + "0" * 32
SIDES = {"over sockets": twilio_over_sockets, "in process": twilio_in_process}


@pytest.fixture(params=SIDES)
async def side(request: pytest.FixtureRequest) -> AsyncIterator[TwilioSide]:
    async with SIDES[request.param]() as found:
        yield found


async def opened(side: TwilioSide) -> tuple[str, Interaction]:
    """A conversation with an interaction on top of it."""
    sid = await side.conversation()
    account = side.model.account()
    properties = {
        "workspace_sid": account["TWILIO_WORKSPACE_SID"],
        "workflow_sid": account["TWILIO_WORKFLOW_SID"],
        "task_channel_unique_name": "chat",
        "attributes": {"orchestrator_request": NAME},
    }
    channel = {"type": "web", "initiated_by": "customer", "properties": {"media_channel_sid": sid}}
    return sid, await side.port.create_interaction(channel, {"properties": properties})


async def test_a_name_that_is_taken_is_a_conflict_and_can_be_found(side: TwilioSide) -> None:
    made = await side.port.create_conversation(NAME, "M" * 300, {"orchestrator": {"request": NAME}})
    with pytest.raises(Conflict):
        await side.port.create_conversation(NAME, "Mia", {})
    assert await side.port.conversation(NAME) == made
    assert await side.port.conversation(made.sid) == made
    assert (made.state, made.attributes) == ("active", {"orchestrator": {"request": NAME}})


async def test_a_conversation_that_is_not_there_is_none(side: TwilioSide) -> None:
    assert await side.port.conversation("nobody") is None
    assert await side.port.conversation(NOBODY) is None


@pytest.mark.parametrize("what", ["messages", "participants", "webhooks"])
async def test_what_belongs_to_a_conversation_that_is_not_there_cannot_be_listed(
    side: TwilioSide, what: str
) -> None:
    with pytest.raises(Reject) as refused:
        await getattr(side.port, what)(NOBODY)
    assert refused.value.report is Trigger.DESK_CLOSED


async def test_who_is_there_already_may_be_added_again(side: TwilioSide) -> None:
    sid = await side.conversation()
    await side.port.add_participant(sid, "discord_33", {})
    await side.port.add_participant(sid, "ada", {"member_type": "agent"})
    assert await side.port.participants(sid) == ["discord_33", "ada"]


async def test_all_webhooks_are_listed_with_their_address(side: TwilioSide) -> None:
    sid = await side.conversation()
    urls = [f"{HOOK}?c=c1&r={n}" for n in range(5)]
    for url in urls:
        await side.port.add_webhook(sid, url, ("onMessageAdded", "onParticipantAdded"))
    assert await side.port.webhooks(sid) == urls


async def test_messages_are_read_in_order_and_the_newest_first_on_demand(side: TwilioSide) -> None:
    sid = await side.conversation()
    refs = [
        await side.port.post(
            sid, author="discord_33", body=f"{n}", attributes={"orchestrator": {"effect": n}}
        )
        for n in range(120)
    ]
    assert [m.sid for m in await side.port.messages(sid)] == refs[:100]
    assert [m.sid for m in await side.port.messages(sid, limit=1000)] == refs
    newest = await side.port.messages(sid, newest_first=True, limit=2)
    assert [(m.body, m.index) for m in newest] == [("119", 119), ("118", 118)]
    assert newest[0].attributes == {"orchestrator": {"effect": 119}}


async def test_both_read_the_same_alike(side: TwilioSide) -> None:
    sid, _ = await opened(side)
    task = side.model.tasks()[0]["sid"]
    side.model.accept(task, "ada")
    said = side.model.agent_message(task, "helo")
    side.model.agent_edit(task, said.sid, "hello")
    await side.port.post(sid, author="discord_33", body="hi", attributes={"orchestrator": {"effect": "k"}})
    account = side.model.account()
    other = InProcessTwilio(side.model.rest, account["TWILIO_ACCOUNT_SID"], limits)
    told = await side.port.messages(sid)
    assert told == await other.messages(sid)
    assert [(m.author, m.body) for m in told] == [("ada", "hello"), ("discord_33", "hi")]
    assert await side.port.conversation(sid) == await other.conversation(sid)
    workspace, wanted = account["TWILIO_WORKSPACE_SID"], f"orchestrator_request == '{NAME}'"
    assert await side.port.find_tasks(workspace, wanted) == await other.find_tasks(workspace, wanted)


async def test_a_message_is_edited_and_deleted_and_deleted_again(side: TwilioSide) -> None:
    sid = await side.conversation()
    ref = await side.port.post(sid, author="discord_33", body="one", attributes={"a": 1})
    await side.port.edit(sid, ref, "two")
    assert [(m.body, m.attributes) for m in await side.port.messages(sid)] == [("two", {"a": 1})]
    await side.port.delete(sid, ref)
    await side.port.delete(sid, ref)
    assert await side.port.messages(sid) == []


async def test_closing_again_is_harmless_and_posting_afterwards_says_that_it_is_closed(
    side: TwilioSide,
) -> None:
    sid = await side.conversation()
    await side.port.close_conversation(sid)
    await side.port.close_conversation(sid)
    await side.port.close_conversation(NOBODY)
    for gone in (sid, NOBODY):
        with pytest.raises(Reject) as refused:
            await side.port.post(gone, author="discord_33", body="too late", attributes={})
        assert refused.value.report is Trigger.DESK_CLOSED


async def test_a_body_that_is_too_long_is_a_rejection_that_closes_nothing(side: TwilioSide) -> None:
    sid = await side.conversation()
    with pytest.raises(Reject) as refused:
        await side.port.post(sid, author="discord_33", body="x" * 40_000, attributes={})
    assert refused.value.report is None


async def test_an_interaction_names_its_channel_and_its_task_which_is_found_by_our_attribute(
    side: TwilioSide,
) -> None:
    _, made = await opened(side)
    workspace = side.model.account()["TWILIO_WORKSPACE_SID"]
    (task,) = await side.port.find_tasks(workspace, f"orchestrator_request == '{NAME}'")
    assert (task.sid, task.status) == (made.task, "pending")
    assert task.attributes["flexInteractionSid"] == made.sid
    assert await side.port.channel_of(made.sid) == made.channel
    assert await side.port.find_tasks(workspace, "orchestrator_request == 'another'") == []


async def test_a_second_interaction_for_a_conversation_names_no_task(side: TwilioSide) -> None:
    await opened(side)
    sid = await side.port.conversation(NAME)
    assert sid is not None
    account = side.model.account()
    again = await side.port.create_interaction(
        {"type": "web", "initiated_by": "customer", "properties": {"media_channel_sid": sid.sid}},
        {"properties": {"workspace_sid": account["TWILIO_WORKSPACE_SID"]}},
    )
    assert (again.task, again.channel) == (None, None)


async def test_another_agent_is_invited_by_another_task(side: TwilioSide) -> None:
    _, made = await opened(side)
    assert made.channel is not None
    workspace = side.model.account()["TWILIO_WORKSPACE_SID"]
    properties = {"workspace_sid": workspace, "attributes": {"orchestrator_request": NAME}}
    await side.port.invite(made.sid, made.channel, {"properties": properties})
    assert len(await side.port.find_tasks(workspace, f"orchestrator_request == '{NAME}'")) == 2


async def test_a_channel_is_closed_with_its_tasks_and_may_be_closed_again(side: TwilioSide) -> None:
    sid, made = await opened(side)
    assert made.channel is not None
    for _ in range(2):
        await side.port.close_channel(made.sid, made.channel)
    await side.port.close_channel("KD" + "0" * 32, made.channel)
    assert [task["status"] for task in side.model.tasks()] == ["canceled"]
    found = await side.port.conversation(sid)
    assert found is not None
    assert found.state == "closed"
    with pytest.raises(Reject):
        await side.port.invite(made.sid, made.channel, {"properties": {}})


def post(side: TwilioSide, sid: str) -> Awaitable[Any]:
    return side.port.post(sid, author="discord_33", body="hello", attributes={})


def interaction(side: TwilioSide, sid: str) -> Awaitable[Any]:
    workspace = side.model.account()["TWILIO_WORKSPACE_SID"]
    channel = {"type": "web", "initiated_by": "customer", "properties": {"media_channel_sid": sid}}
    return side.port.create_interaction(channel, {"properties": {"workspace_sid": workspace}})


def create(side: TwilioSide, _sid: str) -> Awaitable[Any]:
    return side.port.create_conversation("another", "Mia", {})


def webhook(side: TwilioSide, sid: str) -> Awaitable[Any]:
    return side.port.add_webhook(sid, HOOK, ("onMessageAdded",))


def messages(side: TwilioSide, sid: str) -> Awaitable[Any]:
    return side.port.messages(sid)


#: Calls, and whether making them twice would be wrong.
CALLS: dict[Any, bool] = {post: True, interaction: True, create: False, webhook: False, messages: False}
#: Fault -> the seconds that are named, and whether a doubt is left where a repeat would be wrong.
LEAVES = {
    "a lost request": (None, True),
    "a lost answer": (None, True),
    "429 that names a time": (7.0, False),
    "429 without a time": (None, False),
    "503": (None, True),
    "401": (None, False),
    "nonsense": (None, True),
}


@pytest.mark.parametrize("fault", LEAVES)
@pytest.mark.parametrize("call", CALLS)
async def test_every_fault_is_tried_again_and_leaves_a_doubt_where_a_repeat_would_be_wrong(
    side: TwilioSide, call: Callable[[TwilioSide, str], Awaitable[Any]], fault: str
) -> None:
    after, doubt = LEAVES[fault]
    sid = await side.conversation()
    for method in ("POST", "GET"):
        side.spoil(method, "/(Messages|Interactions|Conversations|Webhooks)$", fault)
    with pytest.raises(Retry) as failed:
        await call(side, sid)
    assert (failed.value.after, failed.value.ambiguous) == (after, doubt and CALLS[call])


async def test_faults_are_all_spoken_for() -> None:
    assert set(LEAVES) == set(FAULTS) - {"an empty object"}  # not every answer is read
