"""The REST API: which call reaches what. A call goes in, the answer comes out."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from orchestrator.sandbox.discord import draft as drafts
from orchestrator.sandbox.discord import errors, limits, payloads
from orchestrator.sandbox.discord.buckets import Buckets
from orchestrator.sandbox.discord.commands import Commands
from orchestrator.sandbox.discord.errors import ApiError
from orchestrator.sandbox.discord.interactions import Interactions
from orchestrator.sandbox.discord.messages import Messages
from orchestrator.sandbox.discord.state import Channel
from orchestrator.sandbox.discord.world import World
from orchestrator.sandbox.wire import Answer, Call

Handler = Callable[..., Answer]


class Rest:
    """Routes of API v10 that an application in DMs and one guild needs."""

    def __init__(
        self, world: World, messages: Messages, commands: Commands, interactions: Interactions
    ) -> None:
        self._world = world
        self._messages = messages
        self._commands = commands
        self._interactions = interactions
        self.buckets = Buckets(world.now)
        self.revoked_tokens: set[str] = set()
        self.gateway_url = "wss://gateway.discord.gg"  #: a socket shell puts its own address here
        message = "/channels/{channel}/messages/{message}"
        reaction = message + "/reactions/{emoji}/@me"
        hook = "/webhooks/{application}/{token}"
        handlers: dict[str, Handler] = {
            "GET /users/@me": self._me,
            "GET /users/@me/guilds": self._my_guilds,
            "POST /users/@me/channels": self._open_dm,
            "GET /users/{user}": self._user,
            "GET /oauth2/applications/@me": self._application,
            "GET /applications/@me": self._application,
            "GET /gateway/bot": self._gateway,
            "GET /applications/{application}/commands": self._list_commands,
            "PUT /applications/{application}/commands": self._put_commands,
            "GET /applications/{application}/guilds/{guild}/commands": self._list_commands,
            "PUT /applications/{application}/guilds/{guild}/commands": self._put_commands,
            "GET /guilds/{guild}": self._guild,
            "GET /guilds/{guild}/channels": self._guild_channels,
            "GET /guilds/{guild}/roles": self._guild_roles,
            "GET /guilds/{guild}/members/{user}": self._guild_member,
            "GET /channels/{channel}": self._channel,
            "POST /channels/{channel}/typing": self._typing,
            "GET /channels/{channel}/messages": self._history,
            "POST /channels/{channel}/messages": self._post,
            f"GET {message}": self._get_message,
            f"PATCH {message}": self._edit_message,
            f"DELETE {message}": self._delete_message,
            f"PUT {reaction}": self._react,
            f"DELETE {reaction}": self._unreact,
            "POST /interactions/{interaction}/{token}/callback": self._callback,
            f"POST {hook}": self._follow_up,
            f"GET {hook}/messages/@original": self._get_original,
            f"PATCH {hook}/messages/@original": self._edit_original,
            f"DELETE {hook}/messages/@original": self._delete_original,
            f"GET {hook}/messages/{{message}}": self._get_original,
            f"PATCH {hook}/messages/{{message}}": self._edit_original,
            f"DELETE {hook}/messages/{{message}}": self._delete_original,
        }
        self._routes = [(route, *_compile(route), handler) for route, handler in handlers.items()]

    def answer(self, call: Call) -> Answer:
        """What Discord would answer; refusals come out as answers too."""
        try:
            route, given, handler = self._match(call)
            if not route.split(" ")[1].startswith(("/interactions/", "/webhooks/")):
                self._authorize(call)
        except ApiError as refusal:
            return refusal.answer()
        major = str(given.get("channel") or given.get("guild") or given.get("token") or "")
        headers, refused = self.buckets.take(route, major)
        if refused is not None:
            return refused
        try:
            answer = handler(call, **given)
        except ApiError as refusal:
            answer = refusal.answer()
        return Answer(answer.status, answer.body, {**headers, **answer.headers})

    def _match(self, call: Call) -> tuple[str, dict[str, Any], Handler]:
        known_path = False
        for route, method, pattern, handler in self._routes:
            match = pattern.fullmatch(call.path)
            if match is None:
                continue
            if method == call.method:
                texts = ("token", "emoji")
                given = {n: v if n in texts else int(v) for n, v in match.groupdict().items()}
                return route, given, handler
            known_path = True
        raise errors.wrong_method() if known_path else errors.no_such_route()

    def _authorize(self, call: Call) -> None:
        scheme, _, token = call.headers.get("authorization", "").partition(" ")
        if scheme != "Bot" or not token.strip() or token in self.revoked_tokens:
            raise errors.unauthorized()

    def _me(self, call: Call) -> Answer:
        return Answer(200, payloads.me(self._world))

    def _my_guilds(self, call: Call) -> Answer:
        return Answer(200, [payloads.my_guild(self._world)])

    def _user(self, call: Call, user: int) -> Answer:
        return Answer(200, payloads.user(self._world.user(user)))

    def _application(self, call: Call) -> Answer:
        return Answer(200, payloads.application(self._world))

    def _gateway(self, call: Call) -> Answer:
        session_starts = {"total": 1000, "remaining": 999, "reset_after": 86_400_000, "max_concurrency": 1}
        return Answer(200, {"url": self.gateway_url, "shards": 1, "session_start_limit": session_starts})

    def _open_dm(self, call: Call) -> Answer:
        body = call.json if isinstance(call.json, dict) else {}
        try:
            recipient = self._world.users[int(body["recipient_id"])]
        except (KeyError, TypeError, ValueError):
            raise errors.invalid_recipient() from None
        if recipient.bot:
            raise errors.closed_dms()
        return Answer(200, payloads.channel(self._world, self._world.dm(recipient)))

    def _list_commands(self, call: Call, application: int, guild: int | None = None) -> Answer:
        return Answer(200, self._commands.listed(self._place(application, guild)))

    def _put_commands(self, call: Call, application: int, guild: int | None = None) -> Answer:
        return Answer(200, self._commands.overwrite(self._place(application, guild), call.json))

    def _place(self, application: int, guild: int | None) -> int | None:
        if application != self._world.application_id:
            raise errors.ApiError(
                403, 20012, "You are not authorized to perform this action on this application"
            )
        if guild not in (None, self._world.guild_id):
            raise errors.ApiError(403, 50001, "Missing Access")
        return guild

    def _check_guild(self, guild: int) -> None:
        if guild != self._world.guild_id:
            raise errors.unknown_guild()

    def _guild(self, call: Call, guild: int) -> Answer:
        self._check_guild(guild)
        return Answer(200, payloads.guild(self._world))

    def _guild_channels(self, call: Call, guild: int) -> Answer:
        self._check_guild(guild)
        return Answer(200, [payloads.channel(self._world, c) for c in self._world.text_channels()])

    def _guild_roles(self, call: Call, guild: int) -> Answer:
        self._check_guild(guild)
        return Answer(200, [payloads.role(role) for role in self._world.roles])

    def _guild_member(self, call: Call, guild: int, user: int) -> Answer:
        self._check_guild(guild)
        found = self._world.user(user)
        if not found.in_guild:
            raise errors.unknown_member()
        return Answer(200, payloads.member(found))

    def _channel(self, call: Call, channel: int) -> Answer:
        return Answer(200, payloads.channel(self._world, self._world.channel(channel)))

    def _typing(self, call: Call, channel: int) -> Answer:
        self._messages.type(self._world.bot, self._world.channel(channel))
        return Answer(204)

    def _history(self, call: Call, channel: int) -> Answer:
        found = self._world.channel(channel)
        limit = _number(call, "limit") if "limit" in call.query else 50
        if limit is None or not 1 <= limit <= limits.PAGE:
            message = f"int value should be between 1 and {limits.PAGE}."
            raise errors.invalid("limit", "NUMBER_TYPE_MAX", message)
        bounds = {name: _number(call, name) for name in ("before", "after", "around")}
        page = self._messages.page(found, limit, **bounds)
        return Answer(200, [payloads.message(self._world, message) for message in page])

    def _post(self, call: Call, channel: int) -> Answer:
        found = self._world.channel(channel)
        draft = drafts.read(self._world, call.json, call.files)
        message = self._messages.create_by_bot(found, draft)
        return Answer(200, payloads.message(self._world, message, nonce=True))

    def _get_message(self, call: Call, channel: int, message: int) -> Answer:
        found = self._world.message(self._world.channel(channel), message)
        return Answer(200, payloads.message(self._world, found))

    def _edit_message(self, call: Call, channel: int, message: int) -> Answer:
        found = self._world.message(self._world.channel(channel), message)
        self._messages.edit_by_bot(found, drafts.read(self._world, call.json, call.files))
        return Answer(200, payloads.message(self._world, found))

    def _delete_message(self, call: Call, channel: int, message: int) -> Answer:
        place: Channel = self._world.channel(channel)
        self._messages.delete_by_bot(place, self._world.message(place, message))
        return Answer(204)

    def _react(self, call: Call, channel: int, message: int, emoji: str) -> Answer:
        return self._set_reaction(channel, message, emoji, add=True)

    def _unreact(self, call: Call, channel: int, message: int, emoji: str) -> Answer:
        return self._set_reaction(channel, message, emoji, add=False)

    def _set_reaction(self, channel: int, message: int, emoji: str, *, add: bool) -> Answer:
        found = self._world.message(self._world.channel(channel), message)
        if emoji.isascii():
            raise errors.unknown_emoji()
        self._messages.react(self._world.bot, found, emoji, add=add)
        return Answer(204)

    def _callback(self, call: Call, interaction: int, token: str) -> Answer:
        response = self._interactions.respond(interaction, token, call.json, call.files)
        wanted = call.query.get("with_response", "").lower() in ("1", "true")
        return Answer(200, response) if wanted else Answer(204)

    def _follow_up(self, call: Call, application: int, token: str) -> Answer:
        interaction = self._interactions.by_webhook(application, token)
        draft = drafts.read(self._world, call.json, call.files)
        message = self._interactions.follow_up(interaction, draft)
        return Answer(200, payloads.message(self._world, message))

    def _get_original(self, call: Call, application: int, token: str, message: int | None = None) -> Answer:
        interaction = self._interactions.by_webhook(application, token)
        found = self._interactions.webhook_message(interaction, message)
        return Answer(200, payloads.message(self._world, found))

    def _edit_original(self, call: Call, application: int, token: str, message: int | None = None) -> Answer:
        interaction = self._interactions.by_webhook(application, token)
        found = self._interactions.webhook_message(interaction, message)
        self._messages.edit(found, drafts.read(self._world, call.json, call.files))
        return Answer(200, payloads.message(self._world, found))

    def _delete_original(
        self, call: Call, application: int, token: str, message: int | None = None
    ) -> Answer:
        interaction = self._interactions.by_webhook(application, token)
        self._messages.delete(self._interactions.webhook_message(interaction, message))
        return Answer(204)


def _compile(route: str) -> tuple[str, re.Pattern[str]]:
    """Ids are digits; a token or an emoji is anything without a slash."""
    method, template = route.split(" ")
    text = re.sub(r"\{(token|emoji)\}", r"(?P<\1>[^/]+)", template)
    return method, re.compile(re.sub(r"\{(\w+)\}", r"(?P<\1>\\d{1,20})", text))


def _number(call: Call, name: str) -> int | None:
    value = call.query.get(name)
    if value is None:
        return None
    if not value.isdecimal():
        raise errors.invalid(name, "NUMBER_TYPE_COERCE", f'Value "{value}" is not snowflake.')
    return int(value)
