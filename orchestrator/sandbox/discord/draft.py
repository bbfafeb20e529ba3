"""What a request says about a message: read and checked against Discord's limits, not yet applied."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from orchestrator.sandbox.discord import errors, limits
from orchestrator.sandbox.discord.state import Attachment, Flag
from orchestrator.sandbox.discord.world import World
from orchestrator.sandbox.wire import Upload

ACTION_ROW, BUTTON, STRING_SELECT = 1, 2, 3
SELECTS = (3, 5, 6, 7, 8)
LINK_STYLE = 5

#: What a bot may set; everything else (CROSSPOSTED, HAS_THREAD ...) is Discord's.
SETTABLE_FLAGS = Flag.EPHEMERAL | Flag.COMPONENTS_V2 | (1 << 2) | (1 << 12)


@dataclass(frozen=True, slots=True)
class Draft:
    """The fields of a create or edit body. None: the body does not mention the field."""

    content: str | None
    embeds: list[dict[str, Any]] | None
    components: list[dict[str, Any]] | None
    kept: frozenset[int] | None  #: attachments that an edit keeps; None: all of them
    files: list[Attachment]  #: attachments that come with the request
    flags: int
    nonce: str | int | None
    enforce_nonce: bool
    reply_to: int | None
    reply_must_exist: bool


def read(world: World, body: Any, files: Sequence[Upload]) -> Draft:
    """Raises 400/50035 naming the first field that breaks a limit."""
    if body is None:
        body = {}
    if not isinstance(body, dict):
        raise errors.invalid("", "MODEL_TYPE_CONVERT", "Only dictionaries may be used.")
    described = _list(body, "attachments")
    reference = body.get("message_reference") or {}
    if not isinstance(reference, dict):
        raise errors.invalid("message_reference", "MODEL_TYPE_CONVERT", "Only dictionaries may be used.")
    flags = _flags(body.get("flags"))
    return Draft(
        content=_content(body),
        embeds=_embeds(body),
        components=_components(body, flags),
        kept=None
        if described is None
        else frozenset(_snowflake(a.get("id"), "attachments") for a in described),
        files=_files(world, files, described or []),
        flags=flags,
        nonce=_nonce(body.get("nonce")),
        enforce_nonce=bool(body.get("enforce_nonce")),
        reply_to=_snowflake(reference.get("message_id"), "message_reference") if reference else None,
        reply_must_exist=bool(reference.get("fail_if_not_exists", True)) if reference else False,
    )


def walk(components: Sequence[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Every component, depth first: rows, what stands in them, sections with their accessories."""
    for component in components:
        yield component
        yield from walk(component.get("components") or [])
        for name in ("accessory", "component"):
            if isinstance(component.get(name), dict):
                yield from walk([component[name]])


def component_list(body: dict[str, Any]) -> list[dict[str, Any]] | None:
    """The `components` of a body, objects all the way down; None when it does not mention them."""
    components = _list(body, "components")
    for component in components or []:
        component_list(component)
        for name in ("accessory", "component"):
            if component.get(name) is not None:
                component_list({"components": [component[name]]})
    return components


def check_custom_ids(components: Sequence[dict[str, Any]]) -> None:
    """Raises 400/50035 unless each custom_id has 1 to 100 characters and occurs once."""
    seen: set[str] = set()
    for component in walk(components):
        custom_id = component.get("custom_id")
        if custom_id is None:
            continue
        if not isinstance(custom_id, str) or not 1 <= len(custom_id) <= limits.CUSTOM_ID:
            raise _length("components.0.components.0.custom_id", 1, limits.CUSTOM_ID)
        if custom_id in seen:
            message = "Component custom id cannot be duplicated"
            raise errors.invalid("components", "COMPONENT_CUSTOM_ID_DUPLICATED", message)
        seen.add(custom_id)


def _length(field: str, least: int, most: int) -> errors.ApiError:
    return errors.invalid(field, "BASE_TYPE_BAD_LENGTH", f"Must be between {least} and {most} in length.")


def _list(body: dict[str, Any], field: str) -> list[dict[str, Any]] | None:
    value = body.get(field)
    if field in body and value is None:
        return []
    if value is None:
        return None
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise errors.invalid(field, "LIST_TYPE_CONVERT", "Only iterables of dictionaries may be used.")
    return value


def _content(body: dict[str, Any]) -> str | None:
    if "content" not in body:
        return None
    content = body["content"] if body["content"] is not None else ""
    if not isinstance(content, str):
        content = str(content)
    if len(content) > limits.CONTENT:
        message = f"Must be {limits.CONTENT} or fewer in length."
        raise errors.invalid("content", "BASE_TYPE_MAX_LENGTH", message)
    return content.strip()


def _nonce(nonce: Any) -> str | int | None:
    if isinstance(nonce, str) and len(nonce) > limits.NONCE:
        message = f"Must be {limits.NONCE} or fewer in length."
        raise errors.invalid("nonce", "BASE_TYPE_MAX_LENGTH", message)
    if nonce is None or (isinstance(nonce, (str, int)) and not isinstance(nonce, bool)):
        return nonce
    raise errors.invalid("nonce", "NONCE_TYPE_CONVERT", "Only strings and integers may be used.")


def _flags(flags: Any) -> int:
    return int(flags) & SETTABLE_FLAGS if isinstance(flags, int) else 0


def _snowflake(value: Any, field: str) -> int:
    try:
        return int(value)
    except (TypeError, ValueError):
        message = f'Value "{value}" is not snowflake.'
        raise errors.invalid(field, "NUMBER_TYPE_COERCE", message) from None


def _embeds(body: dict[str, Any]) -> list[dict[str, Any]] | None:
    embeds = _list(body, "embeds")
    if embeds is None:
        return None
    if len(embeds) > limits.EMBEDS:
        raise _length("embeds", 0, limits.EMBEDS)
    if sum(_embed_size(embed) for embed in embeds) > limits.EMBED_TOTAL:
        message = f"Embed size exceeds maximum size of {limits.EMBED_TOTAL}"
        raise errors.invalid("embeds", "MAX_EMBED_SIZE_EXCEEDED", message)
    return [embed | {"type": "rich"} for embed in embeds]


def _embed_size(embed: dict[str, Any]) -> int:
    texts = [embed.get("title"), embed.get("description")]
    for part in ("footer", "author"):
        if isinstance(embed.get(part), dict):
            texts += [embed[part].get("text"), embed[part].get("name")]
    for field in _list(embed, "fields") or []:
        texts += [field.get("name"), field.get("value")]
    return sum(len(text) for text in texts if isinstance(text, str))


def _components(body: dict[str, Any], flags: int) -> list[dict[str, Any]] | None:
    components = component_list(body)
    if components is None:
        return None
    if flags & Flag.COMPONENTS_V2:
        if body.get("content") or body.get("embeds"):
            message = "The 'content' and 'embeds' fields cannot be used with MessageFlags.IS_COMPONENTS_V2"
            raise errors.invalid("content", "MESSAGE_CANNOT_USE_LEGACY_FIELDS_WITH_COMPONENTS_V2", message)
        if sum(1 for _ in walk(components)) > limits.COMPONENTS_V2:
            raise _length("components", 1, limits.COMPONENTS_V2)
    else:
        _check_rows(components)
    check_custom_ids(components)
    numbered = _number(components, iter(range(1, 1 << 31)))
    return list(numbered)


def _check_rows(rows: Sequence[dict[str, Any]]) -> None:
    if len(rows) > limits.ROWS:
        raise _length("components", 1, limits.ROWS)
    for index, row in enumerate(rows):
        field = f"components.{index}"
        if row.get("type") != ACTION_ROW:
            raise errors.invalid(f"{field}.type", "UNION_TYPE_CHOICES", "Value of field must be one of (1,).")
        children = row.get("components") or []
        selects = any(child.get("type") in SELECTS for child in children)
        if not 1 <= len(children) <= (1 if selects else limits.BUTTONS):
            raise _length(f"{field}.components", 1, 1 if selects else limits.BUTTONS)
        for position, child in enumerate(children):
            _check_child(child, f"{field}.components.{position}")


def _check_child(child: dict[str, Any], field: str) -> None:
    if child.get("type") not in (BUTTON, *SELECTS):
        raise errors.invalid(
            f"{field}.type", "UNION_TYPE_CHOICES", "Value of field must be a button or select."
        )
    if len(child.get("label") or "") > limits.LABEL:
        raise _length(f"{field}.label", 1, limits.LABEL)
    named = "url" if child.get("style") == LINK_STYLE and child["type"] == BUTTON else "custom_id"
    if child.get(named) is None:
        raise errors.invalid(f"{field}.{named}", "BASE_TYPE_REQUIRED", "This field is required")


def _number(components: Sequence[dict[str, Any]], ids: Iterator[int]) -> Iterator[dict[str, Any]]:
    """Discord gives each component without an `id` the next integer."""
    for component in components:
        numbered = component | {"id": component.get("id") or next(ids)}
        if "components" in component:
            numbered["components"] = list(_number(component["components"] or [], ids))
        yield numbered


def _files(world: World, files: Sequence[Upload], described: Sequence[dict[str, Any]]) -> list[Attachment]:
    if len(files) > limits.FILES:
        raise _length("attachments", 0, limits.FILES)
    descriptions = {str(entry.get("id")): entry.get("description") for entry in described}
    for file in files:
        if len(file.content) > limits.FILE_BYTES:
            raise errors.ApiError(413, 40005, "Request entity too large")
    return [
        Attachment(world.new_id(), file.filename, file.content_type, file.content, descriptions.get(str(n)))
        for n, file in enumerate(files)
    ]
