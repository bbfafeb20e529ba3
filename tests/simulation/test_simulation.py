"""Hundreds of seeds, every promise kept in each; and together they meet every kind of fault."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.simulation.plan import Plan
from tests.simulation.tally import Tally
from tests.simulation.town import simulate

AT_ONCE, DEFAULT, LONG = 10, 300, 20_000
#: Seeds that found something once, and what.
REGRESSIONS = {
    66: "a correction of what an earlier desk was told got lost",
    1183: "whoever could not be told their place when they asked was not told it later either",
    1203: "replies to an agent who wrote first and went before they were heard of were lost",
    2690: "a place that could not be told was told twice once an operator tried it again",
    2849: "what was in doubt died of a look that was refused, though it had arrived",
}


def blocks() -> list[Any]:
    """Seeds in blocks, those of every run first."""
    long = [pytest.mark.long, pytest.mark.timeout(1_800)]
    return [
        *(pytest.param(first, AT_ONCE, id=f"{first}+{AT_ONCE}") for first in range(1, DEFAULT, AT_ONCE)),
        *(
            pytest.param(first, 10 * AT_ONCE, marks=long, id=f"{first}+{10 * AT_ONCE}")
            for first in range(DEFAULT + 1, LONG, 10 * AT_ONCE)
        ),
    ]


@pytest.fixture
def tallies(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where every worker of this run leaves what its seeds met."""
    folder = tmp_path_factory.getbasetemp()
    if folder.name.startswith("popen-"):  # one of several workers
        folder = folder.parent
    shared = folder / "simulation"
    shared.mkdir(exist_ok=True)
    return shared


@pytest.mark.parametrize(("first", "amount"), blocks())
def test_every_promise_is_kept(first: int, amount: int, folder: Path, tallies: Path) -> None:
    total = Tally()
    for seed in range(first, first + amount):
        verdict = simulate(seed, folder)
        assert not verdict.broken, _how_to_see(seed, verdict.broken)
        total.add(verdict.tally)
    if amount == AT_ONCE:
        (tallies / f"{first}.tmp").write_text(total.as_json())
        (tallies / f"{first}.tmp").rename(tallies / f"{first}.json")
        _judge_together(tallies)


def _judge_together(tallies: Path) -> None:
    """Whoever ends last finds all the tallies there."""
    found = sorted(tallies.glob("*.json"))
    if len(found) == DEFAULT // AT_ONCE:
        together = Tally()
        for file in found:
            together.add(Tally.from_json(file.read_text()))
        assert list(together.missing()) == []


@pytest.mark.parametrize("seed", REGRESSIONS)
def test_what_was_found_once_stays_mended(seed: int, folder: Path) -> None:
    verdict = simulate(seed, folder)
    assert not verdict.broken, _how_to_see(seed, verdict.broken)


@pytest.mark.parametrize(("seed", "desk"), [(4, "flex"), (6, "builtin")])
def test_a_seed_decides_everything(seed: int, desk: str, folder: Path) -> None:
    assert Plan.of(seed).desk == desk
    first, again = simulate(seed, folder), simulate(seed, folder)
    assert first.log
    assert first == again


def _how_to_see(seed: int, broken: tuple[str, ...]) -> str:
    return "\n".join([f"seed {seed}; see it with: make simulate SEED={seed}", *broken])
