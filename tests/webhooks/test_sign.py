"""Signatures: those of the specification, and what is no secret."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.webhooks import sign
from tests.inprocess.crm import SECRET

DELIVERY, AT, BODY = "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}'


def test_the_example_of_the_specification_is_signed_as_it_says() -> None:
    found = sign.signature(sign.key(SECRET), DELIVERY, AT, BODY)
    assert found == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_the_headers_of_an_attempt_say_who_when_and_signed_how() -> None:
    assert sign.headers(sign.key(SECRET), DELIVERY, AT, BODY) == {
        "Webhook-Id": DELIVERY,
        "Webhook-Timestamp": "1614265330",
        "Webhook-Signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


@given(st.binary(min_size=24, max_size=64))
def test_a_secret_gives_back_its_key(key: bytes) -> None:
    assert sign.key(sign.PREFIX + base64.b64encode(key).decode()) == key


@given(st.binary(min_size=24, max_size=64), st.binary(max_size=50), st.binary(max_size=50))
def test_another_body_has_another_signature(key: bytes, one: bytes, other: bytes) -> None:
    same = sign.signature(key, "a", 1, one) == sign.signature(key, "a", 1, other)
    assert same == (one == other)


@pytest.mark.parametrize(
    ("secret", "what"),
    [
        (SECRET.removeprefix("whsec_"), "begins with whsec_"),
        ("", "begins with whsec_"),
        ("whsec_", "holds 0 bytes"),
        ("whsec_" + base64.b64encode(b"x" * 23).decode(), "holds 23 bytes"),
        ("whsec_" + base64.b64encode(b"x" * 65).decode(), "holds 65 bytes"),
        ("whsec_not-base64!", "is not base64"),
        ("whsec_äöü", "is not base64"),
        (SECRET[:-1], "is not base64"),
        (SECRET + "\n", "is not base64"),
    ],
)
def test_what_is_no_secret_is_refused_without_being_repeated(secret: str, what: str) -> None:
    with pytest.raises(ValueError, match=what) as refused:
        sign.key(secret)
    assert len(secret) <= len(sign.PREFIX) or secret not in str(refused.value)
