"""The record of a batch: all that is to be written of it, gathered while it is stepped."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from machines.effects import Effect
from machines.events import CaseTrigger, Event, Trigger
from machines.snapshot import Given, Snapshot, Step
from machines.table import Outcome
from storage import codec
from storage.picture import Picture
from storage.values import Link, Pending, Result, SetTimer

#: A timer whose step failed is set again under an epoch this much higher: no version ever comes there.
_FAILED_EPOCH = 1 << 20
#: Seconds before it fires again, doubled with every failure up to an hour.
_FAILED_PAUSE, _FAILED_PAUSE_AT_MOST = 60.0, 3600.0


@dataclass(slots=True)
class Journal:
    """A row of the journal in the making."""

    event: Event
    subject: str | None
    version: int | None
    table_version: int | None
    from_state: str | None
    to_state: str | None
    outcome: Outcome
    reason: str
    given: str | None


@dataclass(slots=True)
class Record:
    """Lists that `storage.writing` stores. What a later step of the batch does not want any more is gone."""

    picture: Picture
    now: float
    journal: list[Journal] = field(default_factory=list)
    effects: list[Pending] = field(default_factory=list)
    voids: list[tuple[str, str, tuple[str, ...]]] = field(default_factory=list)  #: subject, lane, kinds
    replaced: list[tuple[str, str]] = field(default_factory=list)  #: lane, mark
    timers: dict[tuple[str, str], SetTimer | None] = field(default_factory=dict)  #: None: it is off
    links: list[Link] = field(default_factory=list)
    results: list[Result] = field(default_factory=list)
    #: conversation, rating or comment, data, at
    feedback: list[tuple[str, Trigger | CaseTrigger, Mapping[str, Any], float]] = field(default_factory=list)
    notes: list[tuple[str, str, float, str, str]] = field(default_factory=list)  #: key, case, at, note, data
    #: conversation, request, queued at, ended at, taken
    waits: list[tuple[str, int, float, float, bool]] = field(default_factory=list)
    parked: dict[tuple[str, str], tuple[str, Event]] = field(default_factory=dict)
    unparked: list[tuple[str, str]] = field(default_factory=list)

    def enter(
        self,
        event: Event,
        before: Snapshot | None,
        after: Snapshot | None,
        outcome: Outcome,
        reason: str,
        given: Given | None,
        step: Step | None = None,
    ) -> None:
        """Into the journal. From here on the event is known."""
        self.picture.ledger.add((event.source, event.id))
        used = step is None or any(tell.trigger is CaseTrigger.OPENED for tell in step.tells)
        self.journal.append(
            Journal(
                event,
                after.subject if after else None,
                after.version if after else None,
                after.table_version if after else None,
                before.state if before else None,
                after.state if after else None,
                outcome,
                reason,
                codec.dump(given.as_json(fresh=used)) if given else None,
            )
        )

    def void(self, step: Step, subject: str) -> None:
        """Effects that were not sent yet are not wanted any more."""
        for void in step.voids:
            self.voids.append((subject, void.lane, void.kinds))
            self.effects = [
                e
                for e in self.effects
                if not (
                    e.subject == subject and e.lane == void.lane and (not void.kinds or e.kind in void.kinds)
                )
            ]

    def send(self, effects: Iterable[Effect], subject: str, member: str, stem: str) -> None:
        """Into the outbox, under keys that begin with `stem`."""
        for n, effect in enumerate(effects):
            if effect.replaces:
                self.replaced.append((effect.lane, effect.replaces))
                self.effects = [
                    e for e in self.effects if not (e.lane == effect.lane and e.replaces == effect.replaces)
                ]
            self.effects.append(
                Pending(
                    key=f"{stem}:{n}:0",
                    subject=subject,
                    member=member,
                    lane=effect.lane,
                    kind=str(effect.kind),
                    payload=effect.payload,
                    due_at=self.now + effect.delay,
                    replaces=effect.replaces,
                )
            )

    def set_timers(self, step: Step) -> None:
        """Those that a step turned on, set again or turned off."""
        after = step.snapshot
        for name, due in step.timers.items():
            self._set_timer(
                after.subject, str(name), due.timestamp() if due is not None else None, after.version
            )

    def timer_fires(self, event: Event) -> bool:
        """A timer fires if its row is still there with the epoch that it was fired for. Then the row goes."""
        key = (str(event.data["subject"]), str(event.data["name"]))
        row = self.picture.timers.get(key)
        if row is None or row[1] != event.data["epoch"]:
            return False
        del self.picture.timers[key]
        self.timers[key] = None
        return True

    def timer_failed(self, event: Event) -> int:
        """Set again, to fire later. Returns how often it has failed."""
        failures, epoch = divmod(int(event.data["epoch"]), _FAILED_EPOCH)
        pause = min(_FAILED_PAUSE * 2.0 ** min(failures, 16), _FAILED_PAUSE_AT_MOST)
        self._set_timer(
            str(event.data["subject"]),
            str(event.data["name"]),
            self.now + pause,
            (failures + 1) * _FAILED_EPOCH + epoch,
        )
        return failures + 1

    def _set_timer(self, subject: str, name: str, due: float | None, epoch: int) -> None:
        self.timers[subject, name] = SetTimer(subject, name, due, epoch) if due is not None else None
        if due is not None:
            self.picture.timers[subject, name] = (due, epoch)
        else:
            self.picture.timers.pop((subject, name), None)
