"""The committed files that are made from the tables: what they should say, and which of them do not."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from diagrams.graph import graph
from diagrams.mermaid import mermaid
from diagrams.transitions import document
from machines.step import TABLES
from machines.table import Table

ROOT = Path(__file__).resolve().parents[1]
README = Path("README.md")

_EMBEDDED = re.compile(r"(<!-- diagram:(\w+) -->\n).*?(<!-- /diagram -->)", re.DOTALL)


class UnknownDiagram(ValueError):
    """A marker in a page asks for a machine that does not exist."""


def embed(readme_text: str, tables: Iterable[Table] = tuple(TABLES.values())) -> str:
    """The page with the current diagram between each pair of markers; a page without markers is returned as is.

    A marker is `<!-- diagram:conversation -->`, its end `<!-- /diagram -->`. Raises `UnknownDiagram`.
    """
    known = {table.name: table for table in tables}

    def fresh(found: re.Match[str]) -> str:
        start, name, end = found.groups()
        if name not in known:
            raise UnknownDiagram(f"no machine {name!r}; there are: {', '.join(sorted(known))}")
        return f"{start}```mermaid\n{mermaid(graph(known[name]))}```\n{end}"

    return _EMBEDDED.sub(fresh, readme_text)


def expected(root: Path = ROOT, tables: Iterable[Table] = tuple(TABLES.values())) -> dict[Path, str]:
    """Path below the root -> what the file should say."""
    tables = tuple(tables)
    files = {Path("diagrams/pictures") / f"{table.name}.mmd": mermaid(graph(table)) for table in tables}
    files[Path("docs/transitions.md")] = document(tables)
    readme = root / README
    if readme.exists():
        files[README] = embed(readme.read_text(), tables)
    return files


def stale(root: Path = ROOT, tables: Iterable[Table] = tuple(TABLES.values())) -> list[Path]:
    """The files that are missing or say something else, below the root."""
    return [
        path
        for path, text in expected(root, tables).items()
        if not (root / path).exists() or (root / path).read_text() != text
    ]


def write(root: Path = ROOT, tables: Iterable[Table] = tuple(TABLES.values())) -> list[Path]:
    """Bring the stale files up to date. Returns them."""
    tables = tuple(tables)
    texts = expected(root, tables)
    written = stale(root, tables)
    for path in written:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(texts[path])
    return written
