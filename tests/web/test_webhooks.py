"""What a verified webhook is answered, and what becomes of it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from machines.events import Trigger
from orchestrator.errors import Unavailable
from tests.web.serving import CHANNEL_CLOSED, CONVERSATIONS, INTERACTIONS, MESSAGE, OURS, Web, running


@pytest.fixture
async def twilio() -> AsyncIterator[Web]:
    async with running() as local:
        yield local


async def test_the_mark_in_the_address_names_conversation_and_request(twilio: Web) -> None:
    await twilio.post()

    (event,) = twilio.store.events.values()
    assert (event.to.conversation, event.to.request) == ("conversation-1", 1)
    assert twilio.store.asked == []


async def test_a_message_of_files_alone_is_taken_with_its_blank_body(twilio: Web) -> None:
    media = '[{"Sid": "ME%s", "ContentType": "image/png", "Filename": "a.png", "Size": 1}]' % ("6" * 32)

    assert (await twilio.post(fields=MESSAGE | {"Body": "", "Media": media})).status == 204
    (event,) = twilio.store.events.values()
    assert (event.data["body"], event.data["attachments"][0]["filename"]) == ("", "a.png")


async def test_a_repeat_is_answered_like_the_first(twilio: Web) -> None:
    first, second = await twilio.post(), await twilio.post()

    assert (first.status, second.status) == (204, 204)
    assert len(twilio.store.events) == 1


async def test_an_unmarked_webhook_is_taken_if_its_link_is_ours(twilio: Web) -> None:
    answer = await twilio.post(INTERACTIONS, CHANNEL_CLOSED)

    assert answer.status == 204
    assert twilio.store.asked == [("conversation_sid", OURS)]
    assert [event.trigger for event in twilio.store.events.values()] == [Trigger.DESK_CLOSED]


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        (INTERACTIONS, CHANNEL_CLOSED | {"MediaChannelSid": "CH" + "9" * 32}),
        ("/webhooks/twilio/conversations", MESSAGE | {"ConversationSid": "CH" + "9" * 32}),
    ],
)
async def test_what_is_signed_but_foreign_is_204_and_leaves_no_row(
    twilio: Web, path: str, fields: dict[str, str]
) -> None:
    assert (await twilio.post(path, fields)).status == 204
    assert twilio.store.submits == 0


async def test_an_event_that_tells_us_nothing_is_204_and_leaves_no_row(twilio: Web) -> None:
    assert (await twilio.post(fields=MESSAGE | {"EventType": "onDeliveryUpdated"})).status == 204
    assert twilio.store.submits == 0


@pytest.mark.parametrize(
    "name", ["EventType", "MessageSid", "ConversationSid", "DateCreated", "Index", "Body"]
)
async def test_a_missing_field_is_400_and_named(twilio: Web, name: str) -> None:
    answer = await twilio.post(fields={n: v for n, v in MESSAGE.items() if n != name})

    assert (answer.status, answer.body) == (400, {"error": "bad_field", "detail": f"{name}: missing"})
    assert twilio.store.submits == 0


async def test_a_bad_mark_is_400(twilio: Web) -> None:
    answer = await twilio.post("/webhooks/twilio/conversations?c=conversation-1&r=first")

    assert (answer.status, answer.body["detail"]) == (400, "r: not a whole number")


@pytest.mark.parametrize(
    ("trouble", "seconds"),
    [(Unavailable("the database is down", retry_after=7), "7"), (Unavailable("away", retry_after=0), "1")],
)
@pytest.mark.parametrize(("path", "fields"), [(CONVERSATIONS, MESSAGE), (INTERACTIONS, CHANNEL_CLOSED)])
async def test_a_store_that_is_full_or_down_is_503_and_says_when_to_come_again(
    twilio: Web, trouble: Unavailable, seconds: str, path: str, fields: dict[str, str]
) -> None:
    twilio.store.trouble = trouble
    down = await twilio.post(path, fields)
    twilio.store.trouble = None
    up = await twilio.post(path, fields)

    assert down.status == 503, "answered before it was stored"
    assert down.headers["Retry-After"] == seconds
    assert down.body == {"error": "unavailable", "detail": str(trouble)}
    assert up.status == 204
    assert len(twilio.store.events) == 1


async def test_a_bug_is_a_500_that_tells_nothing(twilio: Web) -> None:
    twilio.store.trouble = RuntimeError("secret detail")
    answer = await twilio.post()

    assert (answer.status, answer.body["error"]) == (500, "internal")
    assert "secret" not in answer.body["detail"]


@pytest.mark.parametrize("path", [CONVERSATIONS, INTERACTIONS])
async def test_only_post_is_answered(twilio: Web, path: str) -> None:
    answer = await twilio.request("GET", path)

    assert (answer.status, answer.body["error"]) == (405, "method_not_allowed")
    assert answer.headers["Allow"] == "POST"
