"""The Twilio port over the sandbox's model: the same requests and errors as over sockets, no SDK between."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol
from urllib.parse import parse_qsl, urlsplit

from machines.events import Trigger
from orchestrator.errors import Reject, Retry
from orchestrator.inprocess.line import Line, NoAnswer, seconds
from orchestrator.ports import Conflict, Interaction, Posted, Task, TwilioConversation, TwilioMessage, unheard
from orchestrator.sandbox.twilio.routes import CONVERSATIONS, FLEX, TASKROUTER
from orchestrator.sandbox.wire import Answer, Call

PAGE = 100

#: Every call of the port, by the names of its crash points.
CALLS = (
    "create_conversation",
    "conversation",
    "close_conversation",
    "add_participant",
    "participants",
    "webhooks",
    "add_webhook",
    "post",
    "edit",
    "delete",
    "messages",
    "create_interaction",
    "channel_of",
    "find_tasks",
    "worker",
    "close_channel",
    "invite",
)


class Codes(Protocol):
    """Twilio's error codes as the adapter names them; its module `limits` is one."""

    @property
    def NAME_TAKEN(self) -> int: ...  # noqa: N802

    @property
    def PARTICIPANT_EXISTS(self) -> int: ...  # noqa: N802

    @property
    def CLOSED(self) -> int: ...  # noqa: N802

    @property
    def NOT_FOUND(self) -> int: ...  # noqa: N802

    @property
    def CONCURRENT(self) -> int: ...  # noqa: N802


@dataclass(frozen=True, slots=True)
class Refused(Exception):
    """Twilio refuses, and will do so again."""

    code: int | None


class InProcessTwilio:
    """`rest` takes a host and a call, as the model does."""

    def __init__(
        self, rest: Callable[[str, Call], Answer], account: str, codes: Codes, line: Line | None = None
    ) -> None:
        login = base64.b64encode(f"{account}:in-process".encode()).decode()
        self._rest = rest
        self._headers = {"authorization": f"Basic {login}"}
        self._codes = codes
        self._line = line or Line("twilio")
        self.posted: Posted = unheard  #: told the Index of every message that is posted here

    # --- Conversations

    async def create_conversation(
        self, unique_name: str, friendly_name: str, attributes: Mapping[str, Any]
    ) -> TwilioConversation:
        form = {
            "UniqueName": unique_name,
            "FriendlyName": friendly_name[:256],
            "Attributes": json.dumps(attributes),
        }
        try:
            made = await self._make("create_conversation", CONVERSATIONS, "/v1/Conversations", form)
        except Reject as error:
            if _code(error) == self._codes.NAME_TAKEN:
                raise Conflict(unique_name) from error
            raise
        with _reading():
            return _conversation(made)

    async def conversation(self, sid: str) -> TwilioConversation | None:
        try:
            found = await self._ask("conversation", "GET", CONVERSATIONS, f"/v1/Conversations/{sid}")
        except Reject as error:
            if _code(error) == self._codes.NOT_FOUND:
                return None
            raise
        with _reading():
            return _conversation(found)

    async def close_conversation(self, sid: str) -> None:
        path = f"/v1/Conversations/{sid}"
        await self._unless_gone("close_conversation", "POST", CONVERSATIONS, path, {"State": "closed"})

    async def add_participant(self, sid: str, identity: str, attributes: Mapping[str, Any]) -> None:
        form = {"Identity": identity, "Attributes": json.dumps(attributes)}
        path = f"/v1/Conversations/{sid}/Participants"
        try:
            await self._make("add_participant", CONVERSATIONS, path, form)
        except Reject as error:
            if _code(error) != self._codes.PARTICIPANT_EXISTS:
                raise

    async def participants(self, sid: str) -> list[str]:
        path = f"/v1/Conversations/{sid}/Participants"
        found = await self._list("participants", CONVERSATIONS, path, limit=PAGE)
        return [str(row["identity"]) for row in found if row.get("identity")]

    async def webhooks(self, sid: str) -> list[str]:
        found = await self._list("webhooks", CONVERSATIONS, f"/v1/Conversations/{sid}/Webhooks")
        return [str(row["configuration"].get("url", "")) for row in found if row.get("configuration")]

    async def add_webhook(self, sid: str, url: str, filters: Sequence[str]) -> None:
        form = [
            ("Target", "webhook"),
            ("Configuration.Url", url),
            ("Configuration.Method", "post"),
            *(("Configuration.Filters", name) for name in filters),
        ]
        await self._ask("add_webhook", "POST", CONVERSATIONS, f"/v1/Conversations/{sid}/Webhooks", form)

    async def post(self, sid: str, *, author: str, body: str, attributes: Mapping[str, Any]) -> str:
        form = {"Author": author, "Body": body, "Attributes": json.dumps(attributes)}
        path = f"/v1/Conversations/{sid}/Messages"
        made = await self._make("post", CONVERSATIONS, path, form, repeatable=False)
        with _reading(doubt=True):
            ref = _sid(made)
            self.posted(sid, int(made["index"]))
            return ref

    async def edit(self, sid: str, message: str, body: str) -> None:
        path = f"/v1/Conversations/{sid}/Messages/{message}"
        await self._make("edit", CONVERSATIONS, path, {"Body": body})

    async def delete(self, sid: str, message: str) -> None:
        path = f"/v1/Conversations/{sid}/Messages/{message}"
        await self._unless_gone("delete", "DELETE", CONVERSATIONS, path)

    async def messages(
        self, sid: str, *, newest_first: bool = False, limit: int = 100
    ) -> list[TwilioMessage]:
        query = {"Order": "desc" if newest_first else "asc", "PageSize": str(min(limit, PAGE))}
        path = f"/v1/Conversations/{sid}/Messages"
        found = await self._list("messages", CONVERSATIONS, path, query, limit=limit)
        with _reading():
            return [_message(row) for row in found]

    # --- Flex and TaskRouter

    async def create_interaction(self, channel: Mapping[str, Any], routing: Mapping[str, Any]) -> Interaction:
        form = {"Channel": json.dumps(dict(channel)), "Routing": json.dumps(dict(routing))}
        made = await self._make("create_interaction", FLEX, "/v1/Interactions", form, repeatable=False)
        with _reading(doubt=True):
            properties = (made.get("routing") or {}).get("properties") or {}
            attributes = _json(properties.get("attributes"))
            return Interaction(_sid(made), attributes.get("flexInteractionChannelSid"), properties.get("sid"))

    async def channel_of(self, interaction: str) -> str | None:
        path = f"/v1/Interactions/{interaction}/Channels"
        found = await self._list("channel_of", FLEX, path, {"PageSize": "1"}, limit=1)
        return str(found[0]["sid"]) if found else None

    async def find_tasks(self, workspace: str, expression: str) -> list[Task]:
        query = {"EvaluateTaskAttributes": expression, "PageSize": "20"}
        path = f"/v1/Workspaces/{workspace}/Tasks"
        found = await self._list("find_tasks", TASKROUTER, path, query, limit=20)
        with _reading():
            return [
                Task(str(row["sid"]), str(row["assignment_status"]), _json(row["attributes"]))
                for row in found
            ]

    async def worker(self, workspace: str, name: str) -> str | None:
        query = {"FriendlyName": name, "PageSize": "1"}
        found = await self._list("worker", TASKROUTER, f"/v1/Workspaces/{workspace}/Workers", query, limit=1)
        with _reading():
            return str(found[0]["sid"]) if found else None

    async def close_channel(self, interaction: str, channel: str) -> None:
        path = f"/v1/Interactions/{interaction}/Channels/{channel}"
        form = {"Status": "closed", "Routing": json.dumps({"status": "closed"})}
        try:
            await self._unless_gone("close_channel", "POST", FLEX, path, form)
        except Reject:
            found = await self._ask("close_channel", "GET", FLEX, path)
            if found.get("status") != "closed":
                raise

    async def invite(self, interaction: str, channel: str, routing: Mapping[str, Any]) -> None:
        path = f"/v1/Interactions/{interaction}/Channels/{channel}/Invites"
        await self._make("invite", FLEX, path, {"Routing": json.dumps(dict(routing))}, repeatable=False)

    # --- speaking

    async def _make(
        self, name: str, host: str, path: str, form: Mapping[str, str], *, repeatable: bool = True
    ) -> Any:
        return await self._ask(name, "POST", host, path, list(form.items()), repeatable=repeatable)

    async def _unless_gone(
        self, name: str, method: str, host: str, path: str, form: Mapping[str, str] | None = None
    ) -> None:
        """Do what is done already, or has nothing left to be done to, without complaint."""
        try:
            await self._ask(name, method, host, path, list((form or {}).items()))
        except Reject as error:
            if error.report is not Trigger.DESK_CLOSED:
                raise

    async def _list(
        self, name: str, host: str, path: str, query: Mapping[str, str] | None = None, *, limit: int = 1000
    ) -> list[dict[str, Any]]:
        """Rows, page by page."""
        found: list[dict[str, Any]] = []
        asked: Mapping[str, str] | None = query or {}
        while asked is not None and len(found) < limit:
            page = await self._ask(name, "GET", host, path, query=asked)
            with _reading():
                found += page[page["meta"]["key"]]
                after = page["meta"]["next_page_url"]
                asked = dict(parse_qsl(urlsplit(after).query)) if after else None
        return found[:limit]

    async def _ask(
        self,
        name: str,
        method: str,
        host: str,
        path: str,
        form: Sequence[tuple[str, str]] = (),
        *,
        query: Mapping[str, str] | None = None,
        repeatable: bool = True,
    ) -> dict[str, Any]:
        """The answer's object; an empty one where there is none.

        `repeatable`: doing it twice is the same as once, so a lost answer leaves no doubt behind.
        """
        call = Call(method, path, query or {}, self._headers, form=form)
        doubt = not repeatable

        async def work() -> Answer:
            return self._rest(host, call)

        try:
            answer = await self._line.carry(name, method, f"/{host}{path}", work)
        except NoAnswer:
            raise Retry("Twilio: no answer", ambiguous=doubt) from None
        if answer.status >= 500:
            raise Retry(f"Twilio answered {answer.status}", ambiguous=doubt)
        if answer.status == 429:
            raise Retry("rate limited by Twilio", after=seconds(answer))
        if answer.status >= 400:
            raise self._refusal(answer)
        if method == "DELETE":
            return {}
        if not isinstance(answer.body, dict):
            raise Retry("Twilio answered nonsense", ambiguous=doubt)
        return answer.body

    def _refusal(self, answer: Answer) -> Retry | Reject:
        code = answer.body.get("code") if isinstance(answer.body, dict) else None
        reason = f"Twilio answered {answer.status}/{code}"
        if code == self._codes.CONCURRENT or answer.status in (401, 408):
            return Retry(reason)
        gone = code in (self._codes.CLOSED, self._codes.NOT_FOUND)
        found = Reject(reason, report=Trigger.DESK_CLOSED if gone else None)
        found.__cause__ = Refused(code)
        return found


@contextmanager
def _reading(*, doubt: bool = False) -> Iterator[None]:
    """An answer that is not what it should be: it may have been done all the same."""
    try:
        yield
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise Retry(f"Twilio answered nonsense: {type(error).__name__}", ambiguous=doubt) from error


def _code(error: Reject) -> int | None:
    return error.__cause__.code if isinstance(error.__cause__, Refused) else None


def _sid(made: Mapping[str, Any]) -> str:
    """Raises ValueError for an answer that names nothing."""
    if not made.get("sid"):
        raise ValueError("an answer without a sid")
    return str(made["sid"])


def _json(text: Any) -> dict[str, Any]:
    """Attributes are JSON in a string; whatever else stands there is read as none."""
    if isinstance(text, dict):
        return text
    try:
        value = json.loads(text or "{}")
    except (TypeError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def _conversation(made: Mapping[str, Any]) -> TwilioConversation:
    sid = _sid(made)
    at = datetime.fromisoformat(made["date_updated"])
    return TwilioConversation(sid, str(made["state"]), _json(made["attributes"]), at)


def _message(row: Mapping[str, Any]) -> TwilioMessage:
    at = datetime.fromisoformat(row["date_created"])
    return TwilioMessage(
        str(row["sid"]),
        int(row["index"]),
        str(row["author"] or ""),
        str(row["body"] or ""),
        _json(row["attributes"]),
        tuple(row["media"] or ()),
        at,
        datetime.fromisoformat(row["date_updated"]) if row["date_updated"] else at,
    )
