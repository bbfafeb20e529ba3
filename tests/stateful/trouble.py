"""Steps of nobody: what becomes of calls, webhooks, gateway, database, process and clock, and time that passes."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule

from tests.faults.outcomes import OUTCOMES
from tests.simulation.trouble import JUMPS
from tests.simulation.weather import BROKEN, WEBHOOKS
from tests.stateful.people import THEN, Steps

#: How long something is away. Seconds.
AWAY = st.sampled_from((5.0, 1.0, 60.0))
#: How many in a row.
TIMES = st.integers(1, 2)
#: What becomes of webhooks that were held.
HELD = ("in order", "backwards", "shuffled", "doubled", "lost")
LINE = ("gateway dropped", "session lost", "gateway offline")
UNHEARD = "commit unheard"
ASLEEP = "machine asleep"


class Troubles(Steps):
    """Whatever is broken mends itself after a while, as later steps let time pass."""

    def _is_up(self) -> bool:
        return self.street.town.house is not None

    # --- calls and webhooks

    @rule(
        service=st.sampled_from(("discord", "twilio")),
        outcome=st.sampled_from(list(OUTCOMES)),
        times=TIMES,
        then=THEN,
    )
    def the_next_calls_fail(self, service: str, outcome: str, times: int, then: float) -> None:
        self._plan(service, outcome, times, then)

    @rule(outcome=st.sampled_from(list(WEBHOOKS)), times=TIMES, then=THEN)
    def the_next_webhooks_fail(self, outcome: str, times: int, then: float) -> None:
        self._plan("webhook", outcome, times, then)

    def _plan(self, service: str, outcome: str, times: int, then: float) -> None:
        planned = self.street.town.weather.planned.setdefault(service, deque())
        self._strike(f"next call of {service}: {outcome}", lambda: planned.extend([outcome] * times), then)

    @precondition(lambda self: not self.street.town.world.webhooks.holding)
    @rule(seconds=AWAY, how=st.sampled_from(HELD), then=THEN)
    def webhooks_are_held(self, seconds: float, how: str, then: float) -> None:
        webhooks, chance = self.street.town.world.webhooks, self.street.town.chance

        def come() -> None:
            held = webhooks.held
            match how:
                case "backwards":
                    held.reverse()
                case "shuffled":
                    chance.shuffle(held)
                case "doubled":
                    held += held
                case "lost":
                    held.clear()
            webhooks.release()

        def hold() -> None:
            webhooks.holding = True
            self.street.later(seconds, come)

        self._strike(f"webhooks held and {how}", hold, then)

    # --- the line to Discord

    @precondition(_is_up)
    @rule(how=st.sampled_from(LINE), seconds=AWAY, then=THEN)
    def the_gateway_breaks(self, how: str, seconds: float, then: float) -> None:
        town = self.street.town

        def breaks() -> None:
            if how == "session lost":
                town.world.discord.sessions.end_all()
            if how == "gateway offline":
                town.world.discord.go_offline(seconds)
            town.drop(1.0 if how == "gateway offline" else seconds)

        self._strike(how, breaks, then)

    # --- the process

    @precondition(_is_up)
    @rule(politely=st.booleans(), seconds=AWAY, then=THEN)
    def the_service_begins_anew(self, politely: bool, seconds: float, then: float) -> None:
        town = self.street.town

        async def ends() -> None:
            await (town.stop() if politely else town.kill())
            self.street.later(seconds, town.begin)

        self._strike("restarted" if politely else "killed", ends, then)

    @precondition(_is_up)
    @rule(points=st.integers(1, 12), then=THEN)
    def the_service_dies_in_the_midst_of_something(self, points: int, then: float) -> None:
        weather = self.street.town.weather
        self._strike(f"dies at point {points} from here", lambda: setattr(weather, "crash_in", points), then)

    # --- the database

    @rule(words=st.sampled_from((*BROKEN, UNHEARD)), seconds=AWAY, then=THEN)
    def the_database_fails(self, words: str, seconds: float, then: float) -> None:
        weather = self.street.town.weather

        def fails() -> None:
            if words == UNHEARD:
                weather.unheard += 1
            else:
                weather.broken = words
                self.street.later(seconds, lambda: setattr(weather, "broken", ""))

        self._strike(words, fails, then)

    # --- time

    @rule(seconds=st.sampled_from((5.0, 60.0, 300.0)))
    def time_passes(self, seconds: float) -> None:
        self._strike("time passes", lambda: None, seconds)

    @precondition(_is_up)
    @rule()
    def time_passes_until_the_next_timer(self) -> None:
        self._strike("next timer", lambda: None, self.street.seconds_to_the_next_timer())

    @rule(name=st.sampled_from((*JUMPS, ASLEEP)), then=THEN)
    def the_clock_jumps(self, name: str, then: float) -> None:
        town = self.street.town
        if name == ASLEEP:
            self._strike(name, town.trouble.asleep, then)
        else:
            self._strike(f"clock: {name}", lambda: town.clock.jump(JUMPS[name]), then)

    # --- people with consoles

    @rule(who=st.sampled_from(("an operator", "an administrator")), then=THEN)
    def somebody_goes_to_a_console(self, who: str, then: float) -> None:
        """An operator has dead letters tried again; an administrator closes a Twilio Conversation."""
        town = self.street.town
        if who == "an operator":
            self._strike("dead letters retried", town.retry_dead_letters, then)
        else:
            self._strike("closed by an administrator", town.trouble.close_behind_our_back, then)

    def _strike(self, name: str, act: Callable[[], Any], then: float) -> None:
        self.street.town.note("trouble", name)
        self.take(act, then)
