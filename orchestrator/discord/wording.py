"""What stands in a message to a member: keys, arguments and rows become words. Pure."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from machines.queue import MORE, UNKNOWN
from orchestrator.texts.say import Words, text
from orchestrator.texts.transcript import files
from storage.reads.rows import CaseRow, MessageRow


def say_text(key: str, args: dict[str, Any], said: Words) -> str:
    """A text of ours."""
    if key == "answer":
        return answer_text(args, said)
    if key == "outside_hours":
        args = {**args, "opens": opens_text(args.get("opens_at", ""), said)}
    if closes_at := args.get("closes_at"):
        args = {**args, "closes_at": _stamp(closes_at, "t")}
    if key == "first_contact":
        key = "first_contact_privacy" if args.get("privacy_url") else key
    return text(said.member, key, args)


def _stamp(at: str, style: str) -> str:
    """Discord shows a time stamp in the zone and language of whoever reads it: `t` as a time, `F` with the day."""
    return f"<t:{int(datetime.fromisoformat(at).timestamp())}:{style}>"


def case_text(case: CaseRow, said: Words) -> str:
    """Number and title of a case, if it has one."""
    if not case.title:
        return text(said.member, "case_untitled", {"number": case.number})
    return text(said.member, "case_titled", {"number": case.number, "title": case.title})


def opens_text(opens_at: str, said: Words) -> str:
    """When somebody will be there."""
    if not opens_at:
        return text(said.member, "outside_hours_unknown", {})
    return text(said.member, "outside_hours_at", {"opens_at": _stamp(opens_at, "F")})


def answer_text(args: dict[str, Any], said: Words) -> str:
    """An answer with its articles: the best one in full, the others by title and first words."""
    if courtesy := args.get("courtesy"):
        return text(said.member, f"answer_{courtesy}", args)
    articles = list(args.get("articles", ()))
    if args.get("kind") == "suggestions":
        head, shown = [text(said.member, "suggestions", args)], articles
    else:
        head, shown = [text(said.member, "articles", args)], articles[1:]
        if articles:
            head.append(f"**{_linked(articles[0])}**")
        if args.get("body"):
            head.append(str(args["body"]))
    return "\n".join([*head, *(f"- **{_linked(a)}** {a.get('excerpt', '')}".rstrip() for a in shown)])


def _linked(article: dict[str, Any]) -> str:
    return f"[{article['title']}](<{article['url']}>)" if article.get("url") else str(article["title"])


def place_text(place: int, minutes: int, said: Words) -> str:
    """Where they stand, and how long it may take as far as that can be told."""
    if place == 0:
        return ""
    words_ = [text(said.member, "place_first" if place == 1 else "place_nth", {"n": place})]
    if minutes != UNKNOWN:
        words_.append(text(said.member, "wait_more" if minutes == MORE else "wait", {"minutes": minutes}))
    return " ".join(words_)


def shows_a_place(number: str, said: Words) -> Callable[[str], bool]:
    """Whether a text is the place message of that case, wherever in the line it says the member is."""
    head, _, tail = text(said.member, "place", {"number": number, "place": "\0"}).partition("\0")
    return lambda body: body.startswith(head.strip()) and body.endswith(tail.strip())


def agent_text(row: MessageRow, said: Words, mark: str = "") -> str:
    """An agent's message as the member reads it: who, what, and what is attached."""
    body = f"**{row.name}:** {row.body}{files(row.attachments, said.name)}"
    if mark:
        body += f"\n{text(said.member, mark, {})}"
    return body
