"""Handlers of the effects that reach a member: texts are rendered here, from the rows, at send time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from machines.conversation import State
from machines.effects import Kind
from orchestrator.clock import Clock
from orchestrator.discord import views
from orchestrator.discord.limits import NONCE_WINDOW_S
from orchestrator.discord.render import made_at, nonce, snowflake, split
from orchestrator.discord.wording import agent_text, case_text, place_text, say_text, shows_a_place
from orchestrator.errors import Reject, Retry, looking
from orchestrator.ports import Button, Discord, Done, File, Handler, Job
from orchestrator.texts import names
from orchestrator.texts.document import Document
from orchestrator.texts.say import LOCALES, Words, text, words
from storage.reads.reader import Reader
from storage.reads.rows import ConversationRow, MemberRow, MessageRow

#: A command is acknowledged within 3 s or never: for so long its answer is tried again, with this pause.
UNACKNOWLEDGED_S, UNACKNOWLEDGED_PAUSE_S = 5.0, 0.25
#: Not seen yet is not undone: an attempt without an answer may still arrive for so long. Seconds.
SETTLE_S = 20.0
#: How far a message of doubtful existence is looked for: pages of a direct message's history.
PAGE, ADOPT_PAGES = 100, 10
#: How many place messages are remembered, so that an unchanged one is not edited.
REMEMBERED = 5_000


class Sender:
    """Carries out effects in lanes `dm:` and `interaction:`."""

    def __init__(
        self,
        discord: Discord,
        reader: Reader,
        clock: Clock,
        locale: str = LOCALES[0],
        names: names.Style = "full",
        *,
        privacy_url: str = "",
    ) -> None:
        """`locale`: of members whose own is not known. `names`: how agents are named.

        `privacy_url`: where members read what becomes of their words.
        """
        self.discord = discord
        self.reader = reader
        self.clock = clock
        self.locale = locale
        self.names = names
        self.privacy_url = privacy_url
        self._places: dict[str, str] = {}  # message -> text it shows

    def handlers(self) -> dict[str, Handler]:
        return {
            Kind.SAY: self.say,
            Kind.PLACE: self.place,
            Kind.RELAY_TO_MEMBER: self.relay,
            Kind.REACT: self.react,
            Kind.SEND_TRANSCRIPT: self.send_transcript,
            Kind.ANSWER_INTERACTION: self.answer_interaction,
        }

    # --- texts of ours

    async def say(self, job: Job) -> Done:
        payload = job.effect.payload
        args = dict(payload.get("args", {}))
        args["privacy_url"] = self.privacy_url
        to = await self._to(job.effect.member)
        args |= await self._cases(payload, to.words)
        if "name" in args:
            called = [args["name"]] if isinstance(args["name"], str) else args["name"]
            args["name"] = names.listed(called, self.names, to.words)
        body = say_text(str(payload["text"]), args, to.words)
        buttons = views.rows(payload.get("buttons", ()), job.effect.conversation, to.words)
        refs = await self._send(job, to.channel, body, buttons)
        return Done(ref=refs[0], dm_channel=to.learned)

    async def place(self, job: Job) -> Done:
        """The place in the line: one message, sent when a person is asked for and edited when the place changed.

        It says what the conversation holds to be told by now, however old the effect is. Who could not be reached
        when they asked is told once they can be; one that an operator has tried again tells what is still to be told.
        """
        payload, conversation = job.effect.payload, job.effect.conversation
        fresh = bool(payload.get("fresh"))
        talk = await self.reader.conversation(conversation)
        if talk is None or not (fresh or _waits(talk, payload["request"])):
            return Done()
        if fresh and job.effect.generation and await self._is_moot(job, talk):
            return Done()
        shown = None if fresh else await self._place_shown(job)
        if shown is None and not fresh and not await self._place_died(job):
            return Done()  # it was never to be told: their desk broke, or an agent wrote first
        number = await self._number(str(payload.get("case", "")))
        to = await self._to(job.effect.member)
        place = place_text(talk.place, talk.minutes, to.words)
        body = " ".join(text(to.words.member, "place", {"number": number, "place": place}).split())
        buttons = views.rows(("agent_request_cancelled", "other_case"), conversation, to.words)
        if shown is None:
            fits = shows_a_place(number, to.words)
            (ref,) = await self._send(job, to.channel, body, buttons, fits=fits)
            if job.in_doubt:  # what stands there may show an earlier place
                return Done(ref=ref, dm_channel=to.learned)
        else:
            ref = shown
            if self._places.get(ref) != body:
                await self.discord.edit(to.channel, ref, body, buttons=buttons)
        while len(self._places) >= REMEMBERED:
            del self._places[next(iter(self._places))]
        self._places[ref] = body
        return Done(ref=ref, dm_channel=to.learned)

    async def _is_moot(self, job: Job, talk: ConversationRow) -> bool:
        """Do they not wait for that any more, or were they told since this one died?"""
        still = talk.state == State.AWAITING_AGENT and talk.request == job.effect.payload["request"]
        return not still or await self.reader.was_done_since(job.effect.key, Kind.PLACE)

    async def _place_shown(self, job: Job) -> str | None:
        """The message that shows it, of the same request."""
        earlier = await self.reader.effect_ref(job.effect.subject, Kind.PLACE)
        return earlier[0] if earlier and earlier[1]["request"] == job.effect.payload["request"] else None

    async def _place_died(self, job: Job) -> bool:
        died = await self.reader.died(job.effect.subject, Kind.PLACE)
        return died is not None and bool(died["request"] == job.effect.payload["request"])

    async def send_transcript(self, job: Job) -> Done:
        rows = await self.reader.transcript(job.effect.conversation, job.effect.payload.get("upto"))
        shown = [row for row in rows if not row.withheld]
        to = await self._to(job.effect.member)
        talk = await self.reader.conversation(job.effect.conversation)
        number = await self._number(talk.case_id) if talk and talk.case_id else ""
        document = Document(tuple(self._named(row, to.words) for row in shown), number, to.words)
        files = [
            File("transcript.txt", document.plain().encode()),
            File("transcript.html", document.page().encode()),
        ]
        ref = await self.discord.send(to.channel, "", nonce=nonce(job.effect.key, 0), files=files)
        return Done(ref=ref, dm_channel=to.learned)

    async def react(self, job: Job) -> Done:
        _, _, message = str(job.effect.payload["message"]).partition(":")
        to = await self._to(job.effect.member)
        await self.discord.react(to.channel, message, str(job.effect.payload["emoji"]))
        return Done(dm_channel=to.learned)

    async def answer_interaction(self, job: Job) -> Done:
        interaction = job.effect.payload["interaction"]
        row = await self.reader.member(job.effect.member)
        args = dict(job.effect.payload.get("args", {}))
        if case := job.effect.payload.get("case"):
            args["number"] = await self._number(case)
        body = text(self._words(row).command, str(job.effect.payload["text"]), args)
        try:
            await self.discord.answer(interaction["application"], interaction["token"], body)
        except Reject as error:
            if self.clock.time() - made_at(interaction["id"]) > UNACKNOWLEDGED_S:
                raise
            # it was committed before it is acknowledged, and until then there is nothing to answer
            raise Retry(str(error), after=UNACKNOWLEDGED_PAUSE_S) from error
        return Done()

    # --- an agent's messages

    async def relay(self, job: Job) -> Done:
        payload = job.effect.payload
        row = await self.reader.message(str(payload["message"]))
        if row is None or row.withheld:
            return Done()
        to = await self._to(job.effect.member)
        body = agent_text(self._named(row, to.words), to.words, str(payload.get("mark", "")))
        if payload["op"] == "delete" or row.deleted:
            for ref in row.refs or await self._left_behind(job, to.channel, body):
                await self.discord.delete(to.channel, ref)
            return Done(message=row.id, dm_channel=to.learned)
        if row.refs and payload["op"] == "create":
            return Done(ref=row.refs[0], message=row.id, refs=row.refs, dm_channel=to.learned)
        if row.refs:
            refs = await self._rewrite(job, to.channel, row.refs, body)
        else:
            refs = await self._send(job, to.channel, body, ())
        return Done(ref=refs[0], message=row.id, refs=tuple(refs), dm_channel=to.learned)

    async def _left_behind(self, job: Job, channel: str, text: str) -> list[str]:
        """What an attempt in doubt may have made of a message that is to be gone by now."""
        refs: list[str] = []
        for part in split(text) if job.in_doubt else ():
            if (ref := await self._adopt(job, channel, part, refs)) is not None:
                refs.append(ref)
        return refs

    async def _rewrite(self, job: Job, channel: str, refs: Sequence[str], text: str) -> list[str]:
        """Bring the parts that stand there to a new text, which may have more or fewer parts."""
        parts = split(text)
        for ref, part in zip(refs, parts, strict=False):
            await self.discord.edit(channel, ref, part)
        for ref in refs[len(parts) :]:
            await self.discord.delete(channel, ref)
        kept = list(refs[: len(parts)])
        for n in range(len(kept), len(parts)):
            kept.append(await self.discord.send(channel, parts[n], nonce=nonce(job.effect.key, n)))
        return kept

    # --- sending

    async def _send(
        self,
        job: Job,
        channel: str,
        text: str,
        buttons: Sequence[Sequence[Button]],
        fits: Callable[[str], bool] | None = None,
    ) -> list[str]:
        """Send a text in as many parts as it needs; the buttons stand under the last one.

        `fits`: what an attempt in doubt may have left, where that need not be the same text.
        """
        parts = split(text)
        refs: list[str] = []
        for n, part in enumerate(parts):
            under = buttons if n == len(parts) - 1 else ()
            ref = await self._adopt(job, channel, part, refs, fits) if self._beyond_nonce(job) else None
            if ref is None:
                try:
                    key = nonce(job.effect.key, n)
                    ref = await self.discord.send(channel, part, nonce=key, buttons=under)
                except Reject as error:
                    # refused by now, which says nothing about the attempt in doubt
                    ref = await self._adopt(job, channel, part, refs, fits) if job.in_doubt else None
                    if ref is None and job.in_doubt and job.last_ago < SETTLE_S:
                        raise Retry(str(error), after=SETTLE_S - job.last_ago) from error
                    if ref is None:
                        raise
            refs.append(ref)
        return refs

    def _beyond_nonce(self, job: Job) -> bool:
        """May an attempt have been made so long ago that its nonce no longer protects?"""
        return job.in_doubt and job.first_ago > NONCE_WINDOW_S

    async def _adopt(
        self,
        job: Job,
        channel: str,
        text: str,
        mine: Sequence[str],
        fits: Callable[[str], bool] | None = None,
    ) -> str | None:
        """The bot's message that an earlier attempt may have left: equal in text and claimed by no effect.

        It stands above the last message that this lane is known to have made.
        """
        position = await self.reader.last_ref(job.effect.subject, job.effect.lane, job.effect.key)
        if position is None:
            began = await self.reader.began(job.effect.conversation)
            position = snowflake(began - 60.0) if began else "0"
        found: list[str] = []
        for _ in range(ADOPT_PAGES):
            with looking():
                page = await self.discord.history(channel, after=position)
            found += [m.id for m in page if m.own and (fits(m.body) if fits else m.body == text.strip())]
            if len(page) < PAGE:
                break
            position = page[-1].id
        if not found:
            return None
        claimed = await self.reader.claimed(found)
        return next((ref for ref in found if ref not in claimed and ref not in mine), None)

    async def _to(self, member: str) -> _To:
        row = await self.reader.member(member)
        if row is not None and row.dm_channel:
            return _To(row.dm_channel, self._words(row))
        channel = await self.discord.open_dm(member)
        return _To(channel, self._words(row), (member, channel))

    def _words(self, row: MemberRow | None) -> Words:
        return words(row.locale if row else "", self.locale)

    def _named(self, row: MessageRow, said: Words) -> MessageRow:
        """As the member reads who wrote it."""
        return replace(row, name=names.shown(row.name, self.names, said)) if row.author == "agent" else row

    async def _cases(self, payload: Mapping[str, Any], said: Words) -> dict[str, str]:
        """What the case of a text is called, and the one into which it was merged."""
        case = await self.reader.case(str(payload["case"])) if payload.get("case") else None
        into = await self.reader.case(str(payload["into"])) if "into" in payload else None
        return {
            "number": str(case.number) if case else "?",
            "case": case_text(case, said) if case else "?",
            "other": text(said.member, "case_untitled", {"number": into.number}) if into else "?",
        }

    async def _number(self, case: str) -> str:
        row = await self.reader.case(case) if case else None
        return str(row.number) if row else "?"


@dataclass(frozen=True, slots=True)
class _To:
    """Where a member reads, and in which language."""

    channel: str  #: their direct message
    words: Words
    learned: tuple[str, str] | None = None  #: member and channel, if it was not known yet


def _waits(talk: ConversationRow, request: int) -> bool:
    """Does the member wait for that request, with a place to be told?"""
    return talk.state == State.AWAITING_AGENT and talk.request == request and talk.place > 0
