"""One conversation told in a test: events go in, the last step and all that was asked for come out."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from machines.effects import Kind
from machines.events import TIMERS, Address, Event, Source, Trigger
from machines.snapshot import CaseFacts, Context, Given, Snapshot, Step
from machines.step import new_conversation, step

START = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
MEMBER = "4001"


class Talk:
    """A conversation and its clock. `given` are standing facts; a single event may come with others."""

    def __init__(self, **given: Any) -> None:
        self.snapshot: Snapshot = new_conversation("c" * 32, MEMBER)
        self.now = START
        self.given = given
        self.steps: list[Step] = []
        self.due: dict[str, datetime] = {}

    # --- what happens

    def hears(
        self,
        trigger: Trigger,
        *,
        request: int | None = None,
        case: str | None = None,
        ago: float = 0.0,
        **data: Any,
    ) -> Step:
        """Apply one event. `case`: that it names. `ago`: how many seconds before it reached us it happened."""
        known: dict[str, Any] = {"fresh": f"{len(self.steps):032x}", **self.given}
        known.setdefault("case", CaseFacts(self.context.case, "open") if self.context.case else None)
        event = Event(
            Source.TIMER if trigger in TIMERS else Source.TWILIO,
            f"event-{len(self.steps)}",
            trigger,
            self.now - timedelta(seconds=ago),
            Address(member=MEMBER, conversation=self.snapshot.id, request=request, case=case),
            {"message": f"m{len(self.steps)}", "body": "text", **data},
        )
        done = step(self.snapshot, event, Given(received_at=self.now, **known))
        self.snapshot = done.snapshot
        self.steps.append(done)
        for name, due in done.timers.items():
            if due is None:
                self.due.pop(name, None)
            else:
                self.due[name] = due
        return done

    def passes(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)

    def fires(self, name: Trigger) -> Step:
        """The clock moves to the timer that was set, and it fires."""
        self.now = max(self.now, self.due.pop(name))
        return self.hears(name)

    # --- what is known

    @property
    def state(self) -> str:
        return self.snapshot.state

    @property
    def context(self) -> Context:
        assert isinstance(self.snapshot.context, Context)
        return self.snapshot.context

    @property
    def last(self) -> Step:
        return self.steps[-1]

    def pretends(self, **context: Any) -> None:
        self.snapshot = replace(self.snapshot, context=replace(self.context, **context))

    # --- well-trodden ways

    def asks(self, *texts: str) -> Step:
        """The member writes, falls silent, and the chatbot is asked."""
        for text in texts or ("how?",):
            self.hears(Trigger.MEMBER_MESSAGE, body=text)
        return self.fires(Trigger.ASK)

    def answered(self, kind: str = "answer", **data: Any) -> Step:
        articles = [{"title": "An article"}] if kind == "answer" else []
        return self.hears(
            Trigger.BOT_ANSWERED,
            **{"question": self.context.question, "kind": kind, "articles": articles} | data,
        )

    def waits(self) -> Talk:
        """A person was asked for, and the desk is open."""
        self.hears(Trigger.AGENT_REQUESTED)
        self.hears(Trigger.DESK_OPENED)
        return self

    def meets(self, agent: str = "ada") -> Talk:
        """A person was asked for and came."""
        self.waits().hears(Trigger.AGENT_JOINED, agent=agent, name=agent.title())
        return self


def kinds(step: Step) -> list[Kind]:
    return [effect.kind for effect in step.effects]


def texts(step: Step) -> list[str]:
    """The keys of what the member is told."""
    return [effect.payload["text"] for effect in step.effects if effect.kind is Kind.SAY]


def desk_texts(step: Step) -> list[str]:
    """The keys of what the agent is told."""
    return [effect.payload["text"] for effect in step.effects if effect.kind is Kind.DESK_NOTE]


def told(step: Step) -> list[tuple[str, str]]:
    """What the case is told: trigger, and reason or note."""
    return [
        (str(tell.trigger), str(tell.data.get("reason") or tell.data.get("note") or ""))
        for tell in step.tells
    ]
