"""What people wrote, as every database and every JSON document can hold it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def storable(text: str) -> str:
    """NUL and lone surrogates become U+FFFD; nothing else is changed."""
    return text.replace("\0", "\ufffd").encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def storable_data(data: Mapping[str, Any]) -> dict[str, Any]:
    """The same for every text in an event's data, however deep; keys are ours."""
    return {name: _storable(value) for name, value in data.items()}


def _storable(value: Any) -> Any:
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, Mapping):
        return storable_data(value)
    if isinstance(value, (list, tuple)):
        return [_storable(one) for one in value]
    return value
