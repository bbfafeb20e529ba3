"""The local Twilio as the unmodified SDK meets it, over sockets."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator

import aiohttp
import pytest
from twilio.base.exceptions import TwilioRestException

from orchestrator.sandbox.faults import Fault
from tests.sandbox.twilio_running import ACCOUNT, TOKEN, Running, running

LOGIN = {"Authorization": aiohttp.encode_basic_auth(ACCOUNT, TOKEN)}


@pytest.fixture
async def twilio() -> AsyncIterator[Running]:
    async with running() as local:
        yield local


async def test_a_taken_unique_name_is_refused_and_can_be_adopted(twilio: Running) -> None:
    made = await twilio.conversations.create_async(unique_name="discord-1-1")
    with pytest.raises(TwilioRestException) as refused:
        await twilio.conversations.create_async(unique_name="discord-1-1")
    adopted = await twilio.conversations("discord-1-1").fetch_async()

    assert (refused.value.status, refused.value.code) == (409, 50353)
    assert adopted.sid == made.sid


async def test_a_unique_name_addresses_every_resource_below_it(twilio: Running) -> None:
    made = await twilio.conversations.create_async(unique_name="discord-1-1")
    await twilio.conversations("discord-1-1").participants.create_async(identity="discord_1")
    await twilio.conversations("discord-1-1").messages.create_async(author="discord_1", body="hi")

    assert [p.identity for p in await made.participants.list_async()] == ["discord_1"]
    assert [m.body for m in await made.messages.list_async()] == ["hi"]


async def test_a_participant_joins_once_and_is_found_by_identity(twilio: Running) -> None:
    made = await twilio.conversations.create_async(unique_name="discord-1-1")
    await made.participants.create_async(identity="discord_1", attributes='{"member_type":"guest"}')
    with pytest.raises(TwilioRestException) as refused:
        await made.participants.create_async(identity="discord_1")
    of_member = await twilio.client.conversations.v1.participant_conversations.list_async(
        identity="discord_1"
    )

    assert (refused.value.status, refused.value.code) == (409, 50433)
    assert [(c.conversation_sid, c.conversation_state) for c in of_member] == [(made.sid, "active")]


async def test_the_sixth_webhook_of_a_conversation_is_refused(twilio: Running) -> None:
    made = await twilio.conversations.create_async()
    for number in range(5):
        await made.webhooks.create_async(target="webhook", configuration_url=f"http://127.0.0.1/{number}")
    with pytest.raises(TwilioRestException) as refused:
        await made.webhooks.create_async(target="webhook", configuration_url="http://127.0.0.1/5")

    assert refused.value.code == 50361
    assert len(await made.webhooks.list_async()) == 5


async def test_messages_page_in_both_directions_and_keep_their_attributes(twilio: Running) -> None:
    made = await twilio.conversations.create_async()
    for number in range(5):
        attributes = json.dumps({"discord_message_id": number})
        await made.messages.create_async(author="discord_1", body=f"m{number}", attributes=attributes)

    rising = await made.messages.list_async(page_size=2)
    falling = await made.messages.list_async(order="desc", page_size=2, limit=3)
    assert [m.index for m in rising] == [0, 1, 2, 3, 4]
    assert [m.body for m in falling] == ["m4", "m3", "m2"]
    assert json.loads(falling[0].attributes) == {"discord_message_id": 4}


async def test_a_rest_message_is_echoed_only_when_the_caller_asks_for_webhooks(twilio: Running) -> None:
    made = await twilio.member_conversation("onMessageAdded")
    await made.messages.create_async(author="discord_1", body="silent")
    assert await twilio.sent() == []

    await made.messages.create_async(author="discord_1", body="told", x_twilio_webhook_enabled="true")
    told = await twilio.receiver.until("onMessageAdded")
    assert (told["Body"], told["Source"], told["Index"]) == ("told", "API", "1")
    assert "ClientIdentity" not in told


async def test_a_conversation_goes_from_hand_off_to_a_closed_conversation(twilio: Running) -> None:
    made = await twilio.member_conversation(
        "onMessageAdded",
        "onMessageUpdated",
        "onMessageRemoved",
        "onParticipantAdded",
        "onConversationStateUpdated",
    )
    interaction = await twilio.handed_off(made.sid, case_id=12, customerName="Ann")
    task_sid = interaction.routing["properties"]["sid"]
    _, waiting = await twilio.control("GET", "/tasks")
    assert [(t["sid"], t["status"], t["agent"]) for t in waiting] == [(task_sid, "pending", None)]
    assert waiting[0]["attributes"]["case_id"] == 12
    assert waiting[0]["attributes"]["conversationSid"] == made.sid

    assert (await twilio.control("POST", f"/tasks/{task_sid}/accept", {"agent": "ada"}))[0] == 201
    joined = await twilio.receiver.until("onParticipantAdded")
    assert (joined["Identity"], joined["Source"], joined["AccountSid"]) == ("ada", "SDK", ACCOUNT)
    status, late = await twilio.control("POST", f"/tasks/{task_sid}/accept", {"agent": "ben"})
    assert (status, late["error"]) == (409, "conflict")

    _, message = await twilio.control("POST", f"/tasks/{task_sid}/messages", {"body": "Hello"})
    await twilio.control("POST", f"/tasks/{task_sid}/edit", {"message_sid": message["sid"], "body": "Hello!"})
    await twilio.control("POST", f"/tasks/{task_sid}/delete", {"message_sid": message["sid"]})
    assert (await twilio.receiver.until("onMessageUpdated"))["Body"] == "Hello!"
    removed = await twilio.receiver.until("onMessageRemoved")
    assert (removed["Author"], removed["ClientIdentity"]) == ("ada", "ada")

    _, done = await twilio.control("POST", f"/tasks/{task_sid}/complete")
    closed = await twilio.receiver.until("onConversationStateUpdated")
    assert done["status"] == "completed"
    assert done["messages"][0]["deleted_at"] is not None
    assert (closed["StateFrom"], closed["StateTo"]) == ("active", "closed")
    with pytest.raises(TwilioRestException) as refused:
        await made.messages.create_async(author="discord_1", body="too late")
    assert (refused.value.status, refused.value.code) == (400, 50377)


async def test_an_agents_file_can_be_downloaded_by_its_temporary_link(twilio: Running) -> None:
    made = await twilio.member_conversation("onMessageAdded")
    interaction = await twilio.handed_off(made.sid)
    task_sid = interaction.routing["properties"]["sid"]
    await twilio.control("POST", f"/tasks/{task_sid}/accept", {"agent": "ada"})
    file = {"filename": "note.txt", "content_type": "text/plain", "text": "hello"}
    await twilio.control("POST", f"/tasks/{task_sid}/messages", {"body": "", "media": [file]})

    told = json.loads((await twilio.receiver.until("onMessageAdded"))["Media"])
    assert told == [{"Sid": told[0]["Sid"], "ContentType": "text/plain", "Filename": "note.txt", "Size": 5}]
    service = (
        await twilio.client.conversations.v1.configuration.get().fetch_async()
    ).default_chat_service_sid
    mcs = f"{twilio.base}/twilio/mcs.us1.twilio.com/v1/Services/{service}/Media/{told[0]['Sid']}"
    async with twilio.http.get(mcs, headers=LOGIN) as response:
        link = (await response.json())["links"]["content_direct_temporary"]
    async with twilio.http.get(link) as response:
        assert await response.read() == b"hello"


async def test_an_upload_becomes_a_message(twilio: Running) -> None:
    made = await twilio.conversations.create_async()
    service = (
        await twilio.client.conversations.v1.configuration.get().fetch_async()
    ).default_chat_service_sid
    mcs = f"{twilio.base}/twilio/mcs.us1.twilio.com/v1/Services/{service}/Media?Filename=cat.png"
    headers = {**LOGIN, "Content-Type": "image/png"}
    async with twilio.http.post(mcs, data=b"\x89PNG", headers=headers) as response:
        assert response.status == 201
        sid = (await response.json())["sid"]

    message = await made.messages.create_async(author="discord_1", media_sid=sid)
    assert [(m["filename"], m["size"]) for m in message.media] == [("cat.png", 4)]


async def test_a_request_without_a_login_is_refused(twilio: Running) -> None:
    url = f"{twilio.base}/twilio/conversations.twilio.com/v1/Conversations"
    async with twilio.http.get(url) as response:
        assert (response.status, (await response.json())["code"]) == (401, 20003)


async def test_a_lost_reply_leaves_the_work_done(twilio: Running) -> None:
    twilio.faults.plant(Fault("twilio", "POST", "/v1/Conversations$", lose_reply=True))
    with pytest.raises(aiohttp.ClientError):
        await twilio.conversations.create_async(unique_name="discord-1-1")

    assert (await twilio.conversations("discord-1-1").fetch_async()).state == "active"
    lost = next(entry for entry in twilio.log.entries if entry.fault)
    assert (lost.status, lost.fault) == (None, "lose_reply")


async def test_an_answer_that_drips_comes_whole_and_the_work_is_done_before(twilio: Running) -> None:
    twilio.faults.plant(Fault("twilio", "POST", "/v1/Conversations$", drip_s=0.05))
    made = await twilio.conversations.create_async(unique_name="discord-1-1")
    twilio.faults.plant(Fault("twilio", "POST", "/v1/Conversations$", drip_s=3.0))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.3):
            await twilio.conversations.create_async(unique_name="discord-1-2")

    assert (await twilio.conversations("discord-1-1").fetch_async()).sid == made.sid
    assert (await twilio.conversations("discord-1-2").fetch_async()).state == "active"
    assert [entry.fault for entry in twilio.log.entries if entry.fault] == ["drip=0.05s", "drip=3s"]


async def test_an_aborted_request_does_no_work(twilio: Running) -> None:
    twilio.faults.plant(Fault("twilio", "POST", "/v1/Conversations$", abort=True))
    with pytest.raises(aiohttp.ClientError):
        await twilio.conversations.create_async(unique_name="discord-1-1")

    with pytest.raises(TwilioRestException) as refused:
        await twilio.conversations("discord-1-1").fetch_async()
    assert (refused.value.status, refused.value.code) == (404, 20404)


async def test_a_planted_answer_reaches_the_sdk(twilio: Running) -> None:
    body = {"code": 20429, "message": "Too Many Requests", "status": 429}
    twilio.faults.plant(Fault("twilio", "POST", "Conversations", status=429, body=body))
    with pytest.raises(TwilioRestException) as refused:
        await twilio.conversations.create_async()
    assert (refused.value.status, refused.value.code) == (429, 20429)


async def test_webhooks_can_be_lost_doubled_and_held_back(twilio: Running) -> None:
    made = await twilio.member_conversation("onMessageAdded")

    async def say(body: str) -> None:
        await made.messages.create_async(author="discord_1", body=body, x_twilio_webhook_enabled="true")
        await twilio.sent()

    twilio.faults.plant(Fault("webhook", "POST", "/webhooks/twilio/", abort=True))
    await say("lost")
    await twilio.control("POST", "/webhooks", {"duplicate": 1})
    await say("doubled")
    _, state = await twilio.control("POST", "/webhooks", {"hold": True})
    await say("held")
    assert state["hold"] is True
    assert [fields["Body"] for fields in twilio.receiver.got] == ["doubled", "doubled"]
    assert twilio.receiver.tokens[0] == twilio.receiver.tokens[1]

    _, state = await twilio.control("POST", "/webhooks", {"release": "fifo"})
    assert (state["released"], state["hold"]) == (1, False)
    await twilio.sent()
    assert twilio.receiver.got[-1]["Body"] == "held"


async def test_the_log_tells_both_directions_and_no_secret(twilio: Running) -> None:
    made = await twilio.member_conversation("onMessageAdded")
    await made.messages.create_async(author="discord_1", body="hi", x_twilio_webhook_enabled="true")
    await twilio.sent()

    told = [(e.from_, e.to, e.method, e.status) for e in twilio.log.entries]
    assert ("app", "twilio", "POST", 201) in told
    assert ("twilio", "webhook", "POST", 204) in told
    assert TOKEN not in "".join(json.dumps(e.as_json(), default=str) for e in twilio.log.entries)


async def test_unknown_form_fields_are_ignored_but_logged(twilio: Running) -> None:
    url = f"{twilio.base}/twilio/conversations.twilio.com/v1/Conversations"
    form = {"UniqueName": "a", "MediaUrl": "http://127.0.0.1/x"}
    async with twilio.http.post(url, data=form, headers=LOGIN) as response:
        assert response.status == 201
    assert twilio.log.entries[-1].request["ignored_fields"] == ["MediaUrl"]
