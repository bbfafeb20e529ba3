"""Actions while the bot answers: questions, answers, misses, and what ends a conversation by itself."""

from __future__ import annotations

from datetime import timedelta

from machines.actions_desk import hide_from_bot
from machines.case import LIVE
from machines.draft import Draft
from machines.effects import Effect, Kind, chatbot_lane
from machines.events import CaseTrigger
from machines.events import Trigger as T

PERSON = "agent_requested"
SOLVED = "solved"
COMMENT = "comment"
NOT_HELPFUL = "not_helpful"


def introduce(draft: Draft) -> None:
    """Once per member: a bot answers first, and people read along."""
    if draft.given.first_contact:
        draft.say("first_contact")


def queue_question(draft: Draft) -> None:
    """The text joins those not yet covered; the burst is asked once it is quiet, or after its longest wait."""
    context = draft.context
    now = draft.given.received_at.timestamp()
    if context.unreachable and context.request_state == "expired":
        draft.note_desk("reachable_again")
    if draft.data.get("interaction"):  # asked by a command: the DM shows what was asked, or cannot be reached
        draft.say("asked", question=draft.data.get("body", ""))
    since = context.waiting_since if context.waiting else now
    draft.change(
        waiting=(*context.waiting, draft.data["message"]),
        waiting_since=since,
        locale=draft.data.get("locale") or context.locale,
        unreachable=False,
    )
    if not context.question:
        _arm_ask(draft)


def _arm_ask(draft: Draft) -> None:
    limits = draft.limits
    age = draft.given.received_at.timestamp() - draft.context.waiting_since
    draft.set_timer(T.ASK, max(0.0, min(limits.ask, limits.ask_at_most - age)))


def correct_question(draft: Draft) -> None:
    """The row is corrected by the store; a text that was deleted before it was asked is not asked."""
    if draft.event.trigger is not T.MEMBER_DELETED or draft.data["message"] not in draft.context.waiting:
        return
    rest = tuple(m for m in draft.context.waiting if m != draft.data["message"])
    draft.change(waiting=rest)
    if not rest:
        draft.stop_timers(T.ASK)


def ask_chatbot(draft: Draft) -> None:
    context = draft.context
    number = context.questions + 1
    draft.effects.append(
        Effect(
            Kind.ASK_CHATBOT,
            chatbot_lane(draft.snapshot.member),
            {"question": number, "messages": list(context.waiting)},
        )
    )
    draft.change(
        question=number,
        questions=number,
        asked=context.waiting,
        waiting=(),
        waiting_since=0.0,
        misses=0 if context.answered else context.misses,
        answered=0,
    )
    draft.set_timer(T.ANSWER_OVERDUE, draft.limits.answer_overdue)


def say_answer(draft: Draft) -> None:
    """What the chatbot found, with the ways on: solved, not what I meant, a person."""
    draft.say(
        "answer",
        SOLVED,
        f"{NOT_HELPFUL}:{draft.context.question}",
        PERSON,
        kind=draft.data.get("kind", "answer"),
        body=draft.data.get("body", ""),
        articles=list(draft.data.get("articles", ())),
        courtesy=draft.data.get("courtesy") or "",
    )


def settle_answer(draft: Draft) -> None:
    helped = bool(draft.data.get("articles"))
    draft.change(answered=draft.context.question if helped else 0)
    settle_miss(draft)


def settle_miss(draft: Draft) -> None:
    """The question is settled; texts that came meanwhile become the next one."""
    hide_question(draft)
    if draft.context.waiting:
        _arm_ask(draft)


def hide_question(draft: Draft) -> None:
    draft.change(question=0, asked=())
    draft.stop_timers(T.ANSWER_OVERDUE)
    draft.void(chatbot_lane(draft.snapshot.member), Kind.ASK_CHATBOT)


def count_miss(draft: Draft) -> None:
    draft.change(misses=draft.context.misses + 1)


def say_unsure(draft: Draft) -> None:
    draft.say("unsure", SOLVED, f"{NOT_HELPFUL}:{draft.context.question}", PERSON)


def say_sorry(draft: Draft) -> None:
    draft.say("bot_failed", PERSON)


def offer_person(draft: Draft) -> None:
    draft.say("offer_person", PERSON)
    watch_bot(draft)


def note_unhelpful(draft: Draft) -> None:
    number = draft.data.get("answer") or draft.context.questions
    draft.change(unhelpful=(*draft.context.unhelpful, number), answered=0)


def greet(draft: Draft) -> None:
    if draft.data.get("locale"):
        draft.change(locale=draft.data["locale"])
    draft.say("greeting", PERSON)
    draft.answer = "look_in_dm"


def watch_bot(draft: Draft) -> None:
    """The member is awaited: warn, then close, when nothing comes."""
    draft.set_timer(T.BOT_IDLE_WARN, draft.limits.bot_idle_warn)
    draft.set_timer(T.BOT_IDLE, draft.limits.bot_idle)


def warn_bot_idle(draft: Draft) -> None:
    limits = draft.limits
    closes_at = ends(draft, T.BOT_IDLE, limits.bot_idle - limits.bot_idle_warn)
    draft.say("bot_idle_warn", SOLVED, PERSON, closes_at=closes_at)


def ends(draft: Draft, timer: T, seconds: float) -> str:
    """Have the end come so long after this warning, however late that is. When that will be, in ISO 8601."""
    draft.set_timer(timer, seconds)
    return (draft.given.received_at + timedelta(seconds=seconds)).isoformat()


def say_silence_goodbye(draft: Draft) -> None:
    """The case of a talk in which the member fell silent is resolved with it, and they are told so."""
    hide_from_bot(draft)
    close(draft, "idle")
    draft.say("idle_resolved", "rating", "transcript_requested", "reopen")


def say_idle_goodbye(draft: Draft) -> None:
    """What becomes of the case is said as well: it stays open."""
    hide_from_bot(draft)
    close(draft, "idle")
    case = draft.given.case
    if case and case.state in LIVE:
        draft.say("idle_case_open", "reopen")
    else:
        draft.say("idle_goodbye", "reopen")


def thank(draft: Draft) -> None:
    hide_from_bot(draft)
    close(draft, "member")
    draft.say("solved", "rating")


def say_closed_by_member(draft: Draft) -> None:
    hide_from_bot(draft)
    close(draft, "member")
    draft.say("closed_by_member", "rating", "reopen")


def close(draft: Draft, by: str) -> None:
    """Remember who closed it and when, by the clock of the one who did."""
    draft.change(closed_by=by, closed_at=draft.event.at.timestamp())


def say_was_closed(draft: Draft) -> None:
    """This text was written before the agent closed: say so, to everyone it concerns."""
    previous = draft.given.previous
    if previous is None:
        return
    if previous.closed_by == "agent":
        draft.say("was_closed", PERSON)
        draft.note_desk_of(previous.conversation, previous.request, "written_before_close")
    if previous.case:
        own = draft.context.case
        draft.change(case=previous.case)
        draft.note_case("written_before_close", message=draft.data["message"])
        draft.change(case=own)


def resolve_own_case(draft: Draft) -> None:
    """What the bot solved resolves the case, if this conversation opened it."""
    if draft.context.opened_case:
        draft.tell(CaseTrigger.RESOLVED, reason="solved")


def answer_blocked(draft: Draft) -> None:
    draft.answer = "blocked"


def answer_closed(draft: Draft) -> None:
    draft.say("already_closed", PERSON)


def answer_not_closed(draft: Draft) -> None:
    draft.answer = "not_closed"


def react_to_thanks(draft: Draft) -> None:
    draft.to_member(Kind.REACT, message=draft.data["message"], emoji="💙")


def send_transcript(draft: Draft) -> None:
    draft.to_member(Kind.SEND_TRANSCRIPT, upto=draft.version)


def note_feedback(draft: Draft) -> None:
    draft.tell(CaseTrigger.FEEDBACK, trigger=str(draft.event.trigger))


def keep_feedback(draft: Draft) -> None:
    if draft.event.trigger is T.RATING:
        draft.tell(CaseTrigger.FEEDBACK, rating=draft.data.get("rating"))
        draft.say("rating_thanks", COMMENT)
    else:
        draft.tell(CaseTrigger.FEEDBACK, comment=draft.data.get("body", ""))
        draft.say("comment_thanks")


def note_change(draft: Draft) -> None:
    """After the close only the transcript changes; the case says that it did."""
    draft.note_case(str(draft.event.trigger), message=draft.data["message"])


def note_unreachable(draft: Draft) -> None:
    draft.change(unreachable=True)
    draft.note_case("unreachable")
