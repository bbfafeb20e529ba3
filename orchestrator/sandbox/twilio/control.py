"""Control routes of the Twilio half: be an agent, look at a conversation, disturb the webhooks."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aiohttp import web

from orchestrator.sandbox.body import Body
from orchestrator.sandbox.refusal import Refusal
from orchestrator.sandbox.twilio import view
from orchestrator.sandbox.twilio.errors import ApiError
from orchestrator.sandbox.twilio.model import TwilioModel
from orchestrator.sandbox.twilio.records import Message, Task
from orchestrator.sandbox.wire import Upload

if TYPE_CHECKING:
    from orchestrator.sandbox.twilio.delivery import Delivery
    from orchestrator.sandbox.twilio.shell import TwilioShell

#: who rejects a task when the request names nobody
DEFAULT_AGENT = "ada"


@dataclass(frozen=True, slots=True)
class Act:
    """One thing an agent can do to a task, with the fields its request may carry."""

    do: Callable[[TwilioModel, str, Body], Task | Message]
    fields: tuple[str, ...] = ()


ACTS: dict[str, Act] = {
    "accept": Act(lambda m, sid, body: m.accept(sid, body.text("agent")), ("agent",)),
    "reject": Act(lambda m, sid, body: m.reject(sid, body.text("agent", DEFAULT_AGENT)), ("agent",)),
    "messages": Act(
        lambda m, sid, body: m.agent_message(sid, body.text("body", ""), _uploads(body)), ("body", "media")
    ),
    "edit": Act(
        lambda m, sid, body: m.agent_edit(sid, body.text("message_sid"), body.text("body")),
        ("message_sid", "body"),
    ),
    "delete": Act(lambda m, sid, body: m.agent_delete(sid, body.text("message_sid")), ("message_sid",)),
    "leave": Act(lambda m, sid, body: m.leave(sid)),
    "complete": Act(lambda m, sid, body: m.complete(sid)),
    "cancel": Act(lambda m, sid, body: m.cancel(sid)),
    "transfer": Act(lambda m, sid, body: m.transfer(sid, body.text("agent")), ("agent",)),
}
ERRORS = {400: "bad_request", 404: "not_found", 409: "conflict"}


def add_routes(app: web.Application, shell: TwilioShell) -> None:
    """Mount them; `shell` lends its model, log and delivery."""

    async def list_tasks(request: web.Request) -> web.Response:
        return web.json_response(shell.model.tasks())

    async def fetch_task(request: web.Request) -> web.Response:
        with _refusing():
            return web.json_response(shell.model.task(request.match_info["sid"]))

    async def fetch_conversation(request: web.Request) -> web.Response:
        with _refusing():
            return web.json_response(shell.model.conversation(request.match_info["sid"]))

    async def perform(request: web.Request) -> web.Response:
        sid, name = request.match_info["sid"], request.match_info["act"]
        if name not in ACTS:
            raise Refusal(404, "not_found", f"An agent cannot {name!r}; known: {', '.join(ACTS)}.")
        body = await Body.of(request, *ACTS[name].fields)
        with _refusing():
            return _perform(shell, sid, name, body)

    async def disturb(request: web.Request) -> web.Response:
        body = await Body.of(request, "duplicate", "hold", "release")
        return web.json_response(_disturb(shell.delivery, body), status=201)

    app.router.add_get("/control/tasks", list_tasks)
    app.router.add_get("/control/tasks/{sid}", fetch_task)
    app.router.add_post("/control/tasks/{sid}/{act}", perform)
    app.router.add_get("/control/conversations/{sid}", fetch_conversation)
    app.router.add_post("/control/webhooks", disturb)


@contextmanager
def _refusing() -> Iterator[None]:
    """A refusal in Twilio's terms becomes one of the control API."""
    try:
        yield
    except ApiError as error:
        raise Refusal(error.status, ERRORS.get(error.status, "refused"), error.message) from None


def _perform(shell: TwilioShell, sid: str, name: str, body: Body) -> web.Response:
    done = ACTS[name].do(shell.model, sid, body)
    shell.flush()
    shown = shell.model.task(done.sid) if isinstance(done, Task) else view.message(done)
    agent = body.text("agent", DEFAULT_AGENT) if name == "reject" else shell.model.task(sid)["agent"]
    asked = {key: value for key, value in body.fields.items() if key != "media"}
    shell.log.add(f"agent:{agent}", "twilio", "POST", f"/tasks/{sid}/{name}", asked, 201, {"sid": done.sid})
    return web.json_response(shown, status=201)


def _disturb(delivery: Delivery, body: Body) -> dict[str, int | bool]:
    """`{duplicate: n}` doubles the next n; `{hold: true}` keeps them back; `{release: fifo|shuffled}` lets go.

    `release` and `hold: false` end the holding; `release` with `hold: true` releases and holds on.
    """
    hold, order = body.optional_flag("hold"), body.text("release", "")
    duplicate = body.number("duplicate", delivery.duplicates)
    if duplicate < 0 or duplicate != int(duplicate):
        raise Refusal(400, "bad_request", "'duplicate' has to be a whole number, 0 or more.")
    if order not in ("", "fifo", "shuffled"):
        raise Refusal(400, "bad_request", "'release' has to be 'fifo' or 'shuffled'.")
    delivery.duplicates = int(duplicate)
    released = delivery.release(shuffled=order == "shuffled") if order or hold is False else 0
    if hold is not None or order:
        delivery.holding = hold is True
    return {
        "duplicate": delivery.duplicates,
        "hold": delivery.holding,
        "held": len(delivery.held),
        "released": released,
    }


def _uploads(body: Body) -> list[Upload]:
    """`media: [{filename, content_type?, text | base64}]`."""
    return [
        Upload(
            filename=item.text("filename"),
            content_type=item.text("content_type", "application/octet-stream"),
            content=_content(item),
        )
        for item in body.objects("media")
    ]


def _content(item: Body) -> bytes:
    if not item.has("base64"):
        return item.text("text").encode()
    try:
        return base64.b64decode(item.text("base64"), validate=True)
    except binascii.Error:
        raise Refusal(400, "bad_request", "Field 'base64' is not base64.") from None
