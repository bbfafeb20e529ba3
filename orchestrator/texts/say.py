"""What people read, by key and in their language. The machines name keys; the words are chosen here, at send time.

The catalogues are in `locale/`, one for each language. Placeholders in braces are filled from the effect's arguments
and the rows; `number` is the case's.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from babel.core import negotiate_locale
from babel.messages.pofile import read_po

Table = Mapping[str, str]

#: Languages that there is a catalogue of. The first one is what everything is written in first.
LOCALES = ("en", "de")


@dataclass(frozen=True, slots=True)
class Words:
    """Every text in one language: tables from key to words."""

    locale: str
    member: Table  #: in the member's direct message
    command: Table  #: shown only to the one who gave a command, and in the list of commands
    desk: Table  #: for the agent, in the desk's transcript
    button: Table  #: on buttons, and over the one field that some of them open
    form: Table  #: titles and fields of the forms that commands open
    name: Table  #: in a transcript


@cache
def words(locale: str, otherwise: str = LOCALES[0]) -> Words:
    """In the language of a locale such as `de-AT`; where there is no catalogue of it, in that of `otherwise`.

    Raises LookupError if there is none of either.
    """
    for wanted in (locale, otherwise):
        if found := negotiate_locale([wanted.replace("-", "_")], LOCALES):
            return _words(found)
    raise LookupError(f"there are no texts in {otherwise!r}, but in: {', '.join(LOCALES)}")


@cache
def _words(locale: str) -> Words:
    tables: dict[str, dict[str, str]] = {name: {} for name in Words.__dataclass_fields__ if name != "locale"}
    with files(__package__).joinpath("locale", f"{locale}.po").open("rb") as catalogue:
        for message in read_po(catalogue, locale):
            if message.id:
                tables[str(message.context)][str(message.id)] = str(message.string)
    return Words(locale, **tables)


def text(table: Table, key: str, args: Mapping[str, Any]) -> str:
    """The words for a key. A key or placeholder that is missing is a bug and raises KeyError."""
    return table[key].format_map(args)
