"""The Twilio model by itself: no sockets, a clock that is moved by hand."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any
from urllib.parse import urlsplit

import pytest

from orchestrator.sandbox.twilio.errors import ApiError
from orchestrator.sandbox.twilio.model import TwilioModel
from orchestrator.sandbox.wire import Answer, Call

LOGIN = "Basic " + base64.b64encode(b"AC" + b"a" * 32 + b":secret").decode()
CONVERSATIONS = "conversations.twilio.com"
FLEX = "flex-api.twilio.com"
TASKROUTER = "taskrouter.twilio.com"
INTERACTION_EVENTS = (
    "onInteractionCreated",
    "onChannelCreated",
    "onChannelCreateFailed",
    "onChannelStatusUpdated",
    "onParticipantJoined",
    "onParticipantLeft",
)


class Twilio:
    """A model with a clock in hand, and REST in one line."""

    def __init__(self) -> None:
        self.at = datetime(2026, 3, 1, 12, tzinfo=UTC)
        self.model = TwilioModel(lambda: self.at, Random(1))
        self.settings = self.model.account()

    def call(
        self, method: str, host: str, path: str, form: Sequence[tuple[str, str]] = (), **headers: str
    ) -> Answer:
        parts = urlsplit(path)
        query = dict(pair.split("=", 1) for pair in parts.query.split("&") if pair)
        sent = {"authorization": LOGIN, **headers}
        return self.model.rest(host, Call(method, parts.path, query, sent, form=form))

    def post(self, host: str, path: str, **form: Any) -> Any:
        fields = [
            (name.replace("__", "."), item)
            for name, value in form.items()
            for item in (value if isinstance(value, (list, tuple)) else [value])
        ]
        return self._body(self.call("POST", host, path, fields))

    def get(self, host: str, path: str) -> Any:
        return self._body(self.call("GET", host, path))

    def wait(self, **length: int) -> None:
        self.at += timedelta(**length)
        self.model.tick()

    def conversation(self, *, customer: str | None = "discord_1") -> str:
        sid: str = self.post(CONVERSATIONS, "/v1/Conversations")["sid"]
        if customer:
            self.post(CONVERSATIONS, f"/v1/Conversations/{sid}/Participants", Identity=customer)
        return sid

    def hand_off(self, conversation: str, **properties: Any) -> Any:
        channel = {
            "type": "chat",
            "initiated_by": "customer",
            "properties": {"media_channel_sid": conversation},
        }
        routing = {"properties": {"workspace_sid": self.settings["TWILIO_WORKSPACE_SID"], **properties}}
        return self.post(FLEX, "/v1/Interactions", Channel=json.dumps(channel), Routing=json.dumps(routing))

    def listen(self) -> None:
        """Subscribe to everything the three families tell."""
        instance, workspace = self.settings["TWILIO_FLEX_INSTANCE_SID"], self.settings["TWILIO_WORKSPACE_SID"]
        self.post(
            FLEX,
            f"/v1/Instances/{instance}/InteractionWebhooks",
            WebhookUrl="http://app/interactions",
            WebhookEvents=INTERACTION_EVENTS,
            Type="global",
        )
        self.post(TASKROUTER, f"/v1/Workspaces/{workspace}", EventCallbackUrl="http://app/taskrouter")
        self.post(
            CONVERSATIONS,
            "/v1/Configuration/Webhooks",
            PostWebhookUrl="http://app/conversations",
            Filters=[
                "onMessageAdded",
                "onParticipantAdded",
                "onParticipantRemoved",
                "onConversationStateUpdated",
            ],
        )

    def told(self, family: str) -> list[str]:
        """Event types of one family since the last look; all families are drained."""
        return [w.field("EventType") or "" for w in self.model.drain() if w.family == family]

    @staticmethod
    def _body(answer: Answer) -> Any:
        if answer.status >= 400:
            raise ApiError(answer.status, answer.body["code"], answer.body["message"])
        return answer.body


@pytest.fixture
def twilio() -> Twilio:
    return Twilio()


def test_the_same_seed_gives_the_same_sids() -> None:
    assert Twilio().conversation() == Twilio().conversation()


def test_timers_need_a_state_and_move_an_idle_conversation(twilio: Twilio) -> None:
    timers = {"Timers__Inactive": "PT1M", "Timers__Closed": "PT10M"}
    with pytest.raises(ApiError) as refused:
        twilio.post(CONVERSATIONS, "/v1/Conversations", **timers)
    assert refused.value.code == 50382

    made = twilio.post(CONVERSATIONS, "/v1/Conversations", State="active", **timers)
    path = f"/v1/Conversations/{made['sid']}"
    twilio.post(
        CONVERSATIONS,
        "/v1/Configuration/Webhooks",
        PostWebhookUrl="http://app/c",
        Filters=["onConversationStateUpdated"],
    )
    assert made["timers"] == {"date_inactive": "2026-03-01T12:01:00Z"}
    assert twilio.model.next_due() == twilio.at + timedelta(minutes=1)

    twilio.wait(minutes=1)
    assert twilio.get(CONVERSATIONS, path)["state"] == "inactive"
    twilio.post(CONVERSATIONS, path + "/Messages", Author="discord_1", Body="still here")
    assert twilio.get(CONVERSATIONS, path)["state"] == "active"
    twilio.wait(minutes=1)
    twilio.wait(minutes=10)
    assert twilio.get(CONVERSATIONS, path)["state"] == "closed"
    assert [w.field("Reason") for w in twilio.model.drain()] == ["TIMER", "EVENT", "TIMER", "TIMER"]


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({"Body": "x" * 32_769}, 50504),
        ({"Body": "x", "Attributes": json.dumps("x" * 4096)}, 50303),
        ({"Body": "x", "Attributes": "not json"}, 20001),
        ({}, 20001),
    ],
)
def test_a_message_beyond_the_limits_is_refused(twilio: Twilio, form: dict[str, str], code: int) -> None:
    with pytest.raises(ApiError) as refused:
        twilio.post(CONVERSATIONS, f"/v1/Conversations/{twilio.conversation()}/Messages", **form)
    assert (refused.value.status, refused.value.code) == (400, code)


def test_a_unique_name_that_looks_like_a_sid_is_refused(twilio: Twilio) -> None:
    with pytest.raises(ApiError) as refused:
        twilio.post(CONVERSATIONS, "/v1/Conversations", UniqueName="CH" + "0" * 32)
    assert refused.value.code == 50390


def test_the_long_address_through_the_chat_service_means_the_same_conversation(twilio: Twilio) -> None:
    sid = twilio.conversation()
    service = twilio.get(CONVERSATIONS, "/v1/Services")["services"][0]["sid"]
    assert twilio.get(CONVERSATIONS, f"/v1/Services/{service}/Conversations/{sid}")["sid"] == sid


def test_a_page_names_the_next_one_at_the_real_host(twilio: Twilio) -> None:
    for _ in range(3):
        twilio.conversation()
    first = twilio.get(CONVERSATIONS, "/v1/Conversations?PageSize=2")
    following = urlsplit(first["meta"]["next_page_url"])
    second = twilio.get(CONVERSATIONS, f"{following.path}?{following.query}")

    assert following.hostname == CONVERSATIONS
    assert (len(first["conversations"]), len(second["conversations"])) == (2, 1)
    assert second["meta"]["next_page_url"] is None


def test_a_deleted_message_neither_repeats_nor_hides_others_on_the_next_page(twilio: Twilio) -> None:
    path = f"/v1/Conversations/{twilio.conversation()}/Messages"
    sids = [twilio.post(CONVERSATIONS, path, Body=f"m{n}")["sid"] for n in range(4)]
    first = twilio.get(CONVERSATIONS, f"{path}?PageSize=2")
    twilio.call("DELETE", CONVERSATIONS, f"{path}/{sids[0]}")
    following = urlsplit(first["meta"]["next_page_url"])
    second = twilio.get(CONVERSATIONS, f"{following.path}?{following.query}")
    assert [m["body"] for m in second["messages"]] == ["m2", "m3"]


def test_an_accepted_task_is_told_by_all_three_families(twilio: Twilio) -> None:
    twilio.listen()
    task = twilio.hand_off(twilio.conversation())["routing"]["properties"]["sid"]
    created = twilio.model.drain()
    assert [w.field("EventType") for w in created if w.family == "taskrouter"] == [
        "task.created",
        "workflow.entered",
        "workflow.target-matched",
        "task-queue.entered",
        "task.updated",
    ]
    assert [w.field("EventType") for w in created if w.family == "interactions"] == [
        "onInteractionCreated",
        "onChannelCreated",
        "onParticipantJoined",
        "onChannelStatusUpdated",
    ]

    twilio.model.accept(task, "ada")
    accepted = twilio.model.drain()
    assert [(w.family, w.field("EventType")) for w in accepted] == [
        ("taskrouter", "reservation.created"),
        ("taskrouter", "reservation.accepted"),
        ("conversations", "onParticipantAdded"),
        ("interactions", "onParticipantJoined"),
    ]
    assert accepted[-1].field("ParticipantType") == "agent"
    assert accepted[-1].field("TaskSid") == task


def test_interaction_sids_are_on_the_task_only_after_it_was_created(twilio: Twilio) -> None:
    twilio.listen()
    made = twilio.hand_off(twilio.conversation())
    told = {w.field("EventType"): w.field("TaskAttributes") for w in twilio.model.drain()}
    assert "flexInteractionSid" not in json.loads(told["task.created"] or "")
    assert json.loads(told["task.updated"] or "")["flexInteractionSid"] == made["sid"]


def test_completing_closes_everything(twilio: Twilio) -> None:
    twilio.listen()
    conversation = twilio.conversation()
    made = twilio.hand_off(conversation)
    task = made["routing"]["properties"]["sid"]
    twilio.model.accept(task, "ada")
    twilio.model.drain()
    twilio.model.complete(task)

    told = [w.field("EventType") for w in twilio.model.drain()]
    assert told == [
        "onParticipantRemoved",
        "onConversationStateUpdated",
        "onParticipantLeft",
        "onParticipantLeft",
        "onChannelStatusUpdated",
        "reservation.wrapup",
        "task.wrapup",
        "reservation.completed",
        "task.completed",
    ]
    channel = f"/v1/Interactions/{made['sid']}/Channels/{made['channel']['sid']}"
    assert twilio.get(FLEX, channel)["status"] == "closed"
    assert twilio.model.conversation(conversation)["state"] == "closed"


def test_an_agent_who_leaves_keeps_the_conversation_open_for_another_invite(twilio: Twilio) -> None:
    twilio.listen()
    conversation = twilio.conversation()
    made = twilio.hand_off(conversation)
    twilio.model.accept(made["routing"]["properties"]["sid"], "ada")
    twilio.model.leave(made["routing"]["properties"]["sid"])
    channel = f"/v1/Interactions/{made['sid']}/Channels/{made['channel']['sid']}"
    assert twilio.get(FLEX, channel)["status"] == "inactive"
    assert twilio.model.conversation(conversation)["state"] == "active"

    routing = {"properties": {"workspace_sid": twilio.settings["TWILIO_WORKSPACE_SID"]}}
    invite = twilio.post(FLEX, f"{channel}/Invites", Routing=json.dumps(routing))
    twilio.model.accept(invite["routing"]["properties"]["sid"], "ben")
    assert twilio.get(FLEX, channel)["status"] == "active"
    assert [t["agent"] for t in twilio.model.tasks()] == ["ada", "ben"]


def test_a_transferred_task_waits_for_the_named_agent(twilio: Twilio) -> None:
    task = twilio.hand_off(twilio.conversation(), attributes={"case_id": 3})["routing"]["properties"]["sid"]
    twilio.model.accept(task, "ada")
    handed_over = twilio.model.transfer(task, "ben")

    with pytest.raises(ApiError, match="another worker"):
        twilio.model.accept(handed_over.sid, "ada")
    twilio.model.accept(handed_over.sid, "ben")
    assert twilio.model.task(handed_over.sid)["attributes"]["case_id"] == 3
    assert twilio.model.task(task)["status"] == "completed"


def test_a_rejected_task_goes_on_waiting(twilio: Twilio) -> None:
    task = twilio.hand_off(twilio.conversation())["routing"]["properties"]["sid"]
    twilio.model.reject(task, "ada")
    assert twilio.model.task(task)["status"] == "pending"
    twilio.model.accept(task, "ben")
    assert twilio.model.task(task)["agent"] == "ben"


def test_an_agent_edits_and_deletes_only_what_they_wrote(twilio: Twilio) -> None:
    conversation = twilio.conversation()
    task = twilio.hand_off(conversation)["routing"]["properties"]["sid"]
    path = f"/v1/Conversations/{conversation}/Messages"
    theirs = twilio.post(CONVERSATIONS, path, Author="discord_1", Body="hi")["sid"]
    twilio.model.accept(task, "ada")
    with pytest.raises(ApiError) as refused:
        twilio.model.agent_delete(task, theirs)
    assert refused.value.status == 409


def test_a_task_nobody_takes_times_out_and_orphans_the_conversation(twilio: Twilio) -> None:
    twilio.listen()
    conversation = twilio.conversation()
    task = twilio.hand_off(conversation, timeout=60)["routing"]["properties"]["sid"]
    twilio.model.drain()
    twilio.wait(seconds=60)
    assert twilio.told("taskrouter") == ["workflow.timeout", "task.canceled"]
    assert twilio.model.task(task)["status"] == "canceled"
    assert twilio.model.conversation(conversation)["state"] == "active"
    with pytest.raises(ApiError) as refused:
        twilio.model.accept(task, "ada")
    assert refused.value.status == 409


def test_a_second_interaction_on_a_mapped_conversation_is_dropped_with_a_warning(twilio: Twilio) -> None:
    twilio.listen()
    conversation = twilio.conversation()
    twilio.hand_off(conversation)
    twilio.model.drain()
    second = twilio.hand_off(conversation)

    assert second["routing"] is None
    assert twilio.model.drain() == []
    assert len(twilio.model.tasks()) == 1
    assert [w["code"] for w in twilio.model.conversation(conversation)["warnings"]] == [45353]


def test_an_interaction_without_its_customer_fails_after_it_was_accepted(twilio: Twilio) -> None:
    twilio.listen()
    made = twilio.hand_off(twilio.conversation(customer=None))
    told = twilio.model.drain()
    assert [w.field("EventType") for w in told if w.family == "interactions"] == [
        "onInteractionCreated",
        "onChannelCreateFailed",
    ]
    assert "task.canceled" in [w.field("EventType") for w in told]
    assert twilio.model.task(made["routing"]["properties"]["sid"])["status"] == "canceled"


def test_closing_the_channel_cancels_a_waiting_task(twilio: Twilio) -> None:
    conversation = twilio.conversation()
    made = twilio.hand_off(conversation)
    channel = f"/v1/Interactions/{made['sid']}/Channels/{made['channel']['sid']}"
    closed = twilio.post(FLEX, channel, Status="closed", Routing='{"status":"closed"}')
    assert closed["status"] == "closed"
    assert twilio.model.conversation(conversation)["state"] == "closed"
    assert twilio.model.tasks()[0]["status"] == "canceled"


def test_parking_the_channel_must_say_that_tasks_close(twilio: Twilio) -> None:
    made = twilio.hand_off(twilio.conversation())
    channel = f"/v1/Interactions/{made['sid']}/Channels/{made['channel']['sid']}"
    with pytest.raises(ApiError) as refused:
        twilio.post(FLEX, channel, Status="inactive")
    assert refused.value.status == 400
    assert (
        twilio.post(FLEX, channel, Status="inactive", Routing='{"status":"closed"}')["status"] == "inactive"
    )


def test_an_interaction_webhook_hears_only_its_own_interaction(twilio: Twilio) -> None:
    instance = twilio.settings["TWILIO_FLEX_INSTANCE_SID"]
    twilio.post(
        FLEX,
        f"/v1/Instances/{instance}/InteractionWebhooks",
        WebhookUrl="http://app/one",
        WebhookEvents=["onInteractionCreated"],
        Type="interaction",
    )
    twilio.hand_off(twilio.conversation())
    assert twilio.told("interactions") == []


def test_tasks_are_found_by_their_attributes(twilio: Twilio) -> None:
    for case in ("7", "8"):
        twilio.hand_off(twilio.conversation(), attributes={"case": {"id": case}, "vip": True})
    workspace = twilio.settings["TWILIO_WORKSPACE_SID"]
    path = f"/v1/Workspaces/{workspace}/Tasks?EvaluateTaskAttributes="
    assert len(twilio.get(TASKROUTER, path + "vip == true")["tasks"]) == 2
    found = twilio.get(TASKROUTER, path + "vip == true AND case.id == '8'")["tasks"]
    assert [json.loads(task["attributes"])["case"]["id"] for task in found] == ["8"]
    with pytest.raises(ApiError):
        twilio.get(TASKROUTER, path + "case.id IN ['8']")


def test_an_events_filter_lets_only_its_events_pass(twilio: Twilio) -> None:
    twilio.post(
        TASKROUTER,
        f"/v1/Workspaces/{twilio.settings['TWILIO_WORKSPACE_SID']}",
        EventCallbackUrl="http://app/taskrouter",
        EventsFilter="task.canceled, reservation.accepted",
    )
    task = twilio.hand_off(twilio.conversation())["routing"]["properties"]["sid"]
    twilio.model.accept(task, "ada")
    assert twilio.told("taskrouter") == ["reservation.accepted"]


def test_a_service_webhook_silences_the_accounts(twilio: Twilio) -> None:
    twilio.listen()
    service = twilio.get(CONVERSATIONS, "/v1/Services")["services"][0]["sid"]
    twilio.post(
        CONVERSATIONS,
        f"/v1/Services/{service}/Configuration/Webhooks",
        PostWebhookUrl="http://app/service",
        Filters=["onParticipantAdded"],
    )
    twilio.model.accept(twilio.hand_off(twilio.conversation())["routing"]["properties"]["sid"], "ada")
    told = [w for w in twilio.model.drain() if w.family == "conversations"]
    assert [w.url for w in told] == ["http://app/service"]


def test_a_file_left_lying_for_five_minutes_is_gone(twilio: Twilio) -> None:
    service = twilio.get(CONVERSATIONS, "/v1/Services")["services"][0]["sid"]
    upload = Call(
        "POST",
        f"/v1/Services/{service}/Media",
        headers={"authorization": LOGIN, "content-type": "image/png"},
        raw=b"png",
    )
    sid = twilio.model.rest("mcs.us1.twilio.com", upload).body["sid"]
    twilio.wait(minutes=5, seconds=1)
    with pytest.raises(ApiError) as refused:
        twilio.post(CONVERSATIONS, f"/v1/Conversations/{twilio.conversation()}/Messages", MediaSid=sid)
    assert refused.value.code == 20404
