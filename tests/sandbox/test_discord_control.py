"""The control API: the shapes it promises, its refusals, the log and planted faults."""

from __future__ import annotations

import json

import aiohttp
import pytest

from tests.sandbox.discord_bot import Bot, connected, sandboxed

MESSAGE_FIELDS = {
    "id",
    "author",
    "content",
    "embeds",
    "components",
    "attachments",
    "reply_to",
    "ephemeral",
    "edited_at",
    "deleted_at",
    "nonce",
    "at",
    "reactions",
}


async def test_messages_are_listed_oldest_first_and_deleted_ones_stay() -> None:
    async with sandboxed() as (_, member):
        posts = [await member.post("/members/ada/messages", {"content": text}) for text in ("a", "b")]
        assert set(posts[0]) == MESSAGE_FIELDS
        await member("DELETE", f"/members/ada/messages/{posts[0]['id']}")
        first, second = await member.get("/members/ada/messages")
        assert (first["content"], second["content"]) == ("a", "b")
        assert first["deleted_at"] is not None
        assert second["deleted_at"] is None


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "error"),
    [
        ("POST", "/members/ada/messages", {}, 400, "empty_message"),
        ("POST", "/members/ada/messages", {"contents": "x"}, 400, "bad_request"),
        ("POST", "/members/ada/messages", {"content": 1}, 400, "bad_request"),
        ("POST", "/members/bot/messages", {"content": "x"}, 400, "bad_name"),
        ("PATCH", "/members/ada/messages/1", {"content": "x"}, 404, "unknown_message"),
        ("POST", "/members/ada/commands", {"name": "nothing"}, 404, "unknown_command"),
        ("POST", "/members/ada/modals", {"custom_id": "none"}, 404, "unknown_modal"),
        ("GET", "/channels/nowhere/messages", None, 404, "unknown_channel"),
        ("GET", "/interactions/1", None, 404, "unknown_interaction"),
        ("POST", "/gateway", {}, 400, "bad_request"),
        ("POST", "/faults", {"service": "nobody"}, 400, "bad_request"),
        ("POST", "/faults", {"service": "discord", "path": "("}, 400, "bad_request"),
        ("GET", "/nowhere", None, 404, "not_found"),
        ("PUT", "/account", None, 405, "method_not_allowed"),
    ],
)
async def test_a_wish_that_cannot_be_granted_says_why(
    method: str, path: str, body: dict[str, object] | None, status: int, error: str
) -> None:
    async with sandboxed() as (_, member):
        answered, answer = await member(method, path, body)
        assert (answered, answer["error"]) == (status, error)
        assert answer["detail"]


async def test_a_member_cannot_touch_what_others_wrote() -> None:
    async with sandboxed() as (_, member):
        posted = await member.post("/members/ada/messages", {"content": "mine"})
        status, answer = await member("PATCH", f"/members/ben/messages/{posted['id']}", {"content": "x"})
        assert (status, answer["error"]) == (404, "unknown_message")


async def test_the_account_is_offered_as_json_and_as_shell_lines() -> None:
    async with sandboxed() as (sandbox, member):
        settings = await member.get("/account")
        assert settings == sandbox.account()
        assert settings["DISCORD_API_URL"] == f"{sandbox.url}/discord/api/v10"
        assert {name for name in settings if name.startswith("DISCORD")} == {
            "DISCORD_TOKEN",
            "DISCORD_API_URL",
            "DISCORD_GATEWAY_URL",
            "DISCORD_GUILD_ID",
            "DISCORD_ANNOUNCEMENT_CHANNEL_ID",
            "DISCORD_BUG_CHANNEL_ID",
            "DISCORD_FEATURE_CHANNEL_ID",
            "DISCORD_HELP_CHANNEL_ID",
        }
        lines = (await _text(f"{sandbox.url}/control/account?format=env")).splitlines()
        assert dict(line.split("=", 1) for line in lines) == settings


async def test_the_log_tells_who_did_what_in_order_and_keeps_no_secret() -> None:
    bot = Bot()

    @bot.tree.command(name="helpme", description="Ask for help")
    async def helpme(interaction) -> None:  # type: ignore[no-untyped-def]
        await interaction.response.defer()
        await interaction.edit_original_response(content="done")

    async with sandboxed() as (sandbox, member), connected(sandbox, bot):
        await bot.tree.sync()
        await member.post("/members/ada/messages", {"content": "hello"})
        message = await bot.next("message")
        await message.channel.send("welcome")
        await member.post("/members/ada/commands", {"name": "helpme"})
        await bot.next("edit")
        text = await _text(f"{sandbox.url}/control/log")
        entries = [json.loads(line) for line in text.splitlines()]
        assert [entry["seq"] for entry in entries] == list(range(1, len(entries) + 1))
        steps = [(e["from"], e["to"], e["method"]) for e in entries]
        posted = steps.index(("member:ada", "discord", "POST"))
        told = steps.index(("discord", "gateway", "MESSAGE_CREATE"))
        answered = next(
            n for n, e in enumerate(entries) if e["path"].endswith("/messages") and e["from"] == "app"
        )
        assert posted < told < answered
        assert "any-token" not in text
        (token,) = [i.token for i in sandbox.discord.interactions.all()]
        assert token not in text
        assert any(e["path"].endswith("/{token}/messages/@original") for e in entries)


async def test_a_planted_fault_spoils_as_many_calls_as_it_says() -> None:
    async with sandboxed() as (sandbox, member):
        fault = {"service": "discord", "method": "get", "path": "^/users/@me$", "times": 2, "status": 502}
        planted = await member.post("/faults", fault)
        assert (planted["method"], planted["times"]) == ("GET", 2)
        statuses = [await _me(sandbox.url) for _ in range(3)]
        assert statuses == [502, 502, 200]


async def test_an_abort_drops_the_line_before_any_work_and_clearing_ends_it() -> None:
    async with sandboxed() as (sandbox, member):
        await member.post("/faults", {"service": "discord", "times": -1, "abort": True})
        with pytest.raises(aiohttp.ServerDisconnectedError):
            await _me(sandbox.url)
        status, answer = await member("DELETE", "/faults")
        assert (status, answer) == (200, {"cleared": 1})
        assert await _me(sandbox.url) == 200


async def test_a_member_is_shown_with_what_can_be_changed() -> None:
    async with sandboxed() as (sandbox, member):
        status, changed = await member("PATCH", "/members/ada", {"locale": "de", "dms_open": False})
        assert (status, changed["locale"], changed["dms_open"], changed["roles"]) == (
            200,
            "de",
            False,
            ["Member"],
        )
        await _type(sandbox.url, changed["dm_channel_id"])
        assert (await member.get("/members/ada"))["bot_typing"] is True


async def _text(url: str) -> str:
    async with aiohttp.ClientSession() as session, session.get(url) as response:
        assert response.status == 200
        return await response.text()


async def _me(url: str) -> int:
    headers = {"Authorization": "Bot x"}
    address = f"{url}/discord/api/v10/users/@me"
    async with aiohttp.ClientSession(headers=headers) as session, session.get(address) as response:
        assert response.status != 200 or response.headers["Content-Type"] == "application/json"
        return response.status


async def _type(url: str, channel: str) -> None:
    headers = {"Authorization": "Bot x"}
    address = f"{url}/discord/api/v10/channels/{channel}/typing"
    async with aiohttp.ClientSession(headers=headers) as session, session.post(address) as response:
        assert response.status == 204
