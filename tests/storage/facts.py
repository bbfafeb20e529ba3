"""Facts as the adapters would report them, with as little as a test has to say."""

from __future__ import annotations

from itertools import count
from typing import Any

from machines.events import Address, CaseTrigger, Event, Source, Trigger, message_id
from storage.values import SetTimer, moment

#: The clock of every test begins here: 2026-03-02, 09:00 UTC.
START = 1_772_442_000.0
ANN, BEN, CAY = "4001", "4002", "4003"

_unique = count(1)


def wrote(member: str, ref: str, body: str = "how do I pay?", at: float = START, **data: Any) -> Event:
    """A member's message in the DM."""
    told = {"message": message_id(Source.DISCORD, ref), "ref": ref, "channel": f"dm-{member}", "body": body}
    to = Address(member=member)
    return Event(Source.DISCORD, ref, Trigger.MEMBER_MESSAGE, moment(at), to, {**told, **data})


def edited(member: str, ref: str, body: str, at: float, *, source: Source = Source.DISCORD) -> Event:
    row = message_id(source, ref)
    trigger = Trigger.MEMBER_EDITED if source is Source.DISCORD else Trigger.AGENT_EDITED
    to = Address(member=member, message=row) if source is Source.DISCORD else Address(message=row)
    data = {"message": row, "body": body, "edited_at": at}
    return Event(source, f"{ref}:edited:{at}:{next(_unique)}", trigger, moment(at), to, data)


def deleted(ref: str, at: float = START) -> Event:
    row = message_id(Source.DISCORD, ref)
    to = Address(message=row)
    return Event(Source.DISCORD, f"{ref}:delete", Trigger.MEMBER_DELETED, moment(at), to, {"message": row})


def pressed(
    member: str, trigger: Trigger, conversation: str, ref: str = "", at: float = START, **data: Any
) -> Event:
    to = Address(member=member, conversation=conversation)
    return Event(Source.DISCORD, ref or f"press-{next(_unique)}", trigger, moment(at), to, data)


def commanded(member: str, trigger: Trigger, ref: str = "", **data: Any) -> Event:
    """A command, which names nobody but the member."""
    to = Address(member=member)
    return Event(Source.DISCORD, ref or f"command-{next(_unique)}", trigger, moment(START), to, data)


def filed(member: str, ref: str, kind: str = "bug", **data: Any) -> Event:
    """A report, by a command of the server; its name is that of the interaction that sent the form off."""
    told = {
        "kind": kind,
        "title": f"{kind} {ref}",
        "summary": "as soon as I jump",
        "asked_in": "33",
        "name": "Ann",
        "locale": "de",
        "interaction": {"id": ref, "application": "9", "token": f"token-{ref}"},
    }
    to = Address(member=member)
    return Event(Source.DISCORD, ref, CaseTrigger.OPENED, moment(START), to, {**told, **data})


def reported(
    trigger: Trigger,
    conversation: str | None,
    *,
    request: int | None = 1,
    link: tuple[str, str] | None = None,
    at: float = START,
    ref: str = "",
    **data: Any,
) -> Event:
    """What a desk reports: by our mark, or by the provider's name for the request."""
    if conversation is None:
        request = None
    told = {"agent": "ada", "name": "Ada", **data}
    to = Address(conversation=conversation, request=request, link=link)
    return Event(Source.TWILIO, ref or f"report-{next(_unique)}", trigger, moment(at), to, told)


def answered_by_agent(
    conversation: str, ref: str, body: str = "hello", at: float = START, **named: Any
) -> Event:
    row = message_id(Source.TWILIO, ref)
    return reported(Trigger.AGENT_MESSAGE, conversation, ref=ref, at=at, message=row, body=body, **named)


def fired(timer: SetTimer) -> Event:
    machine, _, subject = timer.subject.partition(":")
    mine = machine == "conversation"
    return Event(
        Source.TIMER,
        f"{timer.subject}:{timer.name}:{timer.epoch}",
        Trigger(timer.name) if mine else CaseTrigger(timer.name),
        moment(timer.due_at),
        Address(conversation=subject) if mine else Address(case=subject),
        {"subject": timer.subject, "name": timer.name, "epoch": timer.epoch},
    )
