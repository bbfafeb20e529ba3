"""The ranker: scores, order, and what makes a score fall."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestrator.chatbot.index import MAX_WORDS, Index, words
from orchestrator.knowledge.article import Article
from orchestrator.knowledge.folder import load, sample_folder

ARTICLES = load(sample_folder())
SAMPLE = Index(ARTICLES)

vocabulary = sorted({word for article in ARTICLES for word in words(f"{article.title} {article.body}")})
questions = st.lists(st.sampled_from(vocabulary), min_size=1, max_size=12).map(" ".join)
#: Words that share no character with any article.
unrelated = st.lists(st.text("жшщюяфы", min_size=1, max_size=9), min_size=1, max_size=8).map(" ".join)


def article(key: str, title: str, *variants: str, body: str = "") -> Article:
    return Article(id=key, title=title, body=body, questions=variants)


def best(index: Index, question: str) -> str:
    return index.search(question, 1)[0][0].id


@pytest.mark.parametrize("known", ARTICLES, ids=lambda known: known.id)
def test_every_sample_article_is_found_first_by_its_title_and_its_questions(known: Article) -> None:
    for question in (known.title, *known.questions):
        assert best(SAMPLE, question) == known.id


@given(st.text() | questions)
def test_scores_are_between_0_and_1_and_fall_down_the_list(question: str) -> None:
    scores = [score for _, score in SAMPLE.search(question, len(ARTICLES))]
    assert all(0.0 < score <= 1.0 for score in scores)
    assert scores == sorted(scores, reverse=True)


@given(questions, unrelated)
def test_unrelated_words_lower_every_score(question: str, noise: str) -> None:
    before = SAMPLE.search(question, len(ARTICLES))
    after = SAMPLE.search(f"{question} {noise}", len(ARTICLES))
    scores = {found.id: score for found, score in before}
    assert {found.id for found, _ in after} == scores.keys()
    assert all(score < scores[found.id] for found, score in after)


@settings(max_examples=25)  # an index is built for each
@given(questions, st.randoms())
def test_ranking_does_not_depend_on_earlier_questions_or_on_the_instance(
    question: str, shuffler: random.Random
) -> None:
    expected = SAMPLE.search(question, 5)
    SAMPLE.search(shuffler.choice(vocabulary), 5)
    assert SAMPLE.search(question, 5) == expected
    assert Index(ARTICLES).search(question, 5) == expected


def test_a_question_that_is_an_article_word_for_word_scores_1() -> None:
    index = Index([article("a", "Reset your password"), article("b", "Get a refund")])
    assert index.search("RESET your pässword?", 1)[0][1] == pytest.approx(1.0)


def test_equal_articles_keep_the_order_they_came_in() -> None:
    index = Index([article(key, "Reset your password") for key in ("b", "a", "c")])
    assert [found.id for found, _ in index.search("password", 3)] == ["b", "a", "c"]


def test_inflected_and_mistyped_words_are_found() -> None:
    assert best(SAMPLE, "refunded purchases") == "refunds"
    assert best(SAMPLE, "pasword forgoten") == "password"


def test_german_compounds_and_umlauts_are_found_however_they_are_typed() -> None:
    index = Index([article("konto", "Konto löschen"), article("geld", "Rückerstattung anfordern")], "de")
    for question in ("konto loeschen", "Kontolöschung", "KONTO LÖSCHEN", "konto loschen"):
        assert best(index, question) == "konto"
    assert best(index, "erstattungsanforderung") == "geld"


def test_a_language_without_a_stemmer_still_has_an_index() -> None:
    assert best(Index([article("a", "パスワード を 忘れた")], "ja"), "パスワード") == "a"


def test_the_beginning_of_the_body_is_found_and_the_rest_is_not() -> None:
    long = article("a", "Title", body="zebra\n\n***\n\nokapi " + "filler " * 60 + "gnu\n\nyak")
    index = Index([long, article("b", "Other")])
    assert best(index, "zebra") == best(index, "okapi") == "a"
    assert index.search("gnu", 1) == index.search("yak", 1) == []


def test_words_beyond_the_limit_are_not_read() -> None:
    noise = " ".join(["qqq"] * MAX_WORDS)
    assert SAMPLE.search(f"{noise} password", 1) == []
    assert SAMPLE.search(f"password {noise} refund", 1) == SAMPLE.search(f"password {noise}", 1)


def test_an_empty_index_and_an_empty_question_find_nothing() -> None:
    assert Index([]).search("password", 3) == []
    assert SAMPLE.search("", 3) == SAMPLE.search("?! 👍", 3) == []


def test_folding_drops_accents_of_latin_letters_only() -> None:
    assert words("Crème BRÛLÉE, Straße; й") == ["creme", "brulee", "strasse", "й"]
