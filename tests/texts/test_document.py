"""A conversation as files that a member keeps."""

from __future__ import annotations

from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.texts.document import Document
from orchestrator.texts.say import words
from tests.english import ENGLISH
from tests.texts.test_transcript import Line

DAY = 86_400.0
SAID = (
    Line("member", "hello", at=3661.0),
    Line("agent", "hi", name="Ada", at=DAY - 1),
    Line("member", "are you there?", at=DAY + 60, undelivered=True),
)


class Seen(HTMLParser):
    """Which elements a page has, and what is written on it."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


def seen(page: str) -> Seen:
    parser = Seen()
    parser.feed(page)
    parser.close()
    return parser


def test_the_text_names_the_case_and_every_day_that_something_was_said() -> None:
    assert Document(SAID, "12", ENGLISH).plain().splitlines() == [
        "Transcript of case #12 (times in UTC)",
        "",
        "1970-01-01",
        "[01:01] Member: hello",
        "[23:59] Ada: hi",
        "",
        "1970-01-02",
        "[00:01] Member: are you there? (not delivered)",
    ]


def test_without_a_case_it_is_just_a_transcript_also_in_german() -> None:
    document = Document(SAID[:1], "", words("de"))
    assert document.plain().startswith("Mitschrift (Uhrzeiten in UTC)")
    assert '<html lang="de">' in document.page()
    assert "Mitglied" in seen(document.page()).text


def test_the_page_says_the_same_as_the_text() -> None:
    page = seen(Document(SAID, "12", ENGLISH).page())
    assert page.tags.count("dd") == len(SAID)
    for word in ("Transcript of case #12", "1970-01-01", "01:01", "Ada", "are you there? (not delivered)"):
        assert word in page.text


@given(
    st.text(st.characters(exclude_categories=("Cs", "Cc"))),
    st.text(st.characters(exclude_categories=("Cs", "Cc"))),
)
def test_what_people_write_is_shown_as_they_wrote_it_and_is_never_markup(name: str, body: str) -> None:
    plain = Document((Line("agent", "", "Ada"),), "1", ENGLISH)
    page = seen(Document((Line("agent", body, name or "x"),), "1", ENGLISH).page())
    assert page.tags == seen(plain.page()).tags
    assert body in page.text


def test_a_script_stays_text() -> None:
    hostile = "<script>alert(1)</script><img src=x onerror=alert(1)>\"'"
    page = Document((Line("member", hostile, hostile),), "1", ENGLISH).page()
    assert {"script", "img"}.isdisjoint(seen(page).tags)
    assert hostile in seen(page).text
