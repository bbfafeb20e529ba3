"""Form bodies, read strictly."""

from __future__ import annotations

from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from web.form import MOST_FIELDS, Malformed, parse

TEXTS = st.text(st.characters(exclude_categories=["Cs"]))


@given(st.dictionaries(TEXTS, TEXTS, max_size=10))
def test_what_a_client_encodes_is_read_back_blank_values_included(fields: dict[str, str]) -> None:
    assert parse(urlencode(fields).encode()) == fields


@given(st.binary() | st.text(alphabet="ab=&%+0fF;").map(str.encode))
def test_whatever_arrives_is_fields_or_malformed(body: bytes) -> None:
    try:
        fields = parse(body)
    except Malformed:
        return
    assert all(name.encode() is not None and value.encode() is not None for name, value in fields.items())


def test_more_fields_than_any_webhook_has_are_malformed() -> None:
    most = {f"k{n}": "v" for n in range(MOST_FIELDS)}

    assert parse(urlencode(most).encode()) == most
    with pytest.raises(Malformed):
        parse(urlencode(most | {"more": "v"}).encode())
