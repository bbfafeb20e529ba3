"""What becomes of a case, told to one address outside: rendered and signed at send time, judged by the answer."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import orjson

from machines.effects import Kind
from orchestrator.clock import Clock
from orchestrator.errors import Reject, Retry
from orchestrator.ports import Done, Handler, Job, Outbound, Response
from orchestrator.webhooks import sign
from storage.reads.webhook import FollowedCase, WebhookReader

#: The longest that a receiver may have us wait. Seconds.
LONGEST_WAIT_S = 3600.0
GONE = 410
#: Answers whose `Retry-After` is heeded.
LATER = (429, 503)


class CaseWebhook:
    """Carries out effects in the lane `webhook:cases`. A repeat bears the same id, so that receivers can drop it."""

    def __init__(self, outbound: Outbound, reader: WebhookReader, clock: Clock, key: bytes) -> None:
        self.outbound = outbound
        self.reader = reader
        self.clock = clock
        self._key = key

    def handlers(self) -> dict[str, Handler]:
        return {Kind.CASE_WEBHOOK: self.post}

    async def post(self, job: Job) -> Done:
        """Raises `Reject` where the receiver wants nothing more, and `Retry` for everything but a 2xx."""
        effect = job.effect
        case = await self.reader.followed(effect.conversation)
        if case is None:
            raise Reject("the case is gone")
        body = render(effect.payload, case)
        now = self.clock.now()
        signed = sign.headers(self._key, effect.key, int(now.timestamp()), body)
        judge(await self.outbound.post(signed, body), now)
        return Done()


def unset() -> dict[str, Handler]:
    """Handlers where nobody follows: what an earlier setting left to be told waits among the dead letters."""

    async def refuse(_job: Job) -> Done:
        raise Reject("CASE_WEBHOOK_URL is not set")

    return {Kind.CASE_WEBHOOK: refuse}


def render(change: Mapping[str, Any], case: FollowedCase) -> bytes:
    """The body: the change as it was recorded, the case as it stands now. No message of a member's is in it."""
    return orjson.dumps(
        {
            "type": change["type"],
            "timestamp": change["at"],
            "data": {
                "case": {
                    "number": case.number,
                    "id": case.id,
                    "kind": case.kind,
                    "state": case.state,
                    "version": case.version,
                    "title": case.context.title,
                    "summary": case.context.summary,
                    "steps": case.context.steps,
                    "channel": case.context.channel,
                    "priority": case.context.priority,
                    "tags": case.context.tags,
                    "assignee": case.context.assignee,
                    "agents": case.context.agents,
                    "member": {"id": case.member, "name": case.member_name},
                    "conversations": case.context.conversations,
                    "reason": case.context.reason,
                    "rating": case.context.rating or None,
                    "merged_into": case.context.merged_into,
                    "follows": case.context.follows,
                    "created_at": _iso(case.created_at),
                    "updated_at": _iso(case.updated_at),
                },
                "change": {name: change[name] for name in ("version", "from", "to", "by")},
            },
        }
    )


def judge(answer: Response, now: datetime) -> None:
    """Returns if the receiver has taken it. Raises as `CaseWebhook.post` does."""
    said = f"the receiver answered {answer.status}"
    if 200 <= answer.status < 300:
        return
    if answer.status == GONE:
        raise Reject(said)
    raise Retry(said, after=wait(answer.retry_after, now) if answer.status in LATER else None)


def wait(retry_after: str, now: datetime) -> float | None:
    """Seconds that a `Retry-After` asks for, at most an hour (RFC 9110, 10.2.3).

    None where it cannot be read, or names no time to come: who follows that would never stop asking.
    """
    seconds = _seconds(retry_after.strip(), now)
    return min(seconds, LONGEST_WAIT_S) if seconds > 0 else None


def _seconds(text: str, now: datetime) -> float:
    if text.isascii() and text.isdigit():
        return float(text)
    try:
        until = parsedate_to_datetime(text)
    except ValueError:
        return 0.0
    return ((until if until.tzinfo else until.replace(tzinfo=UTC)) - now).total_seconds()


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()
