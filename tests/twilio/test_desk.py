"""The desk over Flex, link by link: each call once, whatever is known of an earlier attempt."""

from __future__ import annotations

import pytest

from machines.effects import Kind
from machines.events import Trigger
from orchestrator.clock import SystemClock
from orchestrator.errors import Reject, Retry
from orchestrator.twilio.desk import FlexDesk
from orchestrator.twilio.limits import BODY_BYTES, SETTLE_S
from tests.english import ENGLISH
from tests.twilio.serving import CONVERSATION, NAME, Rows, Served, job


@pytest.fixture
def rows() -> Rows:
    return Rows()


@pytest.fixture
def desk(served: Served, rows: Rows) -> FlexDesk:
    account = served.sandbox.account()
    return FlexDesk(
        served.twilio,
        rows,  # type: ignore[arg-type]
        SystemClock(),
        public_url="https://example.org/",
        workspace=account["TWILIO_WORKSPACE_SID"],
        workflow=account["TWILIO_WORKFLOW_SID"],
        words=ENGLISH,
    )


async def opened(desk: FlexDesk, rows: Rows) -> str:
    """A desk that is open; the sid of its Twilio Conversation."""
    made = await desk.create(job(Kind.DESK_CREATE))
    rows.links = {link.kind: link.ref for link in made.links}
    await desk.join(job(Kind.DESK_JOIN))
    await desk.wire(job(Kind.DESK_WIRE))
    done = await desk.route(job(Kind.DESK_ROUTE, case="case-1"))
    rows.links |= {link.kind: link.ref for link in done.links}
    return rows.links["conversation_sid"]


async def test_a_desk_is_opened_link_by_link(desk: FlexDesk, rows: Rows, served: Served) -> None:
    sid = await opened(desk, rows)
    shown = served.sandbox.twilio.conversation(sid)
    assert shown["unique_name"] == NAME
    assert [p["identity"] for p in shown["participants"]][:1] == ["discord_33"]
    (hook,) = shown["webhooks"]
    assert hook["url"] == f"https://example.org/webhooks/twilio/conversations?c={CONVERSATION}&r=1"
    (task,) = served.sandbox.twilio.tasks()
    assert task["attributes"]["orchestrator_request"] == NAME
    assert task["attributes"]["case_number"] == 7
    assert task["attributes"]["customerName"] == "Mia"
    assert set(rows.links) == {"conversation_sid", "task_sid", "interaction_sid", "channel_sid"}


async def test_a_conversation_that_an_earlier_attempt_made_is_adopted(desk: FlexDesk, served: Served) -> None:
    first = await desk.create(job(Kind.DESK_CREATE))
    again = await desk.create(job(Kind.DESK_CREATE))
    assert (again.ref, again.links) == (first.ref, first.links)
    assert served.asked("POST", "/Conversations") == 2


async def test_a_conversation_that_is_closed_or_not_ours_is_not_adopted(
    desk: FlexDesk, served: Served
) -> None:
    made = await served.twilio.create_conversation(NAME, "Somebody", {})
    with pytest.raises(Reject, match="not ours"):
        await desk.create(job(Kind.DESK_CREATE))
    await served.twilio.close_conversation(made.sid)


async def test_a_webhook_that_is_there_is_not_added_again(desk: FlexDesk, rows: Rows, served: Served) -> None:
    sid = await opened(desk, rows)
    await desk.wire(job(Kind.DESK_WIRE, in_doubt=True))
    assert len(served.sandbox.twilio.conversation(sid)["webhooks"]) == 1
    assert served.asked("POST", "/Webhooks") == 1


async def test_a_task_that_an_earlier_attempt_made_is_found(
    desk: FlexDesk, rows: Rows, served: Served
) -> None:
    await opened(desk, rows)
    again = await desk.route(job(Kind.DESK_ROUTE, in_doubt=True))
    assert again.ref == rows.links["task_sid"]
    assert again.trigger is Trigger.DESK_OPENED
    assert {link.kind: link.ref for link in again.links}.items() <= rows.links.items()
    assert served.asked("POST", "/Interactions") == 1


async def test_an_interaction_too_many_leads_to_the_task_that_is_there(
    desk: FlexDesk, rows: Rows, served: Served
) -> None:
    await opened(desk, rows)
    again = await desk.route(job(Kind.DESK_ROUTE))
    assert again.ref == rows.links["task_sid"]
    assert len(served.sandbox.twilio.tasks()) == 1


async def test_a_message_that_an_earlier_attempt_posted_is_found(
    desk: FlexDesk, rows: Rows, served: Served
) -> None:
    sid = await opened(desk, rows)
    message = rows.say("hello")
    first = await desk.relay(job(Kind.RELAY_TO_DESK, message=message, op="create"))
    again = await desk.relay(job(Kind.RELAY_TO_DESK, in_doubt=True, message=message, op="create"))
    assert (again.ref, again.refs, again.message) == (first.ref, (first.ref,), message)
    assert [m["body"] for m in served.sandbox.twilio.conversation(sid)["messages"]] == ["hello"]


async def test_a_look_that_is_refused_says_nothing_about_the_message_in_doubt(
    desk: FlexDesk, rows: Rows, served: Served
) -> None:
    sid = await opened(desk, rows)
    asked = {"message": rows.say("hello"), "op": "create"}
    first = await desk.relay(job(Kind.RELAY_TO_DESK, **asked))
    served.fault("GET", "/Messages", status=400, times=1)
    with pytest.raises(Retry):
        await desk.relay(job(Kind.RELAY_TO_DESK, in_doubt=True, **asked))
    assert (await desk.relay(job(Kind.RELAY_TO_DESK, in_doubt=True, **asked))).ref == first.ref
    assert [m["body"] for m in served.sandbox.twilio.conversation(sid)["messages"]] == ["hello"]


async def test_a_message_in_doubt_is_not_posted_again_before_that_is_safe(desk: FlexDesk, rows: Rows) -> None:
    await opened(desk, rows)
    asked = {"message": rows.say("hello"), "op": "create"}
    with pytest.raises(Retry) as put_off:
        await desk.relay(job(Kind.RELAY_TO_DESK, in_doubt=True, ago=5.0, **asked))
    assert not put_off.value.ambiguous  # the doubt stays as old as it is
    assert put_off.value.after == pytest.approx(SETTLE_S - 5, abs=1)
    done = await desk.relay(job(Kind.RELAY_TO_DESK, in_doubt=True, ago=SETTLE_S, **asked))
    assert done.ref


async def test_a_message_is_relayed_edited_and_deleted(desk: FlexDesk, rows: Rows, served: Served) -> None:
    sid = await opened(desk, rows)
    done = await desk.relay(job(Kind.RELAY_TO_DESK, message=rows.say("one"), op="create"))
    message = rows.say("two", refs=done.refs)
    await desk.relay(job(Kind.RELAY_TO_DESK, message=message, op="edit"))
    assert [m["body"] for m in served.sandbox.twilio.conversation(sid)["messages"]] == ["two"]
    await desk.relay(job(Kind.RELAY_TO_DESK, message=message, op="delete"))
    assert all(m["deleted_at"] for m in served.sandbox.twilio.conversation(sid)["messages"])


async def test_a_correction_of_what_an_earlier_desk_was_told_is_new_here(
    desk: FlexDesk, rows: Rows, served: Served
) -> None:
    sid = await opened(desk, rows)
    rows.elsewhere = {"IM0"}
    message = rows.say("what I meant", refs=("IM0",))
    done = await desk.relay(job(Kind.RELAY_TO_DESK, message=message, op="edit"))
    (line,) = served.sandbox.twilio.conversation(sid)["messages"]
    assert (line["body"], done.refs) == ("what I meant", (line["sid"],))
    rows.say("what I meant", refs=("IM0",))
    await desk.relay(job(Kind.RELAY_TO_DESK, message=message, op="delete"))
    assert not served.sandbox.twilio.conversation(sid)["messages"][0]["deleted_at"]


async def test_what_was_deleted_before_its_delivery_is_not_delivered(
    desk: FlexDesk, rows: Rows, served: Served
) -> None:
    sid = await opened(desk, rows)
    await desk.relay(job(Kind.RELAY_TO_DESK, message=rows.say("gone", deleted=True), op="create"))
    await desk.relay(job(Kind.RELAY_TO_DESK, message="discord:unknown", op="create"))
    assert served.sandbox.twilio.conversation(sid)["messages"] == []


async def test_a_file_without_words_is_no_empty_message(desk: FlexDesk, rows: Rows, served: Served) -> None:
    sid = await opened(desk, rows)
    files = ({"filename": "log.txt", "size": 2000},)
    await desk.relay(job(Kind.RELAY_TO_DESK, message=rows.say("", attachments=files), op="create"))
    await desk.relay(job(Kind.RELAY_TO_DESK, key="l", message=rows.say("", id_="discord:2"), op="create"))
    bodies = [m["body"] for m in served.sandbox.twilio.conversation(sid)["messages"]]
    assert "log.txt" in bodies[0]
    assert bodies[1].strip()


async def test_a_transcript_that_is_too_long_keeps_its_end(
    desk: FlexDesk, rows: Rows, served: Served
) -> None:
    sid = await opened(desk, rows)
    for n in range(40):
        rows.say("ü" * 1000 + f" end {n}", id_=f"discord:{n}")
    await desk.transcript(job(Kind.DESK_TRANSCRIPT, upto=9))
    (message,) = served.sandbox.twilio.conversation(sid)["messages"]
    assert len(message["body"].encode()) <= BODY_BYTES
    assert message["body"].endswith("end 39")


async def test_nothing_said_meanwhile_is_not_posted(desk: FlexDesk, rows: Rows, served: Served) -> None:
    sid = await opened(desk, rows)
    await desk.transcript(job(Kind.DESK_TRANSCRIPT, since=5, upto=9))
    assert served.sandbox.twilio.conversation(sid)["messages"] == []
    await desk.transcript(job(Kind.DESK_TRANSCRIPT, upto=9))
    assert len(served.sandbox.twilio.conversation(sid)["messages"]) == 1


async def test_closing_again_is_harmless(desk: FlexDesk, rows: Rows, served: Served) -> None:
    sid = await opened(desk, rows)
    for _ in range(2):
        await desk.close(job(Kind.DESK_CLOSE))
    assert served.sandbox.twilio.conversation(sid)["state"] == "closed"
    assert served.sandbox.twilio.tasks()[0]["status"] in ("completed", "canceled")


async def test_closing_what_was_only_half_opened_takes_back_what_is_there(
    desk: FlexDesk, rows: Rows, served: Served
) -> None:
    await desk.close(job(Kind.DESK_WITHDRAW))
    sid = await opened(desk, rows)
    rows.links = {"conversation_sid": sid}  # the interaction was made, but that was never recorded
    await desk.close(job(Kind.DESK_WITHDRAW))
    assert served.sandbox.twilio.tasks()[0]["status"] in ("completed", "canceled")
    assert served.sandbox.twilio.conversation(sid)["state"] == "closed"


async def test_who_took_a_task_that_is_withdrawn_is_told_before_it_closes(
    desk: FlexDesk, rows: Rows, served: Served
) -> None:
    sid = await opened(desk, rows)
    served.sandbox.twilio.accept(rows.links["task_sid"], "ada")
    told = [
        (await desk.withdraw(job(Kind.DESK_WITHDRAW, reason="withdrawn", in_doubt=in_doubt))).ref
        for in_doubt in (False, False, True)  # the second was told to wait where it wanted to close
    ]
    shown = served.sandbox.twilio.conversation(sid)
    (note,) = shown["messages"]
    assert (note["body"], told) == (ENGLISH.desk["withdrawn_not_delivered"], [note["sid"]] * 3)
    assert shown["state"] == "closed"


async def test_a_withdrawal_whose_conversation_somebody_removed_is_carried_out(
    desk: FlexDesk, rows: Rows, served: Served
) -> None:
    await opened(desk, rows)
    served.sandbox.twilio.accept(rows.links["task_sid"], "ada")
    rows.links["conversation_sid"] = "CH" + "0" * 32
    assert (await desk.withdraw(job(Kind.DESK_WITHDRAW, reason="withdrawn"))).ref is None
    assert served.sandbox.twilio.tasks()[0]["status"] in ("completed", "canceled")


async def test_a_withdrawal_that_nobody_was_quicker_than_says_nothing(
    desk: FlexDesk, rows: Rows, served: Served
) -> None:
    sid = await opened(desk, rows)
    assert (await desk.withdraw(job(Kind.DESK_WITHDRAW, reason="withdrawn"))).ref is None
    shown = served.sandbox.twilio.conversation(sid)
    assert (shown["messages"], shown["state"]) == ([], "closed")


async def test_another_agent_is_invited_only_when_no_task_is_unfinished(
    desk: FlexDesk, rows: Rows, served: Served
) -> None:
    await opened(desk, rows)
    await desk.invite(job(Kind.DESK_INVITE))
    assert len(served.sandbox.twilio.tasks()) == 1
    task = rows.links["task_sid"]
    served.sandbox.twilio.accept(task, "ada")
    served.sandbox.twilio.leave(task)
    await desk.invite(job(Kind.DESK_INVITE))
    await desk.invite(job(Kind.DESK_INVITE))
    assert len(served.sandbox.twilio.tasks()) == 2


async def test_without_a_conversation_nothing_can_be_posted(desk: FlexDesk, rows: Rows) -> None:
    with pytest.raises(Reject, match="no Twilio Conversation"):
        await desk.transcript(job(Kind.DESK_TRANSCRIPT, upto=1))
    with pytest.raises(Reject):
        await desk.invite(job(Kind.DESK_INVITE))


async def test_a_note_to_a_desk_that_was_never_opened_has_nobody_to_tell(desk: FlexDesk, rows: Rows) -> None:
    assert (await desk.note(job(Kind.DESK_NOTE, text="member_waits"))).ref is None
