"""What is understood without an article."""

from __future__ import annotations

import pytest

from orchestrator.chatbot.answer import Courtesy
from orchestrator.chatbot.courtesy import asks_for_person, courtesy, plain


@pytest.mark.parametrize(
    "message",
    [
        "I want to talk to a human",
        "can I speak with a real person please?",
        "Agent!",
        "human please",
        "live chat",
        "get me an agent",
        "I don't want to talk to a bot, I need a human now",
        "Why can't I talk to an agent?",
        "my order is late, let me speak to customer service",
        "could you connect me to someone",
        "can i talk to somebody",
        "I'd like to talk to a moderator",
        "Ich möchte mit einem Menschen sprechen",
        "kann ich bitte mit jemandem reden",
        "Verbinden Sie mich bitte mit einem Mitarbeiter",
        "Mitarbeiter bitte",
        "je veux parler à un humain",
        "Je voudrais parler à quelqu'un",
        "quiero hablar con una persona",
        "un agente por favor",
    ],
)
def test_an_explicit_call_for_a_person_is_heard(message: str) -> None:
    assert asks_for_person(message)


@pytest.mark.parametrize(
    "message",
    [
        "",
        "I don't want to talk to a human",
        "No need to speak to an agent, thanks",
        "I want a person banned",
        "I need an agent skin",
        "How do I chat with people in my guild?",
        "can I transfer items to another person",
        "a moderator was rude to me",
        "are you a real person?",
        "does the agent class have a dash",
        "Problem mit einem Mitarbeiter",
        "how do I get support for my old console",
    ],
)
def test_a_mention_or_refusal_of_a_person_is_no_call_for_one(message: str) -> None:
    assert not asks_for_person(message)


@pytest.mark.parametrize(
    "message",
    [
        "hi",
        "Hello there!",
        "heyyy",
        "Good morning everyone",
        "Hi, how are you?",
        "Moin",
        "¡Buenos días!",
        "Salut",
    ],
)
def test_a_greeting_is_greeted(message: str) -> None:
    assert courtesy(message) is Courtesy.GREETING


@pytest.mark.parametrize(
    "message",
    [
        "thanks",
        "Thank you so much!!",
        "ok, thx",
        "no thanks",
        "thanks for your help",
        "vielen Dank",
        "Merci à tous",
    ],
)
def test_thanks_are_returned(message: str) -> None:
    assert courtesy(message) is Courtesy.THANKS


@pytest.mark.parametrize("message", ["", "  ", "???", "😡", "<:wave:1234>", "<@1234>"])
def test_a_message_without_words_is_taken_for_a_greeting(message: str) -> None:
    assert courtesy(plain(message)) is Courtesy.GREETING


@pytest.mark.parametrize("message", ["👍", "🙏🏽", "❤️"])
def test_a_thankful_sign_is_taken_for_thanks(message: str) -> None:
    assert courtesy(message) is Courtesy.THANKS


@pytest.mark.parametrize(
    "message",
    [
        "hi, I forgot my password",
        "thanks but it still fails",
        "hello help",
        "ok help",
        "good",
        "how are you",
        "no",
    ],
)
def test_whatever_else_is_said_is_a_question(message: str) -> None:
    assert courtesy(message) is None


def test_words_survive_the_removal_of_emoji_and_mentions() -> None:
    assert plain("<@!12> my <a:cry:3> password").split() == ["my", "password"]
