"""An article of the knowledge base, and the strict little file format it is written in.

    ---
    title: Reset your password          required, one line
    questions:                          other ways members ask for it
    - I forgot my password
    url: https://example.com/password   the page to link to
    id: password                        default: the file's name without `.md`
    lang: en                            default: en
    ---
    The answer, in Markdown.

Without front matter, the first line that is not empty must be `# Heading`, which is the title. This is not
YAML: a key outside this list, a nested value or a repeated key is an error, so that a typing mistake is found
when the file is read and not when a member asks.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path

DEFAULT_LANG = "en"

_FENCE = "---"
_KEYS = ("title", "questions", "url", "id", "lang")
_ID = re.compile(r"[\w.-]{1,64}")
_LANG = re.compile(r"[a-z]{2,3}(-[A-Za-z0-9]{2,8})*")
_URL = re.compile(r"https?://[^\s/]+\S*")
_PAIR = re.compile(r"(\w+)\s*:(?:\s+(.*))?")
_HEADING = re.compile(r"#\s+(.+?)(?:\s+#+)?")


class ArticleError(Exception):
    """`file:line: what is wrong: what to do about it`; the line is missing where no line is to blame."""

    def __init__(self, path: Path, line: int | None, reason: str) -> None:
        self.path = path
        self.line = line
        self.reason = reason
        where = path.name if line is None else f"{path.name}:{line}"
        super().__init__(f"{where}: {reason}")


@dataclass(frozen=True, slots=True)
class Article:
    """One answer, with the ways members ask for it."""

    id: str  #: unique in its knowledge base; letters, digits, `.`, `_`, `-`
    title: str
    body: str  #: Markdown; empty only where `url` is set
    questions: tuple[str, ...] = ()
    url: str | None = None
    lang: str = DEFAULT_LANG  #: language tag, `en` or `pt-BR`


def read(path: Path) -> Article:
    """The article in the file `path`. Raises ArticleError."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise ArticleError(path, None, f"cannot be read: {error.strerror}") from error
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise ArticleError(path, line, "not UTF-8: save the file in that encoding") from error
    return parse(text, path)


def parse(text: str, path: Path) -> Article:
    """The article written in `text`; `path` is the default id and stands in errors. Raises ArticleError."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    if lines[0].rstrip() == _FENCE:
        return _with_front_matter(lines, path)
    return _with_heading(lines, path)


def _with_heading(lines: list[str], path: Path) -> Article:
    at = next((number for number, line in enumerate(lines) if line.strip()), 0)
    heading = _HEADING.fullmatch(lines[at].rstrip())
    if heading is None:
        raise ArticleError(
            path, at + 1, "no title: begin with `# Title`, or with front matter that has `title:`"
        )
    return _article(_FrontMatter(path, {"title": heading[1]}), lines[at + 1 :])


def _with_front_matter(lines: list[str], path: Path) -> Article:
    end = next((number for number, line in enumerate(lines) if number and line.rstrip() == _FENCE), None)
    if end is None:
        raise ArticleError(path, 1, "front matter without an end: close it with a line `---`")
    front = _FrontMatter(path)
    for number, line in enumerate(lines[1:end], start=2):
        front.take(number, line.strip())
    return _article(front, lines[end + 1 :])


@dataclass(slots=True)
class _FrontMatter:
    """What the lines between the fences say, and where they say it."""

    path: Path
    values: dict[str, str] = field(default_factory=dict)
    questions: list[str] = field(default_factory=list)
    lines: dict[str, int] = field(default_factory=dict)
    key: str | None = None  #: the key whose list items may follow

    def take(self, number: int, line: str) -> None:
        if not line:
            return
        if line == "-" or line.startswith("- "):
            self._item(number, line[1:].strip())
            return
        pair = _PAIR.fullmatch(line)
        if pair is None:
            raise ArticleError(
                self.path, number, f"not understood: {line[:60]!r}: write `key: value` or `- item`"
            )
        self._pair(number, pair[1], _unquoted(pair[2] or ""))

    def _item(self, number: int, item: str) -> None:
        if self.key != "questions":
            raise ArticleError(self.path, number, "a list item outside `questions:`")
        question = _unquoted(item)
        if not question:
            raise ArticleError(self.path, number, "an empty question: write one or remove the line")
        self.questions.append(question)

    def _pair(self, number: int, key: str, value: str) -> None:
        if key not in _KEYS:
            raise ArticleError(self.path, number, f"unknown key {key!r}: known are {', '.join(_KEYS)}")
        if key in self.lines:
            raise ArticleError(
                self.path, number, f"{key!r} again: it stands in line {self.lines[key]} already"
            )
        if key == "questions" and value:
            raise ArticleError(
                self.path, number, "`questions:` is a list: write each below it as `- question`"
            )
        self.key = key
        self.lines[key] = number
        self.values[key] = value

    def checked(self, key: str, default: str, pattern: re.Pattern[str], rule: str) -> str:
        """The value of `key`, or `default`, if it follows `pattern`."""
        value = self.values.get(key, default)
        if not pattern.fullmatch(value):
            raise ArticleError(self.path, self.lines.get(key, 1), f"{key} {value!r} is not valid: {rule}")
        return value


def _article(front: _FrontMatter, rest: list[str]) -> Article:
    title = front.values.get("title", "")
    if not title:
        line = front.lines.get("title", 1)
        raise ArticleError(front.path, line, "no title: add `title:` to the front matter")
    url = front.checked("url", "", _URL, "an http(s) address") if "url" in front.lines else None
    body = "\n".join(rest).strip()
    if not body and url is None:
        raise ArticleError(front.path, 1, "no text: write the answer below the title, or set `url:`")
    return Article(
        id=front.checked("id", front.path.stem, _ID, "1 to 64 letters, digits, `.`, `_` or `-`"),
        title=title,
        body=body,
        questions=tuple(front.questions),
        url=url,
        lang=front.checked("lang", DEFAULT_LANG, _LANG, "a language tag such as `en` or `pt-BR`"),
    )


def _unquoted(value: str) -> str:
    """`value` without the pair of quotation marks that people add by habit."""
    if len(value) >= 2 and value[0] == value[-1] and value[0] in "\"'":
        return value[1:-1].strip()
    return value
