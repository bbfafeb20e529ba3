"""The actions that the tables name. An action appends effects, timers and tells; it never does anything."""

from __future__ import annotations

from collections.abc import Callable

from machines import actions_bot, actions_desk, actions_talk
from machines.draft import Draft

Action = Callable[[Draft], None]


def _public(module: object) -> dict[str, Action]:
    return {
        name: value
        for name, value in vars(module).items()
        if not name.startswith("_")
        and callable(value)
        and getattr(value, "__module__", "") == getattr(module, "__name__", None)
    }


ACTIONS: dict[str, Action] = {**_public(actions_bot), **_public(actions_desk), **_public(actions_talk)}
