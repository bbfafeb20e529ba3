"""What Twilio's webhooks tell: fields in, events out."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from machines.events import Address, Event, Source, Trigger
from orchestrator.texts.plain import storable
from orchestrator.twilio.intake import (
    BadField,
    Mark,
    conversations,
    display_name,
    effect_of,
    interactions,
)

NOW = datetime(2026, 11, 22, 10, 0, 1, tzinfo=UTC)
CONVERSATION = "CH" + "1" * 32
INTERACTION = "KD" + "2" * 32
MESSAGE = "IM" + "3" * 32
MARK = Mark("conversation-1", 2)
LINK = ("conversation_sid", CONVERSATION)
COMMON = {"AccountSid": "AC" + "a" * 32, "ConversationSid": CONVERSATION, "Source": "SDK"}
ADDED = COMMON | {
    "EventType": "onMessageAdded",
    "MessageSid": MESSAGE,
    "Index": "7",
    "DateCreated": "2026-11-22T10:00:00.250Z",
    "Body": "Hello",
    "Author": "jane_40example_2Ecom",
    "Attributes": "{}",
}
UPDATED = ADDED | {
    "EventType": "onMessageUpdated",
    "Body": "Hello!",
    "DateUpdated": "2026-11-22T10:05:00.500Z",
}
REMOVED = UPDATED | {"EventType": "onMessageRemoved", "DateRemoved": "2026-11-22T10:06:00.000Z"}
JOINED = COMMON | {
    "EventType": "onParticipantAdded",
    "ParticipantSid": "MB" + "4" * 32,
    "DateCreated": "2026-11-22T10:00:00.000Z",
    "Identity": "ada_5Flovelace",
}
LEFT = JOINED | {"EventType": "onParticipantRemoved", "DateRemoved": "2026-11-22T10:09:00.000Z"}
CLOSED = COMMON | {
    "EventType": "onConversationStateUpdated",
    "StateFrom": "active",
    "StateTo": "closed",
    "Reason": "API",
    "StateUpdated": "2026-11-22T10:08:00.125Z",
}
CHANNEL = {
    "EventType": "onChannelStatusUpdated",
    "InteractionSid": INTERACTION,
    "MediaChannelSid": CONVERSATION,
    "ChannelStatus": "closed",
}


def told(fields: dict[str, str], mark: Mark = MARK) -> tuple[Event, ...]:
    return conversations(fields, mark, NOW, lambda: "fresh")


def the(fields: dict[str, str]) -> Event:
    (event,) = told(fields)
    return event


def ours(effect: str = "conversation:1:2:0:0") -> str:
    return json.dumps({"orchestrator": {"effect": effect}})


# --- messages


def test_an_agents_message_is_named_by_its_sid_and_timed_by_twilio() -> None:
    assert the(ADDED) == Event(
        Source.TWILIO,
        MESSAGE,
        Trigger.AGENT_MESSAGE,
        datetime(2026, 11, 22, 10, 0, 0, 250_000, tzinfo=UTC),
        Address(conversation="conversation-1", request=2, link=LINK),
        {
            "agent": "jane_40example_2Ecom",
            "name": "jane@example.com",
            "message": f"twilio:{MESSAGE}",
            "ref": MESSAGE,
            "body": "Hello",
            "attachments": [],
            "index": 7,
            "attributes": "{}",
        },
    )


def test_a_message_of_files_alone_has_an_empty_body_and_says_what_the_files_are() -> None:
    media = [{"Sid": "ME" + "6" * 32, "ContentType": "image/png", "Filename": "screen\ud800.png", "Size": 10}]
    event = the(ADDED | {"Body": "", "Media": json.dumps(media)})

    assert event.data["body"] == ""
    assert event.data["attachments"] == [
        {
            "sid": "ME" + "6" * 32,
            "content_type": "image/png",
            "filename": "screen\ufffd.png",
            "size": 10,
        }
    ]


def test_a_file_without_a_name_has_an_empty_one() -> None:
    media = [{"Sid": "ME" + "6" * 32, "ContentType": "image/png", "Filename": None, "Size": "10"}]

    assert the(ADDED | {"Media": json.dumps(media)}).data["attachments"][0]["filename"] == ""


@pytest.mark.parametrize("name", ["onMessageAdded", "onMessageUpdated", "onMessageRemoved"])
@pytest.mark.parametrize(
    "changes",
    [
        {"Author": "discord_42"},
        {"Author": "system", "Attributes": ours()},
        {"Author": "ada", "Attributes": ours()},
        {"Author": "discord_42", "Attributes": ours()},
    ],
)
def test_what_we_posted_says_nothing_new_whoever_is_named_as_its_author(
    name: str, changes: dict[str, str]
) -> None:
    assert told(REMOVED | {"EventType": name} | changes) == ()


@pytest.mark.parametrize(
    "attributes",
    [
        "{}",
        "",
        "no JSON",
        "null",
        "[]",
        '{"orchestrator": true}',
        '{"orchestrator": {"effect": 1}}',
        "[" * 90_000,
    ],
)
def test_attributes_that_do_not_bear_our_mark_never_cost_an_agents_message(attributes: str) -> None:
    assert effect_of(attributes) is None
    if attributes:
        assert the(ADDED | {"Attributes": attributes}).trigger is Trigger.AGENT_MESSAGE


def test_our_mark_names_the_effect_that_posted_the_message() -> None:
    assert effect_of(ours("conversation:1:2:0:0")) == "conversation:1:2:0:0"


def test_a_text_of_the_systems_that_is_not_ours_is_relayed() -> None:
    assert the(ADDED | {"Author": "system"}).data["agent"] == "system"


def test_what_no_database_takes_is_replaced() -> None:
    event = the(ADDED | {"Body": "a\x00b\udc80c", "Author": "a\x00da"})

    assert event.data["body"] == "a\ufffdb\ufffdc"
    assert event.data["agent"] == "a\ufffdda"


def test_an_edit_names_the_message_and_never_bears_its_id() -> None:
    event = the(UPDATED)
    at = datetime(2026, 11, 22, 10, 5, 0, 500_000, tzinfo=UTC)

    assert (event.trigger, event.at, event.to.message) == (Trigger.AGENT_EDITED, at, f"twilio:{MESSAGE}")
    assert (event.data["body"], event.data["edited_at"]) == ("Hello!", at.timestamp())
    assert event.data["message"] == f"twilio:{MESSAGE}"
    assert event.id != MESSAGE
    assert event.id == the(UPDATED).id
    assert event.id != the(UPDATED | {"DateUpdated": "2026-11-22T10:05:01.500Z"}).id


def test_a_delete_is_named_by_the_sid_and_delete() -> None:
    event = the(REMOVED)

    assert (event.id, event.trigger) == (f"{MESSAGE}:delete", Trigger.AGENT_DELETED)
    assert (event.to.message, event.to.conversation) == (f"twilio:{MESSAGE}", "conversation-1")
    assert event.at == datetime(2026, 11, 22, 10, 6, tzinfo=UTC)


# --- membership and the end


@pytest.mark.parametrize(
    ("fields", "trigger", "minute"), [(JOINED, Trigger.AGENT_JOINED, 0), (LEFT, Trigger.AGENT_LEFT, 9)]
)
def test_coming_and_going_are_level_reports_with_an_id_of_their_own(
    fields: dict[str, str], trigger: Trigger, minute: int
) -> None:
    event = the(fields)

    assert (event.id, event.trigger) == ("fresh", trigger)
    assert event.data == {"agent": "ada_5Flovelace", "name": "ada_lovelace"}
    assert event.at == datetime(2026, 11, 22, 10, minute, tzinfo=UTC)


@pytest.mark.parametrize("name", ["onParticipantAdded", "onParticipantRemoved"])
@pytest.mark.parametrize("identity", ["discord_42", ""])
def test_the_member_and_telephones_are_no_agents(name: str, identity: str) -> None:
    assert told(JOINED | {"EventType": name, "Identity": identity}) == ()


def test_a_closed_conversation_closes_the_desk() -> None:
    event = the(CLOSED)

    assert (event.trigger, event.id, event.data) == (Trigger.DESK_CLOSED, "fresh", {"reason": "API"})
    assert event.at == datetime(2026, 11, 22, 10, 8, 0, 125_000, tzinfo=UTC)


def test_a_state_without_a_time_is_timed_by_its_arrival() -> None:
    fields = {name: value for name, value in CLOSED.items() if name != "StateUpdated"}

    assert the(fields).at == NOW


@pytest.mark.parametrize(
    "fields",
    [
        CLOSED | {"StateTo": "inactive"},
        COMMON | {"EventType": "onParticipantUpdated"},
        COMMON | {"EventType": "onDeliveryUpdated"},
        {"EventType": "onUserAdded"},
        {"EventType": "onSomethingNew"},
    ],
)
def test_what_concerns_nobody_gives_no_event(fields: dict[str, str]) -> None:
    assert told(fields) == ()


# --- interactions


def channel(**changes: str) -> tuple[Event, ...]:
    fields = {name: value for name, value in (CHANNEL | changes).items() if value}
    return interactions(fields, NOW, lambda: "fresh")


def test_a_closed_channel_closes_the_desk_of_its_conversation() -> None:
    assert channel() == (
        Event(
            Source.TWILIO, "fresh", Trigger.DESK_CLOSED, NOW, Address(link=LINK), {"reason": "channel_closed"}
        ),
    )


def test_a_channel_that_could_not_be_made_fails_the_desk_and_is_known_by_its_interaction_if_need_be() -> None:
    (event,) = channel(EventType="onChannelCreateFailed", MediaChannelSid="", ErrorMessage="no such workflow")

    assert (event.trigger, event.data) == (Trigger.DESK_FAILED, {"reason": "no such workflow"})
    assert event.to == Address(link=("interaction_sid", INTERACTION))


@pytest.mark.parametrize(
    "changes",
    [
        {"ChannelStatus": "active"},
        {"EventType": "onParticipantJoined"},
        {"EventType": "onParticipantLeft"},
        {"EventType": "onInteractionCreated"},
        {"MediaChannelSid": "", "InteractionSid": ""},
    ],
)
def test_who_is_there_is_not_for_interactions_to_tell(changes: dict[str, str]) -> None:
    assert channel(**changes) == ()


# --- marks, fields, names


@pytest.mark.parametrize(
    ("query", "mark"),
    [
        ({"c": "ab12", "r": "3"}, Mark("ab12", 3)),
        ({"c": "ab12"}, Mark("ab12")),
        ({}, Mark()),
        ({"utm": "x"}, Mark()),
    ],
)
def test_a_mark_is_read_from_the_address(query: dict[str, str], mark: Mark) -> None:
    assert Mark.read(query) == mark


@pytest.mark.parametrize(
    "query", [{"c": ""}, {"c": "a b"}, {"c": "a" * 65}, {"c": "a", "r": "one"}, {"r": "٣"}]
)
def test_a_mark_that_is_none_of_ours_is_refused(query: dict[str, str]) -> None:
    with pytest.raises(BadField):
        Mark.read(query)


def test_without_a_mark_an_event_carries_only_its_link() -> None:
    (event,) = told(ADDED, Mark())

    assert event.to == Address(link=LINK)


@pytest.mark.parametrize(
    ("fields", "name", "value"),
    [
        (ADDED, "EventType", None),
        (ADDED, "ConversationSid", None),
        (ADDED, "ConversationSid", "CH1"),
        (ADDED, "ConversationSid", CONVERSATION + "\n"),
        (ADDED, "MessageSid", "SM" + "3" * 32),
        (ADDED, "Body", None),
        (ADDED, "Author", ""),
        (ADDED, "Attributes", None),
        (ADDED, "Index", "-1"),
        (ADDED, "Index", "7.0"),
        (ADDED, "Index", "9" * 5_000),
        (ADDED, "DateCreated", "yesterday"),
        (ADDED, "DateCreated", "2026-11-22T10:00:00"),
        (ADDED, "DateCreated", "0001-01-01T00:00:00+23:00"),
        (ADDED, "Media", "{}"),
        (ADDED, "Media", "[1]"),
        (ADDED, "Media", "[" * 90_000),
        (ADDED, "Media", '[{"Sid": "ME1", "Size": 1}]'),
        (ADDED, "Media", json.dumps([{"Sid": "ME" + "6" * 32, "Size": -1}])),
        (ADDED, "Media", json.dumps([{"Sid": "ME" + "6" * 32, "Size": True}])),
        (ADDED, "Media", json.dumps([{"Sid": "ME" + "6" * 32, "Size": 1, "Filename": 1}])),
        (UPDATED, "DateUpdated", None),
        (CLOSED, "StateTo", None),
    ],
)
def test_a_field_that_is_missing_or_ill_typed_is_named_and_never_quoted(
    fields: dict[str, str], name: str, value: str | None
) -> None:
    given_fields = {n: v for n, v in fields.items() if n != name} | ({} if value is None else {name: value})
    with pytest.raises(BadField) as bad:
        told(given_fields)

    assert bad.value.name in {name, "Sid"}  # a file's sid stands inside Media
    assert str(bad.value) == f"{bad.value.name}: {bad.value.why}"
    assert len(str(bad.value)) < 80


@pytest.mark.parametrize(
    ("identity", "name"),
    [
        ("ada", "ada"),
        ("jane_40example_2Ecom", "jane@example.com"),
        ("J_C3_B6rg", "Jörg"),
        ("a_5Fb", "a_b"),
        ("mary_ann", "mary_ann"),
        ("odd_FF", "odd_FF"),
        ("odd_00", "odd_00"),
        ("bell_07_0A", "bell_07_0A"),
    ],
)
def test_an_agent_is_called_by_the_name_that_flex_encoded(identity: str, name: str) -> None:
    assert display_name(identity) == name


NAMES = sorted({*REMOVED, *JOINED, *CLOSED, *CHANNEL, "Media", "ErrorMessage", "ErrorCode"})
GOOD = sorted({*REMOVED.values(), *JOINED.values(), *CLOSED.values(), *CHANNEL.values(), ours()})
EVENTS = ["onMessageAdded", "onMessageUpdated", "onMessageRemoved", "onParticipantAdded"]
EVENTS += ["onParticipantRemoved", "onConversationStateUpdated", "onChannelCreateFailed"]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["Sid", "Size", "Filename"]), inner),
    max_leaves=5,
).map(json.dumps)
VALUES = st.sampled_from(GOOD) | st.text() | JSON | st.datetimes().map(datetime.isoformat)


@given(
    base=st.sampled_from([ADDED, UPDATED, REMOVED, JOINED, LEFT, CLOSED, CHANNEL, {}]),
    event=st.none() | st.sampled_from(EVENTS),
    changes=st.dictionaries(st.sampled_from(NAMES) | st.text(), VALUES, max_size=6),
    missing=st.sets(st.sampled_from(NAMES), max_size=3),
    query=st.dictionaries(st.sampled_from(["c", "r"]), VALUES),
)
def test_whatever_the_fields_are_the_answer_is_events_that_can_be_stored_or_a_bad_field(
    base: dict[str, str],
    event: str | None,
    changes: dict[str, str],
    missing: set[str],
    query: dict[str, str],
) -> None:
    fields: dict[str, str] = base | changes | ({"EventType": event} if event else {})
    for name in missing:
        fields.pop(name, None)
    events: list[Event] = []
    for read in (
        lambda: conversations(fields, Mark.read(query), NOW, lambda: "fresh"),
        lambda: conversations(fields, MARK, NOW, lambda: "fresh"),
        lambda: interactions(fields, NOW, lambda: "fresh"),
    ):
        with suppress(BadField):
            events += read()
    for one in events:
        assert all(storable(text) == text for text in [one.id, *texts(dict(one.data))])
        assert orjson.loads(orjson.dumps(one.data)) == one.data
        assert one.at.utcoffset() == timedelta(0)


def texts(value: object) -> Iterator[str]:
    """Every text in a JSON value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for inner in value.values():
            yield from texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from texts(inner)
