"""Reading a REST request and writing lists: form fields, webhook header, pages."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urlencode

from orchestrator.sandbox.twilio.account import Account
from orchestrator.sandbox.twilio.errors import invalid
from orchestrator.sandbox.twilio.records import Cause
from orchestrator.sandbox.wire import Answer, Call

PAGE_SIZE = 50
LARGEST_PAGE = 100

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Request:
    """One REST call on its way through a handler."""

    account: Account
    host: str
    path: str  #: as the routes name it, without the chat service's prefix
    call: Call
    args: tuple[str, ...] = ()  #: what the route's pattern captured

    def text(self, name: str) -> str | None:
        """The last value of a form field; None when it was not sent, "" when it was sent empty."""
        return next((value for key, value in reversed(self.call.form) if key == name), None)

    def texts(self, name: str) -> list[str]:
        return [value for key, value in self.call.form if key == name]

    def required(self, name: str) -> str:
        value = self.text(name)
        if not value:
            raise invalid(f"Missing required parameter {name}")
        return value

    def json(self, name: str) -> dict[str, Any]:
        """A form field that carries a JSON object; {} when absent."""
        text = self.text(name)
        if not text:
            return {}
        try:
            value = json.loads(text)
        except ValueError:
            raise invalid(f"{name} must be JSON") from None
        if not isinstance(value, dict):
            raise invalid(f"{name} must be a JSON object")
        return value

    @property
    def cause(self) -> Cause:
        """A REST act: silent unless the caller asked for webhooks."""
        return Cause("API", fires=self.call.headers.get("x-twilio-webhook-enabled") == "true")


def page(
    request: Request,
    key: str,
    rows: Sequence[T],
    payload: Callable[[T], dict[str, Any]],
    *,
    size: int = PAGE_SIZE,
    anchor: Callable[[T], int] | None = None,
) -> Answer:
    """One page of a list with Twilio's `meta`; URLs name the real host, as the SDK expects.

    The page token holds the anchor of the last row served, so that a list ordered by a rising number
    (messages) neither repeats nor skips when it grows or shrinks in between.
    """
    query = dict(request.call.query)
    size = min(max(_number(query.get("PageSize"), size), 1), LARGEST_PAGE)
    number = _number(query.get("Page"), 0)
    places = [anchor(row) for row in rows] if anchor else list(range(len(rows)))
    start = 0
    if (token := query.get("PageToken")) and token.startswith("PT"):
        last = _number(token.removeprefix("PT"), 0)
        rising = not places or places[0] <= places[-1]
        start = next((i for i, at in enumerate(places) if (at > last if rising else at < last)), len(rows))
    shown = rows[start : start + size]
    more = start + size < len(rows)
    own = f"https://{request.host}{request.call.path}"
    kept = [(k, v) for k, v in query.items() if k not in ("PageSize", "Page", "PageToken")]

    def url(page_number: int, page_token: str | None = None) -> str:
        extra: list[tuple[str, Any]] = [("PageSize", size), ("Page", page_number)]
        if page_token:
            extra.append(("PageToken", page_token))
        return f"{own}?{urlencode([*kept, *extra])}"

    meta = {
        "page": number,
        "page_size": size,
        "first_page_url": url(0),
        "previous_page_url": None,
        "url": url(number, token),
        "next_page_url": url(number + 1, f"PT{places[start + size - 1]}") if more else None,
        "key": key,
    }
    return Answer(body={key: [payload(row) for row in shown], "meta": meta})


def links(url: str, names: Iterable[str]) -> dict[str, str]:
    """`links` of a resource: {"task_queues": url + "/TaskQueues"}."""
    return {name: f"{url}/{''.join(part.title() for part in name.split('_'))}" for name in names}


def _number(text: str | None, default: int) -> int:
    return int(text) if text and text.isdigit() else default
