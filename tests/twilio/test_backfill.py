"""Reading up Twilio Conversations: what webhooks would have told, by the same names."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from machines.events import Address, Event, Trigger
from orchestrator.clock import SystemClock
from orchestrator.sandbox.twilio.model import TwilioModel
from orchestrator.twilio.backfill import DeskBackfill
from orchestrator.twilio.live import Positions
from storage.reads.rows import DeskRow
from tests.twilio.serving import CONVERSATION, Rows, Served


class Reading:
    """A backfill over one Twilio Conversation, and what it asked to be remembered."""

    def __init__(self, served: Served, sid: str, *, read_up_to: int = -1) -> None:
        self.marks: list[tuple[str, int, bool]] = []
        self.rows = Rows(found=[DeskRow(sid, CONVERSATION, 1, read_up_to)])
        self.positions = Positions()
        self._backfill = DeskBackfill(
            served.twilio,
            self.rows,  # type: ignore[arg-type]
            SystemClock(),
            self._mark,
            positions=self.positions,
        )

    async def _mark(self, marks: list[tuple[str, int, bool]]) -> None:
        self.marks = marks

    async def __call__(self) -> tuple[Event, ...]:
        read = await self._backfill.read()
        self.complete = read.rest is None
        await read.remember()
        self.made, self.still = read.made, read.still
        return read.events


async def with_agent(served: Served) -> tuple[str, str]:
    """A conversation that an agent has accepted: its sid and its task's."""
    sid = await served.conversation()
    account = served.sandbox.account()
    routing: dict[str, Any] = {
        "workspace_sid": account["TWILIO_WORKSPACE_SID"],
        "workflow_sid": account["TWILIO_WORKFLOW_SID"],
        "task_channel_unique_name": "chat",
        "attributes": {},
    }
    channel = {"type": "web", "initiated_by": "customer", "properties": {"media_channel_sid": sid}}
    made = await served.twilio.create_interaction(channel, {"properties": routing})
    assert made.task
    served.sandbox.twilio.accept(made.task, "ada")
    return sid, made.task


def model(served: Served) -> TwilioModel:
    return served.sandbox.twilio


def told(events: tuple[Event, ...], *triggers: Trigger) -> list[Event]:
    return [event for event in events if event.trigger in triggers]


async def test_what_agents_wrote_is_told_by_the_names_of_their_webhooks(served: Served) -> None:
    sid, task = await with_agent(served)
    said = [model(served).agent_message(task, f"reply {n}", []).sid for n in range(3)]
    reading = Reading(served, sid)
    messages = told(await reading(), Trigger.AGENT_MESSAGE)
    assert [(event.id, event.data["body"]) for event in messages] == [
        (s, f"reply {n}") for n, s in enumerate(said)
    ]
    assert all((event.to.conversation, event.to.request) == (CONVERSATION, 1) for event in messages)
    assert reading.marks == [(sid, 2, False)]
    assert reading.complete


async def test_what_was_read_is_not_told_again(served: Served) -> None:
    sid, task = await with_agent(served)
    for n in range(3):
        model(served).agent_message(task, f"reply {n}", [])
    messages = told(await Reading(served, sid, read_up_to=1)(), Trigger.AGENT_MESSAGE)
    assert [event.data["body"] for event in messages] == ["reply 2"]


async def test_what_we_posted_is_not_told(served: Served) -> None:
    sid, _ = await with_agent(served)
    await served.twilio.post(sid, author="discord_33", body="of the member", attributes={})
    mark = {"orchestrator": {"effect": "k"}}
    await served.twilio.post(sid, author="orchestrator", body="a note", attributes=mark)
    reading = Reading(served, sid)
    assert told(await reading(), Trigger.AGENT_MESSAGE) == []
    assert reading.marks == [(sid, 1, False)]


async def test_an_edit_is_told_even_of_a_message_that_was_read(served: Served) -> None:
    sid, task = await with_agent(served)
    message = model(served).agent_message(task, "before", []).sid
    served.clock.ahead = timedelta(seconds=5)
    model(served).agent_edit(task, message, "after")
    events = await Reading(served, sid, read_up_to=0)()
    (edit,) = told(events, Trigger.AGENT_EDITED)
    assert edit.data["body"] == "after"


async def test_who_is_there_is_told_while_it_is_open(served: Served) -> None:
    sid, _ = await with_agent(served)
    (joined,) = told(await Reading(served, sid)(), Trigger.AGENT_JOINED)
    assert joined.data["agent"] == "ada"


async def test_a_closed_conversation_is_told_with_its_last_words_and_is_done(served: Served) -> None:
    sid, task = await with_agent(served)
    model(served).agent_message(task, "bye", [])
    model(served).complete(task)
    reading = Reading(served, sid)
    events = await reading()
    message, closed = told(events, Trigger.AGENT_MESSAGE, Trigger.DESK_CLOSED)
    assert message.data["body"] == "bye"
    assert message.at <= closed.at
    assert closed.trigger is Trigger.DESK_CLOSED
    assert told(events, Trigger.AGENT_JOINED) == []
    assert reading.marks == [(sid, 0, True)]


async def test_a_conversation_that_is_gone_is_closed(served: Served) -> None:
    await served.conversation()
    sid = "CH" + "0" * 32
    reading = Reading(served, sid, read_up_to=4)
    (closed,) = await reading()
    assert closed.trigger is Trigger.DESK_CLOSED
    assert reading.marks == [(sid, 4, True)]


async def test_of_a_very_long_talk_the_newest_messages_are_read(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("orchestrator.twilio.backfill.AT_MOST", 3)
    sid, task = await with_agent(served)
    for n in range(6):
        model(served).agent_message(task, f"reply {n}", [])
    messages = told(await Reading(served, sid)(), Trigger.AGENT_MESSAGE)
    assert [event.data["body"] for event in messages] == ["reply 3", "reply 4", "reply 5"]


@pytest.mark.parametrize("call", ["/Conversations/[^/]+$", "/Messages$", "/Participants$"])
async def test_a_reading_that_fails_is_not_complete_and_marks_nothing(served: Served, call: str) -> None:
    sid, task = await with_agent(served)
    model(served).agent_message(task, "reply", [])
    served.fault("GET", call, status=500)
    reading = Reading(served, sid)
    assert await reading() == ()
    assert not reading.complete
    assert reading.marks == []
    assert len(told(await reading(), Trigger.AGENT_MESSAGE)) == 1


async def test_an_agents_message_that_was_deleted_meanwhile_is_told(served: Served) -> None:
    sid, task = await with_agent(served)
    gone, kept = (model(served).agent_message(task, text, []).sid for text in ("gone", "kept"))
    model(served).agent_delete(task, gone)
    reading = Reading(served, sid)
    here, elsewhere = Address(link=("conversation_sid", sid)), Address(link=("conversation_sid", "CH1"))
    said = {"agent": "ada", "index": 0}
    reading.rows.held = {gone: (here, said), kept: (here, said), "IM" + "0" * 32: (elsewhere, said)}
    (deleted,) = told(await reading(), Trigger.AGENT_DELETED)
    assert deleted.id == f"{gone}:delete"


async def test_what_we_posted_is_found_by_its_key_and_a_later_copy_goes(served: Served) -> None:
    sid, _ = await with_agent(served)
    mark = {"orchestrator": {"effect": "k"}}
    first = await served.twilio.post(sid, author="discord_33", body="hello", attributes=mark)
    await served.twilio.post(sid, author="discord_33", body="hello", attributes=mark)
    reading = Reading(served, sid)
    await reading()
    assert [(made.key, made.ref, made.healed) for made in reading.made] == [("k", first, True)]
    assert [message.sid for message in await served.twilio.messages(sid)] == [first]
    await reading()
    assert [(made.ref, made.healed) for made in reading.made] == [(first, False)]


async def test_who_is_there_is_news_only_until_somebody_is_heard(served: Served) -> None:
    sid, task = await with_agent(served)
    model(served).agent_message(task, "hello", [])
    reading = Reading(served, sid)
    events = await reading()
    assert all(reading.still(event) for event in events)
    reading.positions.of(sid).heard += 1
    assert [event.trigger for event in events if not reading.still(event)] == [Trigger.AGENT_JOINED]


async def test_what_was_read_is_accounted_for(served: Served) -> None:
    sid, task = await with_agent(served)
    for n in range(3):
        model(served).agent_message(task, f"reply {n}", [])
    reading = Reading(served, sid)
    assert reading.positions.missing_before(sid, 3)
    await reading()
    assert not reading.positions.missing_before(sid, 3)
    assert reading.positions.missing_before(sid, 4)
