"""A Twilio account with Flex, as a pure model: calls and agents' acts go in, answers and webhooks come out.

No sockets, no asyncio: the clock and the randomness are injected. The shell serves it over HTTP; an
in-process port or a simulation calls it directly and hands over what `drain` returns.
"""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any

from orchestrator.sandbox.twilio import agents, conversations, errors, media, routes, tasks, view
from orchestrator.sandbox.twilio.account import Account
from orchestrator.sandbox.twilio.authorization import credentials
from orchestrator.sandbox.twilio.errors import ApiError, not_found
from orchestrator.sandbox.twilio.records import Message, Task
from orchestrator.sandbox.twilio.request import Request
from orchestrator.sandbox.twilio.webhook import Webhook
from orchestrator.sandbox.wire import Answer, Call, Upload

_OF_A_SERVICE = re.compile(
    r"/v1/Services/(IS[0-9a-fA-F]{32})(/(?:Conversations|Users|ParticipantConversations)\b.*)"
)


class TwilioModel:
    """The whole local Twilio. `now` gives aware UTC; the same seed and calls give the same sids."""

    def __init__(self, now: Callable[[], datetime], random: random.Random) -> None:
        self.random = random
        self._account = Account(now, random)

    @property
    def outgoing(self) -> list[Webhook]:
        """Webhooks caused and not yet drained, oldest first."""
        return self._account.outgoing

    def drain(self) -> list[Webhook]:
        """Hand over the webhooks caused since the last time."""
        drained, self._account.outgoing = self._account.outgoing, []
        return drained

    def rest(self, host: str, call: Call) -> Answer:
        """Answer one REST call. Anybody with an `AC` sid or `SK` key and any secret is let in."""
        if host == routes.MEDIA and call.method == "GET":
            return self._answer(lambda: media.download(self._account, call.path.strip("/"), call))
        return self._answer(lambda: self._rest(host, call))

    def unknown_fields(self, host: str, call: Call) -> list[str]:
        """Form fields the addressed resource does not know: Twilio ignores them silently, the log does not."""
        found = routes.find(call.method, host, self._path(call.path))
        known = found[0].fields if found else frozenset()
        return sorted({name for name, _ in call.form} - known)

    def tick(self) -> None:
        """Apply the timers that are due by now: conversation states, tasks nobody took."""
        conversations.tick(self._account)
        tasks.tick(self._account)

    def next_due(self) -> datetime | None:
        """When `tick` will next have something to do; None when nothing is waiting."""
        account = self._account
        moments = [conversations.due_at(c) for c in account.conversations.values()]
        moments += [tasks.due_at(t) for t in account.tasks.values()]
        return min((at for at in moments if at), default=None)

    def account(self) -> dict[str, str]:
        """The settings that point an application here; the auth token is the shell's."""
        account = self._account
        return {
            "TWILIO_ACCOUNT_SID": account.account_sid,
            "TWILIO_WORKSPACE_SID": account.workspace_sid,
            "TWILIO_WORKFLOW_SID": account.workflow_sid,
            "TWILIO_FLEX_INSTANCE_SID": account.instance_sid,
        }

    def adopt(self, settings: Mapping[str, str]) -> None:
        """Take over sids that an application already has in its settings; other names are left alone."""
        for name, attribute in (
            ("TWILIO_ACCOUNT_SID", "account_sid"),
            ("TWILIO_WORKSPACE_SID", "workspace_sid"),
            ("TWILIO_WORKFLOW_SID", "workflow_sid"),
            ("TWILIO_FLEX_INSTANCE_SID", "instance_sid"),
        ):
            if settings.get(name):
                setattr(self._account, attribute, settings[name])

    def serve_media_from(self, origin: str) -> None:
        """Where links to uploaded files point; the path under it reaches `rest` as host `media.us1.twilio.com`."""
        self._account.media_origin = origin.rstrip("/")

    # What agents do. Every one raises ApiError: 404 for what does not exist, 409 for what comes too late.

    def accept(self, task_sid: str, agent: str) -> Task:
        return agents.accept(self._account, task_sid, agent)

    def reject(self, task_sid: str, agent: str) -> Task:
        return agents.reject(self._account, task_sid, agent)

    def agent_message(self, task_sid: str, body: str, media: Sequence[Upload] = ()) -> Message:
        return agents.write(self._account, task_sid, body, media)

    def agent_edit(self, task_sid: str, message_sid: str, body: str) -> Message:
        return agents.edit(self._account, task_sid, message_sid, body)

    def agent_delete(self, task_sid: str, message_sid: str) -> Message:
        return agents.delete(self._account, task_sid, message_sid)

    def leave(self, task_sid: str) -> Task:
        return agents.leave(self._account, task_sid)

    def complete(self, task_sid: str) -> Task:
        return agents.complete(self._account, task_sid)

    def cancel(self, task_sid: str) -> Task:
        return agents.cancel(self._account, task_sid)

    def transfer(self, task_sid: str, agent: str) -> Task:
        return agents.transfer(self._account, task_sid, agent)

    def task(self, sid: str) -> dict[str, Any]:
        """One task with its conversation's messages, deleted ones kept, oldest first. Raises ApiError 404."""
        return view.task(self._account, self._account.task(sid))

    def tasks(self) -> list[dict[str, Any]]:
        """All tasks, oldest first."""
        return [view.task(self._account, task) for task in self._account.tasks.values()]

    def conversation(self, key: str) -> dict[str, Any]:
        """One Twilio Conversation by sid or unique name. Raises ApiError 404."""
        return view.conversation(self._account, self._account.conversation(key))

    def _answer(self, work: Callable[[], Answer]) -> Answer:
        try:
            return work()
        except ApiError as refused:
            return Answer(refused.status, refused.body())

    def _rest(self, host: str, call: Call) -> Answer:
        if credentials(call) is None:
            raise ApiError(401, errors.UNAUTHORIZED, "Authentication Error - invalid username")
        path = self._path(call.path)
        found = routes.find(call.method, host, path)
        if found is None:
            raise not_found(call.path)
        route, args = found
        return route.handler(Request(self._account, host, path, call, args))

    def _path(self, path: str) -> str:
        """The default chat service's resources are the account's own: the long address means the short one."""
        match = _OF_A_SERVICE.fullmatch(path)
        if match and match[1] == self._account.chat_service_sid:
            return f"/v1{match[2]}"
        return path
