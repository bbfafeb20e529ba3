"""How much is measured: enough for a verdict, or just enough to see that it runs."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Size:
    """The amounts of one run. Every figure is a median over `rounds` interleaved repetitions."""

    rounds: int  #: repetitions, A B A B ...
    steps: int  #: steps per repetition and row
    members: int  #: who talk with an agent while the engine is measured
    events: int  #: events per repetition and batch size
    in_flight: int  #: events that wait for the committer at once
    connections: int  #: keep-alive connections under load
    requests: int  #: webhooks per repetition under load
    idle_requests: int  #: webhooks per repetition, one after the other
    starts: int  #: how often the service is started; 0: not at all
    few: int  #: stored conversations
    many: int  #: stored conversations
    growth_events: int  #: events per repetition and store
    relay_members: int  #: who talk with agents while relaying is measured, and while the service is killed
    burst: int  #: messages that each of them sends at once
    talk_rates: tuple[float, ...]  #: messages per second, both sides together
    talk_seconds: float
    kill_rates: tuple[float, ...]  #: the same while the service is killed; none: it is not killed at all
    kill_seconds: float  #: how long they talk before the kill, and after the service is ready again


FULL = Size(
    rounds=5,
    steps=3000,
    members=1000,
    events=1500,
    in_flight=256,
    connections=64,
    requests=2500,
    idle_requests=150,
    starts=3,
    few=1000,
    many=100_000,
    growth_events=1500,
    relay_members=50,
    burst=20,
    talk_rates=(5, 100),
    talk_seconds=10,
    kill_rates=(5, 40),
    kill_seconds=6,
)
TINY = Size(
    rounds=1,
    steps=20,
    members=20,
    events=20,
    in_flight=8,
    connections=4,
    requests=40,
    idle_requests=10,
    starts=0,
    few=20,
    many=100,
    growth_events=20,
    relay_members=2,
    burst=2,
    talk_rates=(100,),
    talk_seconds=0.1,
    kill_rates=(),
    kill_seconds=0,
)
