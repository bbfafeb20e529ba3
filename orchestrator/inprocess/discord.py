"""The Discord port over the sandbox's model: the same requests and errors as over sockets, no client between.

One difference is meant: discord.py sits out short 429s and repeats some 5xx by itself; here the first failure
is told at once, so that all that waits and repeats is the engine.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from machines.events import Trigger
from orchestrator.errors import Reject, Retry
from orchestrator.inprocess import payload
from orchestrator.inprocess.line import Line, NoAnswer, seconds
from orchestrator.ports import Button, DiscordMessage, File
from orchestrator.sandbox.wire import Answer, Call, Upload

PAGE = 100
#: Who speaks. Any token is a bot's.
TOKEN = "in-process"  # noqa: S105

#: Every call that passes a crash point; `login` and `acknowledge` are not of the port.
CALLS = (
    "login",
    "acknowledge",
    "open_dm",
    "send",
    "edit",
    "delete",
    "react",
    "history",
    "answer",
    "typing",
)


class Codes(Protocol):
    """Discord's error codes as the adapter groups them; its module `limits` is one."""

    @property
    def UNREACHABLE(self) -> frozenset[int]: ...  # noqa: N802

    @property
    def FATAL_CLOSE(self) -> Mapping[int, tuple[str, str]]: ...  # noqa: N802

    @property
    def ACK_PATIENCE_S(self) -> float: ...  # noqa: N802


@dataclass(frozen=True, slots=True)
class Refused(Exception):
    """Discord refuses, and will do so again."""

    status: int
    code: int


class InProcessDiscord:
    """Between `login` and `logout` it speaks; otherwise every call is a `Retry`."""

    def __init__(
        self,
        rest: Callable[[Call], Answer],
        codes: Codes,
        clean: Callable[[str], str],
        line: Line | None = None,
    ) -> None:
        self._rest = rest
        self._codes = codes
        self._clean = clean
        self._line = line or Line("discord")
        self.me: str | None = None  #: the bot's user id; None: not logged in

    async def login(self) -> None:
        """Learn who we are, as every client does first."""
        found = await self._speak("login", "GET", "/users/@me", login=True)
        self.me = _id(found)

    def logout(self) -> None:
        self.me = None

    # --- the port

    async def open_dm(self, member: str) -> str:
        return _id(await self._speak("open_dm", "POST", "/users/@me/channels", {"recipient_id": int(member)}))

    async def send(
        self,
        channel: str,
        text: str,
        *,
        nonce: str,
        buttons: Sequence[Sequence[Button]] = (),
        files: Sequence[File] = (),
        reply_to: str | None = None,
    ) -> str:
        body = _body(text, buttons) | {"nonce": nonce, "enforce_nonce": True}
        if reply_to:
            body["message_reference"] = {"message_id": reply_to, "fail_if_not_exists": False}
        if files:
            body["attachments"] = [{"id": n, "filename": file.filename} for n, file in enumerate(files)]
        uploads = [Upload(file.filename, "application/octet-stream", file.content) for file in files]
        path = f"/channels/{channel}/messages"
        made = await self._speak("send", "POST", path, body, files=uploads, repeatable=False)
        return _id(made, doubt=True)

    async def edit(
        self, channel: str, message: str, text: str, *, buttons: Sequence[Sequence[Button]] = ()
    ) -> None:
        await self._speak("edit", "PATCH", f"/channels/{channel}/messages/{message}", _body(text, buttons))

    async def delete(self, channel: str, message: str) -> None:
        try:
            await self._speak("delete", "DELETE", f"/channels/{channel}/messages/{message}")
        except Reject as error:
            if not isinstance(error.__cause__, Refused) or error.__cause__.status != 404:
                raise

    async def react(self, channel: str, message: str, emoji: str) -> None:
        path = f"/channels/{channel}/messages/{message}/reactions/{emoji}/@me"
        await self._speak("react", "PUT", path)

    async def history(self, channel: str, *, after: str, limit: int = 100) -> list[DiscordMessage]:
        found: list[DiscordMessage] = []
        while len(found) < limit:
            size = min(PAGE, limit - len(found))
            query = {"limit": str(size), "after": found[-1].id if found else after}
            page = await self._speak("history", "GET", f"/channels/{channel}/messages", query=query)
            if not isinstance(page, list):
                raise Retry("Discord answered nonsense")
            found += [payload.read(message, self.me or "", self._clean) for message in reversed(page)]
            if len(page) < size:
                break
        return found

    async def answer(self, application: str, token: str, text: str) -> None:
        body = {"content": text, "allowed_mentions": {"parse": []}}
        path = f"/webhooks/{application}/{token}/messages/@original"
        _id(await self._speak("answer", "PATCH", path, body))

    async def typing(self, channel: str) -> None:
        await self._speak("typing", "POST", f"/channels/{channel}/typing")

    # --- what the gateway's half needs besides

    async def acknowledge(self, interaction: str, token: str, body: Mapping[str, Any]) -> None:
        """Answer an interaction for the first time. Raises `Retry` or `Reject`."""
        await self._speak("acknowledge", "POST", f"/interactions/{interaction}/{token}/callback", dict(body))

    # --- speaking

    async def _speak(
        self,
        name: str,
        method: str,
        path: str,
        body: dict[str, Any] | None = None,
        *,
        query: Mapping[str, str] | None = None,
        files: Sequence[Upload] = (),
        repeatable: bool = True,
        login: bool = False,
    ) -> Any:
        """The answer's body, which is an object or a list; None where there is none.

        `repeatable`: doing it twice is the same as once, so a lost answer leaves no doubt behind.
        """
        if self.me is None and not login:
            raise Retry("not connected to Discord", after=1.0)
        call = Call(method, path, query or {}, {"authorization": f"Bot {TOKEN}"}, body, files=files)
        doubt = not repeatable

        async def work() -> Answer:
            return self._rest(call)

        try:
            answer = await self._line.carry(name, method, path, work)
        except NoAnswer:
            raise Retry("Discord: no answer", ambiguous=doubt) from None
        if answer.status >= 500:
            raise Retry(f"Discord answered {answer.status}", ambiguous=doubt)
        if answer.status == 429:
            raise Retry("rate limited by Discord", after=_pause_of(answer))
        if answer.status >= 400:
            raise self._refusal(answer)
        if answer.body is not None and not isinstance(answer.body, dict | list):
            raise Retry("Discord answered nonsense", ambiguous=doubt)
        return answer.body

    def _refusal(self, answer: Answer) -> Retry | Reject:
        code = answer.body.get("code", 0) if isinstance(answer.body, dict) else 0
        reason = f"Discord answered {answer.status}/{code}"
        if answer.status == 401:
            return Retry(reason)
        found = Reject(reason, report=Trigger.UNREACHABLE if code in self._codes.UNREACHABLE else None)
        found.__cause__ = Refused(answer.status, code)
        return found


def _pause_of(answer: Answer) -> float | None:
    after = seconds(answer)
    if after is None and isinstance(answer.body, dict):
        after = answer.body.get("retry_after")
    return after


def _id(made: Any, *, doubt: bool = False) -> str:
    """Raises `Retry` for an answer that names nothing: it may have been done all the same."""
    try:
        return str(made["id"])
    except (LookupError, TypeError) as error:
        raise Retry(f"Discord answered nonsense: {type(error).__name__}", ambiguous=doubt) from error


def _body(text: str, buttons: Sequence[Sequence[Button]]) -> dict[str, Any]:
    return {
        "content": text,
        "components": [{"type": 1, "components": [_button(button) for button in row]} for row in buttons],
        "allowed_mentions": {"parse": []},
    }


def _button(button: Button) -> dict[str, Any]:
    style = 1 if button.primary else 2
    return {"type": 2, "style": style, "label": button.label, "custom_id": button.custom_id}
