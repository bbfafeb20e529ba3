"""Tasks and conversations as the control API shows them: whole, with what REST hides."""

from __future__ import annotations

import json
from typing import Any

from orchestrator.sandbox.twilio.account import Account
from orchestrator.sandbox.twilio.records import Conversation, Message, Task


def task(account: Account, task: Task) -> dict[str, Any]:
    """`agent` is None until somebody accepts; messages are the whole conversation's."""
    held = task.held()
    sid = task.attributes.get("conversationSid")
    found = account.conversations.get(sid or "")
    return {
        "sid": task.sid,
        "status": task.status,
        "agent": held.worker.name if held else None,
        "conversation_sid": sid,
        "attributes": task.attributes,
        "messages": [message(m) for m in found.messages] if found else [],
    }


def message(message: Message) -> dict[str, Any]:
    return {
        "sid": message.sid,
        "index": message.index,
        "author": message.author,
        "body": message.body,
        "media": [
            {"sid": m.sid, "content_type": m.content_type, "filename": m.filename, "size": len(m.content)}
            for m in message.media
        ],
        "attributes": json.loads(message.attributes),
        "edited_at": message.edited.isoformat() if message.edited else None,
        "deleted_at": message.deleted.isoformat() if message.deleted else None,
        "at": message.created.isoformat(),
    }


def conversation(account: Account, conversation: Conversation) -> dict[str, Any]:
    """With the debugger's warnings about it, e.g. a second interaction that was dropped."""
    return {
        "sid": conversation.sid,
        "unique_name": conversation.unique_name,
        "friendly_name": conversation.friendly_name,
        "state": conversation.state,
        "attributes": json.loads(conversation.attributes),
        "participants": [
            {"sid": p.sid, "identity": p.identity, "attributes": json.loads(p.attributes)}
            for p in conversation.participants
        ],
        "webhooks": [
            {"sid": w.sid, "target": w.target, "url": w.url, "filters": w.filters}
            for w in conversation.webhooks
        ],
        "messages": [message(m) for m in conversation.messages],
        "tasks": [
            t.sid for t in account.tasks.values() if t.attributes.get("conversationSid") == conversation.sid
        ],
        "warnings": [w for w in account.warnings if w["conversation_sid"] == conversation.sid],
    }
