"""Twilio's webhooks: verified fields become events, and the answer waits for their commit."""

from __future__ import annotations

from aiohttp import web

from machines.events import Event
from web.answers import Refused
from web.gate import FIELDS
from web.services import SERVICES, Intake, Services


async def conversations(request: web.Request) -> web.Response:
    """What happens in a Twilio Conversation: messages, participants, its end."""
    return await _take(request, request.app[SERVICES].conversations)


async def interactions(request: web.Request) -> web.Response:
    """What happens to the channels of the whole Flex instance, other people's included."""
    return await _take(request, request.app[SERVICES].interactions)


async def _take(request: web.Request, intake: Intake) -> web.Response:
    """204 once everything of ours is committed, and 204 as well where nothing is ours."""
    services = request.app[SERVICES]
    try:
        events = intake(request[FIELDS], request.query, services.now())
    except ValueError as bad:
        raise Refused(400, "bad_field", str(bad)) from bad
    ours = [event for event in events if await _is_ours(event, services)]
    if ours:
        await services.submit(ours)
    return web.Response(status=204)


async def _is_ours(event: Event, services: Services) -> bool:
    """Our mark stands in an address that only Twilio and we know; without it the link decides."""
    if event.to.conversation is not None:
        return True
    return event.to.link is not None and await services.is_ours(*event.to.link)
