"""The JSON shapes of Discord's objects, after the schemas of its OpenAPI file (API v10)."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from orchestrator.sandbox.discord.state import Channel, ChannelType, Message, Role, User
from orchestrator.sandbox.discord.world import GUILD_NAME, World

Json = dict[str, Any]

#: What a forward keeps of the message it forwards (Message, Message Snapshot).
SNAPSHOT_FIELDS = (
    "type",
    "content",
    "mentions",
    "mention_roles",
    "attachments",
    "embeds",
    "timestamp",
    "edited_timestamp",
    "flags",
    "components",
)


def when(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None


def user(of: User) -> Json:
    shape: Json = {
        "id": str(of.id),
        "username": of.name,
        "discriminator": "0",
        "global_name": None if of.bot else of.name.capitalize(),
        "avatar": None,
        "public_flags": 0,
        "flags": 0,
        "primary_guild": None,
    }
    return shape | {"bot": True} if of.bot else shape


def me(world: World) -> Json:
    extra = {"mfa_enabled": False, "locale": "en-US", "verified": True, "email": None, "bio": ""}
    return user(world.bot) | extra


def application(world: World) -> Json:
    return {
        "id": str(world.application_id),
        "name": "Sandbox bot",
        "icon": None,
        "description": "",
        "type": None,
        "bot": user(world.bot),
        "bot_public": True,
        "bot_require_code_grant": False,
        "verify_key": "0" * 64,
        "flags": 0,
        "flags_new": "0",
        "redirect_uris": [],
        "interactions_endpoint_url": None,
        "role_connections_verification_url": None,
        "owner": user(world.owner),
        "approximate_guild_count": 1,
        "approximate_user_install_count": 0,
        "approximate_user_authorization_count": 0,
        "explicit_content_filter": 0,
        "team": None,
        "eligible_oauth2_scopes": [],
        "rpc_origins": [],
    }


def role(of: Role) -> Json:
    return {
        "id": str(of.id),
        "name": of.name,
        "permissions": str(of.permissions),
        "position": of.position,
        "color": 0,
        "colors": {"primary_color": 0, "secondary_color": None, "tertiary_color": None},
        "hoist": False,
        "managed": False,
        "mentionable": False,
        "icon": None,
        "unicode_emoji": None,
        "flags": 0,
    }


def member(of: User) -> Json:
    return {
        "user": user(of),
        "nick": None,
        "avatar": None,
        "banner": None,
        "roles": [str(role_id) for role_id in of.role_ids],
        "joined_at": when(of.joined_at),
        "premium_since": None,
        "communication_disabled_until": None,
        "pending": False,
        "mute": False,
        "deaf": False,
        "flags": 0,
    }


def channel(world: World, of: Channel) -> Json:
    last = str(of.messages[-1].id) if of.messages else None
    shape: Json = {"id": str(of.id), "type": int(of.type), "flags": 0, "last_message_id": last}
    if of.type is ChannelType.DM and of.recipient_id is not None:
        return shape | {"recipients": [user(world.users[of.recipient_id])]}
    return shape | {
        "guild_id": str(world.guild_id),
        "name": of.name,
        "position": of.position,
        "parent_id": None,
        "topic": None,
        "nsfw": False,
        "rate_limit_per_user": 0,
        "permission_overwrites": [],
    }


def guild(world: World) -> Json:
    return {
        "id": str(world.guild_id),
        "name": GUILD_NAME,
        "icon": None,
        "description": None,
        "home_header": None,
        "splash": None,
        "discovery_splash": None,
        "features": [],
        "banner": None,
        "owner_id": str(world.owner.id),
        "application_id": None,
        "region": "deprecated",
        "afk_channel_id": None,
        "afk_timeout": 300,
        "system_channel_id": None,
        "system_channel_flags": 0,
        "widget_enabled": False,
        "widget_channel_id": None,
        "verification_level": 0,
        "roles": [role(of) for of in world.roles],
        "default_message_notifications": 0,
        "mfa_level": 0,
        "explicit_content_filter": 0,
        "max_presences": None,
        "max_members": 500000,
        "max_stage_video_channel_users": 50,
        "max_video_channel_users": 25,
        "vanity_url_code": None,
        "premium_tier": 0,
        "premium_subscription_count": 0,
        "preferred_locale": "en-US",
        "rules_channel_id": None,
        "safety_alerts_channel_id": None,
        "public_updates_channel_id": None,
        "premium_progress_bar_enabled": False,
        "nsfw": False,
        "nsfw_level": 0,
        "emojis": [],
        "stickers": [],
        "incidents_data": None,
    }


def guild_create(world: World) -> Json:
    """The gateway's fuller guild; without the members intent it names only the bot."""
    return guild(world) | {
        "joined_at": when(world.bot.joined_at),
        "large": False,
        "unavailable": False,
        "member_count": 1 + sum(u.in_guild for u in world.users.values() if not u.bot),
        "voice_states": [],
        "members": [member(world.bot)],
        "channels": [channel(world, of) for of in world.text_channels()],
        "threads": [],
        "presences": [],
        "stage_instances": [],
        "guild_scheduled_events": [],
        "soundboard_sounds": [],
    }


def my_guild(world: World) -> Json:
    return {
        "id": str(world.guild_id),
        "name": GUILD_NAME,
        "icon": None,
        "banner": None,
        "owner": False,
        "permissions": str(world.permissions(world.bot)),
        "features": [],
    }


def message(world: World, of: Message, *, nonce: bool = False) -> Json:
    """A message as REST returns it; the answer to its creation and the gateway echo the nonce."""
    shape = _basic_message(world, of)
    if of.reactions:
        shape["reactions"] = [_reaction(world, emoji, users) for emoji, users in of.reactions.items()]
    if of.reply_to is not None:
        replied = world.find(world.channel(of.channel_id), of.reply_to)
        gone = replied is None or replied.deleted_at is not None
        shape["referenced_message"] = None if gone or replied is None else _basic_message(world, replied)
    if nonce and of.nonce is not None:
        shape["nonce"] = of.nonce
    return shape


def message_event(world: World, of: Message) -> Json:
    """A message as the gateway sends it; DMs and ephemeral ones carry no `guild_id`."""
    place = world.channel(of.channel_id)
    shape = message(world, of, nonce=True) | {"channel_type": int(place.type)}
    if place.type is ChannelType.TEXT and not of.ephemeral:
        shape["guild_id"] = str(world.guild_id)
        author = member(world.users[of.author_id])
        del author["user"]
        shape["member"] = author
    return shape


def _basic_message(world: World, of: Message) -> Json:
    shape: Json = {
        "id": str(of.id),
        "channel_id": str(of.channel_id),
        "type": int(of.type),
        "content": of.content,
        "author": user(world.users[of.author_id]),
        "mentions": _mentions(world, of.content),
        "mention_roles": [],
        "mention_everyone": False,
        "attachments": _attachments(world, of),
        "embeds": of.embeds,
        "components": of.components,
        "timestamp": when(of.at),
        "edited_timestamp": when(of.edited_at),
        "flags": of.flags,
        "pinned": False,
        "tts": False,
    }
    if of.stickers:
        shape["sticker_items"] = [
            {"id": str(of.id + n), "name": name, "format_type": 1} for n, name in enumerate(of.stickers, 1)
        ]
    if of.interaction is not None:
        application_id = str(world.application_id)
        shape |= {"application_id": application_id, "webhook_id": application_id}
        shape["interaction_metadata"] = of.interaction
    if of.reply_to is not None:
        shape["message_reference"] = _reference(world, 0, of.channel_id, of.reply_to)
    if of.forwarded is not None:
        source = of.forwarded
        shape["message_reference"] = _reference(world, 1, source.channel_id, source.id)
        shape["message_snapshots"] = [{"message": _snapshot(world, source)}]
    return shape


def _mentions(world: World, content: str) -> list[Json]:
    ids = dict.fromkeys(int(found) for found in re.findall(r"<@!?(\d{1,20})>", content))
    return [user(world.users[user_id]) for user_id in ids if user_id in world.users]


def _attachments(world: World, of: Message) -> list[Json]:
    shapes: list[Json] = []
    for attachment in of.attachments:
        link = world.link(of.channel_id, attachment)
        shape: Json = {
            "id": str(attachment.id),
            "filename": attachment.filename,
            "size": len(attachment.content),
            "url": link,
            "proxy_url": link,
            "content_type": attachment.content_type,
        }
        if of.ephemeral:
            shape["ephemeral"] = True
        if attachment.description is not None:
            shape["description"] = attachment.description
        shapes.append(shape)
    return shapes


def _reaction(world: World, emoji: str, users: list[int]) -> Json:
    return {
        "emoji": {"id": None, "name": emoji},
        "count": len(users),
        "count_details": {"burst": 0, "normal": len(users)},
        "burst_colors": [],
        "me_burst": False,
        "me": world.bot.id in users,
    }


def _reference(world: World, kind: int, channel_id: int, message_id: int) -> Json:
    shape: Json = {"type": kind, "channel_id": str(channel_id), "message_id": str(message_id)}
    if world.channel(channel_id).type is ChannelType.TEXT:
        shape["guild_id"] = str(world.guild_id)
    return shape


def _snapshot(world: World, source: Message) -> Json:
    shape = _basic_message(world, source)
    return {name: shape[name] for name in SNAPSHOT_FIELDS}
