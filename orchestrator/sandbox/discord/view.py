"""How the control API shows members' messages and interactions: flat, for people and tests."""

from __future__ import annotations

from typing import Any

from orchestrator.sandbox.discord import draft as drafts
from orchestrator.sandbox.discord.interactions import Callback, Interaction
from orchestrator.sandbox.discord.model import DiscordModel
from orchestrator.sandbox.discord.payloads import when
from orchestrator.sandbox.discord.state import Message, User
from orchestrator.sandbox.discord.world import BOT_NAME, World


def message(world: World, of: Message) -> dict[str, Any]:
    """`author` is `bot` or the member's name; `channel` stands only on messages outside the DM."""
    shape: dict[str, Any] = {
        "id": str(of.id),
        "author": _name(world, of.author_id),
        "content": of.content,
        "embeds": of.embeds,
        "components": _components(of),
        "attachments": [
            {
                "filename": attachment.filename,
                "size": len(attachment.content),
                "content_type": attachment.content_type,
                "sha256": attachment.sha256,
            }
            for attachment in of.attachments
        ],
        "reply_to": str(of.reply_to) if of.reply_to is not None else None,
        "ephemeral": of.ephemeral,
        "edited_at": when(of.edited_at),
        "deleted_at": when(of.deleted_at),
        "nonce": of.nonce,
        "at": when(of.at),
        "reactions": {emoji: [_name(world, u) for u in users] for emoji, users in of.reactions.items()},
    }
    channel = world.channel(of.channel_id)
    return shape | {"channel": channel.name} if channel.name is not None else shape


def member(model: DiscordModel, of: User) -> dict[str, Any]:
    """`bot_typing`: the bot's typing indicator shows in the member's DM now."""
    channel = model.world.dm(of)
    until = channel.bot_typing_until
    return {
        "id": str(of.id),
        "name": of.name,
        "dm_channel_id": str(channel.id),
        "dms_open": of.dms_open,
        "in_guild": of.in_guild,
        "locale": of.locale,
        "roles": [role.name for role in model.world.roles if role.id in of.role_ids],
        "bot_typing": until is not None and model.now() < until,
    }


def interaction(model: DiscordModel, of: Interaction) -> dict[str, Any]:
    """`failed`: three seconds passed without an answer, and the member was told so."""
    return {
        "id": str(of.id),
        "acknowledged_at": when(of.acknowledged_at),
        "responded": _responded(of),
        "failed": model.interactions.failed(of),
        "message_id": str(of.original.id) if of.original is not None else None,
        "modal": _modal(of.modal) if of.modal is not None else None,
    }


def _name(world: World, user_id: int) -> str:
    user = world.users[user_id]
    return BOT_NAME if user.bot else user.name


def _components(of: Message) -> list[dict[str, Any]]:
    return [
        {
            "custom_id": component.get("custom_id"),
            "label": component.get("label") or component.get("placeholder"),
            "disabled": bool(component.get("disabled")),
        }
        for component in drafts.walk(of.components)
        if component.get("type") in (drafts.BUTTON, *drafts.SELECTS)
    ]


def _responded(of: Interaction) -> bool:
    """Acknowledged, and not still showing "thinking"."""
    if of.acknowledged_at is None:
        return False
    return of.callback is not Callback.DEFERRED_MESSAGE or (
        of.original is not None and not of.original.loading
    )


def _modal(modal: dict[str, Any]) -> dict[str, Any]:
    fields: list[dict[str, Any]] = []
    label: str | None = None
    for component in drafts.walk(modal["components"]):
        if component.get("component") is not None:
            label = component.get("label")
        if component.get("custom_id"):
            fields.append(_field(component, label))
            label = None
    return {"custom_id": modal["custom_id"], "title": modal["title"], "fields": fields}


def _field(component: dict[str, Any], label: str | None) -> dict[str, Any]:
    options = [option.get("value") for option in component.get("options") or []]
    return {
        "custom_id": component["custom_id"],
        "label": component.get("label") or label,
        "required": component.get("required", True),
        "min_length": component.get("min_length"),
        "max_length": component.get("max_length"),
        "value": component.get("value"),
        "options": options,
    }
