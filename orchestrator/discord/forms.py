"""Forms that commands open: what they ask, in the member's language, and what was filled in. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from machines.snapshot import BUG, FEATURE
from orchestrator.texts.say import words

#: Commands that open a form, and the kind of case that it becomes.
REPORTS: Mapping[str, str] = {"bug": BUG, "new_feature": FEATURE}
#: What the custom id of such a form begins with.
REPORT = "report"
#: Characters of a title: it stands in one line wherever cases are listed.
TITLE_LENGTH = 100
#: Characters of a description and of the steps to a bug; Discord takes 4000 a field (docs: Components, Text Input).
SUMMARY_LENGTH, STEPS_LENGTH = 3000, 1000

#: docs: Components, Text Input: type and styles; Action Row; Interaction Callback, modal.
_TEXT_INPUT, _SHORT, _PARAGRAPH, _ROW = 4, 1, 2, 1


@dataclass(frozen=True, slots=True)
class Field:
    """One text field."""

    name: str
    label: str
    length: int  #: characters at most
    long: bool = True  #: several lines
    required: bool = True


@dataclass(frozen=True, slots=True)
class Form:
    """What Discord calls a modal."""

    custom_id: str
    title: str
    fields: tuple[Field, ...]

    def as_json(self) -> dict[str, Any]:
        """The data of an interaction callback."""
        rows = [{"type": _ROW, "components": [_input(field)]} for field in self.fields]
        return {"title": self.title, "custom_id": self.custom_id, "components": rows}


def report(command: str, locale: str) -> Form | None:
    """The form of a report; None for a command that opens none."""
    kind = REPORTS.get(command)
    if kind is None:
        return None
    said = words(locale).form
    name = f"{REPORT}:{kind}"
    title = Field("title", said["title"], TITLE_LENGTH, long=False)
    if kind == FEATURE:
        summary = Field("summary", said["feature_summary"], SUMMARY_LENGTH)
        return Form(name, said["feature"], (title, summary))
    summary = Field("summary", said["bug_summary"], SUMMARY_LENGTH)
    steps = Field("steps", said["steps"], STEPS_LENGTH, required=False)
    return Form(name, said["bug"], (title, summary, steps))


def filled_in(data: Mapping[str, Any]) -> dict[str, str]:
    """What stands in the fields of a submitted form, by name."""
    found: dict[str, str] = {}
    for row in data.get("components", ()):
        for field in row.get("components", ()) or [row.get("component", {})]:
            if field.get("custom_id") and field.get("value"):
                found[str(field["custom_id"])] = str(field["value"])
    return found


def _input(field: Field) -> dict[str, Any]:
    return {
        "type": _TEXT_INPUT,
        "custom_id": field.name,
        "label": field.label,
        "style": _PARAGRAPH if field.long else _SHORT,
        "max_length": field.length,
        "required": field.required,
    }
