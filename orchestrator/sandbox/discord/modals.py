"""What Discord grants in a modal: rows with one text input each, labels over a component, and text to read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from orchestrator.sandbox.discord import errors, limits

#: Component types (Components, Reference).
ACTION_ROW, TEXT_INPUT, TEXT_DISPLAY, LABEL = 1, 4, 10, 18
#: What may stand under a label: selects, text input, file upload, radio group, checkboxes.
LABELLED = (3, TEXT_INPUT, 5, 6, 7, 8, 19, 21, 22, 23)
STYLES = (1, 2)  #: short, paragraph


def check(components: Sequence[dict[str, Any]]) -> None:
    """Raises 400/50035 naming the first field that breaks a rule."""
    for index, component in enumerate(components):
        field = f"data.components.{index}"
        kind = component.get("type")
        if kind == ACTION_ROW:
            _check_row(component, field)
        elif kind == LABEL:
            _check_label(component, field)
        elif kind != TEXT_DISPLAY:
            raise _choices(f"{field}.type", (ACTION_ROW, TEXT_DISPLAY, LABEL))


def _check_row(row: dict[str, Any], field: str) -> None:
    children = row.get("components") or []
    if len(children) != 1:
        raise _length(f"{field}.components", 1, 1)
    if children[0].get("type") != TEXT_INPUT:
        raise _choices(f"{field}.components.0.type", (TEXT_INPUT,))
    _check_text(children[0], "label", f"{field}.components.0", limits.INPUT_LABEL)
    _check_input(children[0], f"{field}.components.0")


def _check_label(label: dict[str, Any], field: str) -> None:
    inner = label.get("component") or {}
    if inner.get("type") not in LABELLED:
        raise _choices(f"{field}.component.type", LABELLED)
    _check_text(label, "label", field, limits.INPUT_LABEL)
    if inner["type"] == TEXT_INPUT:
        _check_input(inner, f"{field}.component")


def _check_input(shape: dict[str, Any], field: str) -> None:
    _check_text(shape, "custom_id", field, limits.CUSTOM_ID)
    if shape.get("style") not in STYLES:
        raise _choices(f"{field}.style", STYLES)
    least, most = shape.get("min_length"), shape.get("max_length")
    for name, value, lowest in (("min_length", least, 0), ("max_length", most, 1)):
        if value is not None and not (isinstance(value, int) and lowest <= value <= limits.INPUT):
            message = f"int value should be between {lowest} and {limits.INPUT}."
            raise errors.invalid(f"{field}.{name}", "NUMBER_TYPE_MAX", message)
    if len(shape.get("placeholder") or "") > limits.INPUT_PLACEHOLDER:
        raise _length(f"{field}.placeholder", 0, limits.INPUT_PLACEHOLDER)
    if len(shape.get("value") or "") > (most or limits.INPUT):
        raise _length(f"{field}.value", least or 0, most or limits.INPUT)


def _check_text(shape: dict[str, Any], name: str, field: str, most: int) -> None:
    if shape.get(name) is None:
        raise errors.invalid(f"{field}.{name}", "BASE_TYPE_REQUIRED", "This field is required")
    if not 1 <= len(str(shape[name])) <= most:
        raise _length(f"{field}.{name}", 1, most)


def _length(field: str, least: int, most: int) -> errors.ApiError:
    return errors.invalid(field, "BASE_TYPE_BAD_LENGTH", f"Must be between {least} and {most} in length.")


def _choices(field: str, types: Sequence[int]) -> errors.ApiError:
    return errors.invalid(field, "UNION_TYPE_CHOICES", f"Value of field must be one of {tuple(types)}.")
