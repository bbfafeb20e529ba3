"""What must be registered with the providers, compared with what is. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

#: Fields of a slash command that we set; Discord adds more to what it returns.
_COMPARED = ("name", "type", "description", "contexts", "integration_types")
_OPTION = ("name", "type", "description", "required", "max_length")


#: What Discord tells only on request, and others not at all: compared where it is told.
_TOLD_OR_NOT = "description_localizations"


def commands_differ(wanted: Sequence[Mapping[str, Any]], found: Sequence[Mapping[str, Any]]) -> bool:
    """Registering is limited to 200 a day, so it happens only when something changed."""
    return sorted(map(_command, wanted)) != sorted(map(_command, found)) or _said_otherwise(wanted, found)


def _said_otherwise(wanted: Sequence[Mapping[str, Any]], found: Sequence[Mapping[str, Any]]) -> bool:
    there = {command.get("name"): command for command in found}
    for command in wanted:
        same = there.get(command["name"], {})
        told = same.get(_TOLD_OR_NOT)
        if told and told != command.get(_TOLD_OR_NOT):
            return True
        if _said_otherwise(command.get("options") or (), same.get("options") or ()):
            return True
    return False


def _command(command: Mapping[str, Any]) -> str:
    options = [{name: o.get(name) or False for name in _OPTION} for o in command.get("options") or ()]
    return repr([_plain(command.get(name)) for name in _COMPARED] + [options])


def _plain(value: Any) -> Any:
    return sorted(value) if isinstance(value, list | tuple) else value


def webhook_differs(wanted: str, events: Sequence[str], found: Sequence[Mapping[str, Any]]) -> bool:
    """Is there no Interactions webhook with this address and at least these events?"""
    for hook in found:
        listed = hook.get("webhook_events") or hook.get("WebhookEvents") or ()
        if (hook.get("webhook_url") or hook.get("WebhookUrl")) == wanted and set(events) <= set(listed):
            return False
    return True
