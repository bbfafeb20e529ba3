"""The webhooks that the local Twilio signs and sends pass our gate and become our events."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator

import pytest

from machines.events import Trigger
from tests.sandbox.twilio_running import ACCOUNT, TOKEN, Running
from tests.sandbox.twilio_running import running as twilio_running
from tests.web.serving import Recorder, services, until
from web.app import create, serve

FILTERS = ["onMessageAdded", "onMessageUpdated", "onMessageRemoved", "onParticipantAdded"]
FILTERS += ["onParticipantRemoved", "onConversationStateUpdated"]


@pytest.fixture
async def twilio() -> AsyncIterator[Running]:
    async with twilio_running() as local:
        yield local


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def test_a_talk_with_an_agent_arrives_as_events_in_order(twilio: Running) -> None:
    store, port = Recorder(), free_port()
    url = f"http://127.0.0.1:{port}"
    app = create(services(store, public_url=url, account_sid=ACCOUNT, auth_tokens=(TOKEN,)))
    server = await serve(app, "127.0.0.1", port)
    try:
        made = await twilio.conversations.create_async(unique_name="discord-1-1")
        await made.participants.create_async(identity="discord_1")
        await made.webhooks.create_async(
            target="webhook",
            configuration_url=f"{url}/webhooks/twilio/conversations?c=conversation-1&r=1",
            configuration_method="post",
            configuration_filters=FILTERS,
        )
        await twilio.handed_off(made.sid)
        (task,) = (await twilio.control("GET", "/tasks"))[1]
        await twilio.control("POST", f"/tasks/{task['sid']}/accept", {"agent": "ada"})
        said = (await twilio.control("POST", f"/tasks/{task['sid']}/messages", {"body": "Hello & é"}))[1]
        await made.messages.create_async(
            author="discord_1",
            body="from the member",
            attributes='{"orchestrator": {"effect": "k"}}',
            x_twilio_webhook_enabled="true",
        )
        await twilio.control("POST", f"/tasks/{task['sid']}/complete")
        twilio.shell.flush()
        await until(lambda: any(e.trigger is Trigger.DESK_CLOSED for e in store.events.values()))
    finally:
        await server.close()

    events = list(store.events.values())
    assert [event.trigger for event in events][:2] == [Trigger.AGENT_JOINED, Trigger.AGENT_MESSAGE]
    assert (events[1].id, events[1].data["body"]) == (said["sid"], "Hello & é")
    assert [event for event in events if event.data.get("body") == "from the member"] == []
    assert {event.to.conversation for event in events} == {"conversation-1"}
