"""A strict reader of Prometheus' text format 0.0.4, written from its specification and not from our writer."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
_HELP = re.compile(rf"# HELP ({_NAME}) ((?:[^\\\n]|\\\\|\\n)*)")
_TYPE = re.compile(rf"# TYPE ({_NAME}) (counter|gauge|histogram|summary|untyped)")
_LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\\\|\\"|\\n)*)"')
_VALUE = r"[+-]?(?:[0-9]+(?:\.[0-9]*)?(?:[eE][+-]?[0-9]+)?|Inf)|NaN"
_SAMPLE = re.compile(rf"({_NAME})(?:\{{(.*)\}})? ({_VALUE})")
_ESCAPES = {r"\\": "\\", r"\n": "\n", r"\"": '"'}

Labels = frozenset[tuple[str, str]]


class NotTheFormat(Exception):
    """A line that Prometheus would refuse, or would take for something else."""


@dataclass
class Family:
    help: str
    kind: str = ""
    samples: dict[Labels, float] = field(default_factory=dict)


def parse(text: str) -> dict[str, Family]:
    """The families by name. Raises NotTheFormat."""
    if text and not text.endswith("\n"):
        raise NotTheFormat("the last line has no line feed")
    found: dict[str, Family] = {}
    current = ""
    for line in text.split("\n")[:-1]:
        if match := _HELP.fullmatch(line):
            current = match[1]
            if current in found:
                raise NotTheFormat(f"described twice: {line}")
            found[current] = Family(_plain(match[2]))
        elif match := _TYPE.fullmatch(line):
            if match[1] != current or found[current].kind or found[current].samples:
                raise NotTheFormat(f"a type out of place: {line}")
            found[current].kind = match[2]
        elif match := _SAMPLE.fullmatch(line):
            if match[1] != current or not found[current].kind:
                raise NotTheFormat(f"a sample out of place: {line}")
            labels = _labels(match[2] or "")
            if labels in found[current].samples:
                raise NotTheFormat(f"a sample twice: {line}")
            found[current].samples[labels] = float(match[3])
        else:
            raise NotTheFormat(line)
    return found


def _labels(text: str) -> Labels:
    found: list[tuple[str, str]] = []
    while text:
        match = _LABEL.match(text)
        if not match or match[1].startswith("__"):
            raise NotTheFormat(text)
        found.append((match[1], _plain(match[2])))
        text = text[match.end() :]
        if text and not text.startswith(","):
            raise NotTheFormat(text)
        text = text.removeprefix(",")
    if len({name for name, _ in found}) != len(found):
        raise NotTheFormat(f"a label twice: {found}")
    return frozenset(found)


def _plain(text: str) -> str:
    return re.sub(r'\\[\\n"]', lambda match: _ESCAPES[match[0]], text)
