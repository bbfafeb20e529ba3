"""The built-in chatbot: which kind of answer a question gets, and what stands in it."""

from __future__ import annotations

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from orchestrator.chatbot.answer import Answer, AnswerKind, Chatbot, Courtesy
from orchestrator.chatbot.builtin import ANSWER, MOST_ARTICLES, SUGGEST, BuiltinChatbot
from orchestrator.chatbot.index import EXCERPT
from orchestrator.knowledge.article import Article
from orchestrator.knowledge.folder import load, sample_folder

ARTICLES = load(sample_folder())
BOT = BuiltinChatbot(ARTICLES)


async def test_a_clear_question_is_answered_with_the_article() -> None:
    bot: Chatbot = BOT
    answer = await bot.answer("How do I reset my password?")
    password = next(article for article in ARTICLES if article.id == "password")
    assert answer.kind is AnswerKind.ANSWER
    assert answer.text == password.body
    assert answer.courtesy is None
    shown = answer.articles[0]
    assert (shown.id, shown.title, shown.url) == (password.id, password.title, password.url)
    assert password.body.startswith(shown.excerpt)


def test_a_vague_question_gets_suggestions_without_a_text() -> None:
    answer = BOT.reply("refund please")
    assert answer.kind is AnswerKind.SUGGESTIONS
    assert answer.articles[0].id == "refunds"
    assert answer.text == ""


def test_a_question_about_something_else_leaves_the_bot_unsure() -> None:
    answer = BOT.reply("can you recommend a good pizza place in Berlin")
    assert answer.kind is AnswerKind.UNSURE
    assert answer.articles == ()
    assert 0.0 < answer.score < SUGGEST


def test_a_call_for_a_person_is_a_hand_off_whatever_else_is_said() -> None:
    assert BOT.reply("hi, I forgot my password, let me talk to a human") == Answer(AnswerKind.HANDOFF)


def test_courtesies_are_no_misses() -> None:
    assert BOT.reply("hello!") == Answer(AnswerKind.ANSWER, courtesy=Courtesy.GREETING)
    assert BOT.reply("thanks a lot") == Answer(AnswerKind.ANSWER, courtesy=Courtesy.THANKS)
    assert BOT.reply("<:wave:123>") == Answer(AnswerKind.ANSWER, courtesy=Courtesy.GREETING)


def test_an_empty_knowledge_base_knows_nothing_but_still_hands_off() -> None:
    bot = BuiltinChatbot(())
    assert bot.reply("How do I reset my password?") == Answer(AnswerKind.UNSURE)
    assert bot.reply("agent please").kind is AnswerKind.HANDOFF


@given(
    st.text()
    | st.sampled_from([q for a in ARTICLES for q in a.questions]).map(lambda q: q[: len(q) * 2 // 3])
)
def test_kind_and_articles_follow_the_score(question: str) -> None:
    answer = BOT.reply(question)
    if answer.kind is AnswerKind.HANDOFF or answer.courtesy:
        return
    expected = (
        AnswerKind.ANSWER
        if answer.score >= ANSWER
        else AnswerKind.SUGGESTIONS
        if answer.score >= SUGGEST
        else AnswerKind.UNSURE
    )
    assert answer.kind is expected
    assert bool(answer.articles) is (expected is not AnswerKind.UNSURE)
    assert bool(answer.text) is (expected is AnswerKind.ANSWER)


def test_articles_far_below_the_best_are_not_shown_and_never_more_than_three() -> None:
    twins = [Article(id=f"twin{n}", title="Reset your password", body="Text") for n in range(4)]
    far = Article(id="far", title="Change the colour of your hat", body="Text")
    answer = BuiltinChatbot([*twins[:2], far]).reply("reset your password")
    assert [shown.id for shown in answer.articles] == ["twin0", "twin1"]
    assert len(BuiltinChatbot(twins).reply("reset your password").articles) == MOST_ARTICLES


def test_each_question_is_answered_in_the_language_that_fits_it() -> None:
    bot = BuiltinChatbot(
        [
            Article(id="en", title="Delete your account", body="Text"),
            Article(id="de", title="Konto löschen", body="Text", lang="de"),
        ]
    )
    assert [shown.id for shown in bot.reply("delete my account").articles] == ["en"]
    assert [shown.id for shown in bot.reply("mein Konto löschen").articles] == ["de"]


def test_an_excerpt_is_the_first_paragraph_cut_between_words() -> None:
    long = Article(id="a", title="Password", body="word\nword " * 100 + "\n\nSecond")
    short = Article(id="b", title="Password", body="First\nline.\n\nSecond.")
    shown = {ref.id: ref.excerpt for ref in BuiltinChatbot([long, short]).reply("password").articles}
    assert shown["b"] == "First line."
    assert len(shown["a"]) <= EXCERPT + 1
    assert set(shown["a"].removesuffix("…").split()) == {"word"}


async def test_questions_asked_at_once_are_answered_as_if_asked_alone() -> None:
    asked = [question for article in ARTICLES for question in article.questions]
    fresh = BuiltinChatbot(ARTICLES)
    assert await asyncio.gather(*map(fresh.answer, asked)) == [BOT.reply(question) for question in asked]
