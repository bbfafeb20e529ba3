"""The slash commands, as Discord wants them registered. Nothing here needs a privileged intent."""

from __future__ import annotations

from typing import Any

#: docs: Application Commands, Create Global Application Command. contexts 0: servers, 1: the bot's DM.
COMMANDS: tuple[dict[str, Any], ...] = (
    {
        "name": "helpme",
        "type": 1,
        "description": "Get help: the bot answers you in a direct message",
        "options": [
            {
                "type": 3,
                "name": "question",
                "description": "What is it about?",
                "required": False,
                "max_length": 1500,
            }
        ],
        "contexts": [0, 1],
        "integration_types": [0],
    },
)
