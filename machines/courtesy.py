"""Is this text only a thank-you or a wave? After a goodbye such a text starts nothing new."""

from __future__ import annotations

import re

_THANKS = {
    "thanks", "thank", "you", "thx", "ty", "tysm", "cheers", "so", "much", "a", "lot", "very", "many", "great",
    "perfect", "awesome", "bye", "goodbye", "ok", "okay", "cool", "nice", "have", "good", "day", "too", "again",
    "danke", "dankeschön", "dankeschon", "vielen", "dank", "schön", "super", "toll", "tschüss", "tschuss",
    "ciao", "sehr", "dir", "ihnen", "euch", "auch", "einen", "schönen", "schonen", "tag", "alles", "klar",
}  # fmt: skip
_LETTERS = re.compile(r"[^\W\d_]+")
_CUSTOM_EMOJI = re.compile(r"<a?:\w+:\d+>|:\w+:")


def is_thanks(text: str) -> bool:
    """True for a text of at most 60 characters made of thanks, farewells and emoji, without a question."""
    text = _CUSTOM_EMOJI.sub("", text.strip())
    if len(text) > 60 or "?" in text or any(c.isdigit() for c in text):
        return False
    return all(word in _THANKS for word in _LETTERS.findall(text.lower()))
