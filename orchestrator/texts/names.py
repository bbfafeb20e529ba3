"""What members call the agents who write to them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from orchestrator.texts.say import Words

#: `full`: as the desk names them. `first`: the first word of that. `team`: nobody by name.
Style = Literal["full", "first", "team"]


def shown(name: str, style: Style, words: Words) -> str:
    """An agent as members read of them. Who has no name is one of the team."""
    if style == "team" or not name.strip():
        return words.name["agent"]
    return name.split(maxsplit=1)[0] if style == "first" else name


def listed(names: Iterable[str], style: Style, words: Words) -> str:
    """Several agents, each of them once."""
    return ", ".join(dict.fromkeys(shown(name, style, words) for name in names))
