"""Stepping a batch over its picture: who is meant, what the step did, and what is to be recorded of it."""

from __future__ import annotations

import logging
import secrets
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

from machines.effects import OPERATOR_LANE, Effect, Kind, dm_lane, effect_key, interaction_lane
from machines.events import (
    ABOUT_A_MESSAGE,
    NAMED,
    OPENERS,
    PRESSES,
    Address,
    CaseTrigger,
    Event,
    Source,
    Trigger,
)
from machines.hours import ALWAYS, Hours
from machines.snapshot import (
    DEFAULT_LIMITS,
    CaseContext,
    Given,
    Limits,
    Snapshot,
    Step,
)
from machines.step import new_case, new_conversation
from machines.table import Outcome
from storage import codec, messages
from storage.drafts import Case, Member, Talk
from storage.facts import Facts
from storage.line import Line, Pace
from storage.picture import Picture
from storage.record import Record
from storage.values import Batch, Receipt, Result, moment

log = logging.getLogger(__name__)

StepFunction = Callable[[Snapshot, Event, Given], Step]

_SEEN = Receipt(None)
_TAKEN = (Outcome.MOVED, Outcome.STAYED)
#: The least by which two conversations of a member begin apart, in seconds.
_APART = 1e-6


def random_id() -> str:
    """128 bits, hexadecimal: 48 of time in milliseconds, 80 random. What is new lies together in every index."""
    return f"{int(time.time() * 1000):012x}{secrets.token_hex(10)}"


@dataclass(slots=True)
class Run:
    """One batch, stepped in arrival order. Nothing is written here; `storage.writing` stores the record."""

    picture: Picture
    step: StepFunction
    now: float
    limits: Limits = DEFAULT_LIMITS
    hours: Hours = ALWAYS
    fresh_id: Callable[[], str] = random_id
    pace: Pace = field(default_factory=Pace)
    case_webhook: bool = False  #: changes of cases are told outside
    receipts: list[Receipt] = field(default_factory=list)
    woken: set[str] = field(default_factory=set)  #: names that came into being in this batch
    record: Record = field(init=False)
    line: Line = field(init=False)
    facts: Facts = field(init=False)

    def __post_init__(self) -> None:
        self.record = Record(self.picture, self.now)
        self.line = Line(self.picture, self.pace, self.now, self.record.waits)
        now = moment(self.now)
        self.facts = Facts(
            self.picture,
            self.line,
            now,
            self.hours.opens_at(now),
            self.fresh_id,
            self.limits,
            self.case_webhook,
        )

    def take(self, batch: Batch) -> None:
        for item in batch:
            if isinstance(item, Result):
                self._take_result(item)
            else:
                self.receipts.append(self.process(item))

    def _take_result(self, result: Result) -> None:
        self.record.results.append(result)
        for link in result.links:
            self.record.links.append(link)
            self.picture.owners.links[link.kind, link.ref] = link
            self.woken.add(f"link:{link.kind}:{link.ref}")
        if result.dm_channel:
            member = self.picture.members[result.dm_channel[0]]
            if member.dm_channel != result.dm_channel[1]:
                member.dm_channel, member.dirty = result.dm_channel[1], True
        for event in result.events:
            self.process(event)

    def wake(self, waiting: list[tuple[str, Event]]) -> None:
        """Step what was parked for a name that exists now."""
        queue = deque(waiting)
        while queue:
            _, event = queue.popleft()
            self.record.parked.pop((event.source, event.id), None)
            if self.process(event).outcome is not Outcome.PARKED:
                self.record.unparked.append((event.source, event.id))

    # --- one event

    def process(self, event: Event) -> Receipt:
        if (event.source, event.id) in self.picture.ledger and event.trigger not in messages.EDITS:
            return _SEEN
        if event.source is Source.TIMER and not self.record.timer_fires(event):
            return _SEEN
        if isinstance(event.trigger, CaseTrigger):
            return self._process_case(event)
        event = self._addressed(event)
        owner = self.picture.owner(event)
        named = self._named(event)
        if named is None and event.trigger is Trigger.MEMBER_REACTED and owner is not None:
            # what they reacted to may be a text of ours or an agent's, which has no row of that id
            if (opened := self.picture.open.get(owner)) is None:
                return self._ignore(event, "no conversation")
            return self._deliver(event, self.picture.members[owner], self.picture.talks[opened])
        if owner is None or (named is None and event.trigger in NAMED | ABOUT_A_MESSAGE):
            return self._park(event)
        if named is not None and named.snapshot.member != owner and event.trigger not in PRESSES:
            return self._ignore(event, "it names another member's conversation")
        member = self.picture.members.get(owner) or self.picture.join(owner)
        self._learn(member, event)
        if event.trigger in ABOUT_A_MESSAGE:
            revised = messages.revision(event, self.picture.said)
            if revised is None or (revised.source, revised.id) in self.picture.ledger:
                return _SEEN
            event = revised
        return self._deliver(event, member, named)

    def _addressed(self, event: Event) -> Event:
        """A link that is known says which request is meant; our own mark says it already."""
        to = event.to
        if to.request is None and to.link and (link := self.picture.owners.links.get(to.link)):
            named = to.conversation or link.conversation
            return replace(event, to=replace(to, conversation=named, request=link.request))
        return event

    def _named(self, event: Event) -> Talk | None:
        to = event.to
        if event.trigger in ABOUT_A_MESSAGE:
            said = self.picture.said.get(to.message or "")
            return self.picture.talks.get(said.conversation) if said else None
        if to.conversation:
            return self.picture.talks.get(to.conversation)
        if to.link and (link := self.picture.owners.links.get(to.link)):
            return self.picture.talks.get(link.conversation)
        return None

    def _park(self, event: Event) -> Receipt:
        to = event.to
        if event.source is Source.EFFECT:
            return self._ignore(event, "no conversation")  # an effect never comes before what owns it
        if event.trigger in ABOUT_A_MESSAGE:
            waits_for = f"message:{to.message}"
        elif to.conversation:
            waits_for = f"conversation:{to.conversation}"
        elif to.link:
            waits_for = f"link:{to.link[0]}:{to.link[1]}"
        else:
            return self._ignore(event, "it names nobody")
        self.record.parked[event.source, event.id] = (waits_for, event)
        return Receipt(Outcome.PARKED, reason=waits_for)

    def _ignore(self, event: Event, reason: str) -> Receipt:
        self.record.enter(event, None, None, Outcome.IGNORED, reason, None)
        return Receipt(Outcome.IGNORED, reason=reason)

    def _learn(self, member: Member, event: Event) -> None:
        """What an event tells of the member besides: a block; from Discord, where the DM is, name, language."""
        if event.trigger is Trigger.MEMBER_BLOCKED:
            member.blocked, member.dirty = True, True
        if event.source is not Source.DISCORD:
            return
        data = event.data
        if (channel := data.get("channel")) and member.dm_channel != channel:
            member.dm_channel, member.dirty = channel, True
        first = data.get("ref") or (data.get("interaction") or {}).get("id")
        if first and member.known_since is None:
            member.known_since, member.dirty = first, True
        if (name := data.get("name")) and member.name != name:
            member.name, member.dirty = name, True
        if (locale := data.get("locale")) and member.locale != locale:
            member.locale, member.dirty = locale, True

    # --- the conversation it is for

    def _deliver(self, event: Event, member: Member, named: Talk | None) -> Receipt:
        talk = self._target(event, member, named)
        if talk is not None:
            given = self.facts.of_talk(event, talk, member)
            try:
                step = self.step(talk.snapshot, event, given)
            except Exception as error:
                return self._fail(event, talk.snapshot, given, error)
            if step.outcome is not Outcome.OPENS:
                return self._settle(event, talk, given, step)
        if event.trigger not in OPENERS:
            return self._ignore(event, "no conversation")
        return self._open(event, member, talk)

    def _target(self, event: Event, member: Member, named: Talk | None) -> Talk | None:
        trigger = event.trigger
        if trigger in NAMED or trigger in ABOUT_A_MESSAGE:
            return named
        if named is not None and named.snapshot.member != member.id:
            named = None
        if trigger in PRESSES and named is not None and named.snapshot.state != "closed":
            return named
        if opened := self.picture.open.get(member.id):
            return self.picture.talks[opened]
        if trigger in PRESSES and named is not None:
            return named
        latest = self.picture.latest_closed.get(member.id)
        return self.picture.talks[latest] if latest else None

    def _open(self, event: Event, member: Member, closed: Talk | None) -> Receipt:
        """The event starts the member's next conversation."""
        locale = event.data.get("locale") or member.locale or "en"
        if member.locale and "locale" not in event.data:
            event = replace(event, data={**event.data, "locale": locale})  # replay knows no member
        talk = Talk(new_conversation(self.fresh_id(), member.id, locale), self._begins(member), new=True)
        given = self.facts.of_talk(event, talk, member, closed, first_contact=closed is None)
        try:
            step = self.step(talk.snapshot, event, given)
        except Exception as error:
            return self._fail(event, talk.snapshot, given, error)
        if step.outcome is Outcome.REFUSED:
            return self._turn_away(event, member, given, step)
        self.picture.talks[talk.snapshot.id] = talk
        self.picture.owners.conversations[talk.snapshot.id] = member.id
        self.picture.open[member.id] = talk.snapshot.id
        self.woken.add(f"conversation:{talk.snapshot.id}")
        return self._settle(event, talk, given, step)

    def _turn_away(self, event: Event, member: Member, given: Given, step: Step) -> Receipt:
        """Nothing was started: only the answer goes out, under the name of the refused event."""
        self.record.enter(event, None, None, step.outcome, step.reason, given)
        self.record.send(step.effects, f"member:{member.id}", member.id, f"{event.source}:{event.id}")
        return Receipt(step.outcome, reason=step.reason)

    def _begins(self, member: Member) -> float:
        """Later than every conversation of theirs before: the latest is the one that began last."""
        before = self.picture.latest_closed.get(member.id)
        return max(self.now, self.picture.talks[before].created_at + _APART) if before else self.now

    # --- what the step did

    def _settle(self, event: Event, talk: Talk, given: Given, step: Step) -> Receipt:
        before, after = talk.snapshot, step.snapshot
        self.record.enter(event, before, after, step.outcome, step.reason, given, step)
        self.line.follow(talk, after)
        talk.snapshot = after
        talk.dirty = True
        if after.state == "closed" and self.picture.open.get(after.member) == after.id:
            del self.picture.open[after.member]
            self.picture.latest_closed[after.member] = after.id
        self.record.void(step, after.subject)
        self.record.send(step.effects, after.subject, after.member, f"{after.subject}:{after.version}")
        self.record.set_timers(step)
        withheld = event.trigger is Trigger.AGENT_MESSAGE and all(
            effect.kind is not Kind.RELAY_TO_MEMBER for effect in step.effects
        )
        if step.outcome in _TAKEN and event.trigger in (Trigger.RATING, Trigger.COMMENT):
            self.record.feedback.append((after.id, event.trigger, event.data, event.at.timestamp()))
        if step.outcome in _TAKEN and (
            said := messages.keep(event, after, self.picture.said, withheld=withheld)
        ):
            self.woken.add(f"message:{said}")
        for n, tell in enumerate(step.tells):
            self._tell(tell.case, tell.trigger, tell.data, event, after, n)
        return Receipt(step.outcome, after.subject, after.state, step.reason)

    def _fail(self, event: Event, snapshot: Snapshot, given: Given, error: Exception) -> Receipt:
        """A step that raised changes nothing. The member is told once, the operator is alerted."""
        reason = f"{type(error).__name__}: {error}"
        log.error("step failed", extra={"subject": snapshot.subject, "trigger": str(event.trigger)})
        self.record.enter(event, snapshot, snapshot, Outcome.FAILED, reason, given)
        if event.trigger in messages.EDITS:
            # the next edit must not get the name of this one
            said = self.picture.said[event.to.message or ""]
            said.revision, said.dirty = said.revision + 1, True
        if event.source is Source.TIMER and self.record.timer_failed(event) > 1:
            return Receipt(Outcome.FAILED, snapshot.subject, snapshot.state, reason)
        told: tuple[Effect, ...] = (Effect(Kind.SAY, dm_lane(snapshot.member), {"text": "step_failed"}),)
        if interaction := event.data.get("interaction"):
            payload = {"interaction": interaction, "text": "step_failed"}
            told = (Effect(Kind.ANSWER_INTERACTION, interaction_lane(interaction["id"]), payload),)
        elif event.source is Source.PAGE and snapshot.machine == "case":
            told = ()  # the agent is told by the answer to the command
        alert = Effect(
            Kind.ALERT,
            OPERATOR_LANE,
            {"text": "step_failed", "args": {"subject": snapshot.subject, "trigger": str(event.trigger)}},
        )
        stem = f"{snapshot.subject}:failed:{event.source}:{event.id}"
        self.record.send((*told, alert), snapshot.subject, snapshot.member, stem)
        return Receipt(Outcome.FAILED, snapshot.subject, snapshot.state, reason)

    # --- cases

    def _tell(
        self, case_id: str, trigger: CaseTrigger, data: Any, cause: Event, teller: Snapshot, n: int
    ) -> None:
        event = Event(
            Source.TELL,
            effect_key(teller.subject, teller.version, n),
            trigger,
            cause.at,
            Address(member=teller.member, case=case_id),
            data,
        )
        case = self.picture.case(case_id)
        if case is None:
            case = Case(new_case(case_id, teller.member), self.now, new=True)
            self.picture.add_case(case)
        self._step_case(event, case)

    def _process_case(self, event: Event) -> Receipt:
        if event.trigger is CaseTrigger.OPENED and event.to.case is None:
            return self._open_case(event)
        case = self.picture.case(event.to.case or "")
        if case is None:
            return self._ignore(event, "no such case")
        receipt = self._step_case(event, case)
        if event.trigger is CaseTrigger.MERGED_INTO and receipt.outcome is Outcome.MOVED:
            self._goes_on(event, case)
        return receipt

    def _goes_on(self, event: Event, merged: Case) -> None:
        """A case goes on as another one: that one is told, and so is the open conversation about it.

        One member's conversation never decides another member's case: it stays with their own.
        """
        into = self.picture.case(str(event.data["into"]))
        assert into is not None
        was = merged.snapshot
        context = was.context
        assert isinstance(context, CaseContext)
        told = {
            **{name: event.data[name] for name in ("agent", "name") if name in event.data},
            "case": was.id,
            "merged": context.merged,
            "conversations": context.conversations,
        }
        key = effect_key(was.subject, was.version, 0)
        to = Address(member=into.snapshot.member, case=into.snapshot.id)
        self._step_case(Event(Source.TELL, key, CaseTrigger.MERGED_FROM, event.at, to, told), into)
        talk = self.picture.talk_about(merged)
        if talk is not None and into.snapshot.member == was.member:
            key = effect_key(was.subject, was.version, 1)
            to = Address(member=was.member, conversation=talk.snapshot.id)
            self.process(
                Event(Source.TELL, key, Trigger.CASE_MERGED, event.at, to, {"into": into.snapshot.id})
            )

    def _open_case(self, event: Event) -> Receipt:
        """A case of its own, whatever else of the member's is open."""
        owner = self.picture.owner(event)
        if owner is None:
            return self._ignore(event, "it names nobody")
        member = self.picture.members.get(owner) or self.picture.join(owner)
        self._learn(member, event)
        given = self.facts.of_new_case(member)
        case = Case(new_case(self.fresh_id(), member.id), self.now, new=True)
        try:
            step = self.step(case.snapshot, event, given)
        except Exception as error:
            return self._fail(event, case.snapshot, given, error)
        if step.outcome is Outcome.REFUSED:
            return self._turn_away(event, member, given, step)
        self.picture.add_case(case)
        return self._settle_case(event, case, given, step)

    def _step_case(self, event: Event, case: Case) -> Receipt:
        given = self.facts.of_case(event, case)
        try:
            step = self.step(case.snapshot, event, given)
        except Exception as error:
            return self._fail(event, case.snapshot, given, error)
        return self._settle_case(event, case, given, step)

    def _settle_case(self, event: Event, case: Case, given: Given, step: Step) -> Receipt:
        before, after = case.snapshot, step.snapshot
        self.record.enter(event, before, after, step.outcome, step.reason, given, step)
        case.snapshot = after
        case.dirty = True
        self.record.send(step.effects, after.subject, after.member, f"{after.subject}:{after.version}")
        self.record.set_timers(step)
        if event.trigger is CaseTrigger.NOTE_ADDED:
            note = str(event.data.get("note", ""))
            self.record.notes.append((event.id, after.id, event.at.timestamp(), note, codec.dump(event.data)))
        return Receipt(step.outcome, after.subject, after.state, step.reason)
