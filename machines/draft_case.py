"""One step of a case in the making: what its callbacks read, and what they append to."""

from __future__ import annotations

from machines import sla
from machines.effects import Effect, Kind, dm_lane, interaction_lane
from machines.events import Event, Source
from machines.snapshot import CaseContext, Given, Snapshot
from machines.table import ALWAYS, Row


class CaseDraft:
    """One step of a case in the making: the throw-away model of its machine."""

    __slots__ = ("context", "effects", "event", "given", "row", "snapshot", "state", "timers", "verdict")

    context: CaseContext

    def __init__(self, snapshot: Snapshot, event: Event, given: Given) -> None:
        assert isinstance(snapshot.context, CaseContext)
        self.state = snapshot.state
        self.snapshot = snapshot
        self.context = snapshot.context
        self.event = event
        self.given = given
        self.verdict = ALWAYS
        self.row: Row | None = None
        self.effects: list[Effect] = []
        self.timers: dict[str, object] = {}

    @property
    def now(self) -> float:
        return self.given.received_at.timestamp()

    @property
    def is_news(self) -> bool:
        """An agent did it, and not in a talk in which the member hears of it; and the member may be told."""
        return self.event.source is Source.PAGE and not self.given.live and not self.given.blocked

    def say(self, text: str, /, *buttons: str, into: str = "", **args: object) -> None:
        """A text of ours in the member's DM. What cases are called comes from their rows."""
        payload: dict[str, object] = {"text": text, "case": self.snapshot.id}
        if buttons:
            payload["buttons"] = list(buttons)
        if into:
            payload["into"] = into
        if args:
            payload["args"] = args
        self.effects.append(Effect(Kind.SAY, dm_lane(self.snapshot.member), payload))

    def keep_time(self) -> None:
        """Its clock runs in the states that are ours to act in, and stands in the others."""
        change = sla.started if self.state in sla.TICKING else sla.stopped
        self.context = change(self.context, self.now)

    def answer(self, text: str, /, **args: object) -> None:
        """Shown only to the member, where a command of theirs waits for it."""
        if interaction := self.event.data.get("interaction"):
            payload: dict[str, object] = {"interaction": interaction, "text": text}
            if args:
                payload |= {"case": self.snapshot.id, "args": args}
            lane = interaction_lane(interaction["id"])
            self.effects.append(Effect(Kind.ANSWER_INTERACTION, lane, payload))
