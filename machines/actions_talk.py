"""Actions while member and agent talk: joining, relaying both ways, idling, and failed deliveries."""

from __future__ import annotations

from machines.actions_bot import ends
from machines.actions_desk import _new_request, open_case
from machines.draft import Draft
from machines.effects import Kind
from machines.events import CaseTrigger
from machines.events import Trigger as T
from machines.snapshot import Tell

END = "member_closed"

_OPS = {
    T.MEMBER_MESSAGE: "create",
    T.MEMBER_EDITED: "edit",
    T.MEMBER_DELETED: "delete",
    T.AGENT_MESSAGE: "create",
    T.AGENT_CONTACTS: "create",
    T.AGENT_EDITED: "edit",
    T.AGENT_DELETED: "delete",
}


def _agent(draft: Draft) -> tuple[str, str]:
    identity = str(draft.data.get("agent", ""))
    return identity, str(draft.data.get("name") or identity)


# --- joining and leaving


def take_up(draft: Draft) -> None:
    """An agent is there: the queue is over."""
    identity, name = _agent(draft)
    draft.change(
        request_state="open",
        request_joined=True,
        agents=((identity, name),),
        away=(),
        transfer=False,
        addressed="",
        question=0,
        awaited="",
    )
    draft.say("agent_joined", END, name=name)
    draft.tell(CaseTrigger.AGENT_JOINED, agent=identity, name=name)
    if draft.event.trigger is T.AGENT_MESSAGE:
        await_member(draft)
    else:
        await_agent(draft)


def welcome_agent(draft: Draft) -> None:
    identity, name = _agent(draft)
    draft.change(
        agents=(*draft.context.agents, (identity, name)), request_joined=True, transfer=False, addressed=""
    )
    draft.say("agent_joined", END, name=name)
    draft.tell(CaseTrigger.AGENT_JOINED, agent=identity, name=name)
    draft.stop_timers(T.ALONE)


def recognise_agent(draft: Draft) -> None:
    """Whoever writes is there, though the join was late or lost."""
    identity, _ = _agent(draft)
    if identity and all(known != identity for known, _ in draft.context.agents):
        welcome_agent(draft)


def say_agent_left(draft: Draft) -> None:
    identity, name = _agent(draft)
    known = dict(draft.context.agents).get(identity, name)
    _drop_agent(draft)
    draft.say("agent_left", name=known)


def note_agent_left(draft: Draft) -> None:
    """The last one left; somebody may be on the way."""
    _drop_agent(draft)
    draft.set_timer(T.ALONE, draft.limits.alone)


def _drop_agent(draft: Draft) -> None:
    identity, _ = _agent(draft)
    draft.change(agents=tuple(agent for agent in draft.context.agents if agent[0] != identity))


def forget_agents(draft: Draft) -> None:
    """They count as away: that they are still in the desk's conversation is no news, a message is."""
    silent = [identity for identity, _ in draft.context.agents]
    draft.change(agents=(), away=tuple(dict.fromkeys([*draft.context.away, *silent])))


def note_gone(draft: Draft) -> None:
    """One who had fallen silent has left: when they come again, they join."""
    identity, _ = _agent(draft)
    draft.change(away=tuple(agent for agent in draft.context.away if agent != identity))


def say_all_left(draft: Draft) -> None:
    draft.say("all_left")


def say_colleague_comes(draft: Draft) -> None:
    """They were told that they are being handed over; nobody has come yet."""
    draft.say("colleague_comes")


def note_end(draft: Draft) -> None:
    """The agent is told why it is over."""
    if draft.event.trigger is T.MEMBER_CLOSED:
        draft.note_desk("ended_by_member")
    else:
        draft.note_desk("ended_by_silence")


def say_agent_silent(draft: Draft) -> None:
    draft.say("agent_silent")
    draft.note_desk("agent_silent")


def note_transfer(draft: Draft) -> None:
    draft.change(transfer=True, addressed=str(draft.data.get("to") or ""))
    draft.say("transfer")


def turn_away_withdrawn(draft: Draft) -> None:
    """The member withdrew: the agent is told that nothing was delivered."""
    draft.note_desk("withdrawn_not_delivered")
    draft.note_case("agent_after_withdrawal", message=draft.data.get("message", ""))
    draft.to_desk(Kind.DESK_CLOSE, reason="withdrawn")


def turn_away_nobody(draft: Draft) -> None:
    number = draft.event.to.request or draft.context.request
    draft.note_case("agent_unasked", message=draft.data.get("message", ""))
    if number:
        draft.note_desk("nobody_waits", request=number)
        draft.to_desk(Kind.DESK_CLOSE, request=number, reason="nobody")


def say_it_is_over(draft: Draft) -> None:
    draft.note_desk("it_is_over")
    draft.to_desk(Kind.DESK_CLOSE, reason="over")


def say_who(draft: Draft) -> None:
    names = [name for _, name in draft.context.agents]
    draft.say("who_is_here" if names else "somebody_comes", name=names)


# --- an agent writes first


def contact_member(draft: Draft) -> None:
    """An agent writes from a case: a request of their own, and the text in the DM."""
    if case := draft.event.to.case:
        draft.change(case=case, opened_case=draft.context.opened_case and case == draft.context.case)
    else:
        open_case(draft)
    tell_contact(draft)
    _new_request(draft, by_agent=True)
    identity, name = _agent(draft)
    if draft.data.get("present"):  # nothing is offered to them at this desk: they have it at once
        draft.change(agents=((identity, name),), request_joined=True)
        draft.tell(CaseTrigger.AGENT_JOINED, agent=identity, name=name)
    draft.say("contact", END, name=name, notice=True)  # that it fails is told of the words behind it
    deliver_contact(draft)


def tell_contact(draft: Draft) -> None:
    """The case from which the agent writes, which may be another one than the talk is about."""
    if case := draft.event.to.case or draft.context.case:
        tells = (
            (CaseTrigger.CONVERSATION_LINKED, {"conversation": draft.snapshot.id}),
            (CaseTrigger.AGENT_CONTACTS, dict(zip(("agent", "name"), _agent(draft), strict=True))),
        )
        draft.tells += [Tell(case, trigger, data) for trigger, data in tells]


def deliver_contact(draft: Draft) -> None:
    """Should it not arrive, the case from which it was written says so too."""
    _relay_to_member(draft, from_case=draft.event.to.case or draft.context.case)


# --- relaying


def relay_member(draft: Draft) -> None:
    op = _OPS[T(draft.event.trigger)]
    message = draft.data["message"]
    if op == "create" and draft.context.unreachable:
        draft.change(unreachable=False)
        draft.note_desk("reachable_again")
    draft.to_desk(
        Kind.RELAY_TO_DESK,
        replaces=f"edit:{message}" if op == "edit" else None,
        message=message,
        op=op,
    )


def relay_agent(draft: Draft) -> None:
    if draft.event.trigger is T.AGENT_MESSAGE:
        _relay_to_member(draft)


def relay_agent_change(draft: Draft) -> None:
    _relay_to_member(draft)


def relay_marked(draft: Draft) -> None:
    """Written before the end, arrived after it: delivered, and marked as such."""
    _relay_to_member(draft, mark="before_end")


def _relay_to_member(draft: Draft, **more: str) -> None:
    draft.to_member(
        Kind.RELAY_TO_MEMBER,
        message=draft.data["message"],
        op=_OPS[T(draft.event.trigger)],
        request=draft.event.to.request or draft.context.request,
        **more,
    )


def note_too_late(draft: Draft) -> None:
    """Written after the end: on the case, and the agent is told where the desk allows."""
    draft.note_case("agent_after_end", message=draft.data.get("message", ""))
    if number := draft.event.to.request or draft.context.request:
        draft.note_desk("not_delivered_over", request=number)


def note_reaction_to_desk(draft: Draft) -> None:
    draft.note_desk("member_reacted", emoji=draft.data.get("emoji", ""))


def note_reaction_to_member(draft: Draft) -> None:
    draft.say("agent_reacted", emoji=draft.data.get("emoji", ""))


# --- idling


def await_agent(draft: Draft) -> None:
    """The member spoke: the agent is awaited, from the first text that got no answer."""
    if draft.context.awaited == "agent":
        return
    draft.change(awaited="agent")
    draft.stop_timers(T.MEMBER_IDLE_WARN, T.MEMBER_IDLE)
    draft.set_timer(T.AGENT_IDLE_WARN, draft.limits.agent_idle_warn)
    draft.set_timer(T.AGENT_IDLE, draft.limits.agent_idle)


def await_member(draft: Draft) -> None:
    """The agent spoke: the member is awaited, from the first text that got no answer."""
    if draft.context.awaited == "member":
        return
    draft.change(awaited="member")
    draft.stop_timers(T.AGENT_IDLE_WARN, T.AGENT_IDLE)
    draft.set_timer(T.MEMBER_IDLE_WARN, draft.limits.member_idle_warn)
    draft.set_timer(T.MEMBER_IDLE, draft.limits.member_idle)


def warn_member_idle(draft: Draft) -> None:
    limits = draft.limits
    closes_at = ends(draft, T.MEMBER_IDLE, limits.member_idle - limits.member_idle_warn)
    draft.say("member_idle_warn", closes_at=closes_at)


# --- failed deliveries


def tell_author(draft: Draft) -> None:
    """Once per message, to the side that wrote it."""
    about = str(draft.data.get("about") or "")
    if about:
        draft.change(told=(*draft.context.told, about))
    side = draft.data.get("side")
    if side == "agent":
        draft.note_desk("not_delivered", reason=draft.data.get("reason", ""))
        _note_undelivered(draft)
    elif side == "member":
        draft.say("not_delivered", notice=True)
        draft.note_case("not_delivered", message=about)
    else:
        draft.alert("say_failed", conversation=draft.snapshot.id, reason=draft.data.get("reason", ""))
    draft.answer = "dm_closed"


def offer_reopen(draft: Draft) -> None:
    draft.change(told=(*draft.context.told, str(draft.data.get("about") or "")))
    draft.note_case("not_delivered", message=draft.data.get("about", ""))
    draft.say("not_delivered_closed", "reopen", notice=True)


def note_undelivered(draft: Draft) -> None:
    draft.change(told=(*draft.context.told, str(draft.data.get("about") or "")))
    _note_undelivered(draft)
    draft.note_desk("not_delivered", reason=draft.data.get("reason", ""))


def _note_undelivered(draft: Draft) -> None:
    """On the case, and on the one from which the agent wrote it, if that is another one."""
    about = str(draft.data.get("about") or "")
    draft.note_case("not_delivered", message=about)
    case = str(draft.data.get("from_case") or draft.context.case)
    if case != draft.context.case:
        note = {"note": "not_delivered", "message": about}
        draft.tells.append(Tell(case, CaseTrigger.NOTE_ADDED, note))


def flag_unreachable(draft: Draft) -> None:
    if not draft.context.unreachable and draft.context.request_state in ("open", "expired"):
        draft.note_desk("unreachable")
    draft.change(unreachable=True, place=0)  # what was told last may not have come
