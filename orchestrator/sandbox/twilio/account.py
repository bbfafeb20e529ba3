"""One Twilio account with Flex: everything it holds, and the ids it hands out. Rules live beside each noun."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import datetime
from typing import Any

from orchestrator.sandbox.twilio.errors import not_found
from orchestrator.sandbox.twilio.records import (
    Conversation,
    GlobalWebhook,
    Interaction,
    InteractionWebhook,
    Media,
    Record,
    Task,
    User,
    Worker,
)
from orchestrator.sandbox.twilio.webhook import Webhook

AGENTS = {"ada": "Ada Lovelace", "ben": "Ben Okri"}
TASK_CHANNELS = ("default", "chat", "sms", "voice")


class Account:
    """The shared memory of the Twilio model. Created with one Flex instance, workspace, workflow and queue."""

    def __init__(self, now: Callable[[], datetime], random: random.Random) -> None:
        self.now = now
        self.random = random
        self.created = now()
        self.account_sid = self.sid("AC")
        self.chat_service_sid = self.sid("IS")
        self.messaging_service_sid = self.sid("MG")
        self.instance_sid = self.sid("GO")
        self.workspace_sid = self.sid("WS")
        self.workflow_sid = self.sid("WW")
        self.queue_sid = self.sid("WQ")
        self.offline_sid = self.sid("WA")
        self.available_sid = self.sid("WA")
        self.guest_role_sid = self.sid("RL")
        self.agent_role_sid = self.sid("RL")
        self.task_channels = {name: self.sid("TC") for name in TASK_CHANNELS}
        self.workers = {
            name: Worker(
                **self.fresh("WK"),
                name=name,
                attributes=f'{{"full_name":"{full_name}","contact_uri":"client:{name}","roles":["agent"]}}',
            )
            for name, full_name in AGENTS.items()
        }

        self.conversations: dict[str, Conversation] = {}
        self.users: dict[str, User] = {}  #: by identity
        self.media: dict[str, Media] = {}
        self.media_origin = "https://media.us1.twilio.com"  #: where links to uploaded files point
        self.default_timers: dict[str, str | None] = {"inactive": None, "closed": None}
        self.global_webhook = GlobalWebhook()
        self.service_webhook = GlobalWebhook()
        self.interactions: dict[str, Interaction] = {}
        self.interaction_webhooks: dict[str, InteractionWebhook] = {}
        self.tasks: dict[str, Task] = {}
        self.event_callback_url = ""
        self.events_filter: str | None = None

        self.outgoing: list[Webhook] = []
        self.warnings: list[dict[str, Any]] = []  #: what Twilio's debugger would show, oldest first

    def sid(self, prefix: str) -> str:
        return f"{prefix}{self.random.getrandbits(128):032x}"

    def fresh(self, prefix: str) -> dict[str, Any]:
        """Sid and times for a record made now, to be passed on as keyword arguments."""
        now = self.now()
        return {"sid": self.sid(prefix), "created": now, "updated": now}

    def touch(self, record: Record) -> datetime:
        record.updated = self.now()
        return record.updated

    def conversation(self, key: str) -> Conversation:
        """By sid or unique name. Raises 404/20404."""
        found = self.conversations.get(key) or next(
            (c for c in self.conversations.values() if c.unique_name == key), None
        )
        if found is None:
            raise not_found(f"/Conversations/{key}")
        return found

    def interaction_of(self, conversation_sid: str) -> Interaction | None:
        """The interaction whose channel is mapped to this Twilio Conversation; closed channels are not."""
        return next(
            (
                i
                for i in reversed(self.interactions.values())
                if i.channel.conversation_sid == conversation_sid
                and i.channel.status in ("setup", "active", "inactive")
            ),
            None,
        )

    def task(self, sid: str) -> Task:
        if sid not in self.tasks:
            raise not_found(f"/Tasks/{sid}")
        return self.tasks[sid]

    def worker(self, key: str) -> Worker:
        """By name or sid. Raises 404/20404."""
        found = self.workers.get(key) or next((w for w in self.workers.values() if w.sid == key), None)
        if found is None:
            raise not_found(f"/Workers/{key}")
        return found

    def warn(self, code: int, message: str, conversation_sid: str | None) -> None:
        self.warnings.append(
            {
                "code": code,
                "message": message,
                "conversation_sid": conversation_sid,
                "at": self.now().isoformat(),
            }
        )
