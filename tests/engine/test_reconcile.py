"""Reconcile: both sides are read, told in the order in which it happened, and remembered once it is stored."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence

import pytest

from machines.events import Event
from orchestrator.engine.reconcile import EVERY_S, QUIET_PAUSE_S, Reconciler, adopt
from orchestrator.errors import Retry, Unavailable
from orchestrator.ports import Made, Read
from orchestrator.reading import AGAIN_S
from storage.values import Pending, Receipt, Result, Status
from tests.engine.clock import ManualClock
from tests.storage.facts import ANN, START, answered_by_agent, wrote


class Side:
    """One side's truth, and a log of what was done with it."""

    def __init__(self, name: str, log: list[str]) -> None:
        self.name, self.log = name, log
        self.events: list[Event] = []
        self.made: list[Made] = []
        self.still: Callable[[Event], bool] = lambda _: True
        self.answers: list[Exception | bool] = []  #: what the next reads meet; a bool: was it complete?
        self.rest = self.read  #: how to read what is left then

    async def read(self) -> Read:
        self.log.append(f"read {self.name}")
        answer = self.answers.pop(0) if self.answers else True
        if isinstance(answer, Exception):
            raise answer

        async def remember() -> None:
            self.log.append(f"remember {self.name}")

        return Read(tuple(self.events), remember, None if answer else self.rest, tuple(self.made), self.still)


class Scene:
    def __init__(self) -> None:
        self.log: list[str] = []
        self.clock = ManualClock()
        self.discord, self.twilio = Side("discord", self.log), Side("twilio", self.log)
        self.submitted: list[list[str]] = []
        self.away = 0  #: how often the store cannot take it
        self.broken = 0  #: how often taking it fails in a way that nobody thought of
        self.reconciler = Reconciler(self.discord.read, self.twilio.read, self.submit, self.clock)

    async def submit(self, events: Sequence[Event]) -> list[Receipt]:
        if self.away:
            self.away -= 1
            raise Unavailable("away")
        if self.broken:
            self.broken -= 1
            raise RuntimeError("a bug")
        self.submitted.append([event.id for event in events])
        self.log.append("submit")
        return [Receipt(None) for _ in events]

    def count(self, line: str) -> int:
        return self.log.count(line)


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    made = Scene()
    yield made
    await made.reconciler.stop()


async def test_what_both_sides_tell_is_submitted_in_the_order_it_happened(scene: Scene) -> None:
    scene.discord.events = [wrote(ANN, "1", at=START), wrote(ANN, "3", at=START + 2)]
    scene.twilio.events = [answered_by_agent("c", n, at=START + t) for n, t in (("2", 1), ("4", 3))]
    await scene.reconciler.both()
    assert scene.submitted == [["1", "2", "3", "4"]]


async def test_what_was_read_is_remembered_only_once_it_is_stored(scene: Scene) -> None:
    scene.discord.events = [wrote(ANN, "1")]
    await scene.reconciler.both()
    assert scene.log == ["read discord", "read twilio", "submit", "remember discord", "remember twilio"]


async def test_many_events_go_in_slices_in_order(scene: Scene) -> None:
    scene.discord.events = [wrote(ANN, f"{n}", at=START + n) for n in range(250)]
    await scene.reconciler.both()
    assert [len(slice_) for slice_ in scene.submitted] == [100, 100, 50]
    assert [ref for slice_ in scene.submitted for ref in slice_] == [f"{n}" for n in range(250)]


async def test_a_store_that_is_away_is_waited_for(scene: Scene) -> None:
    scene.discord.events = [wrote(ANN, "1")]
    scene.away = 3
    reading = asyncio.create_task(scene.reconciler.both())
    await scene.clock.advance(5)
    assert scene.log == ["read discord", "read twilio"]
    await scene.clock.advance(5)
    await reading
    assert scene.submitted == [["1"]]


@pytest.mark.parametrize("trouble", [Retry("busy"), OSError("a bug or a broken pipe"), False], ids=repr)
@pytest.mark.parametrize("name", ["discord", "twilio"])
async def test_a_side_that_could_not_be_read_in_full_is_read_again_soon(
    scene: Scene, name: str, trouble: Exception | bool
) -> None:
    side = getattr(scene, name)
    side.answers = [trouble]
    await scene.reconciler.both()
    scene.reconciler.start()
    side.events = [wrote(ANN, "1")]

    await scene.clock.advance(AGAIN_S + 1)

    assert scene.count(f"read {name}") == 2
    assert scene.submitted == [["1"]]
    await scene.clock.advance(AGAIN_S * 3)
    assert scene.count(f"read {name}") == 2


async def test_a_side_in_trouble_does_not_keep_the_other_from_being_told(scene: Scene) -> None:
    scene.twilio.events = [answered_by_agent("c", "2")]
    scene.discord.answers = [Retry("busy")]
    await scene.reconciler.both()
    assert scene.submitted == [["2"]]
    assert scene.count("remember twilio") == 1


async def test_the_desk_side_is_read_every_few_minutes_and_at_a_sign(scene: Scene) -> None:
    scene.reconciler.start()
    await scene.clock.advance(EVERY_S - 1)
    assert scene.log == []
    await scene.clock.advance(2)
    assert scene.count("read twilio") == 1
    scene.reconciler.prompt()
    await scene.clock.advance(0)
    assert scene.count("read twilio") == 2
    assert scene.count("read discord") == 0


async def test_both_sides_are_read_beside_each_other(scene: Scene) -> None:
    met = asyncio.Barrier(2)

    async def meeting(side: Side) -> Read:
        await met.wait()
        return await side.read()

    scene.reconciler.discord = lambda: meeting(scene.discord)
    scene.reconciler.twilio = lambda: meeting(scene.twilio)
    async with asyncio.timeout(5):
        await scene.reconciler.both()
    assert scene.count("read discord") == scene.count("read twilio") == 1


async def test_what_was_said_at_the_same_time_keeps_the_order_in_which_each_side_told_it(
    scene: Scene,
) -> None:
    scene.discord.events = [wrote(ANN, ref) for ref in ("2", "1")]
    scene.twilio.events = [answered_by_agent("c", ref) for ref in ("4", "3")]
    await scene.reconciler.both()
    assert scene.submitted == [["2", "1", "4", "3"]]


async def test_only_what_is_left_of_a_side_is_read_again(scene: Scene) -> None:
    rest = Side("rest", scene.log)
    scene.twilio.rest = rest.read
    scene.twilio.answers, rest.answers = [False], [False, True]
    scene.twilio.events, rest.events = [answered_by_agent("c", "1")], [answered_by_agent("c", "2")]
    await scene.reconciler.both()
    scene.reconciler.start()
    await scene.clock.advance(3 * AGAIN_S)
    assert (scene.count("read twilio"), scene.count("read rest"), scene.count("read discord")) == (1, 2, 1)
    assert scene.submitted == [["1"], ["2"], ["2"]]


async def test_a_sign_has_all_of_the_desk_read_also_where_something_is_left(scene: Scene) -> None:
    rest = Side("rest", scene.log)
    scene.twilio.rest, scene.twilio.answers = rest.read, [False]
    await scene.reconciler.both()
    scene.reconciler.prompt()
    scene.reconciler.start()
    await scene.clock.advance(2 * AGAIN_S)
    assert (scene.count("read twilio"), scene.count("read rest")) == (2, 0)


async def test_a_side_in_trouble_does_not_keep_the_desk_from_being_read_every_few_minutes(
    scene: Scene,
) -> None:
    scene.discord.answers = [Retry("away")] * 1000
    await scene.reconciler.both()
    scene.reconciler.start()
    await scene.clock.advance(2 * EVERY_S + 2 * AGAIN_S)
    assert scene.count("read twilio") == 3
    assert scene.count("read discord") > 2 * EVERY_S / AGAIN_S


async def test_what_could_not_be_submitted_is_read_again(scene: Scene) -> None:
    scene.discord.events = [wrote(ANN, "1")]
    scene.broken = 1
    with pytest.raises(RuntimeError):
        await scene.reconciler.both()
    scene.reconciler.start()
    await scene.clock.advance(AGAIN_S + 1)
    assert scene.submitted == [["1"]]


# --- what happens meanwhile


async def test_who_was_there_is_not_told_if_somebody_was_heard_since(scene: Scene) -> None:
    """A live report is worth more than one that was read before it; the side is read again soon."""
    scene.twilio.events = [answered_by_agent("c", "1"), answered_by_agent("c", "level", at=START + 1)]
    scene.twilio.still = lambda event: event.id != "level"
    await scene.reconciler.both()
    assert scene.submitted == [["1"]]

    scene.twilio.still = lambda _: True
    scene.reconciler.start()
    await scene.clock.advance(AGAIN_S + 1)
    assert scene.submitted[1:] == [["1", "level"]]


async def test_it_is_behind_until_what_was_missed_is_submitted(scene: Scene) -> None:
    scene.reconciler.start()
    assert not scene.reconciler.behind
    scene.discord.events = [wrote(ANN, "1")]
    scene.away = 1
    reading = asyncio.create_task(scene.reconciler.both())
    await scene.clock.advance(1)
    assert scene.reconciler.behind
    await scene.clock.advance(10)
    await reading
    assert not scene.reconciler.behind

    scene.twilio.answers = [Retry("away")] * 3
    scene.reconciler.prompt()
    await scene.clock.advance(3 * AGAIN_S - 1)
    assert scene.reconciler.behind
    await scene.clock.advance(AGAIN_S)
    assert not scene.reconciler.behind


async def test_the_reading_of_every_few_minutes_is_no_outage(scene: Scene) -> None:
    seen: list[bool] = []
    scene.reconciler.twilio = scene.twilio.read
    scene.twilio.still = lambda _: seen.append(scene.reconciler.behind) or True  # type: ignore[func-returns-value]
    scene.twilio.events = [answered_by_agent("c", "1")]
    scene.reconciler.start()
    await scene.clock.advance(EVERY_S + 1)
    assert seen == [False]


# --- the quiet ones


async def test_quiet_messages_are_read_one_after_the_other_in_nobodys_way(scene: Scene) -> None:
    async def quiet() -> AsyncIterator[Read]:
        for n in range(3):
            scene.discord.events = [wrote(ANN, f"quiet {n}")]
            yield await scene.discord.read()
        scene.discord.events = []

    scene.reconciler.quiet = quiet
    await scene.reconciler.both()
    assert scene.submitted == []
    await scene.clock.advance(QUIET_PAUSE_S + 0.5)
    assert [ref for slice_ in scene.submitted for ref in slice_] == ["quiet 0", "quiet 1"]
    await scene.clock.advance(10 * EVERY_S)
    assert [ref for slice_ in scene.submitted for ref in slice_][2:] == ["quiet 2"]


# --- our own messages


class Outbox:
    """Effects with what became of them, and what was settled."""

    def __init__(self, **found: Status) -> None:
        payload = {"message": "discord:1"}
        self.found = {
            key: (Pending(key, "conversation:c", ANN, "desk", "relay_to_desk", payload, 0.0, 2, 1), status)
            for key, status in found.items()
        }
        self.settled: list[tuple[str, Result]] = []

    async def effects(self, keys: object) -> list[tuple[Pending, Status]]:
        return [self.found[key] for key in keys if key in self.found]  # type: ignore[attr-defined]

    async def settle(self, lane: str, result: Result) -> None:
        self.settled.append((lane, result))


@pytest.mark.parametrize("status", [Status.PENDING, Status.DEAD, Status.VOID])
async def test_an_effect_whose_message_stands_there_is_done(status: Status) -> None:
    outbox = Outbox(k=status)
    await adopt(outbox, outbox.settle, [Made("k", "IM1"), Made("of another database", "IM2")])
    ((lane, result),) = outbox.settled
    assert (lane, result.key, result.generation, result.status) == ("desk", "k", 1, Status.DONE)
    assert (result.ref, result.message, result.refs) == ("IM1", "discord:1", ("IM1",))


async def test_what_is_known_to_be_done_is_left_alone_unless_its_later_copy_went(scene: Scene) -> None:
    outbox = Outbox(known=Status.DONE, healed=Status.DONE)
    scene.twilio.made = [Made("known", "IM1"), Made("healed", "IM2", healed=True)]
    scene.reconciler.adopt = lambda made: adopt(outbox, outbox.settle, made)
    await scene.reconciler.both()
    assert [result.refs for _, result in outbox.settled] == [("IM2",)]
