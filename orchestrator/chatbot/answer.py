"""What a chatbot says, and the port behind which every chatbot stands."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class AnswerKind(StrEnum):
    """How sure the chatbot is; the conversation's table decides what follows."""

    ANSWER = "answer"  #: sure enough to answer, or a courtesy in return for one
    SUGGESTIONS = "suggestions"  #: maybe one of these
    UNSURE = "unsure"  #: nothing fits: a miss
    HANDOFF = "handoff"  #: the member asked for a person


class Courtesy(StrEnum):
    """A message that wants a friendly word, not an article."""

    GREETING = "greeting"  #: also for a message without words
    THANKS = "thanks"


@dataclass(frozen=True, slots=True)
class ArticleRef:
    """An article as far as a member is shown it."""

    id: str
    title: str
    url: str | None
    excerpt: str  #: beginning of the article, Markdown, at most about 300 characters


@dataclass(frozen=True, slots=True)
class Answer:
    """The reply to one question. The words around it are chosen when it is sent, by kind and courtesy."""

    kind: AnswerKind
    text: str = ""  #: Markdown; the best article's body for an answer from the knowledge base, else empty
    articles: tuple[ArticleRef, ...] = ()  #: best first
    score: float = 0.0  #: of the best article found, shown or not; 0 to 1
    courtesy: Courtesy | None = None  #: set instead of text and articles, only with kind ANSWER


class Chatbot(Protocol):
    """Answers one question at a time and knows nothing of the conversation around it."""

    async def answer(self, question: str) -> Answer: ...
