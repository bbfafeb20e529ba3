"""Which reports may tell the same: a plain comparison of their words, for agents to judge. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TypeVar

Name = TypeVar("Name")

#: From this share of common words on two reports are shown side by side.
LIKELY = 0.3
#: Shorter words say little of what a report is about.
SHORTEST = 3
_WORD = re.compile(r"\w+")


def words(*texts: str) -> frozenset[str]:
    """What these texts speak of."""
    found = (word.casefold() for text in texts for word in _WORD.findall(text))
    return frozenset(word for word in found if len(word) >= SHORTEST)


def overlap(one: frozenset[str], other: frozenset[str]) -> float:
    """The share of the words of both that they have in common (Jaccard), 0 to 1."""
    return len(one & other) / len(one | other) if one and other else 0.0


def likely(mine: frozenset[str], others: Mapping[Name, frozenset[str]], at_most: int = 5) -> list[Name]:
    """Those that are alike, the likest first; of two as like, the one that stands first."""
    scored: Iterable[tuple[float, Name]] = ((overlap(mine, theirs), name) for name, theirs in others.items())
    alike = sorted((pair for pair in scored if pair[0] >= LIKELY), key=lambda pair: -pair[0])
    return [name for _, name in alike[:at_most]]
