"""What a run of seeds has met, counted; and what it should have met."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from machines.events import CaseTrigger, Trigger
from machines.step import TABLES
from machines.table import Outcome
from machines.testing.history import History
from tests.faults.outcomes import OUTCOMES
from tests.simulation.client import COMMANDS
from tests.simulation.trouble import JUMPS, STRIKES
from tests.simulation.weather import BROKEN, CHATBOT, REFUSED, WEBHOOKS

#: Edges that cannot be met, by the reason. This list only shrinks: what is met is struck out.
UNMET: dict[str, frozenset[str]] = {
    "for nothing raises their trigger yet": frozenset(
        {
            "case: closed -conversation_linked-> closed",
            "case: in_progress -delivery_failed-> in_progress",
            "conversation: awaiting_agent -member_blocked-> closed",
            "conversation: awaiting_agent -transcript_requested-> awaiting_agent",
            "conversation: bot_faq -member_blocked-> closed",
            "conversation: bot_faq -transcript_requested-> bot_faq",
            "conversation: with_agent -member_blocked-> closed",
            "conversation: with_agent -transcript_requested-> with_agent",
        }
    ),
}
#: So many seeds, and every edge that can be reached has been met.
ENOUGH = 500


@dataclass
class Tally:
    """Counters over any number of seeds."""

    seeds: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    calls: Counter[str] = field(default_factory=Counter)  #: calls of both ports
    kinds: Counter[str] = field(default_factory=Counter)  #: effects that were carried out
    triggers: Counter[str] = field(default_factory=Counter)  #: events in the journal
    edges: Counter[str] = field(default_factory=Counter)
    relayed: int = 0  #: messages
    moved: int = 0  #: places in the line that were told anew in the message that told the last one

    def add(self, other: Tally) -> None:
        for name, value in vars(other).items():
            mine = getattr(self, name)
            setattr(self, name, mine + value)

    def count(self, history: History) -> None:
        """What one history shows."""
        self.seeds += 1
        for entry in history.journal:
            self.triggers[entry.trigger] += 1
            machine = entry.subject.partition(":")[0]
            if entry.outcome in (Outcome.MOVED, Outcome.STAYED) and machine in TABLES:
                before = entry.before or TABLES[machine].initial
                self.edges[_named(machine, before, entry.trigger, entry.after)] += 1
        for deed in history.outbox:
            if deed.status == "done":
                self.kinds[deed.kind] += 1
                self.relayed += deed.kind in ("relay_to_member", "relay_to_desk")
        self.moved += sum(len(line.edits) for dm in history.dms for line in dm.lines if line.says == "place")

    def missing(self) -> Iterator[str]:
        """What stands at zero and should not; and what is listed as out of reach and was met."""
        yield from (f"fault never met: {name}" for name in sorted(every_fault() - self.faults.keys()))
        if not self.moved:
            yield "no place was ever edited"
        listed = frozenset[str]().union(*UNMET.values())
        due = every_edge() - listed if self.seeds >= ENOUGH else frozenset()
        yield from (f"edge never met: {name}" for name in sorted(due - self.edges.keys()))
        yield from (
            f"edge met, strike it out of UNMET: {name}" for name in sorted(listed & self.edges.keys())
        )

    def lines(self) -> Iterator[str]:
        """For people."""
        yield f"seeds: {self.seeds}, messages relayed: {self.relayed}, places edited: {self.moved}"
        for name in ("faults", "triggers", "edges", "kinds", "calls"):
            counter: Counter[str] = getattr(self, name)
            yield f"{name}:"
            yield from (f"    {number:6} {what}" for what, number in sorted(counter.items()))
        for reason, names in UNMET.items():
            yield f"edges left out, {reason}:"
            yield from (f"           {name}" for name in sorted(names))

    def as_json(self) -> str:
        return json.dumps(vars(self))

    @classmethod
    def from_json(cls, text: str) -> Tally:
        made = cls()
        for name, value in json.loads(text).items():
            setattr(made, name, Counter(value) if isinstance(value, dict) else value)
        return made


def every_fault() -> frozenset[str]:
    """Every kind of fault, by the name under which it is counted."""
    calls = {
        f"{service}: {name}" for service in ("discord", "twilio", "crm") for name in (*OUTCOMES, REFUSED)
    }
    clocks = {f"clock: {name}" for name in JUMPS}
    ways = {*WEBHOOKS, *COMMANDS}
    return frozenset({*calls, *ways, *STRIKES, *clocks, *BROKEN, *CHATBOT, "commit of unknown outcome"})


def every_edge() -> frozenset[str]:
    return frozenset(
        _named(machine, edge.state, edge.trigger, edge.to)
        for machine, table in TABLES.items()
        for edge in table.edges
    )


def _named(machine: str, before: str, trigger: Trigger | CaseTrigger | str, after: str | None) -> str:
    return f"{machine}: {before} -{trigger}-> {after}"
