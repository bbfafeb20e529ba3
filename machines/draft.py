"""The draft of a step: the throw-away model that guards read and actions append to."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from machines.effects import OPERATOR_LANE, Effect, Kind, desk_lane, dm_lane
from machines.events import CaseTrigger, Event
from machines.snapshot import Context, Given, Limits, Snapshot, Tell, Void
from machines.table import ALWAYS, Row


class Draft:
    """One step in the making. `state` is the attribute that `transitions` reads and writes."""

    __slots__ = (
        "answer",
        "context",
        "effects",
        "event",
        "given",
        "row",
        "snapshot",
        "state",
        "tells",
        "timers",
        "verdict",
        "voids",
    )

    context: Context

    def __init__(self, snapshot: Snapshot, event: Event, given: Given) -> None:
        assert isinstance(snapshot.context, Context)
        self.state = snapshot.state
        self.snapshot = snapshot
        self.context = snapshot.context
        self.event = event
        self.given = given
        self.verdict = ALWAYS
        self.row: Row | None = None
        self.answer = ""  #: text key for the one who asked, where the event was a command
        self.effects: list[Effect] = []
        self.timers: dict[str, datetime | None] = {}
        self.tells: list[Tell] = []
        self.voids: list[Void] = []

    @property
    def data(self) -> Mapping[str, Any]:
        return self.event.data

    @property
    def limits(self) -> Limits:
        return self.given.limits

    @property
    def version(self) -> int:
        """The version that this step makes."""
        return self.snapshot.version + 1

    def change(self, **values: Any) -> None:
        self.context = self.context.but(**values)

    def say(self, text: str, /, *buttons: str, **args: Any) -> None:
        """A text of ours in the member's DM. `args` are literals; case numbers come from the rows."""
        payload: dict[str, Any] = {"text": text}
        if buttons:
            payload["buttons"] = list(buttons)
        if args:
            payload["args"] = args
        if self.context.case:
            payload["case"] = self.context.case
        if interaction := self.data.get("interaction"):
            payload["interaction"] = interaction
        self.effects.append(Effect(Kind.SAY, dm_lane(self.snapshot.member), payload))

    def to_member(self, kind: Kind, /, *, replaces: str | None = None, **payload: Any) -> None:
        self.effects.append(Effect(kind, dm_lane(self.snapshot.member), payload, replaces))

    def to_desk(
        self,
        kind: Kind,
        /,
        *,
        request: int = 0,
        replaces: str | None = None,
        delay: float = 0.0,
        **payload: Any,
    ) -> None:
        """An effect in the lane of a request; without a number, of the current one."""
        number = request or self.context.request
        self.effects.append(
            Effect(
                kind,
                desk_lane(self.snapshot.id, number),
                {"request": number, **payload},
                replaces,
                delay,
            )
        )

    def note_desk(self, text: str, /, *, request: int = 0, **args: Any) -> None:
        """A text of ours for the agent, if there is a desk that could show it."""
        number = request or self.context.request
        if number:
            self.to_desk(Kind.DESK_NOTE, request=number, text=text, args=args)

    def note_desk_of(self, conversation: str, request: int, text: str, /) -> None:
        """A text of ours for the agent of another conversation, the one before this."""
        self.effects.append(
            Effect(
                Kind.DESK_NOTE,
                desk_lane(conversation, request),
                {"request": request, "conversation": conversation, "text": text, "args": {}},
            )
        )

    def alert(self, text: str, **args: Any) -> None:
        self.effects.append(Effect(Kind.ALERT, OPERATOR_LANE, {"text": text, "args": args}))

    def tell(self, trigger: CaseTrigger, /, **data: Any) -> None:
        if self.context.case:
            self.tells.append(Tell(self.context.case, trigger, data))

    def note_case(self, note: str, **data: Any) -> None:
        self.tell(CaseTrigger.NOTE_ADDED, note=note, **data)

    def void(self, lane: str, *kinds: Kind) -> None:
        self.voids.append(Void(lane, tuple(kinds)))

    def set_timer(self, name: str, seconds: float) -> None:
        self.timers[name] = self.given.received_at + timedelta(seconds=seconds)

    def stop_timers(self, *names: str) -> None:
        for name in names:
            self.timers[name] = None
