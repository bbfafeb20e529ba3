"""The article format: what is read, and that every mistake is reported with file and line."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orchestrator.knowledge.article import Article, ArticleError, parse, read

PASSWORD = Path("password.md")

FULL = """---
title: Reset your password
questions:
- I forgot my password
  - "How do I change it: quickly?"
url: https://example.com/password
id: reset-password
lang: pt-BR
---

Open **Settings**.

---
Second part.
"""


def test_front_matter_gives_every_field_and_the_body_keeps_its_rules() -> None:
    assert parse(FULL, PASSWORD) == Article(
        id="reset-password",
        title="Reset your password",
        body="Open **Settings**.\n\n---\nSecond part.",
        questions=("I forgot my password", "How do I change it: quickly?"),
        url="https://example.com/password",
        lang="pt-BR",
    )


def test_title_alone_is_enough_front_matter_and_the_file_names_the_article() -> None:
    article = parse("---\ntitle: Passwords\n---\nText", PASSWORD)
    assert article == Article(id="password", title="Passwords", body="Text")


def test_without_front_matter_the_first_heading_is_the_title() -> None:
    assert parse("\n# Passwords #\n\nText\n## More", PASSWORD) == Article(
        "password", "Passwords", "Text\n## More"
    )


@pytest.mark.parametrize("newline", ["\r\n", "\r"])
def test_other_line_ends_make_no_difference(newline: str) -> None:
    assert parse(FULL.replace("\n", newline), PASSWORD) == parse(FULL, PASSWORD)


def test_an_article_may_consist_of_a_link() -> None:
    assert parse("---\ntitle: T\nurl: https://example.com\n---\n", PASSWORD).body == ""


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("", 1, "no title"),
        ("Just text", 1, "no title"),
        ("\n\nText first\n# Title", 3, "no title"),
        ("---\nlang: en\n---\nText", 1, "no title"),
        ("---\nlang: en\ntitle:\n---\nText", 3, "no title"),
        ("---\ntitle: A\nText", 1, "front matter without an end"),
        ("---\ntitle: A\nauthor: me\n---\nText", 3, "unknown key 'author'"),
        ("---\ntitle: A\ntitle: B\n---\nText", 3, "'title' again: it stands in line 2"),
        ("---\ntitle: A\n- question\n---\nText", 3, "a list item outside"),
        ("---\nquestions:\n- one\ntitle: A\n- two\n---\nText", 5, "a list item outside"),
        ("---\ntitle: A\nquestions: one\n---\nText", 3, "`questions:` is a list"),
        ("---\ntitle: A\nquestions:\n-\n---\nText", 4, "an empty question"),
        ("---\ntitle: A\nnonsense\n---\nText", 3, "not understood: 'nonsense'"),
        ("---\ntitle: A\nurl: javascript:alert(1)\n---\nText", 3, "url 'javascript:alert(1)' is not valid"),
        ("---\ntitle: A\nid: two words\n---\nText", 3, "id 'two words' is not valid"),
        ("---\ntitle: A\n\nlang: English\n---\nText", 4, "lang 'English' is not valid"),
        ("# A\n\n", 1, "no text"),
    ],
)
def test_a_mistake_is_reported_with_file_and_line(text: str, line: int, reason: str) -> None:
    with pytest.raises(ArticleError) as caught:
        parse(text, Path("/somewhere/password.md"))
    assert str(caught.value).startswith(f"password.md:{line}: {reason}")
    assert (caught.value.path, caught.value.line) == (Path("/somewhere/password.md"), line)


def test_a_byte_order_mark_is_not_part_of_the_text(tmp_path: Path) -> None:
    path = tmp_path / "a.md"
    path.write_bytes(b"\xef\xbb\xbf# Title\nText")
    assert read(path).title == "Title"


def test_wrong_encoding_is_reported_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "a.md"
    path.write_bytes(b"# Title\nfine\ncaf\xe9\n")
    with pytest.raises(ArticleError, match=r"^a\.md:3: not UTF-8"):
        read(path)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.md"
    path.mkdir()
    with pytest.raises(ArticleError, match=r"^a\.md: cannot be read: Is a directory"):
        read(path)


@given(st.text(alphabet=st.sampled_from("-#: \n\"'atitle"), max_size=60) | st.text())
def test_any_text_is_an_article_or_an_article_error(text: str) -> None:
    try:
        article = parse(text, PASSWORD)
    except ArticleError:
        return
    assert article.title
    assert article.body or article.url
