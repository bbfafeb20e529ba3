"""What one step costs, beside a bare trigger of `transitions` and a look into a dict."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from transitions import Machine

from machines.events import Address, Event, Source, Trigger
from machines.snapshot import Context, Given, Snapshot
from machines.step import new_conversation, step
from machines.table import Outcome
from tests.bench.report import Line
from tests.bench.size import Size
from tests.bench.talks import START, Talk, Voices
from tests.bench.timing import elapsed, interleaved, medians

MEMBER = "40000000"
GROUP = "A step (machines.step.step)"
LIMIT_US = 15.0


class _Model:
    """What `transitions` needs of a model, and no more."""

    __slots__ = ("state",)

    def __init__(self) -> None:
        self.state = "a"


def measure(size: Size) -> list[Line]:
    costs = medians(
        interleaved(
            {name: _repetition(call, size.steps) for name, call in (_rows() | _floors()).items()},
            size.rounds,
        )
    )
    return [
        Line(GROUP, name, costs[name], "us", at_most=LIMIT_US if name in _rows() else None) for name in costs
    ]


def _repetition(call: Callable[[], object], times: int) -> Callable[[], float]:
    """Microseconds per call."""

    def run() -> None:
        for _ in range(times):
            call()

    return lambda: elapsed(run) / times * 1e6


def _rows() -> dict[str, Callable[[], object]]:
    voices, given = Voices(), Given(received_at=START)
    fresh = new_conversation("c" * 32, MEMBER)
    with_agent = _with_agent(voices, fresh)
    talk = Talk(MEMBER, fresh.id, voices.sid("CH"))
    said, answered = voices.member_says(MEMBER), voices.agent_says(talk)
    taken_back = Event(Source.DISCORD, "1", Trigger.AGENT_REQUEST_CANCELLED, START, Address(member=MEMBER))
    assert step(with_agent, taken_back, given).outcome is Outcome.REFUSED
    return {
        "member_message, with_agent": lambda: step(with_agent, said, given),
        "agent_message, with_agent": lambda: step(with_agent, answered, given),
        "member_message, bot_faq": lambda: step(fresh, said, given),
        "agent_request_cancelled, with_agent: refused": lambda: step(with_agent, taken_back, given),
    }


def _with_agent(voices: Voices, fresh: Snapshot) -> Snapshot:
    snapshot, given = fresh, Given(received_at=START, fresh="f" * 32)
    request = Event(Source.DISCORD, "0", Trigger.AGENT_REQUESTED, START, Address(member=MEMBER))
    snapshot = step(snapshot, request, given).snapshot
    for item in voices.agent_comes(Talk(MEMBER, fresh.id, voices.sid("CH"))):
        if isinstance(item, Event):
            snapshot = step(snapshot, item, given).snapshot
    assert snapshot.state == "with_agent"
    assert isinstance(snapshot.context, Context)
    return replace(snapshot, version=40)


def _floors() -> dict[str, Callable[[], object]]:
    machine = Machine(
        model=None, states=["a", "b"], initial=None, auto_transitions=False, queued=False, send_event=True
    )
    machine.add_transition("go", "a", None, before=[lambda _: None])
    going, table = machine.events["go"], {("with_agent", Trigger.MEMBER_MESSAGE): "with_agent"}
    return {
        "a bare shared transitions.Machine": lambda: going.trigger(_Model()),
        "a look into a dict": lambda: table["with_agent", Trigger.MEMBER_MESSAGE],
    }
