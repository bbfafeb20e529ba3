"""The built-in chatbot: answers from the knowledge base, without a network, and says when it is not sure."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Sequence

from orchestrator.chatbot.answer import Answer, AnswerKind, ArticleRef
from orchestrator.chatbot.courtesy import asks_for_person, courtesy, plain
from orchestrator.chatbot.index import EXCERPT, Index
from orchestrator.knowledge.article import Article

#: Score from which something is worth showing. Measured on CLINC150 (150 intents with five phrasings each): of
#: the questions that have an article four in five reach it, of those that have none one in nine.
SUGGEST = 0.22
#: Score from which it is an answer and not a guess: there, one in two hundred of those without reaches it.
ANSWER = SUGGEST + 0.12
#: Articles scoring below this share of the best are not shown beside it.
NEAR_BEST = 0.6
MOST_ARTICLES = 3


class BuiltinChatbot:
    """The Chatbot over `articles`; a question is looked up in every language and the best language answers.

    Keeps nothing between questions. The same question over the same articles has the same answer.
    """

    def __init__(self, articles: Iterable[Article]) -> None:
        by_lang: dict[str, list[Article]] = defaultdict(list)
        for article in articles:
            by_lang[article.lang].append(article)
        self._indexes = tuple(Index(by_lang[lang], lang) for lang in sorted(by_lang))

    async def answer(self, question: str) -> Answer:
        """As `reply`, in a thread: a long question over a large knowledge base takes tens of milliseconds."""
        return await asyncio.to_thread(self.reply, question)

    def reply(self, question: str) -> Answer:
        """The answer to `question`. Pure and synchronous; total over all strings."""
        message = plain(question)
        if asks_for_person(message):
            return Answer(AnswerKind.HANDOFF)
        if (friendly := courtesy(message)) is not None:
            return Answer(AnswerKind.ANSWER, courtesy=friendly)
        return _judged(self._best(message))

    def _best(self, message: str) -> Sequence[tuple[Article, float]]:
        found = (index.search(message, MOST_ARTICLES) for index in self._indexes)
        return max((some for some in found if some), key=lambda some: some[0][1], default=())


def _judged(found: Sequence[tuple[Article, float]]) -> Answer:
    if not found:
        return Answer(AnswerKind.UNSURE)
    best, score = found[0]
    if score < SUGGEST:
        return Answer(AnswerKind.UNSURE, score=score)
    shown = tuple(_ref(article) for article, other in found if other >= NEAR_BEST * score)
    if score < ANSWER:
        return Answer(AnswerKind.SUGGESTIONS, articles=shown, score=score)
    return Answer(AnswerKind.ANSWER, text=best.body, articles=shown, score=score)


def _ref(article: Article) -> ArticleRef:
    return ArticleRef(article.id, article.title, article.url, _excerpt(article.body))


def _excerpt(body: str) -> str:
    """The first paragraph of `body` on one line, cut between words."""
    text = " ".join(body.split("\n\n", 1)[0].split())
    if len(text) <= EXCERPT:
        return text
    return text[:EXCERPT].rsplit(" ", 1)[0] + "…"
