"""Every call of both ports, whatever becomes of it, once and twice in a row: effectively once, and in order."""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterator
from itertools import product
from types import ModuleType
from typing import Any

import pytest

from orchestrator.discord import backfill as discord_backfill
from orchestrator.discord import send
from orchestrator.inprocess import discord, twilio
from orchestrator.twilio import backfill as twilio_backfill
from orchestrator.twilio import desk, requests
from tests.faults.flows import ELSEWHERE, FLOWS, Flow
from tests.faults.outcomes import OUTCOMES
from tests.faults.stage import staged
from tests.inprocess import crm
from tests.inprocess.virtual import play
from tests.inprocess.world import World

#: One, and two in a row. What only takes its time is not tried again.
SINGLES = [(name,) for name in OUTCOMES]
PAIRS = [row for row in product(OUTCOMES, repeat=2) if row[0] != "slow"]


def ways() -> Iterator[Any]:
    """Every flow of every call with every row of outcomes.

    Tried every time: every call with every other single outcome in the first of its flows, in turn, so that every
    outcome meets half of the calls; and every flow with one pair, so that every outcome comes first in some pair and
    second in another. The rest takes a while.
    """
    for number, (call, flow) in enumerate((call, flow) for call, flows in FLOWS.items() for flow in flows):
        always = {PAIRS[number * (len(OUTCOMES) + 1) % len(PAIRS)]}
        if flow is FLOWS[call][0]:
            always |= set(SINGLES[number % 2 :: 2])
        for row in [*SINGLES, *PAIRS]:
            marks = [] if row in always else [pytest.mark.long]
            yield pytest.param(
                call, flow, row, marks=marks, id=f"{call}-{flow.__name__}-{' then '.join(row)}"
            )


@pytest.mark.parametrize(("call", "flow", "row"), list(ways()))
def test_a_call_takes_effect_once_whatever_becomes_of_it(
    world: World, url: str, call: str, flow: Flow, row: tuple[str, ...]
) -> None:
    outcomes = tuple(OUTCOMES[name] for name in row)

    async def story() -> None:
        stage = await staged(world, url, call, outcomes)
        try:
            await flow(stage)
            assert stage.spoiler.met(call)
            assert await stage.problems() == []
        finally:
            if world.serving is not None:
                await stage.house.kill()

    play(world.time, story())


def test_every_call_of_both_ports_is_spoiled() -> None:
    ports = {"discord": discord, "twilio": twilio, "crm": crm}
    calls = {f"{name}.{call}" for name, port in ports.items() for call in port.CALLS}
    assert set(FLOWS) == calls - ELSEWHERE


@pytest.mark.parametrize(
    ("module", "port"),
    [
        (send, "discord"),
        (discord_backfill, "discord"),
        (desk, "twilio"),
        (requests, "twilio"),
        (twilio_backfill, "twilio"),
    ],
)
def test_every_call_that_a_handler_makes_is_spoiled(module: ModuleType, port: str) -> None:
    """Found in the text of the adapters: a call that is new there is missing here."""
    made = {
        f"{port}.{node.func.attr}"
        for node in ast.walk(ast.parse(inspect.getsource(module)))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and isinstance(node.func.value, ast.Attribute)
        and node.func.value.attr == port
    }
    assert made
    assert made <= set(FLOWS)
