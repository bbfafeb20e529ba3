"""How fast, how soon and at what cost a message gets to the other side: the service alone on its processor.

The sandbox and those who talk live in this process, the service is its child. Times are the sandbox's: from the
act of a member or an agent to the answer that the call with that message got.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from time import perf_counter

from orchestrator.sandbox.faults import Fault
from orchestrator.sandbox.server import Sandbox, start
from tests.bench.crowd import Crowd, Way
from tests.bench.report import Line
from tests.bench.service import Service
from tests.bench.size import Size

BURST = "Relaying a burst (members with agents, all messages at once)"
TALK = "Relaying a talk (both sides by turns)"
COST = "What relaying costs (the service's process alone)"
SLOW_S = 0.05
#: What was measured of others in the same way; messages per second by the delay of every REST call.
PEERS = {
    0.0: "Dragory's modmailbot 137, the 2022 design 326",
    SLOW_S: "Dragory's modmailbot 8.4, the 2022 design 9.1",
}
#: Limits by delay and by rate: messages per second at least, milliseconds of the agent's side at most.
AT_LEAST = {SLOW_S: 400.0}
AT_MOST_MS = {100.0: 25.0}


@dataclass(frozen=True, slots=True)
class _Cost:
    """What a stretch of relaying took."""

    messages: int
    seconds: float
    cpu_s: float

    @property
    def rate(self) -> float:
        return self.messages / self.seconds

    @property
    def busy(self) -> float:
        """How much of one processor the service had: a burst on a machine with other work has less."""
        return self.cpu_s / self.seconds

    @property
    def cpu_ms(self) -> float:
        """Milliseconds of processor per message."""
        return 1000 * self.cpu_s / self.messages


def measure(size: Size, folder: Path) -> list[Line]:
    return asyncio.run(_measure(size, folder))


async def _measure(size: Size, folder: Path) -> list[Line]:
    sandbox = await start(environ={})
    service = Service(sandbox.account(), folder / "service")
    try:
        await service.start()
        await service.ready()
        crowd = Crowd(sandbox)
        await crowd.gather(size.relay_members)
        await _burst(crowd, service, size.burst)  # warms all up, memory too
        before, relayed = service.resident_mb(), len(crowd.arrived)
        lines = [*await _bursts(crowd, service, size), *await _talks(crowd, service, size)]
        grown = 1000 * (service.resident_mb() - before)
        per_message = grown / (len(crowd.arrived) - relayed)
        lines.append(Line(COST, "memory gained per 1,000 messages", 1000 * per_message, "kB"))
        return sorted(lines, key=lambda line: (BURST, TALK, COST).index(line.group))
    finally:
        await service.stop()
        await sandbox.close()


async def _bursts(crowd: Crowd, service: Service, size: Size) -> list[Line]:
    costs: dict[float, list[_Cost]] = {delay: [] for delay in PEERS}
    for _ in range(size.rounds):
        for delay, found in costs.items():
            delay_calls(crowd.sandbox, delay)
            found.append(await _burst(crowd, service, size.burst))
    delay_calls(crowd.sandbox, 0)
    who = f"{size.relay_members} x {size.burst}"
    lines = [
        Line(
            BURST,
            f"{who}, every REST call after {1000 * delay:g} ms",
            median(cost.rate for cost in found),
            "msg/s",
            at_least=AT_LEAST.get(delay),
            note=f"{PEERS[delay]}; {median(cost.busy for cost in found):.0%} of a processor",
        )
        for delay, found in costs.items()
    ]
    cpu_ms = median(cost.cpu_ms for found in costs.values() for cost in found)
    return [*lines, Line(COST, "processor per message, in a burst", cpu_ms, "ms", at_most=2)]


async def _burst(crowd: Crowd, service: Service, times: int) -> _Cost:
    """Until all of it has arrived; the processor's time is that of what is recorded afterwards, too."""
    said, cpu_s, begun = len(crowd.said), service.cpu_s(), perf_counter()
    crowd.all_write(Way.TO_DESK, times)
    await _all_there(crowd)
    seconds = perf_counter() - begun
    await service.settled()
    return _Cost(len(crowd.said) - said, seconds, service.cpu_s() - cpu_s)


async def _talks(crowd: Crowd, service: Service, size: Size) -> list[Line]:
    lines: list[Line] = []
    for rate in size.talk_rates:
        first, cpu_s = len(crowd.said), service.cpu_s()
        await crowd.talk(rate, _over(size.talk_seconds))
        await _all_there(crowd)
        await service.settled()
        lines += _waits(crowd, rate, first)
        cpu_ms = 1000 * (service.cpu_s() - cpu_s) / (len(crowd.said) - first)
        lines.append(
            Line(COST, f"processor per message, at {rate:g} msg/s", cpu_ms, "ms", note="idling included")
        )
    return lines


def _over(seconds: float) -> Callable[[], bool]:
    """Have so many seconds passed since now?"""
    deadline = perf_counter() + seconds
    return lambda: perf_counter() > deadline


def _waits(crowd: Crowd, rate: float, first: int) -> Iterator[Line]:
    """Median and 99th percentile of what was said since that number."""
    for way in Way:
        some = [said for number, said in crowd.said.items() if number >= first and said.way is way]
        waits = sorted(1000 * (crowd.arrived[said.number] - said.at) for said in some)
        limit = AT_MOST_MS.get(rate) if way is Way.TO_MEMBER else None
        name, note = f"{way} at {rate:g} msg/s", f"{len(waits)} messages"
        yield Line(TALK, f"{name}, p50", waits[len(waits) // 2], "ms", note=note)
        yield Line(TALK, f"{name}, p99", waits[len(waits) * 99 // 100], "ms", at_most=limit, note=note)


async def _all_there(crowd: Crowd) -> None:
    if not await crowd.heard_out():
        raise RuntimeError(f"{len(crowd.said) - len(crowd.arrived)} messages did not arrive")


def delay_calls(sandbox: Sandbox, seconds: float) -> None:
    """Every REST call of both providers is answered so much later from now on."""
    sandbox.faults.clear()
    if seconds:
        for provider in ("discord", "twilio"):
            sandbox.faults.plant(Fault(provider, "*", "", times=-1, delay_s=seconds))
