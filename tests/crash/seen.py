"""What a sandbox saw, and what the store holds, as a history for the checker."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from functools import partial
from typing import Any

from sqlalchemy import Connection, Engine, and_, or_, select

from machines.events import Source
from machines.table import Outcome
from machines.testing.history import By, Deed, Desk, Dm, Entry, Exchange, HelpCase, History, Line, Talk, Told
from orchestrator.sandbox.discord import view
from orchestrator.texts.say import Table, words
from storage import schema
from tests.acceptance.playing import says
from tests.crash.outside import Outside
from tests.crash.seen_builtin import own, shown
from tests.crash.written_first import among
from tests.english import ENGLISH
from tests.inprocess.world import Json
from tests.storage.replay import differences

_FROM_AGENT = re.compile(r"\*\*\w+:\*\* (.*)", re.DOTALL)
#: Texts with nothing of their own to know them by.
_PLAIN = {"answer", "articles", "suggestions"}
_OUR_AUTHOR, _OUR_NOTES = "discord_", "orchestrator"


def recorded(
    world: Outside,
    engine: Engine,
    down: Sequence[tuple[float, float]] = (),
    leaks: Sequence[str] = (),
) -> History:
    """Everything, as it stands now."""
    with engine.connect() as connection:
        journal = tuple(_journal(connection))
        desks = tuple(
            among(_desks(world, connection), world, connection)
            if world.desk == "flex"
            else shown(world, connection, journal)
        )
        taken = {entry.id for entry in journal if entry.source == "discord"}
        return History(
            dms=tuple(_dms(world, taken)),
            desks=desks,
            journal=journal,
            outbox=tuple(_outbox(connection)),
            talks=tuple(_talks(connection)),
            cases=tuple(_cases(connection)),
            told=tuple(_told(world)) if world.followed else None,
            exchanges=tuple(_exchanges(world)),
            claimed=frozenset({*_claimed(connection), *(own(desks) if world.desk == "builtin" else ())}),
            down=tuple(down),
            leaks=tuple(leaks),
            differences=partial(differences, engine),
        )


# --- the two sides


def _dms(world: Outside, taken: Collection[str]) -> Iterator[Dm]:
    model = world.discord
    for user in list(model.world.users.values()):
        if not user.bot:
            shown = [view.message(model.world, message) for message in model.members.inbox(user.name)]
            lines = [_dm_line(world, m) for m in shown if not m["ephemeral"] and "channel" not in m]
            lines += _questions(world, user.id, taken)
            yield Dm(str(user.id), tuple(sorted(lines, key=lambda line: int(line.id))))


def _questions(world: Outside, member: int, taken: Collection[str]) -> Iterator[Line]:
    """What was asked with a command. Where it was not taken, the member was told so by Discord."""
    for begun in world.discord.interactions.all():
        if begun.user_id == member and str(begun.id) in taken:
            for option in begun.data.get("options", ()):
                if option["name"] == "question":
                    at = begun.at.timestamp()
                    yield Line(id=str(begun.id), at=at, by=By.MEMBER, text=str(option["value"]))


def _dm_line(world: Outside, message: Json) -> Line:
    text, by_us = message["content"], message["author"] == "bot"
    table = words(world.locale).member
    brought = _FROM_AGENT.fullmatch(text) if by_us else None
    return Line(
        id=message["id"],
        at=_seconds(message["at"]),
        by=By.SERVICE if by_us else By.MEMBER,
        text=text,
        carries=brought[1].removesuffix(f"\n{table['before_end']}") if brought else None,
        says=_to_member(text, table) if by_us and not brought else "",
        earlier=tuple(world.wrote.get(message["id"], ())),
        deleted_at=_seconds(message["deleted_at"]) if message["deleted_at"] else None,
        edited_at=_seconds(message["edited_at"]) if message["edited_at"] else None,
        edits=tuple(at for _, at in world.edits.get(message["id"], ())),
        place=_place(text, table) if by_us else 0,
    )


def _place(text: str, table: Table) -> int:
    """In the line, where a text tells one."""
    if (told := says("place", text, table)) is None:
        return 0
    nth = re.search(re.escape(table["place_nth"]).replace(r"\{n\}", r"(\d+)"), told["place"])
    return int(nth[1]) if nth else int(table["place_first"] in told["place"])


def _desks(world: Outside, connection: Connection) -> Iterator[Desk]:
    """A Twilio Conversation that its member could not be added to is theirs all the same."""
    account = world.twilio._account
    owners = {talk.id: talk.member for talk in _talks(connection)}
    for sid, found in account.conversations.items():
        name = re.fullmatch(r"orchestrator-(\w+)-(\d+)", found.unique_name or "")
        if name is None:
            continue
        shown = world.twilio.conversation(sid)
        members = [p["identity"] for p in shown["participants"] if p["identity"].startswith(_OUR_AUTHOR)]
        yield Desk(
            ref=sid,
            member=members[0].removeprefix(_OUR_AUTHOR) if members else owners.get(name[1], ""),
            conversation=name[1],
            request=int(name[2]),
            lines=tuple(_desk_line(world, message) for message in shown["messages"]),
            closed_at=found.state_since.timestamp() if found.state == "closed" else None,
            tasks=tuple(
                task.status
                for task in account.tasks.values()
                if task.attributes.get("conversationSid") == sid
            ),
        )


def _desk_line(world: Outside, message: Json) -> Line:
    text, author = message["body"] or "", message["author"]
    relayed = author.startswith(_OUR_AUTHOR)
    ours = relayed or author == _OUR_NOTES
    return Line(
        id=message["sid"],
        at=_seconds(message["at"]),
        by=By.SERVICE if ours else By.AGENT,
        text=text,
        carries=text if relayed else None,
        says=_key(text, ENGLISH.desk) if author == _OUR_NOTES else "",
        earlier=tuple(world.wrote.get(message["sid"], ())),
        deleted_at=_seconds(message["deleted_at"]) if message["deleted_at"] else None,
        edited_at=_seconds(message["edited_at"]) if message["edited_at"] else None,
    )


def _told(world: Outside) -> Iterator[Told]:
    for delivery, body in world.crm.taken.items():
        case, change = body["data"]["case"], body["data"]["change"]
        yield Told(delivery, body["type"], change["from"], change["to"], change["version"], case["version"])


def _to_member(text: str, table: Table) -> str:
    """Which of our texts for the member it is; empty for none."""
    if any(text.startswith(table[head]) for head in ("articles", "suggestions")):
        return "answer"
    if any(says(key, text, table) for key in ("answer_greeting", "answer_thanks")):
        return "answer"
    return _key(text, table)


def _key(text: str, table: Table) -> str:
    """Which of our texts it is; empty for none."""
    return next((key for key in table if key not in _PLAIN and says(key, text, table)), "")


def _exchanges(world: Outside) -> Iterator[Exchange]:
    for taken in world.taken:
        yield Exchange(taken.kind, taken.began, taken.ended)
    for begun in world.discord.interactions.all():
        ended = begun.acknowledged_at
        yield Exchange("interaction", begun.at.timestamp(), ended.timestamp() if ended else None)


# --- the store


def _journal(connection: Connection) -> Iterator[Entry]:
    for row in connection.execute(select(schema.event).order_by(schema.event.c.received_at)):
        data = json.loads(row.data) if row.source == Source.PAGE and row.data else {}
        yield Entry(
            row.source,
            row.id,
            row.subject or "",
            row.trigger,
            Outcome(row.outcome),
            row.at,
            row.from_state,
            row.to_state,
            row.version or 0,
            data.get("agent", ""),
            data.get("claim", ""),
            row.received_at,
        )


def _outbox(connection: Connection) -> Iterator[Deed]:
    for row in connection.execute(select(schema.effect).order_by(schema.effect.c.seq)):
        payload = json.loads(row.payload)
        says = payload.get("text", "")
        message = payload.get("message")
        warned = (payload.get("args") or {}).get("closes_at", "")
        closes_at = datetime.fromisoformat(warned).timestamp() if warned else 0.0
        yield Deed(
            row.key, row.subject, row.kind, row.status, row.ref, message, says, row.generation, closes_at
        )


def _talks(connection: Connection) -> Iterator[Talk]:
    for row in connection.execute(select(schema.conversation)):
        yield Talk(row.id, row.member, row.state, row.created_at, row.closed_at, row.queued_at)


def _cases(connection: Connection) -> Iterator[HelpCase]:
    t = schema.event
    chose = connection.execute(select(t.c.subject).where(t.c.trigger == "other_case")).scalars().all()
    by_agents = ("opened", "reopened", "agent_contacts")
    query = select(t.c.subject, t.c.source, t.c.trigger, t.c.id).where(t.c.trigger.in_(by_agents))
    pressed = select(t.c.subject, t.c.version).where(
        or_(
            t.c.data.contains('"reopened":true', autoescape=True),
            and_(t.c.trigger == "agent_requested", t.c.address.contains('"case"', autoescape=True)),
        )
    )
    reopened = tuple(f"{row.subject}:{row.version}:" for row in connection.execute(pressed))
    taken_up = {
        row.subject
        for row in connection.execute(query)
        if row.source == "page" or row.trigger == "agent_contacts" or row.id.startswith(reopened)
    }
    for row in connection.execute(select(schema.case_).where(schema.case_.c.kind == "help")):
        linked = json.loads(row.context).get("conversations", ())
        chosen = any(f"conversation:{conversation}" in chose for conversation in linked)
        yield HelpCase(row.id, row.member, row.state, chosen or f"case:{row.id}" in taken_up)


def _claimed(connection: Connection) -> Iterator[str]:
    for ref in connection.execute(select(schema.effect.c.ref)).scalars():
        if ref:
            yield ref
    for refs in connection.execute(select(schema.message.c.refs)).scalars():
        yield from json.loads(refs)
    yield from connection.execute(select(schema.case_note.c.key)).scalars()


def _seconds(stamp: Any) -> float:
    return datetime.fromisoformat(str(stamp)).timestamp()
