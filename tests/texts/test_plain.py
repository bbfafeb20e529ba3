"""What people wrote, made storable: every text, and nothing else of it is changed."""

from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.texts.plain import storable, storable_data

TEXTS = st.text(alphabet=st.characters(), max_size=50)
DATA = st.recursive(
    TEXTS | st.none() | st.integers(), lambda inner: st.lists(inner) | st.dictionaries(st.just("k"), inner)
)


@given(st.text(alphabet=st.characters(), max_size=50))
def test_a_clean_text_can_be_stored_and_sent(text: str) -> None:
    cleaned = storable(text)
    assert "\0" not in cleaned
    assert json.loads(json.dumps(cleaned).encode()) == cleaned
    cleaned.encode()
    assert storable(cleaned) == cleaned


def test_only_what_cannot_be_stored_is_replaced() -> None:
    assert storable("a\0b\ud800c 🎉\ufeff") == "a\ufffdb\ufffdc 🎉\ufeff"


@given(DATA)
def test_the_data_of_an_event_is_made_storable_however_deep(data: Any) -> None:
    made = storable_data({"data": data})
    assert "\\u0000" not in json.dumps(made)
    json.dumps(made, ensure_ascii=False).encode()
    assert storable_data(made) == made
