"""Forms as discord.py sends them."""

from __future__ import annotations

import discord

from orchestrator.discord.forms import Form

#: Seconds that discord.py remembers an open form for. What is filled in later is understood all the same.
REMEMBERED_S = 15 * 60


class TextModal(discord.ui.Modal):
    """One long text field. The answer arrives as an interaction of its own."""

    def __init__(self, title: str, action: str, conversation: str) -> None:
        super().__init__(title=title, custom_id=f"{action}:{conversation}", timeout=REMEMBERED_S)
        self.add_item(discord.ui.TextInput(label=title, style=discord.TextStyle.paragraph, max_length=1500))


class FormModal(discord.ui.Modal):
    """A form. What is filled in arrives as an interaction of its own, which any later process understands."""

    def __init__(self, form: Form) -> None:
        super().__init__(title=form.title, custom_id=form.custom_id, timeout=REMEMBERED_S)
        for field in form.fields:
            self.add_item(
                discord.ui.TextInput(
                    label=field.label,
                    custom_id=field.name,
                    style=discord.TextStyle.paragraph if field.long else discord.TextStyle.short,
                    max_length=field.length,
                    required=field.required,
                )
            )
