"""Steps of people and trouble in any order: what must hold at any moment holds, and in the end every promise."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from tests.faults.outcomes import OUTCOMES
from tests.simulation.client import COMMANDS
from tests.simulation.trouble import JUMPS
from tests.simulation.weather import BROKEN, WEBHOOKS
from tests.stateful.builtin import AtTheBuiltinDesk
from tests.stateful.machine import WholeService
from tests.stateful.street import Setting
from tests.stateful.trouble import ASLEEP, HELD, LINE, UNHEARD
from tests.storage.databases import DATABASES

STEPS = 50
#: Desk -> examples in every run, and in a long one.
EXAMPLES = {"flex": (17, 400), "builtin": (6, 260)}
#: The least that is found to do in each of these examples, on average.
STEPS_AT_LEAST = 40
#: What people do, whatever the weather.
DEEDS = {
    *("asks", "babbles", "thanks", "edits", "unsends", "uses /helpme", "reacts", "fills in"),
    *("opens DMs", "shuts DMs"),
    *("presses agent_requested", "presses member_closed", "presses solved", "presses not_helpful"),
}
TROUBLES = {
    *(f"next call of {service}: {name}" for service in ("discord", "twilio") for name in OUTCOMES),
    *(f"next call of webhook: {name}" for name in WEBHOOKS),
    *(f"webhooks held and {how}" for how in HELD),
    *(f"clock: {name}" for name in JUMPS),
    *(*LINE, *BROKEN, UNHEARD, ASLEEP, "killed", "restarted", "next timer"),
    *("closed by an administrator", "dead letters retried"),
}
#: Desk -> what only happens there, and is not too rare: a talk in which an agent of the built-in desk has something to
#: edit is met by chance only; the simulation leads there.
OF_THE_DESK = {
    "flex": {"accepts", "rejects", "writes", "leaves", "hands over", "completes"},
    "builtin": {
        *(f"{command}: done" for command in ("claim", "join", "write", "leave", "transfer", "close")),
        *("unsend: done", "claim: taken", "transfer: not_here"),
        *(f"next command: {name}" for name in COMMANDS),
    },
}
MACHINES = {"flex": WholeService, "builtin": AtTheBuiltinDesk}


def judged(examples: int) -> settings:
    """The same examples every time; a failing one is shrunk, which takes minutes."""
    return settings(
        derandomize=True,
        database=None,
        deadline=None,
        max_examples=examples,
        stateful_step_count=STEPS,
        phases=(Phase.generate, Phase.shrink),
        print_blob=False,
        report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck),
    )


@pytest.fixture
def desk() -> str:
    """Where agents work, unless a test says otherwise."""
    return "flex"


@pytest.fixture
def service(tmp_path: Path, template: Path, desk: str) -> type[WholeService]:
    """The machine, with a fresh database at the same address for every example."""
    folder = tmp_path / "database"
    folder.mkdir()

    def url() -> str:
        for left in folder.iterdir():
            left.unlink()
        return DATABASES["sqlite"](folder, template)

    return type("Service", (MACHINES[desk],), {"url": staticmethod(url), "taken": Counter(), "steps": 0})


@pytest.mark.timeout(900)
@pytest.mark.parametrize("desk", MACHINES)
def test_every_promise_is_kept_whatever_is_done_and_whatever_goes_wrong(
    service: type[WholeService], desk: str
) -> None:
    examples, _ = EXAMPLES[desk]
    run_state_machine_as_test(service, settings=judged(examples))
    print(f"{service.steps} steps")
    assert service.steps >= examples * STEPS_AT_LEAST


@pytest.mark.long
@pytest.mark.timeout(7_200)
@pytest.mark.parametrize("desk", MACHINES)
def test_every_promise_is_kept_in_many_more_steps_of_every_kind(
    service: type[WholeService], desk: str
) -> None:
    _, examples = EXAMPLES[desk]
    run_state_machine_as_test(service, settings=judged(examples))
    print(f"{service.steps} steps")
    assert service.steps >= examples * STEPS_AT_LEAST
    anywhere = DEEDS | TROUBLES if desk == "flex" else set[str]()  # of which there are more examples
    assert (anywhere | OF_THE_DESK[desk]) - service.taken.keys() == set()


# --- examples that were found once, as they were printed


def play(service: type[WholeService], *steps: Callable[[WholeService], None]) -> None:
    state = service()
    try:
        for step in steps:
            step(state)
    finally:
        state.teardown()


def test_a_line_that_arrived_is_known_although_its_place_has_changed_and_a_repeat_is_refused(
    service: type[WholeService],
) -> None:
    """Killed as it showed the place in the queue. Then the request was given up, and the member shut their DMs."""
    play(
        service,
        lambda state: state.the_service_begins(setting=Setting(hasty=False)),
        lambda state: state.a_member_writes(member=0, what="gibberish", lines=1, then=2.0),
        lambda state: state.a_member_writes(member=0, what="gibberish", lines=1, then=0.3),
        lambda state: state.the_service_dies_in_the_midst_of_something(points=8, then=2.0),
        lambda state: state.a_member_opens_or_shuts_dms(member=0, then=15.0),
    )


def test_a_clock_that_was_set_back_makes_no_old_nonce_young(service: type[WholeService]) -> None:
    play(
        service,
        lambda state: state.the_service_begins(setting=Setting(hasty=False, opening="talking")),
        lambda state: state.time_passes(seconds=300.0),
        lambda state: state.the_service_dies_in_the_midst_of_something(points=7, then=2.0),
        lambda state: state.a_member_presses(member=1, then=0.3, which=2),
        lambda state: state.the_clock_jumps(name="a day back", then=2.3),
        lambda state: state.the_clock_jumps(name="an hour back", then=2.0),
    )


def test_an_attempt_that_arrives_late_is_waited_for_when_its_repeat_is_refused(
    service: type[WholeService],
) -> None:
    play(
        service,
        lambda state: state.the_service_begins(setting=Setting()),
        lambda state: state.time_passes(seconds=5.0),
        lambda state: state.a_member_writes(member=0, what="gibberish", lines=1, then=0.0),
        lambda state: state.the_next_calls_fail(service="discord", outcome="late", times=1, then=1.3),
        lambda state: state.a_member_opens_or_shuts_dms(member=0, then=2.0),
        lambda state: state.a_member_opens_or_shuts_dms(member=0, then=2.0),
    )


def test_a_dead_letter_from_a_future_that_the_clock_was_set_back_from_is_tried_now(
    service: type[WholeService],
) -> None:
    play(
        service,
        lambda state: state.the_service_begins(setting=Setting()),
        lambda state: state.a_member_opens_or_shuts_dms(member=0, then=0.0),
        lambda state: state.a_member_writes(member=0, what="a question", lines=1, then=15.0),
        lambda state: state.the_clock_jumps(name="a day back", then=15.0),
        lambda state: state.a_member_opens_or_shuts_dms(member=0, then=0.0),
        lambda state: state.somebody_goes_to_a_console(who="an operator", then=0.0),
    )


def test_a_correction_that_nobody_can_be_told_about_is_no_broken_promise(service: type[WholeService]) -> None:
    """The Twilio Conversation is gone, so it cannot arrive; and a member whose DMs are shut hears no apology."""
    play(
        service,
        lambda state: state.the_service_begins(setting=Setting(opening="talking", latency=0.05)),
        lambda state: state.a_member_opens_or_shuts_dms(member=0, then=0.3),
        lambda state: state.a_member_writes(member=0, what="a question", lines=1, then=2.0),
        lambda state: state.somebody_goes_to_a_console(who="an administrator", then=0.3),
        lambda state: state.a_member_edits(member=0, then=0.001),
    )
