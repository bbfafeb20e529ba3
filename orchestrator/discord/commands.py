"""The slash commands, as Discord wants them registered. Nothing here needs a privileged intent."""

from __future__ import annotations

from typing import Any

from orchestrator.texts.say import LOCALES, words


def _described(key: str) -> dict[str, Any]:
    """In every language; Discord shows each member their own."""
    first, *others = LOCALES
    return {
        "description": words(first).command[key],
        "description_localizations": {locale: words(locale).command[key] for locale in others},
    }


#: docs: Application Commands, Create Global Application Command. contexts 0: servers, 1: the bot's DM.
COMMANDS: tuple[dict[str, Any], ...] = (
    {
        "name": "helpme",
        "type": 1,
        **_described("description"),
        "options": [
            {
                "type": 3,
                "name": "question",
                **_described("question"),
                "required": False,
                "max_length": 1500,
            }
        ],
        "contexts": [0, 1],
        "integration_types": [0],
    },
    {
        "name": "bug",
        "type": 1,
        **_described("bug_description"),
        "contexts": [0, 1],
        "integration_types": [0],
    },
    {
        "name": "new_feature",
        "type": 1,
        **_described("feature_description"),
        "contexts": [0, 1],
        "integration_types": [0],
    },
)
