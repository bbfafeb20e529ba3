"""The texts that most of the suite reads."""

from __future__ import annotations

from orchestrator.texts.say import words

ENGLISH = words("en")
