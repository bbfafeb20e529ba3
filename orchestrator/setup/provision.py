"""Provision: register slash commands and callbacks with the providers. Running it again changes nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import aiohttp
import discord

from orchestrator.discord.client import redirect
from orchestrator.discord.commands import COMMANDS
from orchestrator.errors import ConfigurationError, Unreachable
from orchestrator.settings import Settings
from orchestrator.setup.plan import commands_differ, webhook_differs
from orchestrator.twilio.account import Account
from orchestrator.twilio.limits import INTERACTION_EVENTS


async def provision(settings: Settings, say: Callable[[str], None], *, dry_run: bool = False) -> int:
    """Returns how many things were changed, or would be."""
    settings.require("discord_token")
    if settings.desk_kind == "builtin":
        return await _commands(settings, say, dry_run)
    settings.require("twilio_account_sid", "twilio_auth_token")
    changed = await _commands(settings, say, dry_run)
    return changed + await _interactions(settings, say, dry_run)


async def _commands(settings: Settings, say: Callable[[str], None], dry_run: bool) -> int:
    redirect(settings.discord_api_url, settings.discord_gateway_url)
    wanted: list[Any] = [dict(command) for command in COMMANDS]
    client = discord.Client(intents=discord.Intents.none())
    try:
        await client.login(settings.discord_token.get_secret_value())
        application = client.application_id or (client.user.id if client.user else 0)
        found = await _registered(client, application)
        if not commands_differ(wanted, [dict(command) for command in found]):
            say("Discord: slash commands are up to date")
            return 0
        if not dry_run:
            await client.http.bulk_upsert_global_commands(application, payload=wanted)
        names = ", ".join("/" + str(command["name"]) for command in wanted)
        say(f"Discord: {'would register' if dry_run else 'registered'} {names}")
        return 1
    except discord.LoginFailure as error:
        raise ConfigurationError(
            "DISCORD_TOKEN is refused by Discord", "copy the bot's token again from the developer portal"
        ) from error
    except (aiohttp.ClientError, discord.HTTPException, OSError) as error:
        raise Unreachable(f"Discord does not answer ({type(error).__name__})") from error
    finally:
        await client.close()


async def _registered(client: discord.Client, application: int) -> list[Any]:
    try:
        route = discord.http.Route("GET", "/applications/{application}/commands", application=application)
        return list(await client.http.request(route, params={"with_localizations": "true"}))
    except discord.NotFound:
        return []


async def _interactions(settings: Settings, say: Callable[[str], None], dry_run: bool) -> int:
    url = f"{settings.public_url}/webhooks/twilio/interactions"
    account = Account(settings.twilio_account_sid, *settings.twilio_login, settings.twilio_api_url)
    try:
        instance = settings.twilio_flex_instance_sid or await account.instance()
        found = await account.interaction_webhooks(instance)
        if not webhook_differs(url, INTERACTION_EVENTS, found):
            say("Twilio: the Interactions webhook is up to date")
            return 0
        if not dry_run:
            await account.add_interaction_webhook(instance, url, INTERACTION_EVENTS)
        say(f"Twilio: {'would register' if dry_run else 'registered'} the Interactions webhook {url}")
        return 1
    finally:
        await account.close()
