"""A model of the conversation, made without its tables: what a person would say must come of each event.

It knows whose turn it is, which request stands at the desk, who is there, and which question is out. `faults`
holds a history against it: after every event the service has to be where the model is, and words have to go where
the model sends them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from machines.effects import Kind
from machines.events import TIMERS, Event
from machines.events import Trigger as T
from machines.snapshot import Context, Given
from machines.table import Outcome
from machines.testing.affairs import Happening

BOT, NOBODY, AGENT, OVER = "bot_faq", "awaiting_agent", "with_agent", "closed"


@dataclass(frozen=True)
class Model:
    """One conversation. `hears` tells it, `bot_hears` its part with the bot; the fields are what that needs."""

    owner: str = BOT  #: who is to answer the member: the bot, nobody yet, an agent; or it is over
    ended: tuple[float, ...] = ()  #: when each request ended; 0.0: it stands
    question: int = 0  #: out at the chatbot
    asked: int = 0
    texts: tuple[str, ...] = ()  #: not asked yet
    misses: int = 0  #: in a row
    helped: bool = False
    unhelpful: frozenset[int] = frozenset()
    agents: frozenset[str] = frozenset()
    silent: frozenset[str] = frozenset()  #: agents who are there and do not answer
    accepted: bool = False  #: somebody came for the request that stands
    closed_at: float = 0.0
    told: tuple[int, int] | None = None  #: place and minutes; None: what stands there may be anything
    reachable: bool = True

    @property
    def stands(self) -> bool:
        """A request is at the desk, whether the member still waits for it or not."""
        return bool(self.ended) and not self.ended[-1]

    def hears(self, event: Event, given: Given) -> Model:
        """What has become of it."""
        at, who = event.at.timestamp(), frozenset({str(event.data.get("agent"))})
        claim = event.data.get("claim")
        current = bool(self.ended) and event.to.request in (None, len(self.ended))
        match self.owner, event.trigger:
            case "closed", _:
                return self
            case (
                (_, T.MEMBER_CLOSED | T.MEMBER_BLOCKED)
                | ("bot_faq", T.BOT_IDLE)
                | ("with_agent", T.MEMBER_IDLE)
            ):
                return self.over(at)
            case "bot_faq" | "awaiting_agent", T.SOLVED:
                return self.over(at)
            case _, T.DESK_CLOSED if current and self.owner != BOT:
                return self.over(at) if self.accepted else self.end(at).turn(BOT)
            case "with_agent", T.DESK_FAILED if current and self.accepted:
                return self.end(at).ask()
            case _, T.DESK_FAILED | T.DESK_CLOSED if current:
                return self.end(at).turn(BOT)
            case "awaiting_agent", T.DESK_OPEN_OVERDUE | T.AGENT_REQUEST_CANCELLED:
                return self.end(at).turn(BOT)
            case "bot_faq", T.AGENT_REQUEST_CANCELLED:
                return self.end(at)
            case "awaiting_agent", T.WAIT:
                return self.turn(BOT)
            case "bot_faq" | "awaiting_agent", T.AGENT_JOINED if current and self.stands:
                return self if who <= self.silent and not claim else self.meet(who)
            case "bot_faq" | "awaiting_agent", T.AGENT_MESSAGE if current and self.stands:
                return self.meet(who)
            case "with_agent", T.AGENT_JOINED if current and claim == "alone" and self.agents:
                return self  # whoever has it keeps it
            case "with_agent", T.AGENT_JOINED | T.AGENT_MESSAGE if current:
                return replace(self, agents=self.agents | who, accepted=True)
            case "with_agent", T.AGENT_LEFT if current:
                return replace(self, agents=self.agents - who)
            case "bot_faq" | "awaiting_agent", T.AGENT_LEFT if current:
                return replace(self, silent=self.silent - who)
            case "with_agent", T.ALONE if not self.agents:
                return self.turn(NOBODY)
            case "with_agent", T.AGENT_IDLE:
                return replace(self, silent=self.silent | self.agents).turn(NOBODY)
            case "awaiting_agent", T.NOT_HELPFUL:
                return self.complain(event)
            case "bot_faq", _ if not given.blocked:
                return self.bot_hears(event, given, at)
        return self

    def bot_hears(self, event: Event, given: Given, at: float) -> Model:
        """The same for what only the bot's turn knows."""
        data, in_time = event.data, event.data.get("question") == self.question != 0
        match event.trigger:
            case T.MEMBER_MESSAGE:
                return replace(self, texts=(*self.texts, data["message"]))
            case T.MEMBER_DELETED:
                return replace(self, texts=tuple(text for text in self.texts if text != data["message"]))
            case T.ASK if self.texts and not self.question:
                misses = 0 if self.helped else self.misses
                asked = self.asked + 1
                return replace(self, question=asked, asked=asked, texts=(), misses=misses, helped=False)
            case T.BOT_ANSWERED if in_time and data["kind"] == "handoff":
                return self.hand_off(given, question=0)
            case T.BOT_ANSWERED if in_time and data["kind"] != "unsure":
                return replace(self, question=0, helped=bool(data["articles"]))
            case T.BOT_ANSWERED | T.BOT_FAILED if in_time:
                return self.miss(given, question=0)
            case T.ANSWER_OVERDUE if self.question:
                return self.miss(given, question=0)
            case T.NOT_HELPFUL if (data.get("answer") or self.asked) not in self.unhelpful:
                return self.complain(event).miss(given, question=self.question)
            case T.AGENT_REQUESTED:
                return self.hand_off(given, question=self.question)
            case T.AGENT_CONTACTS if not _closed(given):
                contacted = self.end(at).ask().turn(AGENT)
                if not data.get("present"):
                    return contacted
                return replace(contacted, agents=frozenset({str(data["agent"])}), accepted=True)
        return self

    def complain(self, event: Event) -> Model:
        """About an answer; without its number about the last."""
        number = event.data.get("answer") or self.asked
        return replace(self, unhelpful=self.unhelpful | {number}, helped=False)

    def miss(self, given: Given, question: int) -> Model:
        """The second in a row is the last."""
        if self.misses + 1 < given.limits.misses:
            return replace(self, question=question, misses=self.misses + 1)
        return self.hand_off(given, question)

    def hand_off(self, given: Given, question: int) -> Model:
        """To the request that stands, to a new one while the desk is open, or to nobody: the bot goes on."""
        if self.stands:
            return self.turn(NOBODY)
        return self.ask() if given.open_now else replace(self, question=question, misses=0)

    def ask(self) -> Model:
        return replace(self.turn(NOBODY), ended=(*self.ended, 0.0), silent=frozenset(), accepted=False)

    def meet(self, who: frozenset[str]) -> Model:
        return replace(self.turn(AGENT), agents=who, silent=frozenset(), accepted=True)

    def end(self, at: float) -> Model:
        ended = (*self.ended[:-1], self.ended[-1] or at) if self.ended else ()
        return replace(self, ended=ended, agents=frozenset())

    def over(self, at: float) -> Model:
        return replace(self.end(at).turn(OVER), closed_at=at)

    def turn(self, owner: str) -> Model:
        """Whoever follows the bot takes its questions from it."""
        if self.owner == BOT and owner != BOT:
            return replace(
                self, owner=owner, agents=frozenset(), question=0, texts=(), misses=0, helped=False
            )
        return replace(self, owner=owner, agents=frozenset())

    # --- the line

    def asks_for_place(self, event: Event, before: Model) -> bool:
        """Is it told anew where the member stands? `self` is the model after the event."""
        if self.owner != NOBODY:
            return False
        asked = event.trigger in (T.AGENT_REQUESTED, T.HELP_REQUESTED, T.NOT_HELPFUL)
        return before.owner == BOT or asked or len(self.ended) > len(before.ended)

    def place_changed(self, event: Event, given: Given) -> bool:
        """Is it time to say that what was told is not so any more?"""
        due = event.trigger is T.PLACE and self.owner == NOBODY and self.reachable
        return due and self.told != (given.place, given.minutes)

    def is_told(self, event: Event, before: Model, given: Given) -> Model:
        """What the member knows of the line after the event."""
        if self.asks_for_place(event, before) or before.place_changed(event, given):
            return replace(self, told=(given.place, given.minutes))
        if event.trigger is T.UNREACHABLE:
            return replace(self, told=None, reachable=False)
        if event.trigger is T.MEMBER_MESSAGE:
            return replace(self, reachable=True)
        return replace(self, told=None) if event.trigger is T.OTHER_CASE else self

    # --- what goes where

    def to_desk(self, event: Event) -> bool:
        """Do the member's words, or changes of them, go to the desk? `self` is the model before the event."""
        return event.trigger in _WORDS_OF_MEMBER and self.owner in (NOBODY, AGENT)

    def to_member(self, event: Event, after: Model, given: Given) -> bool:
        """Do an agent's words, or changes of them, go to the member?"""
        if event.trigger is T.AGENT_CONTACTS and _closed(given):
            return False
        if event.trigger is T.AGENT_CONTACTS:
            return not given.blocked or self.owner in (NOBODY, AGENT)
        if event.trigger in (T.AGENT_EDITED, T.AGENT_DELETED):
            return self.owner != OVER
        if event.trigger is not T.AGENT_MESSAGE:
            return False
        at, number = event.at.timestamp(), event.to.request or len(self.ended)
        if number == len(self.ended) and self.owner != OVER:
            return after.owner == AGENT
        ended = self.ended
        if ended and self.owner == OVER:
            ended = (*ended[:-1], self.closed_at)
        return 0 < number <= len(ended) and at < ended[number - 1]


def _closed(given: Given) -> bool:
    """Is the case closed from which an agent would write?"""
    return given.contacted is not None and given.contacted.state == "closed"


_WORDS_OF_MEMBER = (T.MEMBER_MESSAGE, T.MEMBER_EDITED, T.MEMBER_DELETED)
#: In each turn one of these timers runs: nobody waits for ever.
_ENDS = {
    BOT: {T.BOT_IDLE},
    NOBODY: {T.WAIT, T.DESK_OPEN_OVERDUE},
    AGENT: {T.MEMBER_IDLE, T.AGENT_IDLE, T.ALONE},
}


class Watch:
    """The model of every conversation of a history, event by event."""

    def __init__(self) -> None:
        self._models: dict[str, Model] = {}

    def hears(self, happened: Happening) -> list[str]:
        """Where the service is not where the model is now, in words; empty where they agree."""
        before = self._models.get(happened.before.id, Model())
        event, given = happened.event, happened.given
        after = self._models[happened.before.id] = before.hears(event, given).is_told(event, before, given)
        return [*_places(happened, after), *_deeds(happened, before, after)]


def faults(history: Iterable[Happening]) -> list[str]:
    """Everything that is not as a person would say, each with what had happened; empty when all is well."""
    watch = Watch()
    return [f"{happened}: {what}" for happened in history for what in watch.hears(happened)]


def _places(happened: Happening, after: Model) -> Iterator[str]:
    snapshot = happened.step.snapshot
    context = snapshot.context
    assert isinstance(context, Context)
    pairs = {
        "owner": (snapshot.state, after.owner),
        "requests": (context.request, len(after.ended)),
        "a request stands": (context.request_state in ("open", "expired"), after.stands),
        "question": (context.question, after.question),
        "texts not asked": (context.waiting, after.texts),
        "silent": (set(context.away), after.silent),
        "agents": ({identity for identity, _ in context.agents}, after.agents),
    }
    for name, (is_so, should_be) in pairs.items():
        if is_so != should_be:
            yield f"{name}: {is_so!r}, should be {should_be!r}"
    running = set(happened.running)
    if happened.step.outcome in (Outcome.MOVED, Outcome.STAYED) and after.owner != OVER:
        if not running & _ENDS[after.owner]:
            yield "no timer runs that ends this"
        if after.owner == BOT and after.texts and not running & {T.ASK, T.ANSWER_OVERDUE}:
            yield "nobody will be asked"
    if after.owner == OVER and running & TIMERS:
        yield f"closed, and {sorted(running)} run"


def _deeds(happened: Happening, before: Model, after: Model) -> Iterator[str]:
    event, effects = happened.event, happened.step.effects
    kinds = [effect.kind for effect in effects]
    for kind, expected in (
        (Kind.RELAY_TO_DESK, before.to_desk(event)),
        (Kind.RELAY_TO_MEMBER, before.to_member(event, after, happened.given)),
        (Kind.DESK_CREATE, len(after.ended) > len(before.ended)),
        (Kind.ASK_CHATBOT, after.asked > before.asked),
        (Kind.PLACE, after.asks_for_place(event, before) or before.place_changed(event, happened.given)),
    ):
        if kinds.count(kind) != expected:
            yield f"{kind} {kinds.count(kind)} times instead of {int(expected)}"
    mine = [effect for effect in effects if effect.kind is Kind.RELAY_TO_DESK]
    if any(effect.payload["request"] != len(before.ended) for effect in mine):
        yield "relayed to another request"
    given_up = before.stands and bool(after.ended[len(before.ended) - 1])
    by_desk = event.trigger is T.DESK_CLOSED
    if given_up and not by_desk and not {Kind.DESK_WITHDRAW, Kind.DESK_CLOSE} & set(kinds):
        yield "the desk was not told that nobody is wanted any more"
    answers = [e for e in effects if e.kind is Kind.SAY and e.payload["text"] == "answer"]
    if answers and (before.owner != BOT or event.data.get("question") != before.question):
        yield "an answer that nobody waits for"
    unheard = event.trigger is T.AGENT_MESSAGE and Kind.RELAY_TO_MEMBER not in kinds
    if unheard and (event.to.request or before.ended) and Kind.DESK_NOTE not in kinds:
        yield "the agent was not told that this was not delivered"
