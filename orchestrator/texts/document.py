"""A conversation as files that a member can keep: plain text, and a page that a browser shows and prints."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from html import escape
from itertools import groupby

from orchestrator.texts.say import Words, text
from orchestrator.texts.transcript import Said, what, when, who

#: Readable on any screen and on paper. Nothing is loaded from anywhere.
_STYLE = """
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { max-width: 44rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.4rem; margin: 0; }
h2 { font-size: 1rem; margin: 2rem 0 .5rem; border-bottom: 1px solid #8888; }
dl { display: grid; grid-template-columns: 3.5rem 1fr; gap: .75rem .5rem; margin: 0; }
dt { opacity: .7; font-variant-numeric: tabular-nums; }
dd { margin: 0; overflow-wrap: anywhere; }
p { margin: 0; white-space: pre-wrap; }
.agent b { color: light-dark(#5a3fc0, #b7a6ff); }
"""


@dataclass(frozen=True, slots=True)
class Document:
    """What was said in a conversation, oldest first, in the words of whoever reads it."""

    rows: tuple[Said, ...]
    number: str  #: of the case; empty: there is none
    words: Words

    @property
    def title(self) -> str:
        key = "transcript_of" if self.number else "transcript"
        return text(self.words.name, key, {"number": self.number})

    def plain(self) -> str:
        return "\n".join([f"{self.title} ({self.words.name['times']})", *self._lines()]) + "\n"

    def page(self) -> str:
        """HTML. What people wrote is escaped and nothing else, so it can be neither markup nor a script."""
        body = "\n".join(self._sections())
        head = '<meta charset="utf-8"><meta name="viewport" content="width=device-width">'
        return (
            f'<!doctype html>\n<html lang="{self.words.locale}">\n<head>{head}<title>{escape(self.title)}</title>'
            f"<style>{_STYLE}</style></head>\n<body>\n<h1>{escape(self.title)}</h1>\n"
            f"<p>{escape(self.words.name['times'])}</p>\n{body}\n</body>\n</html>\n"
        )

    def _days(self) -> Iterable[tuple[str, Iterator[Said]]]:
        return groupby(self.rows, key=lambda row: f"{when(row):%Y-%m-%d}")

    def _lines(self) -> Iterator[str]:
        for day, rows in self._days():
            yield f"\n{day}"
            for row in rows:
                yield f"[{when(row):%H:%M}] {who(row, self.words.name)}: {what(row, self.words.name)}"

    def _sections(self) -> Iterator[str]:
        for day, rows in self._days():
            yield f"<h2>{day}</h2>\n<dl>"
            for row in rows:
                said = escape(what(row, self.words.name))
                yield (
                    f'<dt><time datetime="{when(row):%Y-%m-%dT%H:%M:%SZ}">{when(row):%H:%M}</time></dt>'
                    f'<dd class="{row.author}"><b>{escape(who(row, self.words.name))}</b>'
                    f'<p dir="auto">{said}</p></dd>'
                )
            yield "</dl>"
