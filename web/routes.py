"""The map of the web: every address of the service and what answers there."""

from __future__ import annotations

from aiohttp import web

from web import cases, desk, health, statistics, webhooks
from web.gate import PREFIX

_TALK = f"{desk.PREFIX}conversations/{{conversation}}"
_CASE = f"{cases.PATH}/{{number}}"

ROUTES = (
    # behind the signature gate
    web.post(f"{PREFIX}conversations", webhooks.conversations),
    web.post(f"{PREFIX}interactions", webhooks.interactions),
    # behind the desk's token
    web.get(f"{desk.PREFIX}queue", desk.queue),
    web.get(_TALK, desk.conversation),
    web.post(f"{_TALK}/claim", desk.claim),
    web.post(f"{_TALK}/messages", desk.write),
    web.patch(f"{_TALK}/messages/{{message}}", desk.edit),
    web.delete(f"{_TALK}/messages/{{message}}", desk.unsend),
    web.post(f"{_TALK}/messages/{{message}}/reactions", desk.react),
    web.post(f"{_TALK}/typing", desk.types),
    web.post(f"{_TALK}/leave", desk.leave),
    web.post(f"{_TALK}/transfer", desk.transfer),
    web.post(f"{_TALK}/close", desk.close),
    web.get(cases.PATH, cases.listed),
    web.post(cases.PATH, cases.open_),
    web.get(_CASE, cases.detail),
    web.patch(_CASE, cases.edit),
    web.post(f"{_CASE}/notes", cases.note),
    web.post(f"{_CASE}/assign", cases.assign),
    web.post(f"{_CASE}/ask", cases.ask),
    web.post(f"{_CASE}/resolve", cases.resolve),
    web.post(f"{_CASE}/reopen", cases.reopen),
    web.post(f"{_CASE}/merge", cases.merge),
    web.post(f"{_CASE}/contact", cases.contact),
    # behind the token of the figures
    web.get(statistics.STATS, statistics.stats),
    web.get(statistics.METRICS, statistics.metrics),
    # open
    web.get("/healthz", health.healthz),
    web.get("/readyz", health.readyz),
)
