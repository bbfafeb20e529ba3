"""What agents see: the queue and one conversation, as JSON. Pure: rows go in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from orchestrator.texts.say import Words, text
from storage.reads.rows import MessageRow, NoteRow, RequestRow

Json = dict[str, Any]

#: What agents are told of an attached file.
_FILE = ("filename", "size", "content_type")


def queue(requests: Iterable[RequestRow], agent: str) -> Json:
    """Requests come in the order in which they wait. One that nobody has waits, though its member may not."""
    waiting = [row for row in requests if not row.agents]
    in_line = (row.conversation for row in waiting if row.state == "awaiting_agent")
    places = {conversation: place for place, conversation in enumerate(in_line, start=1)}
    return {
        "waiting": [
            {
                **_request(row),
                "place": places.get(row.conversation),
                "addressed_to": row.addressed or None,
            }
            for row in waiting
        ],
        "mine": [_request(row) for row in requests if agent in dict(row.agents)],
    }


def conversation(row: RequestRow, said: Sequence[MessageRow], notes: Sequence[NoteRow], words: Words) -> Json:
    """All that was said, to the bot as well, and our notes for the agents. Both oldest first."""
    known = {ref: message.ref for message in said for ref in (message.ref, *message.refs)}
    return {
        **_request(row),
        "version": row.version,
        "same_case": list(row.same_case),
        "request": {"number": row.request, "state": row.request_state or None},
        "messages": [_message(message, known, words) for message in said],
        "notes": [_note(note, words) for note in notes],
    }


def _request(row: RequestRow) -> Json:
    return {
        "conversation": row.conversation,
        "state": row.state,
        "case": row.case,
        "kind": row.case_kind or None,
        "member": {"id": row.member, "name": row.member_name},
        "waiting_since": _time(row.waiting_since),
        "agents": [{"id": identity, "name": name} for identity, name in row.agents],
    }


def _message(row: MessageRow, known: Mapping[str, str], words: Words) -> Json:
    """`known`: what stands in the direct messages -> the message of this list."""
    shown: Json = {
        "id": row.ref,
        "author": row.author,
        "name": row.name or words.name[row.author],
        "body": "" if row.deleted else row.body,
        "files": [] if row.deleted else [_file(attachment) for attachment in row.attachments],
        "at": _time(row.at),
        "edited_at": _time(row.edited_at) if row.edited_at else None,
        "deleted": row.deleted,
        "reply_to": known.get((row.reply_to or "").partition(":")[2]),
        "undelivered": row.undelivered,
    }
    if row.author == "agent":
        shown |= {"delivered": bool(row.refs), "withheld": row.withheld}
    return shown


def _file(attachment: Mapping[str, Any]) -> Json:
    return {name: attachment.get(name) for name in _FILE}


def _note(row: NoteRow, words: Words) -> Json:
    return {
        "note": row.text,
        "text": text(words.desk, row.text, row.args),
        "at": _time(row.at),
        "request": row.request,
    }


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")
