"""What Discord tells, as events. Pure: the gateway and the reading-up give the same event for the same fact."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from machines.events import Address, CaseTrigger, Event, Source, Trigger, message_id
from machines.snapshot import REPORTS
from orchestrator.discord.forms import REPORT, STEPS_LENGTH, SUMMARY_LENGTH, TITLE_LENGTH
from orchestrator.ports import DiscordMessage
from orchestrator.texts.plain import storable

#: Buttons whose press is an event; the part after the conversation is a detail.
PRESSES: Mapping[str, Trigger] = {
    "agent_requested": Trigger.AGENT_REQUESTED,
    "agent_request_cancelled": Trigger.AGENT_REQUEST_CANCELLED,
    "solved": Trigger.SOLVED,
    "not_helpful": Trigger.NOT_HELPFUL,
    "other_case": Trigger.OTHER_CASE,
    "member_closed": Trigger.MEMBER_CLOSED,
    "transcript_requested": Trigger.TRANSCRIPT_REQUESTED,
    "reopen": Trigger.AGENT_REQUESTED,
    "case_talk": Trigger.AGENT_REQUESTED,
    "rating": Trigger.RATING,
}

#: Below what is said of a case: the case stands where others have the conversation.
ABOUT_A_CASE = "case_talk"

#: Buttons that ask for a text first; the event follows with the text.
MODALS: Mapping[str, Trigger] = {"message_left": Trigger.MESSAGE_LEFT, "comment": Trigger.COMMENT}


def said(message: DiscordMessage) -> list[Event]:
    """A member's message, and its edit if it was edited: the store drops what it knows."""
    events = [_created(message)]
    if message.edited_at is not None:
        events.append(edited(message))
    return events


def _created(message: DiscordMessage) -> Event:
    return Event(
        Source.DISCORD,
        message.id,
        Trigger.MEMBER_MESSAGE,
        message.at,
        Address(member=message.author),
        {
            "message": message_id(Source.DISCORD, message.id),
            "ref": message.id,
            "channel": message.channel,
            "name": message.author_name,
            "body": message.body,
            "attachments": [dict(a) for a in message.attachments],
            "reply_to": message_id(Source.DISCORD, message.reply_to) if message.reply_to else None,
        },
    )


def edited(message: DiscordMessage) -> Event:
    at = message.edited_at or message.at
    row = message_id(Source.DISCORD, message.id)
    return Event(
        Source.DISCORD,
        f"{message.id}:edited:{at.isoformat(timespec='milliseconds')}",
        Trigger.MEMBER_EDITED,
        at,
        Address(member=message.author, message=row),
        {
            "message": row,
            "body": message.body,
            "attachments": [dict(a) for a in message.attachments],
            "edited_at": at.timestamp(),
        },
    )


def deleted(message: str, at: datetime) -> Event:
    row = message_id(Source.DISCORD, message)
    return Event(
        Source.DISCORD,
        f"{message}:delete",
        Trigger.MEMBER_DELETED,
        at,
        Address(message=row),
        {"message": row},
    )


def reacted(message: str, member: str, emoji: str, at: datetime, name: str) -> Event:
    """A level report: `name` is random, for a repeat changes nothing."""
    row = message_id(Source.DISCORD, message)
    return Event(
        Source.DISCORD,
        name,
        Trigger.MEMBER_REACTED,
        at,
        Address(member=member, message=row),
        {"message": row, "emoji": emoji},
    )


def helped(
    interaction: str, member: str, at: datetime, asked: Mapping[str, Any], question: str = ""
) -> Event:
    """`/helpme`, with a question or without. `asked` holds name, locale and how to answer."""
    if not question:
        return Event(
            Source.DISCORD, interaction, Trigger.HELP_REQUESTED, at, Address(member=member), dict(asked)
        )
    row = message_id(Source.DISCORD, interaction)
    data = {"message": row, "body": storable(question), "attachments": [], **asked}
    return Event(Source.DISCORD, interaction, Trigger.MEMBER_MESSAGE, at, Address(member=member), data)


def pressed(interaction: str, member: str, at: datetime, custom_id: str, locale: str = "") -> Event | None:
    """A press of one of our buttons; None for a button that is not ours."""
    action, _, rest = custom_id.partition(":")
    conversation, _, detail = rest.partition(":")
    trigger = PRESSES.get(action)
    if trigger is None or not conversation:
        return None
    data: dict[str, Any] = {"locale": locale} if locale else {}
    if action == ABOUT_A_CASE:
        to = Address(member=member, case=conversation)
        return Event(Source.DISCORD, interaction, trigger, at, to, data)
    if action == "reopen":
        data["reopened"] = True
    elif action == "not_helpful":
        data["answer"] = int(detail) if detail.isdigit() else 0
    elif action == "rating":
        if not (detail.isdigit() and 1 <= int(detail) <= 5):
            return None
        data["rating"] = int(detail)
    return Event(
        Source.DISCORD, interaction, trigger, at, Address(member=member, conversation=conversation), data
    )


def filled_in(
    interaction: str, member: str, at: datetime, custom_id: str, text: str, locale: str = ""
) -> Event | None:
    """A submitted text field."""
    action, _, conversation = custom_id.partition(":")
    trigger = MODALS.get(action)
    if trigger is None or not conversation:
        return None
    return Event(
        Source.DISCORD,
        interaction,
        trigger,
        at,
        Address(member=member, conversation=conversation),
        {"body": storable(text), **({"locale": locale} if locale else {})},
    )


def reported(
    interaction: str,
    member: str,
    at: datetime,
    custom_id: str,
    fields: Mapping[str, str],
    asked: Mapping[str, Any],
) -> Event | None:
    """A report that was filled in; None for another form. `asked`: name, locale, where, and how to answer."""
    action, _, kind = custom_id.partition(":")
    if action != REPORT or kind not in REPORTS:
        return None
    data = {
        "kind": kind,
        "title": _line(fields.get("title", ""))[:TITLE_LENGTH],
        "summary": storable(fields.get("summary", "")).strip()[:SUMMARY_LENGTH],
        **asked,
    }
    if steps := storable(fields.get("steps", "")).strip()[:STEPS_LENGTH]:
        data["steps"] = steps
    return Event(Source.DISCORD, interaction, CaseTrigger.OPENED, at, Address(member=member), data)


def _line(text: str) -> str:
    return " ".join(storable(text).split())
