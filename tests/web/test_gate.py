"""The signature gate: what is let through, and that nothing else is."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import json
import logging
from collections.abc import AsyncIterator
from urllib.parse import urlencode

import pytest
from aiohttp import web
from twilio.request_validator import HMAC_SHA256, RequestValidator

from tests.web.serving import (
    ACCOUNT,
    CONVERSATIONS,
    FORM,
    INTERACTIONS,
    MESSAGE,
    PUBLIC_URL,
    TOKEN,
    Recorder,
    Web,
    running,
    services,
    sign,
    until,
)
from web.app import create
from web.body import LIMIT as BODY_LIMIT
from web.gate import PREFIX

LIMIT = 256 * 1024


@pytest.fixture
async def twilio() -> AsyncIterator[Web]:
    async with running() as local:
        yield local


def head(path: str = CONVERSATIONS, **headers: str) -> str:
    """The head of a request as bytes go over the wire."""
    lines = {
        "Host": "127.0.0.1",
        "Content-Type": FORM,
        **{n.replace("_", "-"): v for n, v in headers.items()},
    }
    return "".join([f"POST {path} HTTP/1.1\n", *(f"{n}: {v}\n" for n, v in lines.items()), "\n"])


async def test_a_signed_message_is_committed_and_answered_204(twilio: Web) -> None:
    answer = await twilio.post()

    assert answer.status == 204
    assert [event.data["body"] for event in twilio.store.events.values()] == ["Hello"]


# --- every route is behind it


async def unguarded(app: web.Application) -> list[str]:
    """Walk the router: the webhook routes of Twilio that let an unsigned request through."""
    routes = [route.resource for route in app.router.routes() if route.resource]
    paths = sorted({r.canonical for r in routes if r.canonical.startswith(PREFIX)})
    assert paths
    async with running(app) as local:
        refused = {path: (await local.post(path, signature="")).status == 403 for path in paths}
    return [path for path in paths if not refused[path]]


async def let_in(_: web.Request) -> web.Response:
    return web.Response(status=204)


async def test_every_webhook_route_is_behind_the_gate() -> None:
    assert await unguarded(create(services(Recorder()))) == []


async def test_a_route_that_is_added_later_is_behind_the_gate_without_asking_for_it() -> None:
    app = create(services(Recorder()))
    app.router.add_post(f"{PREFIX}added", let_in)
    below = web.Application()
    below.router.add_post("/deeper", let_in)
    app.add_subapp(f"{PREFIX}below", below)

    assert await unguarded(app) == []
    async with running(app) as local:
        assert (await local.post(f"{PREFIX}below/deeper", signature="")).status == 403
        assert (await local.post(f"{PREFIX}below/deeper")).status == 204


async def test_the_walk_finds_a_route_that_is_served_without_the_gate() -> None:
    app = web.Application()
    app.router.add_post(f"{PREFIX}forgotten", let_in)

    assert await unguarded(app) == [f"{PREFIX}forgotten"]


# --- S-01, S-02: the signature


GOOD = sign(CONVERSATIONS, MESSAGE)


@pytest.mark.parametrize(
    "signature",
    [
        pytest.param("", id="empty"),
        pytest.param("nonsense", id="no base64"),
        pytest.param("é", id="no ASCII"),
        pytest.param(("A" if GOOD[0] != "A" else "B") + GOOD[1:], id="one character changed"),
        pytest.param(GOOD[:-1], id="one character short"),
        pytest.param(sign(CONVERSATIONS, MESSAGE, token="token-of-another"), id="another token"),
        pytest.param(sign(INTERACTIONS, MESSAGE), id="another path"),
        pytest.param(sign("/webhooks/twilio/conversations?c=other&r=1", MESSAGE), id="another query"),
        pytest.param(sign(CONVERSATIONS, MESSAGE, origin="http://help.example.org"), id="another scheme"),
        pytest.param(sign(CONVERSATIONS, MESSAGE, origin="https://evil.example"), id="another host"),
        pytest.param(sign(CONVERSATIONS, MESSAGE | {"Body": "Bye"}), id="another body"),
    ],
)
async def test_a_signature_that_does_not_fit_is_refused_and_nothing_is_stored(
    twilio: Web, signature: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    secret = "canary of a member"
    fields = MESSAGE | {"Body": secret} if signature == "nonsense" else MESSAGE
    answer = await twilio.post(fields=fields, signature=signature)

    assert (answer.status, answer.body["error"]) == (403, "forbidden")
    assert twilio.store.submits == 0
    logged = [f"{record.getMessage()} {record.__dict__}" for record in caplog.records]
    assert not any(secret in line or "conversation-1" in line for line in logged if "asyncio" not in line)


async def test_a_request_without_a_signature_or_with_two_is_refused(twilio: Web) -> None:
    body = urlencode(MESSAGE).encode()
    ends = {"Content_Length": str(len(body)), "Connection": "close"}
    without = await twilio.raw(head(**ends), body)
    twice = head(**ends, X_Twilio_Signature=GOOD).replace("\n\n", f"\nX-Twilio-Signature: {GOOD}\n\n")

    assert without.startswith(b"HTTP/1.1 403")
    assert (await twilio.raw(twice, body)).startswith(b"HTTP/1.1 403")
    assert twilio.store.submits == 0


async def test_the_host_and_forwarding_headers_of_a_proxy_change_nothing(twilio: Web) -> None:
    lies = {"Host": "evil.example", "X-Forwarded-Host": "evil.example", "X-Forwarded-Proto": "http"}
    for_evil = sign(CONVERSATIONS, MESSAGE, origin="http://evil.example")

    assert (await twilio.post(headers=lies)).status == 204
    assert (await twilio.post(headers=lies, signature=for_evil)).status == 403


async def test_the_address_is_signed_as_it_was_sent_with_its_escapes(twilio: Web) -> None:
    path = "/webhooks/twilio/conversations?c=conversation%2D1&r=1"
    body = urlencode(MESSAGE).encode()
    raw = head(
        path, X_Twilio_Signature=sign(path, MESSAGE), Content_Length=str(len(body)), Connection="close"
    )

    assert (await twilio.raw(raw, body)).startswith(b"HTTP/1.1 204")
    (event,) = twilio.store.events.values()
    assert event.to.conversation == "conversation-1"


@pytest.mark.parametrize("public", ["https://help.example.org", "https://help.example.org:443/"])
@pytest.mark.parametrize("signed", ["https://help.example.org", "https://help.example.org:443"])
async def test_the_default_port_may_be_named_or_left_out(public: str, signed: str) -> None:
    async with running(public_url=public) as local:
        assert (await local.post(signature=sign(CONVERSATIONS, MESSAGE, origin=signed))).status == 204


async def test_an_address_that_is_no_path_or_no_ascii_is_refused_not_a_failure(twilio: Web) -> None:
    body = urlencode(MESSAGE).encode()
    ends = {"Content_Length": str(len(body)), "Connection": "close", "X_Twilio_Signature": GOOD}
    absolute = await twilio.raw(head(f"http://evil.example{CONVERSATIONS}", **ends), body)
    bytes_in_query = await twilio.raw(head("/webhooks/twilio/conversations?c=\udcff", **ends), body)

    assert absolute.split()[1] in (b"400", b"403")
    assert bytes_in_query.split()[1] in (b"400", b"403")


# --- S-03, S-04: replays


async def test_a_storm_of_five_hundred_duplicates_gives_each_event_once(twilio: Web) -> None:
    sids = ["IM" + f"{n:032x}" for n in range(5)]
    limit = asyncio.Semaphore(50)

    async def post(sid: str) -> int:
        async with limit:
            return (await twilio.post(fields=MESSAGE | {"MessageSid": sid})).status

    statuses = await asyncio.gather(*(post(sids[n % 5]) for n in range(500)))

    assert set(statuses) == {204}
    assert sorted(twilio.store.events) == sids


@pytest.mark.parametrize(
    ("name", "altered", "status"),
    [
        ("Source", {"Sourc": "eSDK"}, 204),
        ("Source", {"RetryCount": "0SourceSDK"}, 204),
        ("MessageSid", {"MessageSi": f"d{MESSAGE['MessageSid']}"}, 400),
        ("MessageSid", {"Index": f"3MessageSid{MESSAGE['MessageSid']}"}, 400),
        ("EventType", {"EventTyp": "eonMessageAdded"}, 400),
        ("Body", {"Bod": "yHello"}, 400),
        ("Attributes", {"Attribute": "s{}"}, 400),
    ],
)
async def test_a_replay_split_anew_between_names_and_values_adds_no_second_message(
    twilio: Web, name: str, altered: dict[str, str], status: int
) -> None:
    fields = {n: v for n, v in MESSAGE.items() if n != name} | altered
    assert sign(CONVERSATIONS, fields) == GOOD, "it is not a replay if the signature does not hold"

    assert (await twilio.post()).status == 204
    assert (await twilio.post(fields=fields, signature=GOOD)).status == status
    assert [event.data["body"] for event in twilio.store.events.values()] == ["Hello"]


# --- S-05, S-06: bodies that are no plain form


async def test_json_is_refused_whatever_is_signed(twilio: Web) -> None:
    body = json.dumps(MESSAGE).encode()
    hashed = f"{CONVERSATIONS}&bodySHA256={hashlib.sha256(body).hexdigest()}"
    for path in (CONVERSATIONS, hashed):
        answer = await twilio.post(
            path, signature=sign(path, {}), body=body, headers={"Content-Type": "application/json"}
        )
        assert (answer.status, answer.body["error"]) == (415, "unsupported_media_type")
    assert twilio.store.submits == 0


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"AccountSid=a&AccountSid=a", 400),
        (b"Body=%zz", 400),
        (b"Body=%", 400),
        (b"Body=%ff", 400),
        (b"Body=\xff", 400),
        (b"Body", 400),
        (b"&&&", 400),
        (b"&".join(b"k%d=v" % n for n in range(10_000)), 400),
        (b"Body=%00", 403),
        (b"\x00", 400),
        (b"", 403),
    ],
)
async def test_a_body_with_two_meanings_or_none_is_refused(twilio: Web, body: bytes, status: int) -> None:
    answer = await twilio.post(body=body, signature=sign(CONVERSATIONS, {}) if body else "x")

    assert answer.status == status
    assert set(answer.body) == {"error", "detail"}
    assert twilio.store.submits == 0


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": f"{FORM}; charset=nonsense"},
        {"Content-Type": f"{FORM}; charset=utf-16"},
        {"Content-Type": "multipart/form-data; boundary=x"},
        {"Content-Type": "text/plain"},
        {"Content-Encoding": "gzip"},
    ],
)
async def test_another_type_charset_or_encoding_is_415(twilio: Web, headers: dict[str, str]) -> None:
    assert (await twilio.post(headers=headers)).status == 415
    assert twilio.store.submits == 0


async def test_a_broken_chunk_is_a_client_error_and_is_not_quoted_in_the_log(
    twilio: Web, caplog: pytest.LogCaptureFixture
) -> None:
    chunks = b"6\r\ncanary of a member\r\n0\r\n\r\n"
    broken = await twilio.raw(head(Transfer_Encoding="chunked", X_Twilio_Signature=GOOD), chunks)

    assert broken.split()[1] == b"400"
    assert caplog.text
    assert "canary" not in caplog.text


async def test_a_sender_that_hangs_up_halfway_is_no_failure_of_ours(
    twilio: Web, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "web")
    _, writer = await asyncio.open_connection("127.0.0.1", twilio.port)
    half = head(Content_Length="100", X_Twilio_Signature=GOOD).replace("\n", "\r\n")
    writer.write(half.encode() + b"Body=")
    await writer.drain()
    assert (await twilio.post()).status == 204, "the half request has been taken up before this one"
    writer.close()
    await until(lambda: bool(caplog.records))

    assert [record.levelname for record in caplog.records] == ["INFO"]


# --- S-07, S-08: size and time


async def test_a_body_that_declares_too_much_is_413_before_it_is_sent(twilio: Web) -> None:
    answer = await twilio.raw(head(Content_Length=str(LIMIT + 1), X_Twilio_Signature=GOOD))

    assert answer.startswith(b"HTTP/1.1 413")
    assert LIMIT == BODY_LIMIT


async def test_a_body_that_streams_past_the_limit_is_413(twilio: Web) -> None:
    chunk = b"%x\r\n" % 65536 + b"x" * 65536 + b"\r\n"
    answer = await twilio.raw(head(Transfer_Encoding="chunked", X_Twilio_Signature=GOOD), chunk * 5)

    assert answer.startswith(b"HTTP/1.1 413")


async def test_the_longest_message_passes(twilio: Web) -> None:
    fields = MESSAGE | {"Body": "\u20ac" * 25_000}

    assert (await twilio.post(fields=fields)).status == 204


async def test_a_body_that_never_ends_is_cut_off_while_others_are_served() -> None:
    store = Recorder()
    async with running(create(services(store), body_seconds=0.3), store=store) as local:
        slow = asyncio.create_task(local.raw(head(Content_Length="100", X_Twilio_Signature=GOOD), b"Bo"))
        assert (await local.post()).status == 204
        assert not slow.done()
        answer = await slow

    assert answer.startswith(b"HTTP/1.1 408")
    assert list(store.events) == [MESSAGE["MessageSid"]]


# --- S-09, S-10: whose


async def test_old_and_new_token_are_taken_while_both_are_configured() -> None:
    async with running(auth_tokens=("new", "old")) as local:
        for token, status in (("new", 204), ("old", 204), ("older", 403)):
            assert (await local.post(signature=sign(CONVERSATIONS, MESSAGE, token=token))).status == status


async def test_an_empty_token_opens_nothing() -> None:
    async with running(auth_tokens=("",)) as local:
        assert (await local.post(signature=sign(CONVERSATIONS, MESSAGE, token=""))).status == 403


async def test_the_stronger_signature_is_refused_until_its_key_is_configured(twilio: Web) -> None:
    settings = {"X-Twilio-Webhooks-Signature-Settings": "key=k,algorithm=HMAC_SHA256"}
    strong = RequestValidator(TOKEN).compute_signature(PUBLIC_URL + CONVERSATIONS, MESSAGE, HMAC_SHA256)

    assert (await twilio.post(headers=settings, signature=strong)).status == 403
    assert (await twilio.post(headers=settings)).status == 403


async def test_the_weaker_signature_is_refused_once_a_shared_key_is_configured() -> None:
    settings = {"X-Twilio-Webhooks-Signature-Settings": "key=k,algorithm=HMAC_SHA256"}
    key = base64.b64encode(b"shared").decode()
    strong = RequestValidator(key).compute_signature(PUBLIC_URL + CONVERSATIONS, MESSAGE, HMAC_SHA256)
    async with running(shared_keys=(key,)) as local:
        assert (await local.post(headers=settings, signature=strong)).status == 204
        assert (await local.post()).status == 403
        assert (await local.post(signature=sign(CONVERSATIONS, MESSAGE, token=key))).status == 403


async def test_a_webhook_of_another_account_is_refused_and_one_of_none_is_a_bad_field(twilio: Web) -> None:
    other = await twilio.post(fields=MESSAGE | {"AccountSid": "AC" + "b" * 32})
    none = await twilio.post(fields={n: v for n, v in MESSAGE.items() if n != "AccountSid"})

    assert (other.status, none.status) == (403, 400)
    assert none.body == {"error": "bad_field", "detail": "AccountSid: missing"}
    assert twilio.store.submits == 0


def test_secrets_do_not_show_in_the_services_printed_form() -> None:
    shown = repr(services(Recorder(), shared_keys=("shared-key",)))

    assert ACCOUNT in shown
    assert TOKEN not in shown
    assert "shared-key" not in shown
