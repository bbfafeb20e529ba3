"""Buttons. The conversation stands in `custom_id`, so a press is understood by any later process."""

from __future__ import annotations

from collections.abc import Sequence

from orchestrator.ports import Button
from orchestrator.texts.say import Words

_PRIMARY = frozenset({"agent_requested", "case_talk"})
#: Buttons that say the same as others.
_SAYS = {"case_talk": "agent_requested"}
RATINGS = ("1", "2", "3", "4", "5")


def rows(names: Sequence[str], conversation: str, words: Words) -> list[list[Button]]:
    """Rows of buttons for action names; `name:detail` puts the detail behind the conversation."""
    result: list[list[Button]] = []
    plain: list[Button] = []
    for name in names:
        action, _, detail = name.partition(":")
        if action == "rating":
            result.append([Button(f"rating:{conversation}:{n}", f"{n} ★") for n in RATINGS])
            continue
        custom_id = f"{action}:{conversation}" + (f":{detail}" if detail else "")
        plain.append(Button(custom_id, words.button[_SAYS.get(action, action)], primary=action in _PRIMARY))
    return [*result, plain] if plain else result
