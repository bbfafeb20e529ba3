"""The unmodified discord.py package cannot tell the sandbox from Discord."""

from __future__ import annotations

import hashlib
import zlib

import aiohttp
import discord
import pytest

from tests.sandbox.discord_bot import Bot, Clock, connected, sandboxed, until


class ZlibContext:
    """What discord.py uses where the zstandard package is missing."""

    COMPRESSION_TYPE = "zlib-stream"

    def __init__(self) -> None:
        self._inflator = zlib.decompressobj()

    def decompress(self, data: bytes, /) -> str | None:
        assert data.endswith(b"\x00\x00\xff\xff")
        return self._inflator.decompress(data).decode()


@pytest.mark.parametrize("compression", [ZlibContext, discord.utils._ActiveDecompressionContext])
async def test_a_bot_logs_in_over_either_compression_and_finds_the_demo_guild(
    compression: type, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(discord.utils, "_ActiveDecompressionContext", compression)
    async with sandboxed() as (sandbox, _), connected(sandbox) as bot:
        (guild,) = bot.guilds
        assert guild.name == "Demo"
        assert {role.name for role in guild.roles} == {"@everyone", "Member", "Staff"}
        assert [channel.name for channel in guild.text_channels] == [
            "announcements",
            "bug-report",
            "feature-request",
            "customer-service",
            "general",
        ]
        assert bot.application_id == bot.user.id
        assert not bot.private_channels


async def test_a_member_and_the_bot_talk_in_a_dm() -> None:
    async with sandboxed() as (sandbox, member), connected(sandbox) as bot:
        posted = await member.post("/members/ada/messages", {"content": "hello"})
        message = await bot.next("message")
        assert (message.id, message.content, message.author.name) == (int(posted["id"]), "hello", "ada")
        assert message.guild is None

        await message.reply("welcome")
        _, answer = await member.get("/members/ada/messages")
        assert (answer["author"], answer["content"]) == ("bot", "welcome")
        assert answer["reply_to"] == posted["id"]


async def test_what_a_member_does_to_a_message_reaches_the_bot() -> None:
    async with sandboxed() as (sandbox, member), connected(sandbox) as bot:
        posted = await member.post("/members/ada/messages", {"content": "helo"})
        one = f"/members/ada/messages/{posted['id']}"
        await member("PATCH", one, {"content": "hello"})
        edit = await bot.next("edit")
        assert edit.data["content"] == "hello"
        assert edit.message_id == int(posted["id"])
        await member.post("/members/ada/typing")
        assert (await bot.next("typing")).user_id == edit.message.author.id
        await member.post("/members/ada/reactions", {"message_id": posted["id"], "emoji": "👍"})
        assert str((await bot.next("reaction")).emoji) == "👍"
        await member("DELETE", one)
        assert (await bot.next("delete")).message_id == int(posted["id"])


async def test_a_repeated_nonce_sends_nothing_twice() -> None:
    async with sandboxed() as (sandbox, member), connected(sandbox) as bot:
        await member.post("/members/ada/messages", {"content": "hello"})
        channel = (await bot.next("message")).channel
        first = await channel.send("answer", nonce="effect-1")
        again = await channel.send("answer", nonce="effect-1")
        assert first.id == again.id
        shown = await member.get("/members/ada/messages")
        assert [m["nonce"] for m in shown] == [None, "effect-1"]


async def test_a_reply_lost_after_the_work_is_made_good_by_the_nonce() -> None:
    async with sandboxed() as (sandbox, member), connected(sandbox) as bot:
        await member.post("/members/ada/messages", {"content": "hello"})
        channel = (await bot.next("message")).channel
        fault = {"service": "discord", "method": "POST", "path": "/messages$", "lose_reply": True}
        await member.post("/faults", fault)
        with pytest.raises(aiohttp.ServerDisconnectedError):
            await channel.send("answer", nonce="effect-1")
        await channel.send("answer", nonce="effect-1")
        shown = await member.get("/members/ada/messages")
        assert [m["content"] for m in shown] == ["hello", "answer"]
        assert [e.fault for e in sandbox.log.entries if e.fault] == ["lose_reply"]


async def test_history_after_a_message_pages_upwards_through_all_that_followed() -> None:
    async with sandboxed() as (sandbox, _), connected(sandbox) as bot:
        for number in range(120):
            sandbox.discord.members.post("ada", f"message {number}")
        user = sandbox.discord.members.named("ada")
        channel = await bot.create_dm(discord.Object(user.id))
        tenth = sandbox.discord.members.inbox("ada")[9]
        read = [m.content async for m in channel.history(after=discord.Object(tenth.id), limit=None)]
        assert read == [f"message {number}" for number in range(10, 120)]


async def test_a_dropped_line_is_resumed_and_what_was_missed_comes_before_resumed() -> None:
    async with sandboxed() as (sandbox, member), connected(sandbox) as bot:
        await member.post("/gateway", {"drop": True})
        await member.post("/members/ada/messages", {"content": "while you were away"})
        await until(lambda: bot.all("resumed"))
        kinds = [kind for kind, _ in bot.heard]
        assert kinds == ["ready", "message", "resumed"]


async def test_reconnect_and_resumable_invalid_session_lose_nothing() -> None:
    async with sandboxed() as (sandbox, member), connected(sandbox) as bot:
        for trouble in ({"reconnect": True}, {"invalid_session": "resumable"}, {"close_code": 4000}):
            await member.post("/gateway", trouble)
            await member.post("/members/ada/messages", {"content": str(trouble)})
            message = await bot.next("message")
            assert message.content == str(trouble)
            await bot.next("resumed")
        assert len(bot.all("ready")) == 1


async def test_a_lost_session_identifies_anew_and_never_hears_what_was_sent_between() -> None:
    async with sandboxed() as (sandbox, member), connected(sandbox) as bot:
        await bot.next("ready")
        await member.post("/gateway", {"offline_s": 0.3})
        await member.post("/members/ada/messages", {"content": "into the void"})
        await bot.next("ready")
        await member.post("/members/ada/messages", {"content": "after"})
        assert (await bot.next("message")).content == "after"
        assert [m["content"] for m in await member.get("/members/ada/messages")] == ["into the void", "after"]


async def test_a_slash_command_is_deferred_in_private_and_answered_by_editing_the_original() -> None:
    bot = Bot()

    @bot.tree.command(name="helpme", description="Ask for help")
    async def helpme(interaction: discord.Interaction, about: str) -> None:
        await interaction.response.defer(ephemeral=True)
        await interaction.edit_original_response(content=f"help about {about} from {interaction.user}")

    async with sandboxed() as (sandbox, member), connected(sandbox, bot):
        (command,) = await bot.tree.sync()
        assert command.name == "helpme"
        wish = {"name": "helpme", "options": {"about": "keys"}, "channel": "customer-service"}
        begun = await member.post("/members/ada/commands", wish)
        interaction = sandbox.discord.interactions.get(int(begun["id"]))
        await until(lambda: interaction.original and not interaction.original.loading)
        (answer,) = await member.get("/members/ada/messages")
        assert answer["content"] == "help about keys from ada"
        assert (answer["ephemeral"], answer["channel"]) == (True, "customer-service")
        assert answer["edited_at"] is None
        assert await member.get("/members/ben/messages") == []
        assert await member.get("/channels/customer-service/messages") == []
        shown = await member.get(f"/interactions/{begun['id']}")
        assert (shown["responded"], shown["failed"], shown["modal"]) == (True, False, None)


async def test_a_button_opens_a_modal_and_its_submission_updates_the_message() -> None:
    class Comment(discord.ui.Modal, title="Tell us"):
        text = discord.ui.TextInput(label="Comment", custom_id="text", max_length=50)

        async def on_submit(self, interaction: discord.Interaction) -> None:
            await interaction.response.edit_message(content=f"thanks: {self.text.value}", view=None)

    class Rating(discord.ui.View):
        @discord.ui.button(label="Good", custom_id="rate:5")
        async def good(self, interaction: discord.Interaction, _: discord.ui.Button[discord.ui.View]) -> None:
            await interaction.response.send_modal(Comment(custom_id="comment:1"))

    async with sandboxed() as (sandbox, member), connected(sandbox) as bot:
        await member.post("/members/ada/messages", {"content": "hello"})
        await (await bot.next("message")).channel.send("How was it?", view=Rating(timeout=None))
        question = (await member.get("/members/ada/messages"))[-1]
        assert question["components"] == [{"custom_id": "rate:5", "label": "Good", "disabled": False}]

        click = {"message_id": question["id"], "custom_id": "rate:5"}
        begun = await member.post("/members/ada/clicks", click)
        interaction = sandbox.discord.interactions.get(int(begun["id"]))
        await until(lambda: interaction.modal)
        modal = (await member.get(f"/interactions/{begun['id']}"))["modal"]
        assert (modal["custom_id"], modal["title"]) == ("comment:1", "Tell us")
        assert [(f["custom_id"], f["label"]) for f in modal["fields"]] == [("text", "Comment")]

        submission = {"custom_id": "comment:1", "fields": {"text": "very good"}}
        await member.post("/members/ada/modals", submission)
        await bot.next("edit")
        thanks = (await member.get("/members/ada/messages"))[-1]
        assert (thanks["content"], thanks["components"]) == ("thanks: very good", [])


async def test_files_travel_both_ways_and_their_links_expire_after_a_day() -> None:
    clock = Clock()
    async with sandboxed(now=clock) as (sandbox, member), connected(sandbox) as bot:
        attachment = {"filename": "log.txt", "content_type": "text/plain", "text": "line"}
        await member.post("/members/ada/messages", {"attachments": [attachment]})
        message = await bot.next("message")
        assert await message.attachments[0].read() == b"line"

        clock.move(hours=25)
        with pytest.raises(discord.NotFound):
            await message.attachments[0].read()
        fresh = await message.channel.fetch_message(message.id)
        assert await fresh.attachments[0].read() == b"line"

        await message.channel.send(file=discord.File(__file__, filename="test.py", description="a test"))
        (sent,) = (await member.get("/members/ada/messages"))[-1]["attachments"]
        with open(__file__, "rb") as file:
            content = file.read()
        assert (sent["filename"], sent["size"]) == ("test.py", len(content))
        assert sent["sha256"] == hashlib.sha256(content).hexdigest()


async def test_a_rate_limited_request_is_waited_out_and_sent_once() -> None:
    async with sandboxed() as (sandbox, member), connected(sandbox) as bot:
        user = sandbox.discord.members.named("ada")
        channel = await bot.create_dm(discord.Object(user.id))
        fault = {"service": "discord", "method": "POST", "path": "/messages$", "status": 429}
        await member.post("/faults", fault)
        await channel.send("patience")
        assert [m["content"] for m in await member.get("/members/ada/messages")] == ["patience"]


@pytest.mark.parametrize(("change", "code"), [({"dms_open": False}, 50007), ({"in_guild": False}, 50278)])
async def test_a_member_who_cannot_be_reached_is_refused_with_discords_code(
    change: dict[str, bool], code: int
) -> None:
    async with sandboxed() as (sandbox, member), connected(sandbox) as bot:
        await member.post("/members/ada/messages", {"content": "hello"})
        channel = (await bot.next("message")).channel
        await member("PATCH", "/members/ada", change)
        with pytest.raises(discord.Forbidden) as refused:
            await channel.send("anyone there?")
        assert refused.value.code == code


async def test_a_revoked_token_cannot_log_in() -> None:
    async with sandboxed() as (sandbox, _):
        sandbox.discord.revoked_tokens.add("any-token")
        with pytest.raises(discord.LoginFailure):
            async with connected(sandbox):
                pass
