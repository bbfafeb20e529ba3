"""What a step asks for and what the conversation remembers of it, in the words of the hand-written page."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

from machines.effects import OPEN_DESK, Kind
from machines.snapshot import Context, Snapshot, Step

Deeds = tuple[frozenset[str], frozenset[str]]  #: asked for, remembered


def done(before: Snapshot, step: Step) -> Deeds:
    return frozenset(_asked_for(before, step)), frozenset(_remembered(before, step))


def _asked_for(before: Snapshot, step: Step) -> Iterator[str]:
    for effect in step.effects:
        if effect.kind is Kind.SAY:
            yield f"say {effect.payload['text']}"
        elif effect.kind in (Kind.DESK_NOTE, Kind.ALERT):
            yield f"{effect.kind} {effect.payload['text']}"
        elif effect.kind not in OPEN_DESK:
            yield str(effect.kind)
    opened = {effect.kind for effect in step.effects} & set(OPEN_DESK)
    if opened:
        yield "open desk" if opened == set(OPEN_DESK) else ", ".join(sorted(opened))
    for tell in step.tells:
        detail = tell.data.get("reason") or tell.data.get("note")
        yield f"case {tell.trigger}" + (f" {detail}" if detail else "")
    for name, due in step.timers.items():
        if due is not None:
            yield f"+{name}"
        elif step.snapshot.state == before.state:
            yield f"-{name}"
    for void in step.voids:
        yield f"void {void.lane.split(':')[0]}"


def _remembered(before: Snapshot, step: Step) -> Iterator[str]:
    was, now = before.context, step.snapshot.context
    assert isinstance(was, Context)
    assert isinstance(now, Context)
    for name in (field.name for field in fields(Context)):
        if getattr(was, name) != getattr(now, name):
            yield name


def written(path: Path) -> dict[tuple[str, str, str], Deeds]:
    """The page: state, trigger, guard outcome -> what it says. An outcome written twice is the later one's."""
    found: dict[tuple[str, str, str], Deeds] = {}
    state = ""
    for line in path.read_text().splitlines():
        if line.startswith("## "):
            state = line.removeprefix("## ").strip()
        if not line.startswith("| ") or line.startswith("| trigger "):
            continue
        triggers, outcomes, asks, keeps = (cell.strip() for cell in line.strip("|").split("|"))
        deeds = frozenset(asks.split("; ")) - {""}, frozenset(keeps.split(", ")) - {""}
        for trigger in triggers.split(", "):
            for outcome in outcomes.split(", "):
                found[state, trigger, outcome] = deeds
    return found
