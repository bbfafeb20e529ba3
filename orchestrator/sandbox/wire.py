"""The values that cross between a socket shell and a model: a call, its answer. No sockets, no asyncio."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Upload:
    """A file as it was sent."""

    filename: str
    content_type: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Call:
    """One HTTP request, parsed: what a model needs to answer it."""

    method: str
    path: str  #: without the sandbox's prefix, percent-decoded, e.g. `/channels/1/messages`
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)  #: names in lower case
    json: Any = None  #: parsed JSON body, or `payload_json` of a multipart body
    form: Sequence[tuple[str, str]] = ()  #: form fields in the order sent, repeated keys kept
    files: Sequence[Upload] = ()
    raw: bytes = b""


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back. `body` None means an empty body (204); bytes are sent as they are."""

    status: int = 200
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
