"""The same stories with the real SDKs over sockets: pairwise, and in the long run every desk in every language."""

from __future__ import annotations

import pytest

from tests.acceptance.conftest import bare
from tests.acceptance.playing import Stage
from tests.stories.over_sockets import tell
from tests.stories.scene import Story
from tests.stories.stories import STORIES

__all__ = ["bare"]

LOCALES = ("en", "de")
TOLD = [story for story in STORIES if story.short is not None]
EVERY = [(story, desk, locale) for story in TOLD for desk in story.desks for locale in LOCALES]
#: Every story at every desk and in every language, and every desk in every language.
PAIRS = [
    (story, desk, LOCALES[(number + nth) % 2])
    for number, story in enumerate(TOLD)
    for nth, desk in enumerate(story.desks)
]


def names(told: list[tuple[Story, str, str]]) -> list[str]:
    return [f"{story.title}, {desk}, {locale}" for story, desk, locale in told]


@pytest.mark.parametrize(("story", "bare", "locale"), PAIRS, indirect=["bare"], ids=names(PAIRS))
async def test_a_story_over_sockets_keeps_every_promise(bare: Stage, story: Story, locale: str) -> None:
    assert await tell(story, bare, locale) == []


@pytest.mark.long
@pytest.mark.parametrize(("story", "bare", "locale"), EVERY, indirect=["bare"], ids=names(EVERY))
async def test_a_story_in_every_language_keeps_every_promise(bare: Stage, story: Story, locale: str) -> None:
    assert await tell(story, bare, locale) == []


def test_no_pair_is_left_out() -> None:
    assert {(story.title, desk) for story, desk, _ in PAIRS} == {(s.title, d) for s, d, _ in EVERY}
    assert {(desk, locale) for _, desk, locale in PAIRS} == {(d, locale) for _, d, locale in EVERY}
    alone = {story.title for story in TOLD if len(story.desks) == 1}
    spoken = {(story.title, locale) for story, _, locale in PAIRS if story.title not in alone}
    assert spoken == {(s.title, locale) for s, _, locale in EVERY if s.title not in alone}
