"""What a seed stands for, before anything happens."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

from machines.hours import WHOLE_DAY, Hours, Span
from machines.snapshot import DEFAULT_LIMITS, Limits

#: Everything that waits for somebody fires within the run.
HASTY = Limits(
    bot_idle_warn=120,
    bot_idle=200,
    wait_reminder=60,
    wait=150,
    member_idle_warn=100,
    member_idle=180,
    agent_idle_warn=90,
    agent_idle=160,
    afterglow=120,
    case_close=400,
)
#: Shifts: one that is over when the next begins, and one that is over at once.
ALWAYS, NEVER = (0, WHOLE_DAY, WHOLE_DAY), (0, 0, WHOLE_DAY)
#: The share of seeds in which agents work at the built-in desk.
BUILTIN = 0.25
#: The share of seeds in which a CRM follows cases.
FOLLOWED = 0.2


@dataclass(frozen=True, slots=True)
class Plan:
    """The size of a run and its circumstances. Every draw that was added later has dice of its own."""

    seed: int
    members: int
    acts: int  #: by members and agents together
    troubles: int
    scenes: int
    reports: int
    latency: float
    disk: float
    limits: Limits
    shifts: tuple[int, int, int]  #: minutes after midnight of the first, minutes of each, and between begins
    ahead: tuple[float, float]
    slowly: float  #: how much longer than usual everybody takes between two acts
    desk: str  #: where agents work: `flex` or `builtin`
    casework: int  #: how often agents turn to a case
    crm: float | None  #: the share of posts that go wrong at the CRM that follows cases; None: none does

    @classmethod
    def of(cls, seed: int) -> Plan:
        chance = Random(f"plan {seed}")
        skewed = chance.random() < 0.3
        unhurried = chance.random() < 0.01
        return cls(
            seed,
            members=chance.choice((1, 2, 2, 3, 4)),
            acts=chance.randint(15, 45),
            troubles=chance.choice((0, 2, 3, 5, 8)),
            scenes=Random(f"scenes {seed}").choice((0, 0, 1, 2, 4)),
            reports=Random(f"reports {seed}").choice((0, 0, 1, 2, 4)),
            latency=chance.choice((0.0, 0.02, 0.2, 0.8)),
            disk=chance.choice((0.0, 0.005, 0.1)),
            limits=DEFAULT_LIMITS if unhurried else chance.choice((HASTY, HASTY, DEFAULT_LIMITS)),
            shifts=_shifts(Random(f"hours {seed}")),
            ahead=(chance.uniform(-3, 3), chance.uniform(-3, 3)) if skewed else (0.0, 0.0),
            slowly=80.0 if unhurried else 1.0,
            casework=Random(f"casework {seed}").choice((0, 0, 10, 25)),
            desk="builtin" if Random(f"built-in {seed}").random() < BUILTIN else "flex",
            crm=_crm(Random(f"crm {seed}")),
        )

    @property
    def hours(self) -> Hours:
        """When somebody is there, on every day."""
        first, length, turn = self.shifts
        begins = range(first, WHOLE_DAY, turn) if length else ()
        return Hours((tuple(Span(begin, begin + length) for begin in begins),) * 7)


def _crm(chance: Random) -> float | None:
    return chance.choice((0.0, 0.3, 0.9)) if chance.random() < FOLLOWED else None


def _shifts(chance: Random) -> tuple[int, int, int]:
    """In most seeds somebody is always there, in some nobody ever; in the others it changes within the run."""
    kind = chance.random()
    if kind < 0.8:
        return ALWAYS
    if kind < 0.82:
        return NEVER
    turn = chance.choice((4, 10, 30))
    return chance.randrange(turn), chance.randint(1, turn - 1), turn
