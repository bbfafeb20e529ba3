"""The Discord model alone: what it grants, what it refuses, and with which code."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from orchestrator.sandbox.discord.model import DiscordModel
from orchestrator.sandbox.refusal import Refusal
from orchestrator.sandbox.wire import Answer, Call, Upload
from tests.sandbox.discord_bot import Clock

INTENTS = 28673


class World:
    """A model with one member's DM, and the bot's calls."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.model = DiscordModel(self.clock, Random(3))
        self.first = self.model.members.post("ada", "hello")
        self.channel = self.first.channel_id
        self.session = self.model.identify("token", INTENTS).id
        self.model.drain(self.session)

    def call(self, method: str, path: str, json: Any = None, **more: Any) -> Answer:
        headers = {"authorization": "Bot token"}
        return self.model.rest(Call(method, path, headers=headers, json=json, **more))

    def send(self, **body: Any) -> Answer:
        return self.call("POST", f"/channels/{self.channel}/messages", body)

    def events(self) -> list[str]:
        return [dispatch.event for dispatch in self.model.drain(self.session)]

    def command(self) -> tuple[str, str]:
        """A member uses /help; the interaction's id and token."""
        application = self.model.world.application_id
        self.call("PUT", f"/applications/{application}/commands", [{"name": "help", "description": "Help"}])
        self.model.members.command("ada", "help", {})
        (event,) = [d for d in self.model.drain(self.session) if d.event == "INTERACTION_CREATE"]
        return event.data["id"], event.data["token"]

    def respond(self, interaction: tuple[str, str], **body: Any) -> Answer:
        path = "/interactions/{}/{}/callback".format(*interaction)
        return self.call("POST", path, body, query={"with_response": "1"})

    def original(self, method: str, interaction: tuple[str, str], json: Any = None) -> Answer:
        application = self.model.world.application_id
        return self.call(method, f"/webhooks/{application}/{interaction[1]}/messages/@original", json)


@pytest.fixture
def world() -> World:
    return World()


def refusal(answer: Answer) -> tuple[int, int]:
    return answer.status, answer.body["code"]


def row(*buttons: dict[str, Any]) -> dict[str, Any]:
    return {"type": 1, "components": list(buttons)}


def button(custom_id: str) -> dict[str, Any]:
    return {"type": 2, "style": 1, "label": "Press", "custom_id": custom_id}


FIVE = [button(str(n)) for n in range(5)]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"content": "x" * 2000}, 200, None),
        ({"content": "x" * 2001}, 400, 50035),
        ({"content": "👋" * 2000}, 200, None),
        ({"content": "  "}, 400, 50006),
        ({}, 400, 50006),
        ({"content": "x", "nonce": "n" * 25}, 200, None),
        ({"content": "x", "nonce": "n" * 26}, 400, 50035),
        ({"embeds": [{"title": "t"}] * 10}, 200, None),
        ({"embeds": [{"title": "t"}] * 11}, 400, 50035),
        ({"embeds": [{"description": "d" * 3001}] * 2}, 400, 50035),
        ({"components": [row(*FIVE)]}, 200, None),
        ({"components": [row(*FIVE, button("6"))]}, 400, 50035),
        ({"components": [row(button(str(n))) for n in range(6)]}, 400, 50035),
        ({"components": [row(button("x" * 100))]}, 200, None),
        ({"components": [row(button("x" * 101))]}, 400, 50035),
        ({"components": [row(button("same"), button("same"))]}, 400, 50035),
        ({"content": "x", "message_reference": {"message_id": "1"}}, 400, 50035),
        ({"content": "x", "message_reference": "1"}, 400, 50035),
        ({"embeds": ["text"]}, 400, 50035),
        ({"embeds": [{"fields": "text"}]}, 400, 50035),
        ({"components": [{"type": 1, "components": ["text"]}]}, 400, 50035),
    ],
)
def test_a_message_is_held_to_discords_limits(
    world: World, body: dict[str, Any], status: int, code: int | None
) -> None:
    answer = world.send(**body)
    assert answer.status == status
    assert answer.body.get("code") == code
    assert world.events() == (["MESSAGE_CREATE"] if status == 200 else [])


@pytest.mark.parametrize(
    ("method", "path", "refused"),
    [
        ("GET", "/channels/1", (404, 10003)),
        ("GET", "/channels/{channel}/messages/1", (404, 10008)),
        ("PATCH", "/channels/{channel}/messages/{first}", (403, 50005)),
        ("DELETE", "/channels/{channel}/messages/{first}", (403, 50003)),
        ("PUT", "/channels/{channel}/messages/{first}/reactions/nonsense/@me", (400, 10014)),
        ("GET", "/channels/{channel}/messages?limit=101", (400, 50035)),
        ("POST", "/users/@me/channels", (400, 50033)),
        ("GET", "/guilds/1", (404, 10004)),
        ("GET", "/nowhere", (404, 0)),
        ("PATCH", "/users/@me/guilds", (405, 0)),
        ("PATCH", "/webhooks/1/token/messages/@original", (404, 10015)),
    ],
)
def test_what_does_not_exist_or_is_not_allowed_is_refused(
    world: World, method: str, path: str, refused: tuple[int, int]
) -> None:
    path, _, query = path.format(channel=world.channel, first=world.first.id).partition("?")
    pairs = dict(pair.split("=") for pair in query.split("&")) if query else {}
    assert refusal(world.call(method, path, {"content": "x"}, query=pairs)) == refused


@pytest.mark.parametrize("header", [None, "Bot ", "Bearer token", "Bot revoked"])
def test_a_call_without_a_good_token_is_unauthorized(world: World, header: str | None) -> None:
    world.model.revoked_tokens.add("revoked")
    headers = {"authorization": header} if header else {}
    answer = world.model.rest(Call("GET", "/users/@me", headers=headers))
    assert (answer.status, answer.body) == (401, {"message": "401: Unauthorized", "code": 0})


def test_a_nonce_is_remembered_for_five_minutes_and_per_channel(world: World) -> None:
    first = world.send(content="a", nonce="n", enforce_nonce=True).body
    assert first["nonce"] == "n"
    assert world.send(content="b", nonce="n", enforce_nonce=True).body["id"] == first["id"]
    assert world.send(content="c", nonce="n").body["id"] != first["id"]
    world.clock.move(minutes=6)
    assert world.send(content="d", nonce="n", enforce_nonce=True).body["content"] == "d"
    other = world.model.members.post("ben", "hello").channel_id
    elsewhere = world.call("POST", f"/channels/{other}/messages", {"content": "e", "nonce": "n"})
    assert elsewhere.body["content"] == "e"


def test_the_same_member_has_one_dm_whether_named_by_number_or_text(world: World) -> None:
    user = world.model.members.named("ada").id
    answers = [world.call("POST", "/users/@me/channels", {"recipient_id": r}) for r in (user, str(user))]
    assert [answer.body["id"] for answer in answers] == [str(world.channel)] * 2
    assert "guild_id" not in answers[0].body


def test_ids_are_snowflakes_that_ascend_within_one_millisecond(world: World) -> None:
    ids = [int(world.send(content=str(n)).body["id"]) for n in range(50)]
    assert ids == sorted(set(ids))
    seconds = ((ids[0] >> 22) + 1_420_070_400_000) / 1000
    assert seconds == world.clock().timestamp()


def test_history_pages_before_after_and_around(world: World) -> None:
    ids = [int(world.send(content=str(n)).body["id"]) for n in range(10)]

    def page(**query: int) -> list[int]:
        path = f"/channels/{world.channel}/messages"
        answer = world.call("GET", path, query={k: str(v) for k, v in query.items()})
        return [ids.index(int(m["id"])) for m in answer.body if int(m["id"]) in ids]

    assert page(limit=3) == [9, 8, 7]
    assert page(limit=3, before=ids[5]) == [4, 3, 2]
    assert page(limit=3, after=ids[5]) == [8, 7, 6]
    assert page(limit=5, around=ids[5]) == [7, 6, 5, 4, 3]


def test_an_edit_changes_only_what_it_mentions(world: World) -> None:
    sent = world.send(content="before", embeds=[{"title": "stays"}]).body
    path = f"/channels/{world.channel}/messages/{sent['id']}"
    edited = world.call("PATCH", path, {"content": "after"}).body
    assert (edited["content"], edited["embeds"][0]["title"]) == ("after", "stays")
    assert sent["edited_timestamp"] is None
    assert edited["edited_timestamp"] is not None
    assert refusal(world.call("PATCH", path, {"content": "", "embeds": []})) == (400, 50006)
    assert world.call("DELETE", path).status == 204
    assert refusal(world.call("GET", path)) == (404, 10008)
    assert world.events() == ["MESSAGE_CREATE", "MESSAGE_UPDATE", "MESSAGE_DELETE"]


def test_replies_stickers_and_forwards_look_as_on_discord(world: World) -> None:
    reply = world.send(content="yes", message_reference={"message_id": str(world.first.id)}).body
    assert reply["type"] == 19
    assert reply["referenced_message"]["content"] == "hello"
    world.model.members.post("ada", stickers=["wave"])
    world.model.members.post("ada", forward=int(reply["id"]))
    forward, sticker = world.call("GET", f"/channels/{world.channel}/messages").body[:2]
    assert (sticker["content"], sticker["sticker_items"][0]["name"]) == ("", "wave")
    assert (forward["content"], forward["message_reference"]["type"]) == ("", 1)
    assert forward["message_snapshots"][0]["message"]["content"] == "yes"


def test_a_file_over_the_limit_is_refused(world: World) -> None:
    path = f"/channels/{world.channel}/messages"
    small, big = (Upload("f", "text/plain", b"x" * size) for size in (10 << 20, (10 << 20) + 1))
    assert world.call("POST", path, {}, files=[small]).status == 200
    assert refusal(world.call("POST", path, {}, files=[big])) == (413, 40005)


def test_reactions_are_counted_once_per_user(world: World) -> None:
    path = f"/channels/{world.channel}/messages/{world.first.id}"
    for _ in range(2):
        assert world.call("PUT", f"{path}/reactions/👍/@me").status == 204
    world.model.members.react("ada", world.first.id, "👍")
    (reaction,) = world.call("GET", path).body["reactions"]
    assert (reaction["count"], reaction["me"]) == (2, True)
    assert world.call("DELETE", f"{path}/reactions/👍/@me").status == 204
    assert world.events() == ["MESSAGE_REACTION_ADD"] * 2 + ["MESSAGE_REACTION_REMOVE"]


def test_an_interaction_has_to_be_acknowledged_within_three_seconds(world: World) -> None:
    late = world.command()
    world.clock.move(seconds=3.1)
    assert refusal(world.respond(late, type=5)) == (404, 10062)
    interaction = world.model.interactions.get(int(late[0]))
    assert interaction is not None
    assert world.model.interactions.failed(interaction)


def test_an_interaction_is_acknowledged_once(world: World) -> None:
    interaction = world.command()
    assert refusal(world.original("PATCH", interaction, {"content": "x"})) == (404, 10015)
    answer = world.respond(interaction, type=5, data={"flags": 64}).body["interaction"]
    assert (answer["response_message_loading"], answer["response_message_ephemeral"]) == (True, True)
    assert refusal(world.respond(interaction, type=4, data={"content": "x"})) == (400, 40060)
    assert refusal(world.respond((interaction[0], "guess"), type=5)) == (404, 10062)


def test_an_interactions_token_dies_after_fifteen_minutes(world: World) -> None:
    interaction = world.command()
    world.respond(interaction, type=5)
    assert world.original("PATCH", interaction, {"content": "in time"}).body["flags"] == 0
    assert world.original("GET", interaction).body["content"] == "in time"
    world.clock.move(minutes=15, seconds=1)
    assert refusal(world.original("PATCH", interaction, {"content": "late"})) == (401, 50027)


def test_the_first_follow_up_fills_in_a_deferred_answer_and_the_next_is_new(world: World) -> None:
    interaction = world.command()
    deferred = world.respond(interaction, type=5).body["interaction"]["response_message_id"]
    path = f"/webhooks/{world.model.world.application_id}/{interaction[1]}"
    first, second = (world.call("POST", path, {"content": text}).body for text in ("one", "two"))
    assert first["id"] == deferred != second["id"]
    assert [m.content for m in world.model.members.inbox("ada")] == ["hello", "one", "two"]


@pytest.mark.parametrize("callback", [6, 7, 1, 12])
def test_a_command_takes_no_callback_that_belongs_to_a_component(world: World, callback: int) -> None:
    assert refusal(world.respond(world.command(), type=callback, data={"content": "x"})) == (400, 50035)


def test_commands_are_offered_where_they_were_registered_with_checked_options(world: World) -> None:
    option = {"type": 4, "name": "stars", "description": "How many", "required": True}
    definition = {"name": "rate", "description": "Rate", "options": [option], "contexts": [0]}
    application, guild = world.model.world.application_id, world.model.world.guild_id
    path = f"/applications/{application}/guilds/{guild}/commands"
    (command,) = world.call("PUT", path, [definition]).body
    assert world.call("PUT", path, [definition]).body == [command]
    world.model.members.command("ada", "rate", {"stars": 5}, "general")
    (event,) = world.model.drain(world.session)
    assert event.data["data"]["options"] == [{"name": "stars", "type": 4, "value": 5}]
    assert event.data["member"]["user"]["username"] == "ada"
    for options, channel in (({}, "general"), ({"stars": "5"}, "general"), ({"stars": 5}, None)):
        with pytest.raises(Refusal):
            world.model.members.command("ada", "rate", options, channel)


def test_a_command_hidden_from_members_is_open_to_staff(world: World) -> None:
    definition = {"name": "announce", "description": "Tell all", "default_member_permissions": "0"}
    world.model.commands.overwrite(None, [definition])
    with pytest.raises(Refusal) as refused:
        world.model.members.command("ada", "announce", {}, "general")
    assert refused.value.error == "not_permitted"
    world.model.members.change("ada", roles=["Staff"])
    world.model.members.command("ada", "announce", {}, "general")
    assert world.events() == ["INTERACTION_CREATE"]


def test_a_full_bucket_answers_429_until_its_window_ends(world: World) -> None:
    world.clock.move(seconds=2)
    world.model.buckets.limit = 2
    answers = [world.send(content=str(n)) for n in range(3)]
    assert [answer.status for answer in answers] == [200, 200, 429]
    assert answers[0].headers["X-RateLimit-Remaining"] == "1"
    assert answers[2].headers["Via"]
    assert answers[2].body["retry_after"] == 1.0
    other = world.model.members.post("ben", "hello").channel_id
    assert world.call("POST", f"/channels/{other}/messages", {"content": "x"}).status == 200
    world.clock.move(seconds=1)
    assert world.send(content="again").status == 200


def test_a_button_is_pressed_only_by_who_sees_it_and_while_it_is_enabled(world: World) -> None:
    sent = world.send(content="?", components=[row(button("on"), button("off") | {"disabled": True})]).body
    assert [c["id"] for c in sent["components"][0]["components"]] == [2, 3]
    world.model.members.click("ada", int(sent["id"]), "on")
    for name, custom_id in (("ben", "on"), ("ada", "off"), ("ada", "none")):
        with pytest.raises(Refusal):
            world.model.members.click(name, int(sent["id"]), custom_id)
    assert world.events() == ["MESSAGE_CREATE", "INTERACTION_CREATE"]


# --- modals


def text_input(**more: Any) -> dict[str, Any]:
    return {"type": 4, "custom_id": "text", "label": "Text", "style": 1, "max_length": 5} | more


def opened(world: World, *components: dict[str, Any]) -> Answer:
    """A modal in answer to a command; without components, with one good field."""
    shown = components or ({"type": 1, "components": [text_input()]},)
    data = {"title": "Form", "custom_id": "form", "components": list(shown)}
    return world.respond(world.command(), type=9, data=data)


def test_a_command_opens_a_modal_and_its_submission_takes_an_answer_of_its_own(world: World) -> None:
    assert opened(world).status == 200
    sent = world.model.members.submit("ada", "form", {"text": "good"})
    (event,) = [d.data for d in world.model.drain(world.session) if d.event == "INTERACTION_CREATE"]
    assert (event["type"], "message" in event) == (5, False)
    assert refusal(world.respond((event["id"], event["token"]), type=6)) == (400, 50035)
    assert refusal(world.respond((event["id"], event["token"]), type=9, data={})) == (400, 50035)
    assert world.respond((event["id"], event["token"]), type=5, data={"flags": 64}).status == 200
    assert world.original("PATCH", (event["id"], event["token"]), {"content": "thanks"}).status == 200
    assert sent.original is not None
    assert (sent.original.ephemeral, sent.original.content) == (True, "thanks")


def test_a_modal_is_sent_off_once_unless_the_application_does_not_respond(world: World) -> None:
    opened(world)
    world.model.members.submit("ada", "form", {"text": "good"})
    with pytest.raises(Refusal, match="No modal"):
        world.model.members.submit("ada", "form", {"text": "good"})
    world.clock.move(seconds=3.1)
    again = world.model.members.submit("ada", "form", {"text": "again"})
    world.respond((str(again.id), again.token), type=5)
    world.clock.move(seconds=3.1)
    with pytest.raises(Refusal, match="No modal"):
        world.model.members.submit("ada", "form", {"text": "good"})


@pytest.mark.parametrize("text", ["", "longer"])
def test_a_member_cannot_send_off_what_does_not_fit_the_field(world: World, text: str) -> None:
    opened(world)
    with pytest.raises(Refusal, match="'text'"):
        world.model.members.submit("ada", "form", {"text": text})


@pytest.mark.parametrize(
    "component",
    [
        {"type": 1, "components": []},
        {"type": 1, "components": [text_input(), text_input(custom_id="other")]},
        {"type": 1, "components": [{"type": 2, "style": 1, "label": "x", "custom_id": "x"}]},
        {"type": 1, "components": [text_input(label="x" * 46)]},
        {"type": 1, "components": [text_input(label=None)]},
        {"type": 1, "components": [text_input(style=3)]},
        {"type": 1, "components": [text_input(max_length=4001)]},
        {"type": 1, "components": [text_input(max_length=0)]},
        {"type": 1, "components": [text_input(min_length=-1)]},
        {"type": 1, "components": [text_input(placeholder="x" * 101)]},
        {"type": 1, "components": [text_input(value="longer")]},
        {"type": 1, "components": [text_input(custom_id="")]},
        {"type": 18, "component": text_input(label=None)},
        {"type": 18, "label": "Text", "component": {"type": 2}},
        {"type": 4, "custom_id": "text", "label": "Text", "style": 1},
    ],
    ids=str,
)
def test_a_modal_is_held_to_discords_limits(world: World, component: dict[str, Any]) -> None:
    assert refusal(opened(world, component)) == (400, 50035)


def test_a_label_over_a_field_and_text_to_read_are_granted(world: World) -> None:
    label = {"type": 18, "label": "Text", "component": text_input(label=None)}
    assert opened(world, {"type": 10, "content": "Please read"}, label).status == 200
