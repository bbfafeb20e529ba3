"""The dispatcher: carries out effects from memory after their commit, lane by lane, until each is done or dead."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from machines.effects import ON_DEATH, UNTOLD, Kind
from machines.events import Address, CaseTrigger, Event, Source, Trigger
from orchestrator.clock import Clock
from orchestrator.engine.lanes import Lane
from orchestrator.engine.retry import policy_of
from orchestrator.errors import Reject, Retry
from orchestrator.ports import Handler, Job
from storage.values import Pending, Result, Status

log = logging.getLogger(__name__)

#: How often effects are looked for that are due and that no memory holds.
SWEEP_S = 5.0
#: A bug in a handler is retried this often before its effect is dead.
BUGS = 5

#: By the wall clock, and by the one that never goes back. Seconds.
_Moment = tuple[float, float]


class Outbox(Protocol):
    """As much of the reader as the dispatcher needs."""

    async def lanes(self) -> list[str]: ...
    async def lane(self, lane: str, at_most: int = 20) -> list[Pending]: ...
    async def due_effects(self, before: float, at_most: int = 500) -> list[tuple[str, str]]: ...


@dataclass(frozen=True, slots=True)
class _Doubt:
    """When an effect may have been done for the first and for the last time."""

    first: _Moment
    last: _Moment


#: When nobody knows any more: longer ago than any far side remembers.
_LONG_AGO: _Moment = (0.0, 0.0)


@dataclass(slots=True)
class Dispatcher:
    """One task per busy lane; lanes are independent of each other."""

    handlers: Mapping[str, Handler]
    outbox: Outbox
    finish: Callable[[Result], Awaitable[None]]
    clock: Clock
    jitter: Callable[[], float]
    parallel: int = 64  #: lanes of one kind (`dm`, `desk`, ...) that may be in flight at once
    _lanes: dict[str, Lane] = field(default_factory=dict)
    _tasks: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    _doubts: dict[str, _Doubt] = field(default_factory=dict)  #: by key
    _slots: dict[str, asyncio.Semaphore] = field(default_factory=dict)  #: by the kind of lane
    _sweeper: asyncio.Task[None] | None = None
    _started_at: _Moment = (0.0, 0.0)
    _unknown: int = 0  #: commits of unknown outcome that the sweep has not looked for yet
    _stopping: bool = False

    async def start(self) -> None:
        """Take up what an earlier process left: every lane of the table is cold, its first effect in doubt."""
        self._started_at = self._now()
        for name in await self.outbox.lanes():
            self._chill(name, in_doubt=True)
        self._sweeper = asyncio.create_task(self._sweep(), name="sweep")

    async def stop(self, grace: float = 5.0) -> None:
        """Finish what is in flight, begin nothing more. What is left is found at the next start."""
        self._stopping = True
        if self._sweeper:
            self._sweeper.cancel()
        flying = [self._tasks[lane.name] for lane in self._lanes.values() if lane.flying]
        for name, task in self._tasks.items():
            if not self._lanes[name].flying:
                task.cancel()
        if flying:
            _, late = await asyncio.wait(flying, timeout=grace)
            for task in late:
                task.cancel()
        await asyncio.gather(*self._tasks.values(), self._sweeper or _nothing(), return_exceptions=True)

    def accept(self, effects: Iterable[Pending], voided: Iterable[str] = ()) -> None:
        """Take freshly committed effects, in commit order. Sync and loop-safe."""
        if gone := set(voided):
            for lane in self._lanes.values():
                lane.drop(gone)
            for key in gone:
                self._doubts.pop(key, None)
        for effect in effects:
            lane = self._lane(effect.lane)
            lane.add(effect)
            self._wake(lane)

    def distrust(self) -> None:
        """A commit ended and nobody knows how: the table may hold effects that nobody will hand over.

        No lane sends before it was read again, those included that come up before the next sweep. Sync and
        loop-safe.
        """
        self._unknown += 1
        for lane in self._lanes.values():
            lane.chill()

    def retry(self, lane: str, key: str, since: float) -> None:
        """A dead effect is pending again. It was tried before, last at `since`: look before doing it again."""
        self._doubts.setdefault(key, _Doubt(_LONG_AGO, self._back_at(since)))
        self._chill(lane, in_doubt=False)

    async def settle(self, lane: str, result: Result) -> None:
        """Somebody who looked found the effect done. In flight it comes to its own end, by the same message."""
        held = self._lanes.get(lane)
        if held is not None and held.flying == result.key:
            return
        self._doubt(result.key)  # should it take off meanwhile, it looks first
        await self.finish(result)
        self.accept((), voided=[result.key])

    def _lane(self, name: str) -> Lane:
        if name not in self._lanes:
            self._lanes[name] = Lane(name, cold=self._unknown > 0)
        return self._lanes[name]

    def _chill(self, name: str, *, in_doubt: bool) -> None:
        lane = self._lane(name)
        lane.chill()
        lane.in_doubt = lane.in_doubt or in_doubt
        self._wake(lane)

    def _wake(self, lane: Lane) -> None:
        if lane.name not in self._tasks and not self._stopping:
            self._tasks[lane.name] = asyncio.create_task(self._run(lane), name=f"lane {lane.name}")

    async def _run(self, lane: Lane) -> None:
        try:
            while not lane.idle and not self._stopping:
                if lane.cold or not lane.queue:
                    await self._refill(lane)
                    continue
                await self._next(lane)
        finally:
            del self._tasks[lane.name]
            if lane.idle:
                self._lanes.pop(lane.name, None)
            elif not self._stopping:
                self._wake(lane)

    async def _refill(self, lane: Lane) -> None:
        lane.begin_reading()
        try:
            found = await self.outbox.lane(lane.name)
        except Exception:
            log.exception("reading a lane failed")
            await self.clock.sleep(1.0)
            return
        if lane.in_doubt and found:
            # one that was tried before was put off since: when it was due at first is not known any more
            first = _LONG_AGO if found[0].attempts else self._started_at
            self._doubts.setdefault(found[0].key, _Doubt(first, self._started_at))
        lane.in_doubt = False
        lane.refill(found)

    async def _next(self, lane: Lane) -> None:
        effect = lane.queue[0]
        if (wait := effect.due_at - self.clock.time()) > 0:
            await self.clock.sleep(min(wait, 1.0))
            return  # it may have become void meanwhile
        lane.queue.popleft()
        lane.flying = effect.key
        try:
            async with self._slot(lane):
                result = await self._carry_out(effect)
            if lane.recalled:
                self._doubts.pop(effect.key, None)
            elif result.status is Status.PENDING:
                lane.queue.appendleft(_again(effect, result))
            await self.finish(result)
        except asyncio.CancelledError:
            raise
        except Exception:
            # the result could not be stored: the table decides what is next
            log.exception("storing a result failed")
            self._doubt(effect.key)
            lane.cold = True
            await self.clock.sleep(1.0)
        finally:
            lane.flying, lane.recalled = None, False

    def _slot(self, lane: Lane) -> asyncio.Semaphore:
        """Each kind has its own: a provider that takes its time holds up nothing that is meant for another."""
        return self._slots.setdefault(lane.name.partition(":")[0], asyncio.Semaphore(self.parallel))

    async def _carry_out(self, effect: Pending) -> Result:
        attempts = effect.attempts + 1
        if effect.generation and effect.key not in self._doubts:
            # it was tried before it was dead, by an earlier process
            self._doubts[effect.key] = _Doubt(_LONG_AGO, self._started_at)
        job = self._job(effect)
        try:
            handler = self.handlers[effect.kind]
            done = await handler(job)
        except Retry as error:
            told_to_wait = error.after is not None and not error.ambiguous
            # being told to wait is no attempt; but what was tried once never looks untried again
            counted = max(effect.attempts, int(job.in_doubt)) if told_to_wait else attempts
            return self._retry(effect, counted, error)
        except Reject as error:
            return self._die(effect, attempts, str(error), error.report)
        except Exception as error:
            log.exception("handler failed", extra={"key": effect.key, "kind": effect.kind})
            if attempts >= BUGS:
                return self._die(effect, attempts, f"bug: {type(error).__name__}", None)
            return self._retry(effect, attempts, Retry(f"bug: {type(error).__name__}", ambiguous=True))
        self._doubts.pop(effect.key, None)
        return Result(
            key=effect.key,
            generation=effect.generation,
            status=Status.DONE,
            attempts=attempts,
            ref=done.ref,
            links=done.links,
            message=done.message,
            refs=done.refs,
            dm_channel=done.dm_channel,
            events=(self._event(effect, "done", done.trigger, done.data, done.request),)
            if done.trigger
            else (),
        )

    def _doubt(self, key: str) -> None:
        """It may have been done just now: remember when that was first and last so."""
        now = self._now()
        self._doubts[key] = _Doubt(self._doubts[key].first if key in self._doubts else now, now)

    def _job(self, effect: Pending) -> Job:
        """The ages of a doubt hold whatever was done to the wall clock, or while the machine was asleep."""
        doubt = self._doubts.get(effect.key)
        if doubt is None:
            return Job(effect, in_doubt=False, first_ago=0.0, last_ago=0.0)
        # the next attempt moves the time at which it was due: the earliest one is kept
        doubt = _Doubt((min(doubt.first[0], effect.due_at), doubt.first[1]), doubt.last)
        self._doubts[effect.key] = doubt
        wall, ran = self._now()
        first = max(wall - doubt.first[0], ran - doubt.first[1])
        return Job(effect, in_doubt=True, first_ago=first, last_ago=ran - doubt.last[1])

    def _now(self) -> _Moment:
        return self.clock.time(), self.clock.monotonic()

    def _back_at(self, wall: float) -> _Moment:
        """A moment of which only the wall clock's time is known."""
        now, ran = self._now()
        return wall, ran - max(0.0, now - wall)

    def _retry(self, effect: Pending, attempts: int, error: Retry) -> Result:
        policy = policy_of(effect.kind)
        if policy.gives_up(attempts):
            return self._die(effect, attempts, f"gave up after {attempts} attempts: {error}", None)
        if error.ambiguous:
            self._doubt(effect.key)
        delay = policy.delay(attempts, error.after, self.jitter)
        log.info("retry", extra={"key": effect.key, "attempts": attempts, "delay": delay})
        return Result(
            effect.key,
            effect.generation,
            Status.PENDING,
            attempts,
            due_at=self.clock.time() + delay,
            error=str(error),
        )

    def _die(self, effect: Pending, attempts: int, reason: str, report: Trigger | None) -> Result:
        """A dead effect is an event: the table decides what is said to whom."""
        self._doubts.pop(effect.key, None)
        log.error("dead effect", extra={"key": effect.key, "kind": effect.kind, "reason": reason})
        events = []
        request = effect.payload.get("request")
        told = ON_DEATH.get(Kind(effect.kind))
        if told is not None and effect.subject.startswith("conversation:"):
            events.append(self._event(effect, "dead", told, _obituary(effect, reason), request))
        if report is not None and report is not told and effect.subject.startswith("conversation:"):
            events.append(self._event(effect, "gone", report, {}, request))
        if effect.kind not in UNTOLD and effect.subject.startswith("case:"):
            events.append(self._event(effect, "dead", CaseTrigger.DELIVERY_FAILED, _obituary(effect, reason)))
        return Result(
            effect.key, effect.generation, Status.DEAD, attempts, error=reason, events=tuple(events)
        )

    def _event(
        self,
        effect: Pending,
        what: str,
        trigger: Trigger | CaseTrigger,
        data: Mapping[str, Any],
        request: int | None = None,
    ) -> Event:
        name, owner = f"{effect.key}:{effect.generation}:{what}", effect.conversation
        if isinstance(trigger, CaseTrigger):
            to = Address(member=effect.member, case=owner)
        else:
            to = Address(member=effect.member, conversation=owner, request=request)
        return Event(Source.EFFECT, name, trigger, self.clock.now(), to, data)

    async def _sweep(self) -> None:
        """Effects that are due and that no memory holds, whoever wrote them."""
        while True:
            await self.clock.sleep(SWEEP_S)
            try:
                await self._look_for_unknown()
                due = await self.outbox.due_effects(self.clock.time() - SWEEP_S)
            except Exception as error:
                log.warning("sweep failed", extra={"error": type(error).__name__})
                continue
            for key, name in due:
                lane = self._lanes.get(name)
                if lane is None or not (lane.cold or lane.more or lane.holds(key)):
                    self._chill(name, in_doubt=False)

    async def _look_for_unknown(self) -> None:
        """After commits of unknown outcome: take up every lane that has something, due or not."""
        if not (looked_for := self._unknown):
            return
        for name in await self.outbox.lanes():
            if name not in self._lanes:
                self._chill(name, in_doubt=False)
        self._unknown -= looked_for

    @property
    def busy(self) -> int:
        """Lanes that have something to do."""
        return len(self._tasks)


def _again(effect: Pending, result: Result) -> Pending:
    return Pending(
        effect.key,
        effect.subject,
        effect.member,
        effect.lane,
        effect.kind,
        effect.payload,
        result.due_at,
        result.attempts,
        effect.generation,
        effect.replaces,
        effect.seq,
    )


def _obituary(effect: Pending, reason: str) -> dict[str, Any]:
    """What the conversation is told of a dead effect."""
    payload = effect.payload
    sides = {Kind.RELAY_TO_MEMBER: "agent", Kind.RELAY_TO_DESK: "member"}
    data: dict[str, Any] = {
        "kind": effect.kind,
        "reason": reason,
        "about": payload.get("message") or effect.key,
        "side": sides.get(Kind(effect.kind), ""),
    }
    if effect.kind == Kind.DESK_NOTE or payload.get("args", {}).get("notice"):
        data["notice"] = True
    for name in ("question", "interaction", "from_case"):
        if name in payload:
            data[name] = payload[name]
    return data


async def _nothing() -> None:
    return None
