"""The map of the web: every address of the service and what answers there."""

from __future__ import annotations

from aiohttp import web

from web import health, webhooks
from web.gate import PREFIX

ROUTES = (
    # behind the signature gate
    web.post(f"{PREFIX}conversations", webhooks.conversations),
    web.post(f"{PREFIX}interactions", webhooks.interactions),
    # open
    web.get("/healthz", health.healthz),
    web.get("/readyz", health.readyz),
)
