"""Timing on a noisy machine: what is compared takes turns, and medians are taken."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from statistics import median
from time import perf_counter

#: One repetition of a measurement; it times itself, so that preparing does not count.
Repetition = Callable[[], float]


def interleaved(repetitions: Mapping[str, Repetition], rounds: int) -> dict[str, list[float]]:
    """Every repetition once per round, in turn. One round before, which is not counted, warms all up."""
    for repetition in repetitions.values():
        repetition()
    results: dict[str, list[float]] = {name: [] for name in repetitions}
    for _ in range(rounds):
        for name, repetition in repetitions.items():
            results[name].append(repetition())
    return results


def medians(results: Mapping[str, list[float]]) -> dict[str, float]:
    return {name: median(values) for name, values in results.items()}


def ratio(above: list[float], below: list[float]) -> float:
    """The median of the rounds' ratios: what disturbed a whole round cancels out."""
    return median(a / b for a, b in zip(above, below, strict=True))


def elapsed(work: Callable[[], object]) -> float:
    """Seconds that it took."""
    start = perf_counter()
    work()
    return perf_counter() - start
