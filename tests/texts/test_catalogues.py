"""The catalogues: each language says everything, in its own words, and all of it fits where it is shown."""

from __future__ import annotations

import string
from dataclasses import fields
from importlib.resources import files
from itertools import product
from pathlib import Path
from typing import get_args

import pytest
from babel.messages.pofile import read_po

import orchestrator.texts
from orchestrator.discord.limits import CONTENT
from orchestrator.settings import Settings
from orchestrator.texts.__main__ import TABLES as PAGE_TABLES
from orchestrator.texts.__main__ import page
from orchestrator.texts.say import LOCALES, Words, words
from orchestrator.twilio.limits import BODY_BYTES

TABLES = tuple(field.name for field in fields(Words) if field.name != "locale")
FIRST, *OTHERS = LOCALES
EVERYWHERE = list(product(OTHERS, TABLES))
PAGE = Path(__file__).parents[2] / "docs" / "texts.md"
#: Same in both languages, and rightly.
ALIKE = {("de", "member", "answer"), ("de", "name", "bot")}
#: Numbers, names, links and texts of members: what fills a placeholder is at most this long, but for texts that the
#: bot found, the transcript and a member's question, which are cut to fit where they are put in.
LONGEST, CUT = 120, {"body", "lines", "question"}
#: Discord: labels of buttons, titles of forms and labels of their fields, descriptions of commands. Characters.
LABEL, TITLE, DESCRIPTION = 80, 45, 100


def table(locale: str, name: str) -> dict[str, str]:
    return dict(getattr(words(locale), name))


def placeholders(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def longest(text: str) -> str:
    return text.format_map({name: "" if name in CUT else "x" * LONGEST for name in placeholders(text)})


@pytest.mark.parametrize(("locale", "name"), EVERYWHERE)
def test_every_language_says_everything_in_the_same_order_and_nothing_else(locale: str, name: str) -> None:
    assert list(table(locale, name)) == list(table(FIRST, name))


@pytest.mark.parametrize(("locale", "name"), EVERYWHERE)
def test_every_language_fills_in_the_same_things(locale: str, name: str) -> None:
    for key, text in table(locale, name).items():
        assert placeholders(text) == placeholders(table(FIRST, name)[key]), key


@pytest.mark.parametrize(("locale", "name"), EVERYWHERE)
def test_nothing_was_left_in_the_first_language(locale: str, name: str) -> None:
    same = {key for key, text in table(locale, name).items() if text == table(FIRST, name)[key]}
    assert {(locale, name, key) for key in same} == {alike for alike in ALIKE if alike[:2] == (locale, name)}


@pytest.mark.parametrize("locale", LOCALES)
def test_a_catalogue_names_its_language_and_has_nothing_doubtful_or_left_behind(locale: str) -> None:
    with files(orchestrator.texts).joinpath("locale", f"{locale}.po").open("rb") as file:
        catalogue = read_po(file)
    assert str(catalogue.locale) == locale
    assert not catalogue.obsolete
    assert not any(message.fuzzy for message in catalogue if message.id)
    assert {message.context for message in catalogue if message.id} == set(TABLES)


@pytest.mark.parametrize("locale", LOCALES)
def test_everything_fits_where_it_is_shown_with_the_longest_values(locale: str) -> None:
    said = words(locale)
    for text in (*said.member.values(), *said.command.values()):
        assert 0 < len(longest(text).strip()) + ("{body}" in text) <= CONTENT, text
    assert all(0 < len(longest(text).encode()) <= BODY_BYTES for text in said.desk.values())
    assert all(0 < len(text) <= LABEL for text in said.button.values())
    for title in (*said.form.values(), said.button["message_left"], said.button["comment"]):
        assert 0 < len(title) <= TITLE
    for key in ("description", "question", "bug_description", "feature_description"):
        assert len(said.command[key]) <= DESCRIPTION


@pytest.mark.parametrize(
    ("locale", "speaks"), [("de", "de"), ("de-AT", "de"), ("en_GB", "en"), ("fr", "en"), ("", "en")]
)
def test_a_locale_is_spoken_to_in_its_language_or_in_the_first(locale: str, speaks: str) -> None:
    assert words(locale).locale == speaks


def test_who_has_no_language_of_ours_is_spoken_to_in_the_one_that_was_chosen() -> None:
    assert words("fr", "de").locale == "de"
    with pytest.raises(LookupError, match="en, de"):
        words("fr", "nl")


def test_every_language_can_be_chosen() -> None:
    assert get_args(Settings.model_fields["default_locale"].annotation) == LOCALES


def test_the_page_of_texts_is_fresh_and_whole() -> None:
    assert PAGE.read_text() == "\n".join(page()) + "\n"
    assert set(PAGE_TABLES) == set(TABLES)
