"""The application's slash commands: their registration, and what a member may fill in."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from orchestrator.sandbox.discord import errors, limits
from orchestrator.sandbox.discord.world import World
from orchestrator.sandbox.refusal import Refusal

CHAT_INPUT = 1
SUBCOMMAND, SUBCOMMAND_GROUP = 1, 2
#: Option types and what a member's value for them must be (Application Commands, Option Types).
STRING, INTEGER, BOOLEAN, NUMBER = 3, 4, 5, 10
PYTHON_TYPES: Mapping[int, tuple[type, ...]] = {
    STRING: (str,),
    INTEGER: (int,),
    BOOLEAN: (bool,),
    NUMBER: (int, float),
}
GUILD_CONTEXT, BOT_DM_CONTEXT = 0, 1


class Commands:
    """Global commands and those of the guild. A command keeps its id while its name stays."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._registered: dict[int | None, list[dict[str, Any]]] = {None: [], world.guild_id: []}

    def listed(self, guild_id: int | None) -> list[dict[str, Any]]:
        return self._registered[guild_id]

    def overwrite(self, guild_id: int | None, wanted: Any) -> list[dict[str, Any]]:
        """PUT .../commands: what is not in the list is gone. Raises 400/50035."""
        if not isinstance(wanted, list):
            raise errors.invalid("", "LIST_TYPE_CONVERT", "Only iterables may be used.")
        if len(wanted) > limits.COMMANDS:
            message = f"Must be {limits.COMMANDS} or fewer in length."
            raise errors.invalid("", "BASE_TYPE_MAX_LENGTH", message)
        known = {(c["name"], c["type"]): c for c in self._registered[guild_id]}
        commands: list[dict[str, Any]] = []
        for index, definition in enumerate(wanted):
            _check(definition, str(index))
            earlier = known.get((definition["name"], definition.get("type") or CHAT_INPUT))
            commands.append(self._command(guild_id, definition, earlier))
        self._registered[guild_id] = commands
        return commands

    def find(self, name: str, *, in_guild: bool, permissions: int) -> dict[str, Any]:
        """The command a member sees under that name. Raises Refusal when there is none for them."""
        places = (self._world.guild_id, None) if in_guild else (None,)
        context = GUILD_CONTEXT if in_guild else BOT_DM_CONTEXT
        for place in places:
            for command in self._registered[place]:
                offered = context in (command["contexts"] or (GUILD_CONTEXT, BOT_DM_CONTEXT))
                if command["name"] == name and command["type"] == CHAT_INPUT and offered:
                    _check_permitted(command, permissions, in_guild=in_guild)
                    return command
        where = "in the guild" if in_guild else "in a DM"
        raise Refusal(404, "unknown_command", f"No command /{name} is offered {where}.")

    def _command(
        self, guild_id: int | None, definition: dict[str, Any], earlier: dict[str, Any] | None
    ) -> dict[str, Any]:
        command: dict[str, Any] = {
            "id": earlier["id"] if earlier else str(self._world.new_id()),
            "application_id": str(self._world.application_id),
            "version": str(self._world.new_id()),
            "type": definition.get("type") or CHAT_INPUT,
            "name": definition["name"],
            "name_localizations": definition.get("name_localizations"),
            "description": definition.get("description") or "",
            "description_localizations": definition.get("description_localizations"),
            "options": definition.get("options") or [],
            "default_member_permissions": _text(definition.get("default_member_permissions")),
            "dm_permission": definition.get("dm_permission", True),
            "contexts": definition.get("contexts"),
            "integration_types": definition.get("integration_types") or [0],
            "nsfw": bool(definition.get("nsfw")),
        }
        if guild_id is not None:
            command["guild_id"] = str(guild_id)
        unchanged = earlier is not None and command | {"version": earlier["version"]} == earlier
        return earlier if unchanged and earlier is not None else command


def fill(
    command: dict[str, Any], values: Mapping[str, Any], path: Sequence[str] = ()
) -> list[dict[str, Any]]:
    """The `options` of an interaction from what a member typed; `path` names the subcommand.

    Raises Refusal for an unknown, missing or ill-typed option, as Discord's client would not let it pass.
    """
    offered = {option["name"]: option for option in command.get("options") or []}
    if path:
        chosen = offered.get(path[0])
        if chosen is None or chosen["type"] not in (SUBCOMMAND, SUBCOMMAND_GROUP):
            raise Refusal(404, "unknown_command", f"/{command['name']} has no subcommand {path[0]}.")
        inner = fill(chosen, values, path[1:])
        return [{"name": chosen["name"], "type": chosen["type"], "options": inner}]
    if any(option["type"] in (SUBCOMMAND, SUBCOMMAND_GROUP) for option in offered.values()):
        raise Refusal(400, "bad_options", f"/{command['name']} needs one of: {', '.join(offered)}.")
    unknown = set(values) - set(offered)
    missing = {name for name, option in offered.items() if option.get("required")} - set(values)
    if unknown or missing:
        detail = f"Unknown options: {sorted(unknown)}. Missing options: {sorted(missing)}."
        raise Refusal(400, "bad_options", detail)
    for name, value in values.items():
        _check_value(offered[name], value)
    return [
        {"name": name, "type": option["type"], "value": values[name]}
        for name, option in offered.items()
        if name in values
    ]


def _check(definition: Any, field: str) -> None:
    if not isinstance(definition, dict):
        raise errors.invalid(field, "MODEL_TYPE_CONVERT", "Only dictionaries may be used.")
    kind = definition.get("type") or CHAT_INPUT
    pattern = r"[-_'\w]{1,32}" if kind == CHAT_INPUT else r".{1,32}"
    name = str(definition.get("name", ""))
    if not re.fullmatch(pattern, name) or (kind == CHAT_INPUT and name != name.lower()):
        message = "Command name is invalid"
        raise errors.invalid(f"{field}.name", "APPLICATION_COMMAND_INVALID_NAME", message)
    if kind == CHAT_INPUT and not 1 <= len(definition.get("description") or "") <= 100:
        message = "Must be between 1 and 100 in length."
        raise errors.invalid(f"{field}.description", "BASE_TYPE_BAD_LENGTH", message)
    _check_options(definition, field)


def _check_options(definition: dict[str, Any], field: str) -> None:
    options = definition.get("options") or []
    if not isinstance(options, list) or len(options) > 25:
        message = "Must be 25 or fewer in length."
        raise errors.invalid(f"{field}.options", "BASE_TYPE_MAX_LENGTH", message)
    for index, option in enumerate(options):
        place = f"{field}.options.{index}"
        if not isinstance(option, dict) or not isinstance(option.get("type"), int) or not option.get("name"):
            raise errors.invalid(place, "BASE_TYPE_REQUIRED", "An option needs a type and a name.")
        _check_options(option, place)


def _text(value: Any) -> str | None:
    return None if value is None else str(value)


def _check_permitted(command: dict[str, Any], permissions: int, *, in_guild: bool) -> None:
    wanted = command["default_member_permissions"]
    if not in_guild or wanted is None:
        return
    everything = permissions & 0x8
    if not everything and (int(wanted) == 0 or int(wanted) & ~permissions):
        raise Refusal(403, "not_permitted", f"/{command['name']} is hidden from this member.")


def _check_value(option: dict[str, Any], value: Any) -> None:
    name, types = option["name"], PYTHON_TYPES.get(option["type"], (str,))
    if not isinstance(value, types) or (isinstance(value, bool) and bool not in types):
        raise Refusal(400, "bad_options", f"Option {name} has the wrong type.")
    if isinstance(value, str):
        least, most = option.get("min_length") or 0, option.get("max_length") or 6000
        if not least <= len(value) <= most:
            raise Refusal(400, "bad_options", f"Option {name} takes {least} to {most} characters.")
    choices = [choice["value"] for choice in option.get("choices") or []]
    if choices and value not in choices:
        raise Refusal(400, "bad_options", f"Option {name} takes one of {choices}.")
