"""Every story over both desks and in both languages keeps all promises, and reads as the page says."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.stories.page import page, told_once
from tests.stories.scene import Story
from tests.stories.stories import STORIES

PAGE = Path(__file__).resolve().parents[2] / "docs/stories.md"
TOLD = [(story, desk) for story in STORIES for desk in story.desks]


@pytest.mark.parametrize("locale", ["en", "de"])
@pytest.mark.parametrize(("story", "desk"), TOLD, ids=[f"{story.title}, {desk}" for story, desk in TOLD])
def test_a_story_keeps_every_promise(story: Story, desk: str, locale: str) -> None:
    assert told_once(story, desk, locale).broken == ()


def test_the_page_shows_what_is_read_today() -> None:
    assert PAGE.read_text() == "\n".join([*page(), ""]), "run: python -m tests.stories > docs/stories.md"
