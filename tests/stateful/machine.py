"""The whole service as a state machine of Hypothesis: steps of people and trouble, looked at and judged."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any, ClassVar

from hypothesis import currently_in_test_context, note
from hypothesis import strategies as st
from hypothesis.stateful import initialize

from tests.stateful.people import Agents, Members
from tests.stateful.street import Setting, Street
from tests.stateful.trouble import Troubles
from tests.stateful.watch import Watch

#: Where a street may begin. The first of each is what a failing example shrinks to.
SETTINGS = st.builds(
    Setting,
    members=st.sampled_from((2, 3)),
    hasty=st.sampled_from((True, True, False)),
    opening=st.sampled_from(("greeted", "waiting", "talking", "talking")),
    latency=st.sampled_from((0.0, 0.05, 0.8)),
    disk=st.sampled_from((0.0, 0.05)),
    ahead=st.sampled_from(((0.0, 0.0), (0.0, 0.0), (2.0, -2.0))),
)


class WholeService(Members, Agents, Troubles):
    """Over a database of its own. Subclasses say where, and at which desk agents sit."""

    desk: ClassVar[str] = "flex"
    url: ClassVar[Callable[[], str]]  #: the address of a database with nothing in it
    taken: ClassVar[Counter[str]] = Counter()  #: what people did and what went wrong, over all examples
    steps: ClassVar[int] = 0  #: that found something to do, over all examples

    def __init__(self) -> None:
        super().__init__()
        self.forms = []
        self._told = 0
        self._whole = False  #: nothing has gone wrong in a step so far

    @initialize(setting=SETTINGS)
    def the_service_begins(self, setting: Setting) -> None:
        self.street = Street(setting, self.desk, type(self).url())
        self.watch = Watch(self.street.town.world)
        self._whole = True

    def take(self, step: Callable[[], Any], then: float) -> None:
        """Then look at what must hold at any moment. Not an invariant of Hypothesis, which prints every look."""
        type(self).steps += 1
        self._whole = False
        try:
            self.street.take(step, then)
        finally:
            self._tell()
        house = self.street.town.house
        wrong = list(self.watch.wrong(house.engine)) if house is not None else []
        assert not wrong, "\n".join(wrong)
        self._whole = True

    def teardown(self) -> None:
        """Once everything has healed, every promise was kept."""
        if not hasattr(self, "street"):
            return
        try:
            if self._whole:
                broken = self.street.end()
                self._tell()
                assert not broken, "\n".join(broken)
        finally:
            self.street.close()

    def _tell(self) -> None:
        """What happened, for whoever reads a failing example."""
        log = self.street.town.log
        for line in log[self._told :]:
            if currently_in_test_context():
                note(line)
            _, _, what = line.split(maxsplit=2)
            self.taken[what] += 1
        self._told = len(log)
