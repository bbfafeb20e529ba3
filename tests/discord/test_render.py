"""Rendering: our words to what Discord takes, and texts to what can be stored."""

from __future__ import annotations

from hypothesis import example, given
from hypothesis import strategies as st

from orchestrator.discord.limits import CONTENT, EPOCH_MS, NONCE
from orchestrator.discord.render import nonce, snowflake, split

FENCE = "```"
#: Texts that are mostly cuts: words, lines, spaces and code blocks.
WORDS = st.lists(st.sampled_from(["word", "x" * 30, " ", "  ", "\n", "\n\n", "`", "ü", "🎉"]), max_size=60)
BLOCKS = st.lists(
    st.one_of(
        WORDS.map("".join), WORDS.map(lambda w: f"\n{FENCE}\n{''.join(w).replace('`', '')}\n{FENCE}\n")
    ),
    max_size=6,
).map("".join)


def solid(text: str) -> str:
    """Without whitespace and without code fences."""
    return "".join(text.replace(FENCE, "").split())


@given(BLOCKS, st.integers(min_value=20, max_value=80))
def test_no_part_is_longer_than_allowed_or_blank(text: str, limit: int) -> None:
    parts = split(text, limit)
    assert parts
    assert all(len(part) <= limit for part in parts)
    assert all(part.strip() for part in parts) or not text.strip()


@given(BLOCKS, st.integers(min_value=20, max_value=80))
@example("```\n" + "x" * 200, 40)
def test_nothing_but_whitespace_is_lost(text: str, limit: int) -> None:
    assert "".join(map(solid, split(text, limit))) == solid(text)


@given(st.lists(st.tuples(WORDS, st.booleans()), max_size=6), st.integers(min_value=20, max_value=80))
def test_every_part_closes_the_code_blocks_it_opens(pieces: list[tuple[list[str], bool]], limit: int) -> None:
    plain = [("".join(words).replace("`", ""), code) for words, code in pieces]
    text = "".join(f"\n{FENCE}\n{words}\n{FENCE}\n" if code else words for words, code in plain)
    assert all(part.count(FENCE) % 2 == 0 for part in split(text, limit))


@given(st.text(max_size=400), st.integers(min_value=20, max_value=80))
def test_any_text_can_be_split(text: str, limit: int) -> None:
    assert all(len(part) <= limit for part in split(text, limit))


def test_a_short_text_is_one_part_and_stays_as_it_is() -> None:
    assert split("  hello\n\nworld ") == ["  hello\n\nworld "]
    assert len(split("x" * CONTENT)) == 1


def test_a_code_block_of_one_long_line_ends() -> None:
    parts = split(f"{FENCE}\n{'x' * 5000}\n{FENCE}")
    assert len(parts) == 3
    assert all(part.startswith(f"{FENCE}\n") and part.endswith(FENCE) for part in parts)


def test_a_text_is_cut_at_a_line_before_it_is_cut_at_a_space() -> None:
    assert split("one two three\nfour five six seven", 24) == ["one two three", "four five six seven"]
    assert split("one two three four five six", 20) == ["one two three", "four five six"]


@given(st.text(), st.integers(0, 100), st.text(), st.integers(0, 100))
def test_a_nonce_names_a_part_of_an_effect(key: str, part: int, other: str, another: int) -> None:
    made = nonce(key, part)
    assert len(made) <= NONCE
    assert (made == nonce(other, another)) == ((key, part) == (other, another))


def test_a_snowflake_begins_its_millisecond() -> None:
    assert int(snowflake(1_700_000_000.5)) >> 22 == 1_700_000_000_500 - EPOCH_MS
    assert snowflake(0.0) == "0"
