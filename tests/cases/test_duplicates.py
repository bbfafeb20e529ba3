"""How alike two reports are: symmetric, between nothing and all, whatever the words."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as some

from orchestrator.cases.duplicates import LIKELY, likely, overlap, words

texts = some.text(max_size=60)


def test_words_are_compared_whatever_their_capitals_order_and_stops() -> None:
    assert words("No Sound, after: UPDATE!", "the Straße") == words("update AFTER sound the strasse")
    assert words("a to of") == frozenset()


@given(texts, texts)
def test_the_overlap_is_a_share_and_the_same_from_both_sides(one: str, other: str) -> None:
    share = overlap(words(one), words(other))
    assert 0.0 <= share <= 1.0
    assert share == overlap(words(other), words(one))


@given(texts)
def test_a_report_is_like_itself_if_it_has_words_at_all(text: str) -> None:
    assert overlap(words(text), words(text)) == float(bool(words(text)))


@given(texts, some.lists(texts, max_size=20), some.integers(0, 5))
def test_the_likest_come_first_and_no_more_than_wanted(mine: str, others: list[str], at_most: int) -> None:
    known = {n: words(other) for n, other in enumerate(others)}
    found = likely(words(mine), known, at_most)
    shares = [overlap(words(mine), known[n]) for n in found]
    assert len(found) <= at_most
    assert shares == sorted(shares, reverse=True)
    assert all(share >= LIKELY for share in shares)
