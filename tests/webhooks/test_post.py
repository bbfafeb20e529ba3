"""The way out over a real socket: what a receiver can do to it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from orchestrator.errors import Retry
from orchestrator.ports import Response
from orchestrator.webhooks import post
from orchestrator.webhooks.post import HttpOutbound
from tests.acceptance.looking import free_port
from tests.webhooks.receiver import Mood, Receiver, receiving


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as found:
        yield found


@pytest.fixture
async def outbound(receiver: Receiver) -> AsyncIterator[HttpOutbound]:
    made = HttpOutbound(receiver.url)
    yield made
    await made.close()


async def test_the_bytes_that_were_signed_arrive_with_their_headers(
    receiver: Receiver, outbound: HttpOutbound
) -> None:
    receiver.moods = [Mood(204)]
    body = '{"name": "Zoë"}'.encode()
    assert await outbound.post({"Webhook-Id": "case:a:1:0:0"}, body) == Response(204)
    ((headers, arrived),) = receiver.posts
    assert arrived == body
    assert (headers["Webhook-Id"], headers["Content-Type"]) == ("case:a:1:0:0", "application/json")


@pytest.mark.parametrize("status", [200, 400, 410, 429, 500, 503])
async def test_the_answer_is_what_the_receiver_said(
    receiver: Receiver, outbound: HttpOutbound, status: int
) -> None:
    receiver.moods = [Mood(status, {"Retry-After": "17"})]
    assert await outbound.post({}, b"{}") == Response(status, "17")


async def test_a_redirect_is_an_answer_and_is_not_followed(
    receiver: Receiver, outbound: HttpOutbound
) -> None:
    receiver.moods = [Mood(307, {"Location": receiver.url})]
    assert (await outbound.post({}, b"{}")).status == 307
    assert len(receiver.posts) == 1


async def test_a_long_answer_is_not_read_to_its_end(receiver: Receiver, outbound: HttpOutbound) -> None:
    receiver.moods = [Mood(200, body=b"x" * 50_000_000), Mood(204)]
    assert (await outbound.post({}, b"{}")).status == 200
    assert (await outbound.post({}, b"{}")).status == 204


async def test_no_cookie_of_a_receiver_comes_back_to_it(receiver: Receiver, outbound: HttpOutbound) -> None:
    receiver.moods = [Mood(204, {"Set-Cookie": "a=b"}), Mood(204)]
    await outbound.post({}, b"{}")
    await outbound.post({}, b"{}")
    assert "Cookie" not in receiver.posts[1][0]


@pytest.mark.parametrize("mood", [Mood(cut=True), Mood(hangs=True)], ids=["cut", "hangs"])
async def test_no_answer_is_worth_another_try(
    receiver: Receiver, outbound: HttpOutbound, mood: Mood, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(post, "TIMEOUT_S", 0.2)
    receiver.moods = [mood]
    with pytest.raises(Retry, match="no answer"):
        await outbound.post({}, b"{}")


async def test_nobody_there_is_worth_another_try() -> None:
    outbound = HttpOutbound(f"http://127.0.0.1:{free_port()}/cases?token=canary")
    try:
        with pytest.raises(Retry, match="no answer from the receiver: ClientConnectorError") as again:
            await outbound.post({}, b"{}")
    finally:
        await outbound.close()
    assert "canary" not in str(again.value)


async def test_https_is_never_given_up_for_http(receiver: Receiver) -> None:
    outbound = HttpOutbound(receiver.url.replace("http:", "https:"))
    try:
        with pytest.raises(Retry, match="no answer"):
            await outbound.post({}, b"{}")
    finally:
        await outbound.close()
    assert receiver.posts == []
