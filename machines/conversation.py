"""The conversation: one episode from the first message to `closed`. This table decides; nothing else does."""

from __future__ import annotations

from enum import StrEnum

from machines.events import TIMERS, Trigger
from machines.guards import GUARDS
from machines.table import Edge, Guard, Refusal, Table, edges, ignored, opens, refused


class State(StrEnum):
    BOT_FAQ = "bot_faq"
    AWAITING_AGENT = "awaiting_agent"
    WITH_AGENT = "with_agent"
    CLOSED = "closed"


BOT, WAITING, TALKING, CLOSED = State.BOT_FAQ, State.AWAITING_AGENT, State.WITH_AGENT, State.CLOSED
OPEN = (BOT, WAITING, TALKING)
T = Trigger

#: Why a claim changes nothing, for whoever made it.
HERE_ALREADY, TAKEN = "is here already", "another agent has it"
#: Why an agent does not get to write first.
BLOCKED, CASE_CLOSED = "blocked", "the case is closed: open a linked one"

#: The timers of each state. Leaving the state voids them.
TIMERS_OF: dict[str, tuple[str, ...]] = {
    BOT: (T.ASK, T.ANSWER_OVERDUE, T.BOT_IDLE_WARN, T.BOT_IDLE),
    WAITING: (T.DESK_OPEN_OVERDUE, T.PLACE, T.WAIT_REMINDER, T.WAIT),
    TALKING: (T.ALONE, T.MEMBER_IDLE_WARN, T.MEMBER_IDLE, T.AGENT_IDLE_WARN, T.AGENT_IDLE),
    CLOSED: (),
}

#: (state, trigger) -> name of the guard whose answer picks the row. Without an entry there is one row.
ASKS: dict[tuple[str, str], str] = {
    (BOT, T.MEMBER_MESSAGE): "first_message",
    (BOT, T.HELP_REQUESTED): "opener",
    (BOT, T.AGENT_CONTACTS): "contact",
    (BOT, T.AGENT_REQUESTED): "person",
    (BOT, T.BOT_ANSWERED): "answer",
    (BOT, T.BOT_FAILED): "bot_failure",
    (BOT, T.ANSWER_OVERDUE): "overdue",
    (BOT, T.NOT_HELPFUL): "unhelpful",
    (BOT, T.ASK): "burst",
    (BOT, T.AGENT_JOINED): "agent_join_while_bot",
    (BOT, T.AGENT_MESSAGE): "agent_text_while_bot",
    (BOT, T.AGENT_REQUEST_CANCELLED): "expired",
    (BOT, T.DESK_CLOSED): "report",
    (BOT, T.DESK_FAILED): "report",
    (BOT, T.DESK_OPENED): "report",
    (BOT, T.AGENT_LEFT): "report",
    (WAITING, T.DESK_OPENED): "report",
    (WAITING, T.AGENT_LEFT): "report",
    (WAITING, T.DESK_FAILED): "report",
    (WAITING, T.DESK_CLOSED): "desk_end_while_waiting",
    (WAITING, T.AGENT_JOINED): "arrival",
    (WAITING, T.AGENT_MESSAGE): "agent_text",
    (WAITING, T.PLACE): "place_told",
    (TALKING, T.AGENT_JOINED): "join",
    (TALKING, T.AGENT_LEFT): "leave",
    (TALKING, T.AGENT_MESSAGE): "agent_text",
    (TALKING, T.ALONE): "alone",
    (TALKING, T.MEMBER_IDLE): "silence",
    (WAITING, T.AGENT_CONTACTS): "contact_meanwhile",
    (TALKING, T.AGENT_CONTACTS): "contact_meanwhile",
    (WAITING, T.OTHER_CASE): "another_case",
    (TALKING, T.OTHER_CASE): "another_case",
    (TALKING, T.DESK_CLOSED): "desk_end",
    (TALKING, T.DESK_FAILED): "desk_end",
    (TALKING, T.DESK_OPENED): "report",
    (TALKING, T.TRANSFER_STARTED): "hand_over",
    **{(state, T.DELIVERY_FAILED): "failure" for state in OPEN},
    (CLOSED, T.DELIVERY_FAILED): "failure_after_close",
    (CLOSED, T.AGENT_MESSAGE): "agent_text_after_close",
    (CLOSED, T.AGENT_JOINED): "report",
    (CLOSED, T.DESK_OPENED): "report",
    (CLOSED, T.MEMBER_MESSAGE): "text_after_close",
    (CLOSED, T.AGENT_REQUESTED): "opener",
    (CLOSED, T.HELP_REQUESTED): "opener",
    (CLOSED, T.AGENT_CONTACTS): "contact",
}

MESSAGE_CHANGES = (T.MEMBER_EDITED, T.MEMBER_DELETED)
AGENT_CHANGES = (T.AGENT_EDITED, T.AGENT_DELETED)

EDGES: tuple[Edge, ...] = (
    # --- bot_faq
    *edges(BOT, T.MEMBER_MESSAGE, None, "introduce", "queue_question", "watch_bot", when="welcome"),
    *edges(BOT, T.MEMBER_MESSAGE, None, "say_was_closed", "queue_question", "watch_bot", when="late"),
    *edges(BOT, T.ASK, None, "ask_chatbot", when="ready"),
    *edges(BOT, T.BOT_ANSWERED, None, "say_answer", "settle_answer", "watch_bot", when="answer"),
    *edges(
        BOT, T.BOT_ANSWERED, None, "say_unsure", "count_miss", "settle_miss", "watch_bot", when="first_miss"
    ),
    *edges(
        BOT,
        (T.BOT_FAILED, T.ANSWER_OVERDUE),
        None,
        "say_sorry",
        "count_miss",
        "settle_miss",
        "watch_bot",
        when="first_miss",
    ),
    *edges(BOT, T.NOT_HELPFUL, None, "note_unhelpful", "count_miss", "offer_person", when="first_miss"),
    *edges(BOT, T.NOT_HELPFUL, WAITING, "note_unhelpful", "open_case", "open_desk", when="inside"),
    *edges(BOT, T.NOT_HELPFUL, None, "note_unhelpful", "open_case", "say_when", "watch_bot", when="outside"),
    *edges(BOT, T.NOT_HELPFUL, WAITING, "note_unhelpful", "rejoin_queue", when="queued"),
    *edges(BOT, T.AGENT_REQUESTED, WAITING, "introduce", "open_case", "open_desk", when="inside"),
    *edges(
        BOT,
        (T.BOT_ANSWERED, T.BOT_FAILED, T.ANSWER_OVERDUE),
        WAITING,
        "open_case",
        "open_desk",
        when="inside",
    ),
    *edges(
        BOT,
        (T.BOT_ANSWERED, T.BOT_FAILED, T.ANSWER_OVERDUE),
        None,
        "open_case",
        "say_when",
        "settle_miss",
        "watch_bot",
        when="outside",
    ),
    *edges(BOT, T.AGENT_REQUESTED, None, "introduce", "open_case", "say_when", "watch_bot", when="outside"),
    *edges(BOT, T.AGENT_REQUESTED, WAITING, "answer_case", "rejoin_queue", when="queued"),
    *edges(BOT, (T.BOT_ANSWERED, T.BOT_FAILED, T.ANSWER_OVERDUE), WAITING, "rejoin_queue", when="queued"),
    *edges(BOT, T.HELP_REQUESTED, None, "introduce", "greet", "watch_bot", when="welcome"),
    *edges(BOT, T.SOLVED, CLOSED, "resolve_own_case", "withdraw_expired", "thank"),
    *edges(BOT, MESSAGE_CHANGES, None, "correct_question"),
    *edges(
        BOT,
        (T.AGENT_JOINED, T.AGENT_MESSAGE),
        TALKING,
        "hide_from_bot",
        "take_up",
        "catch_up",
        "relay_agent",
        when="expired",
    ),
    *edges(BOT, (T.AGENT_JOINED, T.AGENT_MESSAGE), None, "turn_away_withdrawn", when="withdrawn"),
    *edges(BOT, (T.AGENT_JOINED, T.AGENT_MESSAGE), None, "turn_away_nobody", when="none"),
    *edges(
        BOT,
        T.AGENT_CONTACTS,
        TALKING,
        "introduce",
        "withdraw_expired",
        "contact_member",
        "await_member",
        when="welcome",
    ),
    *edges(BOT, T.AGENT_REQUEST_CANCELLED, None, "withdraw_expired", "say_withdrawn", when="expired"),
    *edges(BOT, T.DESK_CLOSED, None, "end_request", when="current"),
    *edges(BOT, T.DESK_FAILED, None, "withdraw_expired", when="current"),
    *edges(BOT, T.BOT_IDLE_WARN, None, "warn_bot_idle"),
    *edges(BOT, T.BOT_IDLE, CLOSED, "withdraw_expired", "say_idle_goodbye"),
    # --- awaiting_agent
    *edges(WAITING, T.MEMBER_MESSAGE, None, "relay_member", "tell_replied"),
    *edges(WAITING, MESSAGE_CHANGES, None, "relay_member"),
    *edges(WAITING, T.AGENT_REQUESTED, None, "answer_case", "say_place"),
    *edges(WAITING, T.HELP_REQUESTED, None, "say_place"),
    *edges(WAITING, T.NOT_HELPFUL, None, "note_unhelpful", "say_place"),
    *edges(WAITING, T.DESK_OPENED, None, "desk_is_open", when="current"),
    *edges(WAITING, T.AGENT_JOINED, TALKING, "take_up", when="current"),
    *edges(WAITING, T.AGENT_MESSAGE, TALKING, "take_up", "relay_agent", when="current"),
    *edges((BOT, WAITING), T.AGENT_LEFT, None, "note_gone", when="current"),
    *edges(WAITING, T.AGENT_REQUEST_CANCELLED, BOT, "withdraw", "say_withdrawn", "watch_bot"),
    *edges(WAITING, T.SOLVED, CLOSED, "withdraw", "thank"),
    *edges(WAITING, T.DESK_CLOSED, CLOSED, "say_goodbye", "resolve_case", "end_request", when="joined"),
    *edges(WAITING, T.DESK_CLOSED, BOT, "end_request", "say_nobody_came", "watch_bot", when="nobody"),
    *edges(WAITING, T.DESK_FAILED, BOT, "drop_request", "say_desk_failed", "watch_bot", when="current"),
    *edges(WAITING, T.DESK_OPEN_OVERDUE, BOT, "drop_request", "say_desk_failed", "watch_bot"),
    *edges(WAITING, T.PLACE, None, "update_place", when="news"),
    *edges(WAITING, T.PLACE, None, "watch_place", when="same"),
    *edges(WAITING, T.WAIT_REMINDER, None, "remind_desk"),
    *edges(WAITING, T.WAIT, BOT, "expire_request", "say_nobody_came", "watch_bot"),
    *edges(WAITING, T.AGENT_CONTACTS, None, "tell_contact", "deliver_contact", when="welcome"),
    # --- with_agent
    *edges(TALKING, T.MEMBER_MESSAGE, None, "relay_member", "tell_replied", "await_agent"),
    *edges(TALKING, MESSAGE_CHANGES, None, "relay_member"),
    *edges(TALKING, T.AGENT_MESSAGE, None, "recognise_agent", "relay_agent", "await_member", when="current"),
    *edges(
        TALKING, T.AGENT_CONTACTS, None, "tell_contact", "deliver_contact", "await_member", when="welcome"
    ),
    *edges(TALKING, T.AGENT_JOINED, None, "welcome_agent", when="another"),
    *edges(TALKING, T.AGENT_LEFT, None, "say_agent_left", when="others"),
    *edges(TALKING, T.AGENT_LEFT, None, "note_agent_left", when="last"),
    *edges(TALKING, T.ALONE, WAITING, "say_all_left", "invite_another", "wait_again", when="nobody"),
    *edges(TALKING, T.ALONE, WAITING, "say_colleague_comes", "wait_again", when="transfer"),
    *edges(TALKING, T.TRANSFER_STARTED, None, "note_transfer", when="current"),
    *edges(TALKING, T.DESK_CLOSED, CLOSED, "say_goodbye", "resolve_case", "end_request", when="current"),
    *edges(
        TALKING,
        T.DESK_CLOSED,
        BOT,
        "withdraw_expired",
        "say_contact_ended",
        "watch_bot",
        when="unaccepted",
    ),
    *edges(TALKING, T.DESK_FAILED, BOT, "drop_request", "say_contact_ended", "watch_bot", when="unaccepted"),
    *edges(TALKING, T.DESK_FAILED, WAITING, "say_desk_lost", "drop_request", "open_desk", when="current"),
    *edges(TALKING, T.DESK_OPENED, None, "note_desk_open", when="current"),
    *edges(TALKING, T.AGENT_REQUESTED, None, "answer_case", "say_who"),
    *edges(TALKING, T.HELP_REQUESTED, None, "say_who"),
    *edges(TALKING, (T.SOLVED, T.NOT_HELPFUL), None, "note_feedback", "say_who"),
    *edges(TALKING, T.MEMBER_IDLE_WARN, None, "warn_member_idle"),
    *edges(
        TALKING,
        T.MEMBER_IDLE,
        CLOSED,
        "say_silence_goodbye",
        "note_end",
        "close_request",
        "resolve_no_reply",
        when="silent",
    ),
    *edges(
        TALKING,
        T.MEMBER_IDLE,
        CLOSED,
        "say_idle_goodbye",
        "note_end",
        "close_request",
        "note_never_reached",
        when="unreachable",
    ),
    *edges(TALKING, T.AGENT_IDLE_WARN, None, "remind_desk"),
    *edges(
        TALKING, T.AGENT_IDLE, WAITING, "say_agent_silent", "forget_agents", "invite_another", "wait_again"
    ),
    # --- awaiting or with an agent
    *edges((WAITING, TALKING), T.OTHER_CASE, None, "move_to_other_case", when="first"),
    *edges((WAITING, TALKING), T.OTHER_CASE, None, "say_moved", when="again"),
    *edges((WAITING, TALKING), T.MEMBER_REACTED, None, "note_reaction_to_desk"),
    *edges((WAITING, TALKING), T.AGENT_REACTED, None, "note_reaction_to_member"),
    # --- any open state
    *edges(OPEN, AGENT_CHANGES, None, "relay_agent_change"),
    *edges(BOT, T.MEMBER_CLOSED, CLOSED, "withdraw_expired", "say_closed_by_member"),
    *edges(WAITING, T.MEMBER_CLOSED, CLOSED, "withdraw", "say_closed_by_member"),
    *edges(
        TALKING, T.MEMBER_CLOSED, CLOSED, "note_end", "close_request", "resolve_case", "say_closed_by_member"
    ),
    *edges(OPEN, T.AGENT_MESSAGE, None, "relay_marked", when="earlier_before"),
    *edges(OPEN, T.AGENT_MESSAGE, None, "note_too_late", when="earlier_later"),
    *edges(OPEN, T.DELIVERY_FAILED, None, "tell_author", when="first"),
    *edges(OPEN, T.UNREACHABLE, None, "flag_unreachable"),
    *edges(OPEN, T.TRANSCRIPT_REQUESTED, None, "send_transcript"),
    *edges(OPEN, T.MESSAGE_LEFT, None, "keep_message", "tell_replied"),
    *edges(OPEN, T.CASE_MERGED, None, "follow_case"),
    *edges(OPEN, T.MEMBER_BLOCKED, CLOSED, "say_blocked"),
    # --- closed
    *edges(CLOSED, (T.RATING, T.COMMENT), None, "keep_feedback"),
    *edges(CLOSED, T.AGENT_MESSAGE, None, "relay_marked", when="before"),
    *edges(CLOSED, T.AGENT_MESSAGE, None, "note_too_late", when="later"),
    *edges(CLOSED, (T.AGENT_JOINED, T.DESK_OPENED), None, "say_it_is_over", when="current"),
    *edges(CLOSED, T.DELIVERY_FAILED, None, "offer_reopen", when="member"),
    *edges(CLOSED, T.DELIVERY_FAILED, None, "note_undelivered", when="agent"),
    *edges(CLOSED, T.MEMBER_MESSAGE, None, "react_to_thanks", when="thanks"),
    *edges(CLOSED, (*MESSAGE_CHANGES, *AGENT_CHANGES), None, "note_change"),
    *edges(CLOSED, T.UNREACHABLE, None, "note_unreachable"),
    *edges(CLOSED, (T.SOLVED, T.NOT_HELPFUL), None, "note_feedback"),
    *edges(CLOSED, T.TRANSCRIPT_REQUESTED, None, "send_transcript"),
    *edges(CLOSED, T.MESSAGE_LEFT, None, "keep_message", "tell_replied"),
)

REFUSALS: tuple[Refusal, ...] = (
    # --- bot_faq
    *refused(
        BOT,
        (T.MEMBER_MESSAGE, T.HELP_REQUESTED, T.AGENT_REQUESTED),
        "blocked",
        "answer_blocked",
        when="blocked",
    ),
    *refused((BOT, CLOSED), T.AGENT_CONTACTS, BLOCKED, when="blocked"),
    *refused(tuple(State), T.AGENT_CONTACTS, CASE_CLOSED, when="over"),
    *ignored(BOT, T.ASK, "a question is out", when="busy"),
    *ignored(BOT, T.ASK, "nothing to ask", when="nothing"),
    *refused(BOT, (T.BOT_ANSWERED, T.BOT_FAILED), "superseded", when="superseded"),
    *ignored(BOT, T.ANSWER_OVERDUE, "answered meanwhile", when="answered"),
    *ignored(BOT, T.NOT_HELPFUL, "said before", when="repeat"),
    *ignored(BOT, T.AGENT_JOINED, "another request", when="other"),
    *ignored((BOT, WAITING), T.AGENT_JOINED, "fell silent and never went", when="away"),
    *ignored(BOT, T.AGENT_REQUEST_CANCELLED, "nobody was asked for", when="else"),
    *ignored(
        BOT,
        (T.AGENT_LEFT, T.DESK_CLOSED, T.DESK_FAILED, T.DESK_OPENED),
        "another request",
        when="other",
    ),
    *ignored(BOT, T.DESK_OPENED, "withdrawn or expired: the link is kept", when="current"),
    *ignored(BOT, T.OTHER_CASE, "nobody was asked for"),
    *ignored(BOT, T.TRANSFER_STARTED, "nobody is being waited for"),
    *ignored(BOT, (T.MEMBER_REACTED, T.AGENT_REACTED), "nobody to tell"),
    # --- awaiting_agent
    *ignored(
        WAITING,
        (T.DESK_OPENED, T.DESK_FAILED, T.DESK_CLOSED, T.AGENT_JOINED, T.AGENT_LEFT),
        "another request",
        when="other",
    ),
    *ignored(WAITING, T.TRANSFER_STARTED, "already waiting"),
    # --- with_agent
    *ignored(TALKING, T.AGENT_JOINED, HERE_ALREADY, when="known"),
    *refused(TALKING, T.AGENT_JOINED, TAKEN, when="taken"),
    *ignored(
        TALKING,
        (
            *(T.AGENT_JOINED, T.AGENT_LEFT, T.TRANSFER_STARTED),
            *(T.DESK_CLOSED, T.DESK_FAILED, T.DESK_OPENED),
        ),
        "another request",
        when="other",
    ),
    *ignored(TALKING, (T.AGENT_LEFT, T.TRANSFER_STARTED), "was not here", when="absent"),
    *ignored(TALKING, T.ALONE, "somebody came", when="somebody"),
    *refused(TALKING, T.AGENT_REQUEST_CANCELLED, "an agent has joined", "say_who"),
    # --- several states
    *refused((WAITING, TALKING, CLOSED), (T.BOT_ANSWERED, T.BOT_FAILED), "not_bot_turn"),
    *refused(OPEN, (T.RATING, T.COMMENT), "not_closed", "answer_not_closed"),
    *ignored(OPEN, T.DELIVERY_FAILED, "told before", when="told"),
    *ignored(OPEN, T.DELIVERY_FAILED, "a notice: dead letter only", when="notice"),
    # --- closed
    *opens(CLOSED, T.MEMBER_MESSAGE, when="next"),
    *opens(CLOSED, (T.AGENT_REQUESTED, T.HELP_REQUESTED, T.AGENT_CONTACTS), when="welcome"),
    *refused(CLOSED, T.MEMBER_MESSAGE, "blocked", "answer_blocked", when="blocked"),
    *refused(
        CLOSED,
        (T.AGENT_REQUESTED, T.HELP_REQUESTED),
        "blocked",
        "answer_blocked",
        when="blocked",
    ),
    *ignored(CLOSED, T.DELIVERY_FAILED, "dead letter only", when="else"),
    *ignored(CLOSED, (T.AGENT_JOINED, T.DESK_OPENED), "another request", when="other"),
    *(
        Refusal(CLOSED, trigger, "already closed", does=("answer_closed",))
        for trigger in (T.AGENT_REQUEST_CANCELLED, T.MEMBER_CLOSED, T.OTHER_CASE)
    ),
    *ignored(
        CLOSED,
        (
            T.AGENT_LEFT,
            T.TRANSFER_STARTED,
            T.DESK_CLOSED,
            T.DESK_FAILED,
            T.MEMBER_REACTED,
            T.AGENT_REACTED,
            T.MEMBER_BLOCKED,
            T.CASE_MERGED,
        ),
        "already closed",
    ),
    # --- timers of another state: they were voided when that state was left
    *(
        Refusal(state, timer, "timer of a state that was left")
        for state in State
        for timer in Trigger
        if timer in TIMERS and timer not in TIMERS_OF[state]
    ),
)

#: What is done only by one who knows the member's place in the line.
_TELLS_PLACE = frozenset({"open_desk", "rejoin_queue", "say_place", "update_place"})
#: Events with which a place may be told: steps of them are given it.
PLACED = frozenset(edge.trigger for edge in EDGES if _TELLS_PLACE & set(edge.does))

GUARDS_OF: dict[tuple[str, str], Guard] = {case: GUARDS[name][0] for case, name in ASKS.items()}

CONVERSATION = Table(
    name="conversation",
    version=1,
    states=tuple(State),
    initial=State.BOT_FAQ,
    final=frozenset({State.CLOSED}),
    triggers=tuple(Trigger),
    guards=GUARDS_OF,
    edges=EDGES,
    refusals=REFUSALS,
)
