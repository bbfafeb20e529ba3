"""`python -m orchestrator.texts > docs/texts.md`: every text that a person reads, in every language, side by side."""

from __future__ import annotations

from collections.abc import Iterator

from orchestrator.texts.say import LOCALES, words

HEAD = """# What people read

Written by `python -m orchestrator.texts` from the catalogues in `orchestrator/texts/locale`; a test keeps it fresh.
Placeholders stand in braces. A member is spoken to in the language of their Discord as far as there is a catalogue
of it, else in `DEFAULT_LOCALE`, which is also what agents read."""

#: Every table with its heading.
TABLES = {
    "member": "In a member's direct message",
    "button": "On buttons, and over the one field that some of them open",
    "form": "On the forms that commands open",
    "command": "To the one who gave a command, and in the list of commands",
    "desk": "For agents, in the desk's transcript",
    "name": "In transcripts",
}


def page() -> Iterator[str]:
    """The lines of the page."""
    yield HEAD
    for table, heading in TABLES.items():
        yield f"\n## {heading}\n"
        yield f"| key | {' | '.join(LOCALES)} |"
        yield "|---|" + "---|" * len(LOCALES)
        for key in getattr(words(LOCALES[0]), table):
            said = (getattr(words(locale), table)[key] for locale in LOCALES)
            yield f"| `{key}` | {' | '.join(text.replace(chr(10), '<br>') for text in said)} |"


if __name__ == "__main__":
    print(*page(), sep="\n")
