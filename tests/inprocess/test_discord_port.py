"""What every implementation of the Discord port does: discord.py over sockets, and the model in process."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from machines.events import Trigger
from orchestrator.discord import limits
from orchestrator.discord.commands import COMMANDS
from orchestrator.errors import Reject, Retry
from orchestrator.inprocess.discord import InProcessDiscord
from orchestrator.ports import Button, File
from orchestrator.sandbox.wire import Call, Upload
from orchestrator.texts.plain import storable
from tests.inprocess.ports import FAULTS, DiscordSide, discord_in_process, discord_over_sockets

NONCE = "nonce-of-one"
SIDES = {"over sockets": discord_over_sockets, "in process": discord_in_process}


@pytest.fixture(params=SIDES)
async def side(request: pytest.FixtureRequest) -> AsyncIterator[DiscordSide]:
    async with SIDES[request.param]() as found:
        yield found


async def test_a_dm_is_the_same_every_time(side: DiscordSide) -> None:
    assert await side.port.open_dm(side.member) == side.channel


async def test_the_same_nonce_returns_the_earlier_message(side: DiscordSide) -> None:
    first = await side.port.send(side.channel, "hello", nonce=NONCE)
    assert await side.port.send(side.channel, "hello", nonce=NONCE) == first
    assert await side.port.send(side.channel, "hello", nonce="another") != first
    assert side.texts() == ["hello", "hello"]


async def test_a_file_is_sent_once_as_well(side: DiscordSide) -> None:
    file = File("transcript.txt", b"lines")
    first = await side.port.send(side.channel, "", nonce=NONCE, files=[file])
    assert await side.port.send(side.channel, "", nonce=NONCE, files=[file]) == first
    (message,) = side.model.members.inbox("mia")
    assert [(a.filename, a.content) for a in message.attachments] == [("transcript.txt", b"lines")]


async def test_buttons_and_replies_arrive_as_they_were_meant(side: DiscordSide) -> None:
    question = side.write("which one?")
    rows = [[Button("solved:c1", "Solved"), Button("agent_requested:c1", "Person", primary=True)]]
    await side.port.send(side.channel, "this one", nonce=NONCE, buttons=rows, reply_to=question)
    message = side.model.members.inbox("mia")[-1]
    assert str(message.reply_to) == question
    (row,) = message.components
    assert [(b["custom_id"], b["label"], b["style"]) for b in row["components"]] == [
        ("solved:c1", "Solved", 2),
        ("agent_requested:c1", "Person", 1),
    ]


async def test_a_reply_to_a_message_that_is_gone_is_sent_all_the_same(side: DiscordSide) -> None:
    await side.port.send(side.channel, "yes", nonce=NONCE, reply_to="1234567890")
    assert side.texts() == ["yes"]


async def test_a_message_is_edited_and_deleted_and_deleted_again(side: DiscordSide) -> None:
    rows = [[Button("solved:c1", "Solved")]]
    ref = await side.port.send(side.channel, "one", nonce=NONCE, buttons=rows)
    await side.port.edit(side.channel, ref, "two")
    assert side.texts() == ["two"]
    assert side.model.members.inbox("mia")[0].components == []
    await side.port.delete(side.channel, ref)
    await side.port.delete(side.channel, ref)
    assert side.texts() == []


async def test_a_reaction_stands_under_the_message(side: DiscordSide) -> None:
    ref = side.write("hello")
    await side.port.react(side.channel, ref, "👀")
    await side.port.react(side.channel, ref, "👀")
    assert side.model.members.inbox("mia")[0].reactions == {"👀": [side.model.world.bot.id]}


async def test_typing_is_shown(side: DiscordSide) -> None:
    await side.port.typing(side.channel)
    assert side.model.world.channel(int(side.channel)).bot_typing_until is not None


async def test_history_is_read_oldest_first_page_by_page(side: DiscordSide) -> None:
    ids = [side.write(f"message {n}") for n in range(130)]
    found = await side.port.history(side.channel, after=ids[1])
    assert [m.id for m in found] == ids[2:102]
    rest = await side.port.history(side.channel, after=found[-1].id)
    assert [m.id for m in rest] == ids[102:]
    assert [m.id for m in await side.port.history(side.channel, after="0", limit=120)] == ids[:120]
    assert await side.port.history(side.channel, after=ids[-1]) == []


async def test_both_read_the_same_messages_alike(side: DiscordSide) -> None:
    first = side.write("with\0 a NUL")
    side.write("", stickers=["wave"])
    side.write("", forward=int(first))
    side.write("look", files=[Upload("log.txt", "text/plain", b"lines")], reply_to=int(first))
    side.model.members.edit("mia", int(side.write("tpyo")), "typo")
    await side.port.send(side.channel, "of ours", nonce=NONCE, reply_to=first)
    other = InProcessDiscord(side.model.rest, limits, storable)
    await other.login()
    told = await side.port.history(side.channel, after="0")
    assert told == await other.history(side.channel, after="0")
    assert [m.body for m in told] == [
        "with\ufffd a NUL",
        "[sticker: wave]",
        "[forwarded] with\ufffd a NUL",
        "look",
        "typo",
        "of ours",
    ]
    assert [m.own for m in told] == [False] * 5 + [True]
    assert [m.reply_to for m in told] == [None, None, None, first, None, first]
    assert (told[3].attachments[0]["filename"], told[4].edited_at is not None) == ("log.txt", True)


async def test_closed_dms_and_no_mutual_server_are_a_rejection_that_says_so(side: DiscordSide) -> None:
    for dms_open, in_guild in ((False, True), (True, False)):
        side.model.members.change("mia", dms_open=dms_open, in_guild=in_guild)
        with pytest.raises(Reject) as refused:
            await side.port.send(side.channel, "hello", nonce=NONCE)
        assert refused.value.report is Trigger.UNREACHABLE


async def test_what_discord_calls_wrong_is_a_rejection_that_reports_nothing(side: DiscordSide) -> None:
    for text in ("x" * 2001, ""):
        with pytest.raises(Reject) as refused:
            await side.port.send(side.channel, text, nonce=NONCE)
        assert refused.value.report is None
    with pytest.raises(Reject) as refused:
        await side.port.edit(side.channel, "1234567890", "gone")
    assert refused.value.report is None


async def test_an_interaction_that_was_deferred_is_answered_by_its_token(side: DiscordSide) -> None:
    application = str(side.model.world.application_id)
    bot = {"authorization": "Bot somebody"}
    side.model.rest(Call("PUT", f"/applications/{application}/commands", headers=bot, json=list(COMMANDS)))
    side.model.identify("somebody", 1)
    begun = side.model.members.command("mia", "helpme", {}, "general")
    with pytest.raises(Reject):
        await side.port.answer(application, begun.token, "too early")
    deferred = {"type": 5, "data": {"flags": 64}}
    side.model.rest(Call("POST", f"/interactions/{begun.id}/{begun.token}/callback", json=deferred))
    await side.port.answer(application, begun.token, "@everyone done")
    assert side.model.members.inbox("mia")[-1].content == "@everyone done"
    with pytest.raises(Reject):
        await side.port.answer(application, "no-such-token", "nobody")


def send(side: DiscordSide) -> Awaitable[Any]:
    return side.port.send(side.channel, "hello", nonce=NONCE)


def open_dm(side: DiscordSide) -> Awaitable[Any]:
    return side.port.open_dm(side.member)


def edit(side: DiscordSide) -> Awaitable[Any]:
    return side.port.edit(side.channel, "1234567890", "hello")


#: Calls, and whether making them twice would be wrong; the method and path that is spoiled.
CALLS: dict[Any, tuple[bool, str, str]] = {
    send: (True, "POST", "/messages$"),
    open_dm: (False, "POST", "/channels$"),
    edit: (False, "PATCH", "/messages/"),
}
#: These matter where the answer is read.
NONSENSICAL = ("nonsense", "an empty object")
#: Fault -> the seconds that are named, and whether a doubt is left where a repeat would be wrong.
LEAVES = {
    "a lost request": (None, True),
    "a lost answer": (None, True),
    "429 that names a time": (7.0, False),
    "429 without a time": (None, False),
    "503": (None, True),
    "401": (None, False),
}


@pytest.mark.parametrize("fault", LEAVES)
@pytest.mark.parametrize("call", CALLS)
async def test_every_fault_is_tried_again_and_leaves_a_doubt_where_a_repeat_would_be_wrong(
    side: DiscordSide, call: Callable[[DiscordSide], Awaitable[Any]], fault: str
) -> None:
    not_repeatable, method, path = CALLS[call]
    after, doubt = LEAVES[fault]
    side.spoil(method, path, fault)
    with pytest.raises(Retry) as failed:
        await call(side)
    assert (failed.value.after, failed.value.ambiguous) == (after, doubt and not_repeatable)


async def test_after_a_lost_answer_the_same_nonce_finds_what_was_sent(side: DiscordSide) -> None:
    side.spoil("POST", "/messages$", "a lost answer")
    with pytest.raises(Retry):
        await send(side)
    side.mend()
    await send(side)
    assert side.texts() == ["hello"]


@pytest.mark.parametrize("fault", NONSENSICAL)
async def test_an_answer_that_names_nothing_is_no_answer(side: DiscordSide, fault: str) -> None:
    side.spoil("POST", "/messages$", fault)
    with pytest.raises(Retry) as failed:
        await send(side)
    assert failed.value.ambiguous
    side.mend()
    side.spoil("POST", "/users/@me/channels$", fault)
    with pytest.raises(Retry) as failed:
        await side.port.open_dm(side.member)
    assert not failed.value.ambiguous


async def test_faults_are_all_spoken_for() -> None:
    assert set(LEAVES) == set(FAULTS) - set(NONSENSICAL)
