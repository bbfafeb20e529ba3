"""Steps that only the built-in desk has: everybody sees what others have, and commands go astray."""

from __future__ import annotations

from collections import deque

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from tests.simulation.client import COMMANDS
from tests.stateful.machine import WholeService
from tests.stateful.people import THEN, WHICH, one
from tests.stateful.trouble import TIMES

#: What an agent may try with what another one has.
STRAYING = ("take", "join", "write", "hand_over", "leave", "complete")


class AtTheBuiltinDesk(WholeService):
    """The whole service with agents at its own desk."""

    desk = "builtin"

    @precondition(WholeService._talks)
    @rule(which=WHICH, what=st.sampled_from(STRAYING), then=THEN)
    def an_agent_turns_to_what_another_has(self, which: int, what: str, then: float) -> None:
        _, agent = one(self._talks(), which)
        other = next(other for other in self.street.town.floor.agents if other is not agent)
        self._with(which, lambda _, work: getattr(other, what)(work), then)

    @rule(outcome=st.sampled_from(COMMANDS), times=TIMES, then=THEN)
    def the_next_commands_go_astray(self, outcome: str, times: int, then: float) -> None:
        planned = self.street.town.weather.planned.setdefault("desk", deque())
        self._strike(f"next command: {outcome}", lambda: planned.extend([outcome] * times), then)
