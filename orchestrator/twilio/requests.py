"""What stands of a request at Twilio: its names, its tasks, and what an attempt of ours may have left there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from orchestrator.clock import Clock
from orchestrator.errors import Reject, Retry, looking
from orchestrator.ports import Job, Task, Twilio
from orchestrator.twilio.intake import OUR_ATTRIBUTE, OUR_IDENTITY
from orchestrator.twilio.limits import SETTLE_S
from storage.reads.reader import Reader
from storage.values import Link

#: How often a task that the answer does not name is looked for before the Interaction alone is believed, and
#: the pause between two looks. Seconds.
ROUTE_LOOKS, ROUTE_PAUSE_S = 3, 1.0
#: How finely clocks are compared: one counts the seconds since, another says when they are over.
GRAIN_S = 0.01
#: Newest messages of a Twilio Conversation among which one in doubt is looked for.
LOOK_BACK = 50


@dataclass(frozen=True, slots=True)
class Requests:
    """Looks, and changes nothing."""

    twilio: Twilio
    reader: Reader
    clock: Clock
    workspace: str
    workflow: str

    async def refs(self, job: Job) -> dict[str, str]:
        conversation = job.effect.payload.get("conversation") or job.effect.conversation
        return await self.reader.refs(conversation, number_of(job))

    async def sid(self, job: Job) -> str:
        sid = (await self.refs(job)).get("conversation_sid")
        if sid is None:
            raise Reject("the request has no Twilio Conversation")
        return sid

    async def channel(self, refs: dict[str, str]) -> str | None:
        if channel := refs.get("channel_sid"):
            return channel
        interaction = refs.get("interaction_sid")
        return await self.twilio.channel_of(interaction) if interaction else None

    async def task_soon(self, job: Job) -> Task | None:
        """The task of an Interaction that was made a moment ago. It is not made again for being slow."""
        for _ in range(ROUTE_LOOKS):
            try:
                if task := await self.task(job):
                    return task
            except Retry as error:
                raise Retry(str(error), after=error.after, ambiguous=True) from error
            await self.clock.sleep(ROUTE_PAUSE_S)
        return None

    async def task(self, job: Job) -> Task | None:
        found = await self.tasks(job)
        return found[0] if found else None

    async def tasks(self, job: Job) -> list[Task]:
        """Of this request: the one of its Interaction, and one for every invitation."""
        return await self.twilio.find_tasks(self.workspace, f"orchestrator_request == '{name_of(job)}'")

    async def find(self, key: str, sid: str) -> str | None:
        """The message that an earlier attempt of this effect left."""
        with looking():
            messages = await self.twilio.messages(sid, newest_first=True, limit=LOOK_BACK)
        for message in messages:
            if message.attributes.get(OUR_ATTRIBUTE, {}).get("effect") == key:
                return message.sid
        return None

    def let_settle(self, job: Job) -> None:
        """Not seen yet is not undone: what was sent a moment ago may still arrive."""
        settled = SETTLE_S - job.last_ago
        if settled > GRAIN_S:
            raise Retry("an earlier attempt may still arrive", after=settled)

    async def attributes(self, job: Job) -> dict[str, Any]:
        """What the task says of the member and the case. `from` is what Flex shows as the customer."""
        member = await self.reader.member(job.effect.member)
        case = await self.reader.case(str(job.effect.payload.get("case", "")))
        name = (member.name if member else "") or "Discord member"
        attributes: dict[str, Any] = {
            "orchestrator_request": name_of(job),
            "customChannelType": "discord",
            "from": name,
            "customerName": name,
            "customerAddress": identity_of(job),
            "case_number": case.number if case else None,
        }
        if job.effect.payload.get("by_agent"):
            attributes["addressed_to"] = job.effect.payload.get("agent", "")
        return attributes

    def routing(self, attributes: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "properties": {
                "workspace_sid": self.workspace,
                "workflow_sid": self.workflow,
                "task_channel_unique_name": "chat",
                "attributes": dict(attributes),
            }
        }

    def link(self, job: Job, kind: str, ref: str) -> Link:
        return Link(kind, ref, job.effect.conversation, number_of(job))


def number_of(job: Job) -> int:
    return int(job.effect.payload["request"])


def name_of(job: Job) -> str:
    """The unique name of the request's Twilio Conversation, and the mark of its tasks."""
    return f"orchestrator-{job.effect.conversation}-{number_of(job)}"


def identity_of(job: Job) -> str:
    return f"{OUR_IDENTITY}{job.effect.member}"
