"""The desk over Flex: a request is a Twilio Conversation with our webhook and an Interaction on top of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any
from urllib.parse import urlencode

from machines.effects import Kind
from machines.events import Trigger
from orchestrator.clock import Clock
from orchestrator.errors import Reject, Retry
from orchestrator.ports import Conflict, Done, Handler, Interaction, Job, Task, Twilio
from orchestrator.texts import say
from orchestrator.texts.transcript import files, lines
from orchestrator.twilio.intake import OUR_ATTRIBUTE
from orchestrator.twilio.limits import BODY_BYTES, FILTERS
from orchestrator.twilio.requests import Requests, identity_of, name_of, number_of
from storage.reads.reader import Reader

#: Author of our own notes.
AUTHOR = "orchestrator"
_FINISHED = frozenset({"wrapping", "completed", "canceled"})
#: An agent has it, or had it.
_TAKEN = frozenset({"assigned", "wrapping", "completed"})
#: Nobody took it, and somebody may.
_WAITING = frozenset({"pending", "reserved"})


class FlexDesk:
    """Carries out effects in lanes `desk:`. One call of Twilio changes something per effect."""

    def __init__(
        self,
        twilio: Twilio,
        reader: Reader,
        clock: Clock,
        *,
        public_url: str,
        workspace: str,
        workflow: str,
        words: say.Words,
    ) -> None:
        """`words`: what agents read."""
        self.twilio = twilio
        self.reader = reader
        self.clock = clock
        self.public_url = public_url.rstrip("/")
        self.workspace = workspace
        self.words = words
        self.at = Requests(twilio, reader, clock, workspace, workflow)

    def handlers(self) -> dict[str, Handler]:
        return {
            Kind.DESK_CREATE: self.create,
            Kind.DESK_JOIN: self.join,
            Kind.DESK_WIRE: self.wire,
            Kind.DESK_TRANSCRIPT: self.transcript,
            Kind.DESK_ROUTE: self.route,
            Kind.RELAY_TO_DESK: self.relay,
            Kind.DESK_NOTE: self.note,
            Kind.DESK_INVITE: self.invite,
            Kind.DESK_CLOSE: self.close,
            Kind.DESK_WITHDRAW: self.withdraw,
        }

    # --- opening, link by link

    async def create(self, job: Job) -> Done:
        """The Twilio Conversation. Its name is ours alone, so a repeat finds it."""
        name = name_of(job)
        member = await self.reader.member(job.effect.member)
        attributes = {OUR_ATTRIBUTE: {"request": name}}
        try:
            made = await self.twilio.create_conversation(
                name, (member.name if member else "") or "Discord member", attributes
            )
        except Conflict:
            found = await self.twilio.conversation(name)
            if found is None:
                raise Retry("the conversation is being made") from None
            if found.state == "closed" or found.attributes.get(OUR_ATTRIBUTE, {}).get("request") != name:
                raise Reject("a conversation of that name exists and is not ours") from None
            made = found
        return Done(ref=made.sid, links=(self.at.link(job, "conversation_sid", made.sid),))

    async def join(self, job: Job) -> Done:
        sid = await self.at.sid(job)
        await self.twilio.add_participant(sid, identity_of(job), {"member_type": "guest"})
        return Done()

    async def wire(self, job: Job) -> Done:
        """Our webhook, with our mark in its address. Webhooks have no name of their own: look first."""
        sid = await self.at.sid(job)
        mark = urlencode({"c": job.effect.conversation, "r": number_of(job)})
        url = f"{self.public_url}/webhooks/twilio/conversations?{mark}"
        if url not in await self.twilio.webhooks(sid):
            await self.twilio.add_webhook(sid, url, FILTERS)
        return Done()

    async def transcript(self, job: Job) -> Done:
        payload = job.effect.payload
        since = int(payload.get("since", 0))
        rows = await self.reader.transcript(job.effect.conversation, payload.get("upto"), since)
        if since and not rows:
            return Done()
        if previous := payload.get("previous"):
            rows = [*await self.reader.transcript(str(previous)), *rows]
        key = "transcript_since" if since else "transcript" if rows else "transcript_empty"
        body = say.text(self.words.desk, key, {"lines": "\n".join(lines(rows, self.words.name))})
        return Done(ref=await self._post(job, AUTHOR, body))

    async def route(self, job: Job) -> Done:
        """The Interaction, which makes the task. In doubt, its task is looked for by our attributes."""
        sid = await self.at.sid(job)
        if job.in_doubt and (task := await self.at.task(job)):
            return self._opened(job, task.attributes.get("flexInteractionSid"), task)
        made = await self._interaction(job, sid)
        if made.task is None:
            # the conversation had an interaction already, made by an earlier attempt; or the answer, which
            # Twilio calls "accepted", does not name the task
            if task := await self.at.task_soon(job):
                return self._opened(job, task.attributes.get("flexInteractionSid"), task)
            return self._opened(job, made.sid, None, made.channel)
        return self._opened(job, made.sid, Task(made.task, "pending"), made.channel)

    async def _interaction(self, job: Job, sid: str) -> Interaction:
        """With the agent who writes first as its worker; where the account has none of that, with anybody."""
        routing = self.at.routing(await self.at.attributes(job))
        if job.effect.payload.get("by_agent"):
            agent = str(job.effect.payload.get("agent", ""))
            with suppress(Reject), _nothing_closed():
                if agent and (worker := await self.twilio.worker(self.workspace, agent)):
                    own = {"properties": {**routing["properties"], "worker_sid": worker}}
                    return await self.twilio.create_interaction(_channel("agent", sid), own)
        with _nothing_closed():
            return await self.twilio.create_interaction(_channel("customer", sid), routing)

    def _opened(
        self, job: Job, interaction: str | None, task: Task | None, channel: str | None = None
    ) -> Done:
        links = []
        if task is not None:
            channel = channel or task.attributes.get("flexInteractionChannelSid")
            links.append(self.at.link(job, "task_sid", task.sid))
        if interaction:
            links.append(self.at.link(job, "interaction_sid", interaction))
        if channel:
            links.append(self.at.link(job, "channel_sid", channel))
        ref = task.sid if task else interaction
        return Done(ref=ref, links=tuple(links), trigger=Trigger.DESK_OPENED, request=number_of(job))

    # --- talking

    async def relay(self, job: Job) -> Done:
        payload = job.effect.payload
        row = await self.reader.message(str(payload["message"]))
        if row is None:
            return Done()
        sid = await self.at.sid(job)
        here = await self._here(job, row.refs)
        if payload["op"] == "delete" or row.deleted:
            for ref in here or (() if row.refs else await self._left_behind(job, sid)):
                await self.twilio.delete(sid, ref)
            return Done(message=row.id)
        body = _fit(row.body + files(row.attachments, self.words.name)) or "(empty message)"
        if here and payload["op"] == "edit":
            await self._edit(sid, here[0], body)
        if here:
            return Done(ref=here[0], message=row.id, refs=here)
        ref = await self._post(job, identity_of(job), body)
        return Done(ref=ref, message=row.id, refs=(ref,))

    async def _here(self, job: Job, refs: tuple[str, ...]) -> tuple[str, ...]:
        """The copies in this request's Twilio Conversation: what went to an earlier one is not seen here."""
        effect = job.effect
        return tuple([ref for ref in refs if await self.reader.made_in(effect.subject, effect.lane, ref)])

    async def _edit(self, sid: str, message: str, text: str) -> None:
        """A copy that somebody removed from an open conversation needs no new words."""
        try:
            await self.twilio.edit(sid, message, text)
        except Reject as error:
            if error.report is not Trigger.DESK_CLOSED:  # nothing is missing: the words are refused
                raise
            found = await self.twilio.conversation(sid)
            if found is None or found.state == "closed":
                raise

    async def note(self, job: Job) -> Done:
        payload = job.effect.payload
        return await self._note(
            job, say.text(self.words.desk, str(payload["text"]), dict(payload.get("args", {})))
        )

    async def _note(self, job: Job, text: str) -> Done:
        if "conversation_sid" not in await self.at.refs(job):
            return Done()  # it was never opened: there is nobody to be told
        try:
            return Done(ref=await self._post(job, AUTHOR, text))
        except Reject as error:
            if error.report is Trigger.DESK_CLOSED:
                return Done()  # a closed conversation shows no more notes: this desk does not allow it
            raise

    async def invite(self, job: Job) -> Done:
        """Another agent for the same request, only if no task of it is unfinished."""
        refs = await self.at.refs(job)
        if any(task.status not in _FINISHED for task in await self.at.tasks(job)):
            return Done()
        channel = await self.at.channel(refs)
        if channel is None:
            raise Reject("there is no interaction to invite to")
        if job.in_doubt:
            self.at.let_settle(job)
        routing = self.at.routing(await self.at.attributes(job))
        with _nothing_closed():
            await self.twilio.invite(refs["interaction_sid"], channel, routing)
        return Done()

    # --- ending

    async def withdraw(self, job: Job) -> Done:
        """Close it. Who took the task in this very moment is told why first: afterwards nobody can be."""
        told = Done()
        if job.effect.payload.get("reason") == "withdrawn":
            told = await self._say_why(job)
        await self.close(job)
        return told

    async def _say_why(self, job: Job) -> Done:
        """That the member withdrew, once: it may have been said before something else failed."""
        sid = (await self.at.refs(job)).get("conversation_sid")
        states = {task.status for task in await self.at.tasks(job)}
        if sid is None or states <= _WAITING:
            return Done()
        try:
            said = await self.at.find(job.effect.key, sid)
        except Reject as error:
            if error.report is Trigger.DESK_CLOSED:
                return Done()  # it was removed, with all that stood in it
            raise
        if said is None and states & _TAKEN:
            return await self._note(job, say.text(self.words.desk, "withdrawn_not_delivered", {}))
        return Done(ref=said)

    async def close(self, job: Job) -> Done:
        """Close what was made: the channel with its tasks, and the Twilio Conversation. Repeats are harmless."""
        refs = await self.at.refs(job)
        if "interaction_sid" not in refs and "conversation_sid" in refs and (task := await self.at.task(job)):
            refs["interaction_sid"] = str(task.attributes.get("flexInteractionSid", ""))
        if refs.get("interaction_sid"):
            channel = await self.at.channel(refs)
            if channel:
                await self.twilio.close_channel(refs["interaction_sid"], channel)
        if sid := refs.get("conversation_sid"):
            await self.twilio.close_conversation(sid)
        return Done()

    # --- parts

    async def _post(self, job: Job, author: str, text: str) -> str:
        """Post with our key in the attributes. In doubt, look for the key before posting again."""
        sid = await self.at.sid(job)
        key = job.effect.key
        if job.in_doubt:
            if (sid_of_it := await self.at.find(key, sid)) is not None:
                return sid_of_it
            self.at.let_settle(job)
        attributes = {OUR_ATTRIBUTE: {"effect": key}}
        return await self.twilio.post(sid, author=author, body=_fit(text), attributes=attributes)

    async def _left_behind(self, job: Job, sid: str) -> tuple[str, ...]:
        """What an attempt in doubt may have made of a message that is to be gone by now."""
        if not job.in_doubt:
            return ()
        if (found := await self.at.find(job.effect.key, sid)) is None:
            self.at.let_settle(job)
            return ()
        return (found,)


@contextmanager
def _nothing_closed() -> Iterator[None]:
    """What Flex or TaskRouter does not find says nothing about the conversation: it is not closed by that."""
    try:
        yield
    except Reject as error:
        raise Reject(str(error)) from error


def _channel(initiated_by: str, sid: str) -> dict[str, Any]:
    return {"type": "web", "initiated_by": initiated_by, "properties": {"media_channel_sid": sid}}


def _fit(text: str) -> str:
    """The end of a text that is too long for one message, with a word about it."""
    data = text.encode()
    if len(data) <= BODY_BYTES:
        return text
    return "[...]\n" + data[-(BODY_BYTES - 10) :].decode(errors="ignore")
