"""Gauges in Prometheus' text exposition format 0.0.4, by its own library.

Nothing is counted in the process: every gauge is made anew, of what the tables say when they are asked.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from prometheus_client import generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.registry import Collector, CollectorRegistry

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4


def gauge(name: str, help_: str, value: float | None) -> Metric:
    """One sample without labels; None: there is nothing to show."""
    return GaugeMetricFamily(name, help_, value=value)


def gauges(name: str, help_: str, label: str, values: Mapping[str, float | None]) -> Metric:
    """A sample for each value of a label; None is left out."""
    family = GaugeMetricFamily(name, help_, labels=(label,))
    for key, value in values.items():
        if value is not None:
            family.add_metric((key,), value)
    return family


def exposition(families: Iterable[Metric]) -> bytes:
    """The families in their order."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(_Once(families))
    return generate_latest(registry)


class _Once(Collector):
    def __init__(self, families: Iterable[Metric]) -> None:
        self._families = families

    def collect(self) -> Iterator[Metric]:
        yield from self._families
