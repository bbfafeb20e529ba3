"""The stories as a page: what the member reads in either language, and what the agent reads."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

from storage.upgrade import upgrade
from tests.stories.scene import Line, Story
from tests.stories.stories import STORIES
from tests.stories.told import Told, tell

HEAD = """# Stories of a hand-off

What a member and an agent read, from the greeting to the end, in English and in German. Written by
`python -m tests.stories` from the service itself, over the local Discord and Twilio in virtual time; the suite plays
every story over both desks in both languages, holds it against the invariants, and keeps this page fresh. Buttons
stand in brackets; Discord shows `<t:...>` as a time in the reader's own zone. Agents read the language of the house."""

LANGUAGES = {"en": "In English", "de": "In German"}


def page() -> Iterator[str]:
    """The lines of the page."""
    yield HEAD
    for story in STORIES:
        yield f"\n## {story.title}\n\n{story.about}"
        told = {locale: told_once(story, story.desks[0], locale) for locale in LANGUAGES}
        for locale, heading in LANGUAGES.items():
            yield from _block(heading, told[locale].member)
        yield from _block("At the desk", told["en"].agent)


@cache
def told_once(story: Story, desk: str, locale: str) -> Told:
    """Over a fresh database, at the same address every time: statements stay compiled."""
    folder = Path(_folder().name)
    for left in folder.glob("story.db*"):
        left.unlink()
    shutil.copy(folder / "empty.db", folder / "story.db")
    return tell(story, desk, locale, f"sqlite:///{folder / 'story.db'}")


@cache
def _folder() -> tempfile.TemporaryDirectory[str]:
    """With a database that has today's schema and nothing in it. It goes with the process."""
    folder = tempfile.TemporaryDirectory()
    upgrade(f"sqlite:///{Path(folder.name) / 'empty.db'}")
    return folder


def _block(heading: str, lines: Sequence[Line]) -> Iterator[str]:
    yield f"\n{heading}:\n"
    if not lines:
        yield "    (nobody is called)"
    for who, what in lines:
        first, *more = f"{who}: {what}".splitlines() if who else [what]
        yield f"    {first}"
        yield from (f"      {line}".rstrip() for line in more)
