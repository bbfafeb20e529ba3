"""What the desk's commands and those on cases have in common: one token, and a counter that records."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from typing import Any

from tests.web.serving import Answer, Web

TOKEN = "token-of-the-desk"
BEARER = {"Authorization": f"Bearer {TOKEN}"}
#: Headers that let nobody in.
STRANGERS = ({}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Basic {TOKEN}"})

#: Serve a counter, or none, with a token of ours.
Serving = Callable[[Any, str], AbstractAsyncContextManager[Web]]


async def call(
    site: Web, method: str, path: str, body: Any = None, headers: Mapping[str, str] = BEARER
) -> Answer:
    return await site.request(method, path, json=body, headers=headers)


async def assert_shut(serving: Serving, counter: Any, method: str, path: str, body: Any) -> None:
    """Without a token of ours the route is not there; without the caller's it is shut, and asks nobody."""
    for there, token in ((counter, ""), (None, TOKEN)):
        async with serving(there, token) as site:
            assert (await call(site, method, path, body)).status == 404
    async with serving(counter, TOKEN) as site:
        for headers in STRANGERS:
            answer = await call(site, method, path, body, headers)
            assert (answer.status, answer.body["error"]) == (401, "unauthorized")
            assert answer.headers["WWW-Authenticate"].startswith("Bearer realm=")
        assert counter.asked == []
        assert (await call(site, method, path, body)).status in (200, 201)
        assert len(counter.asked) == 1
