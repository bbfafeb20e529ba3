"""A member files a report: opens the form, sends it off, and reads the number of the case."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Any

from orchestrator.sandbox.discord.interactions import Interaction
from orchestrator.sandbox.refusal import Refusal
from orchestrator.texts.say import LOCALES, words
from tests.acceptance.looking import says
from tests.inprocess.world import LOOK_S, Member

#: Discord: how long a form or an answer is waited for before the member is told that it did not work.
RESPONSE_S = 3.5
#: How long somebody goes on trying.
PATIENCE_S = 120.0
_CONFIRMED = [
    (key, table)
    for said in map(words, LOCALES)
    for key, table in (
        ("bug_reported", said.command),
        ("feature_requested", said.command),
        ("report_filed", said.member),
    )
]


def numbers(member: Member) -> list[str]:
    """The number of each report that the member was told of, where it was sent off or in the DM."""
    ours = [line["content"] for line in member.inbox() if line["author"] == "bot"]
    return [
        found["number"] for text in ours for key, table in _CONFIRMED if (found := says(key, text, table))
    ]


async def report(
    member: Member,
    command: str,
    fields: Mapping[str, str],
    sees: Callable[[], Any],
    channel: str = "bug-report",
) -> None:
    """File it, and again, until there is something to see: who is told that it did not work tries again."""
    time = member.world.time
    deadline = time.passed + PATIENCE_S
    while not sees():
        assert time.passed < deadline, f"nothing comes of /{command}"
        sent = await sent_off(member, command, fields, channel)
        if sent is not None and await _taken(member, sent):
            await _within(member, PATIENCE_S, sees)
        await time.sleep(LOOK_S)


async def sent_off(
    member: Member, command: str, fields: Mapping[str, str], channel: str | None
) -> Interaction | None:
    """The form of a command, filled in once. None where Discord takes nothing, or no form opens."""
    members = member.world.discord.members
    with suppress(Refusal):
        begun = members.command(member.name, command, {}, channel)
        if await _within(member, RESPONSE_S, lambda: begun.modal) and begun.modal is not None:
            return members.submit(member.name, begun.modal["custom_id"], fields)
    return None


async def _taken(member: Member, sent: Interaction) -> bool:
    return await _within(member, RESPONSE_S, lambda: sent.acknowledged_at)


async def _within(member: Member, seconds: float, look: Callable[[], Any]) -> bool:
    time = member.world.time
    deadline = time.passed + seconds
    while not (found := look()) and time.passed < deadline:
        await time.sleep(LOOK_S)
    return bool(found)
