"""Guards: the questions a row may ask. Each has a closed list of answers; the table has a row for each."""

from __future__ import annotations

from collections.abc import Callable

from machines.courtesy import is_thanks
from machines.draft import Draft
from machines.table import Guard

#: What a hand-off finds: no live request inside or outside opening hours, or one that still queues.
HANDOFF = ("inside", "outside", "queued")


def _handoff(draft: Draft) -> str:
    if draft.context.request_state in ("open", "expired"):
        return "queued"
    return "inside" if draft.given.open_now else "outside"


def opener(draft: Draft) -> str:
    """May this member start or go on?"""
    return "blocked" if draft.given.blocked else "welcome"


def contact(draft: Draft) -> str:
    """May an agent write to this member from that case?"""
    return "blocked" if draft.given.blocked else contact_meanwhile(draft)


def contact_meanwhile(draft: Draft) -> str:
    """The same, where whoever is blocked has no conversation."""
    contacted = draft.given.contacted
    return "over" if contacted and contacted.state == "closed" else "welcome"


def first_message(draft: Draft) -> str:
    """Was this text written before the last conversation closed?"""
    if draft.given.blocked:
        return "blocked"
    previous = draft.given.previous
    if previous and draft.event.at.timestamp() < previous.closed_at:
        return "late"
    return "welcome"


def person(draft: Draft) -> str:
    return "blocked" if draft.given.blocked else _handoff(draft)


def _miss(draft: Draft) -> str:
    return _handoff(draft) if draft.context.misses + 1 >= draft.limits.misses else "first_miss"


def answer(draft: Draft) -> str:
    """Does the answer belong to the question that is out, and does it help?"""
    if not draft.context.question or draft.data.get("question") != draft.context.question:
        return "superseded"
    kind = draft.data.get("kind")
    if kind == "handoff":
        return _handoff(draft)
    if kind == "unsure":
        return _miss(draft)
    return "answer"


def bot_failure(draft: Draft) -> str:
    if not draft.context.question or draft.data.get("question") != draft.context.question:
        return "superseded"
    return _miss(draft)


def overdue(draft: Draft) -> str:
    return _miss(draft) if draft.context.question else "answered"


def unhelpful(draft: Draft) -> str:
    """Is this the first complaint about that answer?"""
    number = draft.data.get("answer") or draft.context.questions
    return "repeat" if number in draft.context.unhelpful else _miss(draft)


def burst(draft: Draft) -> str:
    """Is there something to ask, and is the chatbot free?"""
    if draft.context.question:
        return "busy"
    return "ready" if draft.context.waiting else "nothing"


def _is_current(draft: Draft) -> bool:
    number = draft.event.to.request
    return draft.context.request > 0 and number in (None, draft.context.request)


def report(draft: Draft) -> str:
    """Does this report of a desk speak of the current request?"""
    return "current" if _is_current(draft) else "other"


def _earlier(draft: Draft) -> str:
    """An agent's message of an earlier request: was it written before that request ended?"""
    number = draft.event.to.request or draft.context.request
    ended = draft.context.ended[number - 1] if 0 < number <= len(draft.context.ended) else 0.0
    return "earlier_before" if draft.event.at.timestamp() < ended else "earlier_later"


def _fell_silent(draft: Draft) -> bool:
    """A report that tells who is there is no news of such an agent; one who claims it says so themselves."""
    return draft.data.get("agent") in draft.context.away and not draft.data.get("claim")


def arrival(draft: Draft) -> str:
    """Does somebody come, or is it one who fell silent and never went?"""
    if not _is_current(draft):
        return "other"
    return "away" if _fell_silent(draft) else "current"


def agent_while_bot(draft: Draft) -> str:
    """What has become of the request that this agent answers?"""
    if not _is_current(draft):
        return "none" if draft.context.request == 0 else "other"
    state = draft.context.request_state
    if state in ("open", "expired"):
        return "expired"
    return "withdrawn" if state == "withdrawn" else "none"


def agent_join_while_bot(draft: Draft) -> str:
    verdict = agent_while_bot(draft)
    return "away" if verdict == "expired" and _fell_silent(draft) else verdict


def agent_text_while_bot(draft: Draft) -> str:
    verdict = agent_while_bot(draft)
    return _earlier(draft) if verdict == "other" else verdict


def agent_text(draft: Draft) -> str:
    return "current" if _is_current(draft) else _earlier(draft)


def expired(draft: Draft) -> str:
    return "expired" if draft.context.request_state == "expired" else "else"


def place_told(draft: Draft) -> str:
    """Is there something new to be told to a member who can be reached?"""
    given, context = draft.given, draft.context
    if context.unreachable or not given.place:
        return "same"
    return "news" if (given.place, given.minutes) != (context.place, context.minutes) else "same"


def desk_end_while_waiting(draft: Draft) -> str:
    if not _is_current(draft):
        return "other"
    return "joined" if draft.context.request_joined else "nobody"


def join(draft: Draft) -> str:
    """Is this another agent; and do they come to one who has it already without knowing that?"""
    if not _is_current(draft):
        return "other"
    present = {identity for identity, _ in draft.context.agents}
    if draft.data.get("agent") in present:
        return "known"
    return "taken" if present and draft.data.get("claim") == "alone" else "another"


def leave(draft: Draft) -> str:
    if not _is_current(draft):
        return "other"
    present = {identity for identity, _ in draft.context.agents}
    if draft.data.get("agent") not in present:
        return "absent"
    return "others" if len(present) > 1 else "last"


def hand_over(draft: Draft) -> str:
    """Does it concern the current request; and, where it says who hands over, is that agent there?"""
    if not _is_current(draft):
        return "other"
    agent = draft.data.get("agent")
    present = {identity for identity, _ in draft.context.agents}
    return "absent" if agent and agent not in present else "current"


def another_case(draft: Draft) -> str:
    """Was this request moved to a case of its own before?"""
    return "again" if draft.context.moved else "first"


def alone(draft: Draft) -> str:
    if draft.context.agents:
        return "somebody"
    return "transfer" if draft.context.transfer else "nobody"


def silence(draft: Draft) -> str:
    """Has the member not replied, or did what was said never reach them?"""
    return "unreachable" if draft.context.unreachable else "silent"


def desk_end(draft: Draft) -> str:
    """Had anybody accepted before the desk closed or failed?"""
    if not _is_current(draft):
        return "other"
    if draft.context.request_by_agent and not draft.context.request_joined:
        return "unaccepted"
    return "current"


def failure(draft: Draft) -> str:
    """Is this the first word of a failed delivery, and is it not a notice about another one?"""
    if draft.data.get("notice"):
        return "notice"
    return "told" if draft.data.get("about") in draft.context.told else "first"


def failure_after_close(draft: Draft) -> str:
    verdict = failure(draft)
    if verdict != "first":
        return "else"
    side = draft.data.get("side")
    return side if side in ("member", "agent") else "else"


def agent_text_after_close(draft: Draft) -> str:
    verdict = agent_text(draft)
    if verdict == "current":
        return "before" if draft.event.at.timestamp() < draft.context.closed_at else "later"
    return "before" if verdict == "earlier_before" else "later"


def text_after_close(draft: Draft) -> str:
    """A thank-you after the goodbye, or the start of the next conversation?"""
    if draft.given.blocked:
        return "blocked"
    since = draft.event.at.timestamp() - draft.context.closed_at
    if (
        0 <= since <= draft.limits.afterglow
        and not draft.data.get("attachments")
        and is_thanks(str(draft.data.get("body", "")))
    ):
        return "thanks"
    return "next"


#: Each guard with its answers. The name is the key that the table uses.
GUARDS: dict[str, tuple[Guard, Callable[[Draft], str]]] = {
    name: (Guard(name, outcomes), question)
    for name, outcomes, question in (
        ("opener", ("welcome", "blocked"), opener),
        ("contact", ("welcome", "blocked", "over"), contact),
        ("contact_meanwhile", ("welcome", "over"), contact_meanwhile),
        ("first_message", ("welcome", "late", "blocked"), first_message),
        ("person", (*HANDOFF, "blocked"), person),
        ("answer", ("superseded", "answer", "first_miss", *HANDOFF), answer),
        ("bot_failure", ("superseded", "first_miss", *HANDOFF), bot_failure),
        ("overdue", ("answered", "first_miss", *HANDOFF), overdue),
        ("unhelpful", ("repeat", "first_miss", *HANDOFF), unhelpful),
        ("burst", ("ready", "busy", "nothing"), burst),
        ("report", ("current", "other"), report),
        ("arrival", ("current", "away", "other"), arrival),
        (
            "agent_join_while_bot",
            ("expired", "away", "withdrawn", "none", "other"),
            agent_join_while_bot,
        ),
        (
            "agent_text_while_bot",
            ("expired", "withdrawn", "none", "earlier_before", "earlier_later"),
            agent_text_while_bot,
        ),
        ("agent_text", ("current", "earlier_before", "earlier_later"), agent_text),
        ("place_told", ("news", "same"), place_told),
        ("expired", ("expired", "else"), expired),
        ("desk_end_while_waiting", ("joined", "nobody", "other"), desk_end_while_waiting),
        ("join", ("another", "known", "taken", "other"), join),
        ("leave", ("others", "last", "absent", "other"), leave),
        ("hand_over", ("current", "absent", "other"), hand_over),
        ("another_case", ("first", "again"), another_case),
        ("alone", ("nobody", "transfer", "somebody"), alone),
        ("silence", ("silent", "unreachable"), silence),
        ("desk_end", ("current", "unaccepted", "other"), desk_end),
        ("failure", ("first", "told", "notice"), failure),
        ("failure_after_close", ("member", "agent", "else"), failure_after_close),
        ("agent_text_after_close", ("before", "later"), agent_text_after_close),
        ("text_after_close", ("thanks", "next", "blocked"), text_after_close),
    )
}
