"""Somebody's CRM that follows cases: it believes what is signed, and drops what it has taken before."""

from __future__ import annotations

import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from orchestrator.errors import Retry
from orchestrator.inprocess.line import Line, NoAnswer
from orchestrator.ports import Response
from orchestrator.sandbox.wire import Answer
from orchestrator.webhooks import sign

#: The secret of the specification's own example.
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

#: Every call of the port, by the names of its crash points.
CALLS = ("post",)

Receive = Callable[[Mapping[str, str], bytes], Answer]


@dataclass
class Crm:
    """What it took, each once, in the order in which it came first."""

    taken: dict[str, dict[str, Any]] = field(default_factory=dict)  #: id of the webhook -> body
    arrived: list[str] = field(default_factory=list)  #: ids, repeats among them
    unsigned: int = 0  #: what it did not believe

    def receive(self, headers: Mapping[str, str], body: bytes) -> Answer:
        delivery, timestamp = headers[sign.ID], int(headers[sign.TIMESTAMP])
        expected = sign.signature(sign.key(SECRET), delivery, timestamp, body)
        if not hmac.compare_digest(expected, headers[sign.SIGNATURE]):
            self.unsigned += 1
            return Answer(401, {})
        self.arrived.append(delivery)
        self.taken.setdefault(delivery, json.loads(body))
        return Answer(204, {})

    def types(self) -> list[str]:
        return [body["type"] for body in self.taken.values()]


class InProcessOutbound:
    """The port over the model: the same errors as over sockets."""

    def __init__(self, receive: Receive, line: Line) -> None:
        self._receive = receive
        self._line = line

    async def post(self, headers: Mapping[str, str], body: bytes) -> Response:
        async def work() -> Answer:
            return self._receive(headers, body)

        try:
            answer = await self._line.carry("post", "POST", "/cases", work)
        except NoAnswer:
            raise Retry("no answer from the receiver") from None
        return Response(answer.status, answer.headers.get("Retry-After", ""))
