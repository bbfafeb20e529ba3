"""A knowledge base on disk: a folder with one Markdown file per article."""

from __future__ import annotations

from pathlib import Path

from orchestrator.knowledge.article import Article, ArticleError, read


def load(folder: Path) -> tuple[Article, ...]:
    """All articles of `folder`, sorted by id; subfolders, hidden files and other types of file are left out.

    Raises ArticleError for the first file, by name, that is not a valid article or repeats an id.
    """
    if not folder.is_dir():
        raise ArticleError(folder, None, f"no such knowledge folder: {folder}")
    try:
        paths = sorted(path for path in folder.iterdir() if _is_article(path))
    except OSError as error:
        raise ArticleError(folder, None, f"cannot be read: {error.strerror}: {folder}") from error
    articles: dict[str, Article] = {}
    owners: dict[str, Path] = {}
    for path in paths:
        article = read(path)
        if article.id in articles:
            raise ArticleError(path, 1, f"the id {article.id!r} is that of {owners[article.id].name} already")
        articles[article.id] = article
        owners[article.id] = path
    return tuple(articles[key] for key in sorted(articles))


def sample_folder() -> Path:
    """The knowledge base that comes with the package: help for a small game community."""
    return Path(__file__).parent / "sample"


def _is_article(path: Path) -> bool:
    return path.suffix.lower() == ".md" and not path.name.startswith(".")
