"""A folder of articles, and the one that comes with the package."""

from __future__ import annotations

from pathlib import Path

import pytest

from orchestrator.knowledge.article import ArticleError
from orchestrator.knowledge.folder import load, sample_folder


def test_articles_come_sorted_by_id_whatever_their_files_are_called(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("---\ntitle: Last\nid: z\n---\nText")
    (tmp_path / "b.MD").write_text("# First\nText")
    assert [article.id for article in load(tmp_path)] == ["b", "z"]


def test_other_files_hidden_files_and_subfolders_are_left_out(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("# A\nText")
    (tmp_path / "notes.txt").write_text("not an article")
    (tmp_path / ".draft.md").write_text("not an article")
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "b.md").write_text("not an article")
    assert [article.id for article in load(tmp_path)] == ["a"]


def test_an_empty_folder_is_an_empty_knowledge_base(tmp_path: Path) -> None:
    assert load(tmp_path) == ()


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(ArticleError, match="no such knowledge folder") as caught:
        load(tmp_path / "nowhere")
    assert str(tmp_path / "nowhere") in str(caught.value)


def test_a_repeated_id_names_both_files(tmp_path: Path) -> None:
    (tmp_path / "a.md").write_text("# A\nText")
    (tmp_path / "b.md").write_text("---\ntitle: B\nid: a\n---\nText")
    with pytest.raises(ArticleError, match=r"^b\.md:1: the id 'a' is that of a\.md already"):
        load(tmp_path)


def test_one_bad_article_stops_the_load_with_its_name(tmp_path: Path) -> None:
    (tmp_path / "good.md").write_text("# Good\nText")
    (tmp_path / "password.md").write_text("Text without a title")
    with pytest.raises(ArticleError, match=r"^password\.md:1: no title: "):
        load(tmp_path)


def test_every_sample_article_has_an_answer_and_several_ways_to_ask() -> None:
    articles = load(sample_folder())
    assert len(articles) >= 12
    for article in articles:
        assert article.body, article.id
        assert 3 <= len(article.questions) <= 5, article.id
