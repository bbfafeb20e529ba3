"""What was said: the rows of messages follow the events that say, change and take back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from machines.events import Event, Trigger
from machines.snapshot import Snapshot
from storage import codec
from storage.drafts import Said

DELETES = (Trigger.MEMBER_DELETED, Trigger.AGENT_DELETED)
EDITS = (Trigger.MEMBER_EDITED, Trigger.AGENT_EDITED)

_MESSAGES = (Trigger.MEMBER_MESSAGE, Trigger.AGENT_MESSAGE, Trigger.AGENT_CONTACTS)

#: Message id -> its row in the making.
Rows = dict[str, Said]


def revision(event: Event, rows: Rows) -> Event | None:
    """An edit or delete as the next revision of its message; None where it tells nothing new.

    The name of an edit comes from the row, so a webhook and a later reading give it the same one.
    """
    if event.trigger not in (*EDITS, *DELETES):
        return event
    said = rows[event.to.message or ""]
    if said.deleted:
        return None
    if event.trigger in DELETES:
        return event
    edited_at = event.data.get("edited_at") or event.at.timestamp()
    attachments = codec.dump(event.data.get("attachments", codec.load(said.attachments)))
    same = said.body == event.data.get("body", "") and said.attachments == attachments
    if same or _at_latest(edited_at) <= (said.edited_at or said.at):
        return None
    _, _, ref = said.id.partition(":")
    return replace(event, id=f"{ref}:edit:{said.revision + 1}")


def _at_latest(at: float) -> float:
    """Twilio's lists tell whole seconds: such a time may be any moment of its second."""
    return at + 0.999 if at.is_integer() else at


def keep(event: Event, after: Snapshot, rows: Rows, *, withheld: bool = False) -> str | None:
    """Bring the rows to what an event says. Returns the id of a message that came into being.

    `withheld`: the text came when nobody was there for it, and the member is not shown it later either.
    """
    trigger, data = event.trigger, event.data
    if trigger in _MESSAGES:
        author = "member" if trigger is Trigger.MEMBER_MESSAGE else "agent"
        made = _say(str(data["message"]), event, after, author, str(data.get("body", "")), rows)
        rows[made].withheld = withheld
        return made
    if trigger is Trigger.BOT_ANSWERED and data.get("kind") != "handoff":
        found = [str(data.get("body", "")), *map(_named, data.get("articles", ()))]
        if body := "\n".join(filter(None, found)):
            return _say(f"effect:{event.id}", event, after, "bot", body, rows)
    elif trigger in EDITS:
        said = rows[event.to.message or ""]
        said.body = str(data.get("body", ""))
        if "attachments" in data:
            said.attachments = codec.dump(data["attachments"])
        said.edited_at = data.get("edited_at") or event.at.timestamp()
        said.revision += 1
        said.dirty = True
    elif trigger in DELETES:
        said = rows[event.to.message or ""]
        said.deleted, said.dirty = True, True
        said.revision += 1
    return None


def _say(message: str, event: Event, after: Snapshot, author: str, body: str, rows: Rows) -> str:
    data = event.data
    rows[message] = Said(
        id=message,
        conversation=after.id,
        member=after.member,
        author=author,
        name=str(data.get("name", "")) if author == "agent" else "",
        body=body,
        attachments=codec.dump(data.get("attachments", [])),
        reply_to=data.get("reply_to"),
        version=after.version,
        at=event.at.timestamp(),
        edited_at=data.get("edited_at"),
        new=True,
    )
    return message


def _named(article: Mapping[str, Any]) -> str:
    """Whoever reads what the bot found can open it."""
    title, url = str(article.get("title", "")), str(article.get("url") or "")
    return f"{title} ({url})" if url else title
