"""Prometheus' text exposition format 0.0.4, written. Pure.

Source: prometheus.io/docs/instrumenting/exposition_formats. HELP and TYPE stand before the samples of a family,
each family once; in HELP backslash and line feed are escaped, in values of labels the double quote as well.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

#: A sample: its labels and its value.
Sample = tuple[Mapping[str, str], float]


@dataclass(frozen=True, slots=True)
class Gauge:
    """A family of samples that may go up and down. Without samples only its description is written."""

    name: str
    help: str
    samples: tuple[Sample, ...]

    @classmethod
    def of(cls, name: str, help_: str, value: float | None) -> Gauge:
        """One sample without labels; None: there is nothing to show."""
        return cls(name, help_, () if value is None else (({}, value),))

    @classmethod
    def by(cls, name: str, help_: str, label: str, values: Mapping[str, float | None]) -> Gauge:
        """A sample for each value of a label; None is left out."""
        samples = tuple(({label: key}, value) for key, value in values.items() if value is not None)
        return cls(name, help_, samples)


def exposition(families: Iterable[Gauge]) -> str:
    """The families in their order, each line with a line feed at its end."""
    return "".join(f"{line}\n" for family in families for line in _lines(family))


def _lines(family: Gauge) -> Iterable[str]:
    yield f"# HELP {family.name} {_escaped(family.help)}"
    yield f"# TYPE {family.name} gauge"
    for labels, value in family.samples:
        pairs = ",".join(f'{name}="{_quoted(text)}"' for name, text in labels.items())
        yield f"{family.name}{f'{{{pairs}}}' if pairs else ''} {_number(value)}"


def _escaped(text: str) -> str:
    return text.replace("\\", r"\\").replace("\n", r"\n")


def _quoted(text: str) -> str:
    return _escaped(text).replace('"', r"\"")


def _number(value: float) -> str:
    """As Go's ParseFloat reads it."""
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "+Inf" if value > 0 else "-Inf"
    return str(int(value)) if float(value).is_integer() else repr(float(value))
