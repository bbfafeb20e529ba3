"""The one guild, its members and channels, and where everything is found again."""

from __future__ import annotations

import base64
import bisect
import hashlib
import hmac
from collections.abc import Callable
from datetime import datetime, timedelta
from random import Random

from orchestrator.sandbox.discord import errors, limits
from orchestrator.sandbox.discord.state import Attachment, Channel, ChannelType, Message, Role, User

GUILD_NAME = "Demo"
CHANNELS = ("announcements", "bug-report", "feature-request", "customer-service", "general")
BOT_NAME = "bot"

#: View, send, embed, attach, read history, react, use commands (Topics, Permissions).
EVERYDAY_PERMISSIONS = 0x400 | 0x800 | 0x4000 | 0x8000 | 0x10000 | 0x40 | 0x80000000
ADMINISTRATOR = 0x8
#: Every permission bit that Discord documents up to 1 << 52.
ALL_PERMISSIONS = (1 << 53) - 1


class World:
    """Users, roles, channels and messages; look-ups raise what the REST API would answer."""

    def __init__(self, now: Callable[[], datetime], random: Random) -> None:
        self.now = now
        self.random = random
        self.cdn_url = "https://cdn.discordapp.com"  #: a socket shell puts its own address here
        self._last_id = 0
        self._link_key = random.randbytes(32)
        self.users: dict[int, User] = {}
        self._names: dict[str, User] = {}
        self.channels: dict[int, Channel] = {}
        self._dms: dict[int, Channel] = {}

        self.bot = User(self.new_id(), BOT_NAME, bot=True, joined_at=now())
        self.users[self.bot.id] = self.bot
        self.guild_id = self.new_id()
        self.roles = [
            Role(self.guild_id, "@everyone", EVERYDAY_PERMISSIONS, 0),
            Role(self.new_id(), "Member", EVERYDAY_PERMISSIONS, 1),
            Role(self.new_id(), "Staff", EVERYDAY_PERMISSIONS | ADMINISTRATOR, 2),
        ]
        for position, name in enumerate(CHANNELS):
            channel = Channel(self.new_id(), ChannelType.TEXT, name=name, position=position)
            self.channels[channel.id] = channel
        self.owner = self.member("founder")
        self.owner.role_ids = [role.id for role in self.roles[1:]]
        user_part = base64.urlsafe_b64encode(str(self.bot.id).encode()).decode().rstrip("=")
        self.token = f"{user_part}.{random.randbytes(4).hex()}.{random.randbytes(20).hex()}"

    def new_id(self) -> int:
        """A snowflake: milliseconds since 2015 in the upper bits, strictly ascending in one world."""
        passed = (self.now() - limits.EPOCH) // timedelta(milliseconds=1)
        self._last_id = max(passed << 22, self._last_id + 1)
        return self._last_id

    @property
    def application_id(self) -> int:
        """Applications made since 2016 share their id with their bot user."""
        return self.bot.id

    def member(self, name: str) -> User:
        """The person of that name, who comes into being with the role Member on first use."""
        user = self._names.get(name)
        if user is None:
            user = User(self.new_id(), name, joined_at=self.now(), role_ids=[self.roles[1].id])
            self.users[user.id] = user
            self._names[name] = user
        return user

    def user(self, user_id: int) -> User:
        """Raises 404/10013."""
        if user_id not in self.users:
            raise errors.unknown_user()
        return self.users[user_id]

    def role(self, name: str) -> Role | None:
        return next((role for role in self.roles if role.name == name), None)

    def permissions(self, user: User) -> int:
        """What the user may do in the guild; administrators and the bot may do everything."""
        if user.bot:
            return ALL_PERMISSIONS
        granted = self.roles[0].permissions
        for role in self.roles:
            if role.id in user.role_ids:
                granted |= role.permissions
        return ALL_PERMISSIONS if granted & ADMINISTRATOR else granted

    def channel(self, channel_id: int) -> Channel:
        """Raises 404/10003."""
        if channel_id not in self.channels:
            raise errors.unknown_channel()
        return self.channels[channel_id]

    def text_channels(self) -> list[Channel]:
        return [channel for channel in self.channels.values() if channel.type is ChannelType.TEXT]

    def text_channel(self, name: str) -> Channel | None:
        return next((channel for channel in self.text_channels() if channel.name == name), None)

    def dm(self, user: User) -> Channel:
        """The DM of this user with the bot; the same one every time."""
        channel = self._dms.get(user.id)
        if channel is None:
            channel = Channel(self.new_id(), ChannelType.DM, recipient_id=user.id)
            self._dms[user.id] = channel
            self.channels[channel.id] = channel
        return channel

    def find(self, channel: Channel, message_id: int) -> Message | None:
        """The message of that id, deleted or ephemeral ones included."""
        index = bisect.bisect_left(channel.messages, message_id, key=lambda message: message.id)
        if index < len(channel.messages) and channel.messages[index].id == message_id:
            return channel.messages[index]
        return None

    def message(self, channel: Channel, message_id: int) -> Message:
        """A message as REST sees it: raises 404/10008 for deleted and ephemeral ones."""
        message = self.find(channel, message_id)
        if message is None or message.deleted_at is not None or message.ephemeral:
            raise errors.unknown_message()
        return message

    def link(self, channel_id: int, attachment: Attachment) -> str:
        """A signed address that works for a day; asking again gives a fresh one."""
        issued = int(self.now().timestamp())
        expires = issued + int(limits.LINK_LIFE.total_seconds())
        path = f"/attachments/{channel_id}/{attachment.id}/{attachment.filename}"
        return f"{self.cdn_url}{path}?ex={expires:x}&is={issued:x}&hm={self._sign(path, expires, issued)}"

    def download(self, path: str, query: dict[str, str]) -> Attachment | None:
        """The file behind a signed address; None when unknown, tampered with or expired."""
        try:
            _, _, channel_id, attachment_id, _ = path.split("/")
            expires, issued = int(query["ex"], 16), int(query["is"], 16)
            messages = self.channels[int(channel_id)].messages
        except (KeyError, ValueError):
            return None
        signed = hmac.compare_digest(self._sign(path, expires, issued), query.get("hm", ""))
        if not signed or self.now().timestamp() >= expires:
            return None
        found = (a for m in messages if m.deleted_at is None for a in m.attachments)
        return next((a for a in found if a.id == int(attachment_id)), None)

    def _sign(self, path: str, expires: int, issued: int) -> str:
        return hmac.new(self._link_key, f"{path}?{expires}&{issued}".encode(), hashlib.sha256).hexdigest()
