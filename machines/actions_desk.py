"""Actions around a request: opening the desk, waiting, taking up, relaying, ending."""

from __future__ import annotations

from typing import Any

from machines.draft import Draft
from machines.effects import FOLLOW_DESK, OPEN_DESK, Kind, chatbot_lane, desk_lane
from machines.events import CaseTrigger
from machines.events import Trigger as T
from machines.snapshot import CaseFacts, Tell

CANCEL = "agent_request_cancelled"
PERSON = "agent_requested"
ANOTHER_CASE = "other_case"
LEAVE_MESSAGE = "message_left"


# --- the case


def open_case(draft: Draft) -> None:
    """Open a help case, join the open one, or reopen the one this conversation goes on with."""
    given, context, previous = draft.given, draft.context, draft.given.previous
    if given.contacted and draft.event.trigger is T.AGENT_REQUESTED:
        if given.contacted.state == "closed":
            _new_case(draft, follows=given.contacted.id)
        else:
            draft.change(case=given.contacted.id, opened_case=False)
            _go_on_with(draft, given.contacted)
        return
    if context.case and given.case and given.case.state != "closed":
        if given.case.state == "resolved":
            draft.tell(CaseTrigger.REOPENED)
        tell_replied(draft)
        return
    if draft.data.get("reopened") and previous and previous.case:
        if previous.case_state == "closed":
            _new_case(draft, follows=previous.case)
            return
        draft.change(case=previous.case, opened_case=False)
        draft.tell(CaseTrigger.REOPENED)
        draft.tell(CaseTrigger.CONVERSATION_LINKED, conversation=draft.snapshot.id)
        if previous.case_state == "pending":
            draft.tell(CaseTrigger.MEMBER_REPLIED)
    elif given.help_case:
        draft.change(case=given.help_case.id, opened_case=False)
        draft.tell(CaseTrigger.CONVERSATION_LINKED, conversation=draft.snapshot.id)
        if given.help_case.state == "pending":
            draft.tell(CaseTrigger.MEMBER_REPLIED)
    else:
        _new_case(draft)


def _new_case(draft: Draft, follows: str = "") -> None:
    draft.change(case=draft.given.fresh, opened_case=True)
    data = {"follows": follows} if follows else {}
    draft.tell(CaseTrigger.OPENED, kind="help", conversation=draft.snapshot.id, **data)


def answer_case(draft: Draft) -> None:
    """Pressed below what was said of a case: it goes on, also where the talk is about another one."""
    case = draft.given.contacted
    if not case or case.state == "closed":
        return
    if case.id != draft.context.case:
        draft.note_desk("about_another_case")
    _go_on_with(draft, case)


def _go_on_with(draft: Draft, case: CaseFacts) -> None:
    tells: list[tuple[CaseTrigger, dict[str, Any]]] = [
        (CaseTrigger.CONVERSATION_LINKED, {"conversation": draft.snapshot.id})
    ]
    if case.state == "resolved":
        tells.insert(0, (CaseTrigger.REOPENED, {}))
    if case.state == "pending":
        tells.append((CaseTrigger.MEMBER_REPLIED, {}))
    draft.tells += [Tell(case.id, trigger, data) for trigger, data in tells]


def tell_replied(draft: Draft) -> None:
    """Words that a person will read are the reply that a pending case waits for."""
    if draft.given.case and draft.given.case.state == "pending":
        draft.tell(CaseTrigger.MEMBER_REPLIED)


def follow_case(draft: Draft) -> None:
    """Its case goes on as another one, which this conversation has not opened."""
    into = str(draft.data.get("into") or draft.context.case)
    draft.change(case=into, opened_case=False, request_opened_case=False)
    for identity, name in draft.context.agents:
        draft.tell(CaseTrigger.AGENT_JOINED, agent=identity, name=name)
    if draft.state in ("awaiting_agent", "with_agent"):
        draft.note_desk("case_merged")


def move_to_other_case(draft: Draft) -> None:
    """This is something else: a second help case, and the request goes with it.

    Nobody is left on a case that was opened for this request alone.
    """
    if draft.context.request_opened_case and not draft.context.request_joined:
        draft.tell(CaseTrigger.RESOLVED, reason="withdrawn")
    _new_case(draft)
    draft.change(request_opened_case=True, moved=True, place=0)  # what was told names the other case
    draft.say("other_case")
    draft.note_desk("other_case", case=draft.context.case)


def say_moved(draft: Draft) -> None:
    draft.say("other_case")


def resolve_case(draft: Draft) -> None:
    """Solved, unless the agent set the case to pending."""
    if not (draft.given.case and draft.given.case.state == "pending"):
        who = {name: draft.data[name] for name in ("agent", "name") if draft.data.get(name)}
        draft.tell(CaseTrigger.RESOLVED, reason="solved", **who)


def resolve_no_reply(draft: Draft) -> None:
    draft.tell(CaseTrigger.RESOLVED, reason="no_reply")


def note_never_reached(draft: Draft) -> None:
    """Who could not be reached cannot have replied: their case stays."""
    draft.note_case("unreachable")


# --- opening


def hide_from_bot(draft: Draft) -> None:
    """No question is out any more, and none will be: the transcript covers what was said."""
    draft.change(waiting=(), waiting_since=0.0, asked=(), question=0, misses=0, answered=0)
    draft.void(chatbot_lane(draft.snapshot.member), Kind.ASK_CHATBOT)


def open_desk(draft: Draft) -> None:
    """Request n with the transcript so far; the member is told the case number and the place."""
    _new_request(draft, by_agent=False)
    _tell_place(draft, fresh=True)
    if draft.event.trigger in (T.AGENT_REQUESTED, T.HELP_REQUESTED):
        draft.answer = "look_in_dm"


def _new_request(draft: Draft, *, by_agent: bool) -> None:
    hide_from_bot(draft)
    context = draft.context
    number = context.request + 1
    opened_case = any(tell.trigger is CaseTrigger.OPENED for tell in draft.tells)
    replaced = draft.event.trigger is T.DESK_FAILED  # the same wish, carried by a new request
    draft.change(
        request=number,
        request_state="open",
        request_joined=False,
        request_by_agent=by_agent,
        request_opened_case=opened_case or (replaced and context.request_opened_case),
        request_opened=False,
        moved=False,
        ended=(*context.ended[: number - 1], *(0.0,) * (number - len(context.ended))),
        seen=draft.version,
        agents=(),
        away=(),
        transfer=False,
        addressed="",
        awaited="",
    )
    for kind in OPEN_DESK:
        payload: dict[str, Any] = {"upto": draft.version} if kind is Kind.DESK_TRANSCRIPT else {}
        if payload and draft.data.get("reopened") and draft.given.previous:
            payload["previous"] = draft.given.previous.conversation  # the agent reads what it goes on with
        if by_agent:
            payload |= {"by_agent": True, "agent": draft.data.get("agent", "")}
        draft.to_desk(kind, case=draft.context.case, **payload)
    if not by_agent:
        draft.set_timer(T.DESK_OPEN_OVERDUE, draft.limits.desk_open_overdue)


def desk_is_open(draft: Draft) -> None:
    if draft.context.request_opened:
        return
    draft.change(request_opened=True)
    draft.stop_timers(T.DESK_OPEN_OVERDUE)
    _watch_queue(draft)


def note_desk_open(draft: Draft) -> None:
    """The join overtook it: the link is all that is left to keep."""
    draft.change(request_opened=True)


def _watch_queue(draft: Draft) -> None:
    draft.set_timer(T.WAIT, draft.limits.wait)
    draft.set_timer(T.WAIT_REMINDER, draft.limits.wait_reminder)
    watch_place(draft)


def rejoin_queue(draft: Draft) -> None:
    """The same request is open again: no second task, the place is kept, the desk reads what was said since."""
    hide_from_bot(draft)
    draft.change(request_state="open")
    catch_up(draft)
    _tell_place(draft, fresh=True)
    _watch_queue(draft)
    draft.answer = "look_in_dm"


def catch_up(draft: Draft) -> None:
    """Show the desk what was said while it was not listening."""
    draft.to_desk(Kind.DESK_TRANSCRIPT, since=draft.context.seen, upto=draft.version)
    draft.change(seen=draft.version)


# --- waiting


def say_place(draft: Draft) -> None:
    """Asked again: told again, below what was said since."""
    _tell_place(draft, fresh=True)
    draft.answer = "look_in_dm"


def update_place(draft: Draft) -> None:
    _tell_place(draft, fresh=False)
    watch_place(draft)


def watch_place(draft: Draft) -> None:
    draft.set_timer(T.PLACE, draft.limits.place)


def _tell_place(draft: Draft, *, fresh: bool) -> None:
    """A message with the place and the wait, or an edit of the last such message. What it says is remembered."""
    draft.change(place=draft.given.place, minutes=draft.given.minutes)
    draft.to_member(
        Kind.PLACE,
        replaces=None if fresh else "place",
        request=draft.context.request,
        fresh=fresh,
        case=draft.context.case,
    )


def remind_desk(draft: Draft) -> None:
    draft.note_desk("member_waits")
    if draft.event.trigger is T.WAIT_REMINDER:
        draft.set_timer(T.WAIT_REMINDER, draft.limits.wait_reminder)


def wait_again(draft: Draft) -> None:
    """Back to the front of the queue, with the request that is there."""
    draft.change(agents=(), transfer=False)
    _watch_queue(draft)


def invite_another(draft: Draft) -> None:
    draft.to_desk(Kind.DESK_INVITE, case=draft.context.case)


def say_when(draft: Draft) -> None:
    opens_at = draft.given.opens_at
    draft.say("outside_hours", LEAVE_MESSAGE, opens_at=opens_at.isoformat() if opens_at else "")
    draft.change(misses=0)


def keep_message(draft: Draft) -> None:
    """A message for later goes on the case, which is opened or joined for it."""
    if not draft.context.case:
        open_case(draft)
    draft.note_case("message_left", body=draft.data.get("body", ""))
    draft.say("message_kept")
    draft.answer = "message_kept"


# --- ending a request


def _ended(draft: Draft, state: str) -> None:
    number = draft.context.request
    if not number:
        return
    ended = list(draft.context.ended)
    ended[number - 1] = ended[number - 1] or draft.event.at.timestamp()
    draft.change(request_state=state, ended=tuple(ended), agents=(), transfer=False, addressed="")


def withdraw(draft: Draft) -> None:
    """Nobody is wanted any more; the case goes too if this request opened it."""
    draft.to_desk(Kind.DESK_WITHDRAW, reason="withdrawn")
    _ended(draft, "withdrawn")
    if draft.context.request_opened_case:
        draft.tell(CaseTrigger.RESOLVED, reason="withdrawn")
    draft.change(seen=draft.version)


def withdraw_expired(draft: Draft) -> None:
    """Take back a request that is still in the queue, if there is one."""
    if draft.context.request_state in ("open", "expired"):
        draft.to_desk(Kind.DESK_WITHDRAW, reason="withdrawn")
        _ended(draft, "withdrawn")


def drop_request(draft: Draft) -> None:
    """The unsent rest of the lane is void, but for what an agent has to know; what was made of it is taken back."""
    draft.void(desk_lane(draft.snapshot.id, draft.context.request), *OPEN_DESK, *FOLLOW_DESK)
    draft.to_desk(Kind.DESK_WITHDRAW, reason="failed")
    _ended(draft, "withdrawn")


def expire_request(draft: Draft) -> None:
    """The wait is over for the member; the request stays in the queue."""
    draft.change(request_state="expired", seen=draft.version)


def end_request(draft: Draft) -> None:
    """The desk closed: there is nothing left to close."""
    draft.change(seen=draft.version)
    _ended(draft, "ended")


def close_request(draft: Draft) -> None:
    draft.to_desk(Kind.DESK_CLOSE, reason=str(draft.event.trigger))
    _ended(draft, "ended")


def say_withdrawn(draft: Draft) -> None:
    draft.say("withdrawn", PERSON)


def say_nobody_came(draft: Draft) -> None:
    """Whoever still waited when the last one went home is told when somebody will be there again."""
    if draft.given.open_now:
        draft.say("nobody_came", PERSON, LEAVE_MESSAGE)
    else:
        say_when(draft)


def say_desk_failed(draft: Draft) -> None:
    draft.say("desk_failed", PERSON, LEAVE_MESSAGE)
    draft.alert("desk_failed", conversation=draft.snapshot.id, request=draft.context.request)


def say_contact_ended(draft: Draft) -> None:
    """Nobody took up what an agent began. Whoever replied meanwhile was read by nobody, and is told so."""
    if draft.context.awaited != "agent":
        draft.say("contact_ended", PERSON)
    elif draft.event.trigger is T.DESK_FAILED:
        say_desk_failed(draft)
    else:
        say_nobody_came(draft)
    draft.note_case("contact_ended")


def say_desk_lost(draft: Draft) -> None:
    """The desk broke under a talk: a new request takes its place, with the transcript."""
    draft.say("desk_lost")
    draft.note_desk("desk_lost")
    draft.alert("desk_failed", conversation=draft.snapshot.id, request=draft.context.request)


def say_blocked(draft: Draft) -> None:
    """The desk is told, and the member once; what is open there is taken back."""
    hide_from_bot(draft)
    if draft.context.request_state in ("open", "expired"):
        draft.note_desk("member_blocked")
        kind = Kind.DESK_CLOSE if draft.context.request_joined else Kind.DESK_WITHDRAW
        draft.to_desk(kind, reason="blocked")
        _ended(draft, "ended")
    draft.change(closed_by="block", closed_at=draft.event.at.timestamp())
    draft.say("blocked")


def say_goodbye(draft: Draft) -> None:
    draft.change(closed_by="agent", closed_at=draft.event.at.timestamp())
    draft.say("goodbye", "rating", "transcript_requested", "reopen")
