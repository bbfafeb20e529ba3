"""Which articles fit a question, and how well: a small tf-idf index in pure Python.

An article is scored by its *rows* - its title, each question variant, the beginnings of up to two paragraphs
- and by one row of title and variants together. A row is compared with the question in two spaces: stemmed
words with their bigrams, and character 3- to 5-grams inside words, which carry typing errors and compounds.

What the question says and no article does counts in the question's length as the rarest of words: the score,
always 0 to 1, falls the more of a question is about something else. So scores of different questions can be
compared, and a threshold can say when not to answer.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from heapq import nsmallest
from itertools import islice, pairwise
from math import log, sqrt
from threading import Lock

import snowballstemmer

from orchestrator.knowledge.article import Article

MAX_WORDS = 200  #: of a question; what follows is not read
MAX_PARAGRAPHS = 2  #: of an article's body
EXCERPT = 300  #: characters of a paragraph: long ones drown the words that matter

_MAX_CHARACTERS = 4000  # of a question: a Discord message has no more
_MAX_WORD = 64  # characters of one word; longer "words" are keyboard mashing
_WORD = re.compile(r"[^\W_]+")
_LATIN_MARKS = re.compile(r"([a-z])[\u0300-\u036f]+")

# Weights measured on public FAQ collections against BM25, plain tf-idf and edit distance.
_WORDS, _CHARACTERS = 0.5, 0.5
_ROWS, _WHOLE = 0.5, 0.5
_BEST, _BEST_THREE = 0.7, 0.3

_STEMMERS = {
    "ar": "arabic",
    "ca": "catalan",
    "cs": "czech",
    "da": "danish",
    "de": "german",
    "el": "greek",
    "en": "english",
    "es": "spanish",
    "et": "estonian",
    "eu": "basque",
    "fi": "finnish",
    "fr": "french",
    "ga": "irish",
    "hi": "hindi",
    "hu": "hungarian",
    "hy": "armenian",
    "id": "indonesian",
    "it": "italian",
    "lt": "lithuanian",
    "ne": "nepali",
    "nl": "dutch",
    "no": "norwegian",
    "pl": "polish",
    "pt": "portuguese",
    "ro": "romanian",
    "ru": "russian",
    "sr": "serbian",
    "sv": "swedish",
    "ta": "tamil",
    "tr": "turkish",
}


class Index:
    """The articles of one language, ready to be searched, by several threads if need be.

    Mixing languages in one index spoils the ranking.
    """

    def __init__(self, articles: Iterable[Article], lang: str = "en") -> None:
        self._articles = tuple(articles)
        self._stem = _stemmer(lang)
        rows: list[list[str]] = []
        self._slices: list[tuple[int, int]] = []
        for article in self._articles:
            own = [words(row) for row in _rows(article)]
            self._slices.append((len(rows), len(rows) + len(own)))
            rows += own
            rows.append(words(" ".join((article.title, *article.questions))))
        self._words = _Space([_word_terms(row, self._stem) for row in rows])
        self._characters = _Space([_character_terms(row) for row in rows])

    def search(self, question: str, limit: int) -> list[tuple[Article, float]]:
        """The best `limit` articles and their scores, best first; those with nothing in common left out."""
        asked = words(question)
        by_words = self._words.cosines(_word_terms(asked, self._stem))
        by_characters = self._characters.cosines(_character_terms(asked))
        rows = [_WORDS * a + _CHARACTERS * b for a, b in zip(by_words, by_characters, strict=True)]
        scores = [self._score(rows, first, whole) for first, whole in self._slices]
        found = (number for number, score in enumerate(scores) if score > 0.0)
        best = nsmallest(limit, found, key=lambda number: (-scores[number], number))
        return [(self._articles[number], scores[number]) for number in best]

    def _score(self, rows: Sequence[float], first: int, whole: int) -> float:
        """The score of the article whose own rows are `first` up to `whole`, the row of all together."""
        best = sorted(rows[first:whole], reverse=True)[:3]
        own = _BEST * best[0] + _BEST_THREE * sum(best) / len(best)
        return min(_ROWS * own + _WHOLE * rows[whole], 1.0)


class _Space:
    """Rows as tf-idf vectors of length 1, kept as one list of rows per term."""

    def __init__(self, rows: Sequence[Counter[str]]) -> None:
        self._size = len(rows)
        frequency = Counter(term for row in rows for term in row)
        self._idf = {term: self._rarity(count) for term, count in frequency.items()}
        self._unknown = self._rarity(0)
        self._postings: dict[str, list[tuple[int, float]]] = {term: [] for term in frequency}
        for number, row in enumerate(rows):
            length = self._length(row)
            for term, count in row.items():
                self._postings[term].append((number, count * self._idf[term] / length))

    def cosines(self, asked: Counter[str]) -> list[float]:
        """The cosine of `asked` with every row."""
        cosines = [0.0] * self._size
        length = self._length(asked)
        for term, count in asked.items():
            weight = count * self._idf.get(term, 0.0) / length
            for number, other in self._postings.get(term, ()):
                cosines[number] += weight * other
        return cosines

    def _rarity(self, frequency: int) -> float:
        """Smoothed idf: that of a term no row has is the highest, and finite."""
        return log((1 + self._size) / (1 + frequency)) + 1.0

    def _length(self, terms: Counter[str]) -> float:
        return sqrt(sum((count * self._idf.get(term, self._unknown)) ** 2 for term, count in terms.items()))


def words(text: str) -> list[str]:
    """The first words of `text`, folded: no case, no accents on Latin letters, `ss` for sharp s."""
    bare = unicodedata.normalize("NFKD", text[:_MAX_CHARACTERS]).casefold()
    folded = unicodedata.normalize("NFKC", _LATIN_MARKS.sub(r"\1", bare))
    return [match[0][:_MAX_WORD] for match in islice(_WORD.finditer(folded), MAX_WORDS)]


def _rows(article: Article) -> list[str]:
    paragraphs = (part.strip() for part in article.body.split("\n\n"))
    bodies = islice((part[:EXCERPT] for part in paragraphs if _WORD.search(part)), MAX_PARAGRAPHS)
    return [article.title, *article.questions, *bodies]


def _word_terms(row: Sequence[str], stem: Callable[[str], str]) -> Counter[str]:
    stems = [stem(word) for word in row]
    return Counter(stems + [f"{one} {two}" for one, two in pairwise(stems)])


def _character_terms(row: Sequence[str]) -> Counter[str]:
    bounded = [f" {word} " for word in row]
    return Counter(
        word[at : at + size] for word in bounded for size in (3, 4, 5) for at in range(len(word) - size + 1)
    )


def _stemmer(lang: str) -> Callable[[str], str]:
    """The Snowball stemmer of a language tag; words of a language without one stay as they are."""
    name = _STEMMERS.get(lang.partition("-")[0])
    if name is None:
        return str
    snowball = snowballstemmer.stemmer(name)
    alone = Lock()  # a Snowball stemmer keeps the word it works on in itself

    @lru_cache(maxsize=10_000)
    def stem(word: str) -> str:
        with alone:
            return str(snowball.stemWord(word))

    return stem
