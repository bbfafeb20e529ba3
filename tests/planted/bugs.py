"""The planted bugs: what somebody might get wrong in an afternoon, and where it has to be seen."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent / "patches"
#: A mistake of more lines is a rewrite.
AT_MOST_LINES = 15

_ORDER = "tests/faults/test_order.py"
_CRASH = "tests/crash/test_matrix.py::test_a_crash_at_any_point_loses_and_doubles_nothing"
_AMBIGUOUS = "tests/faults/test_ambiguous.py::test_a_call_takes_effect_once_whatever_becomes_of_it"
_RACES = "tests/storage/test_races.py"
_UNTIMELY = "tests/faults/test_untimely.py"


@dataclass(frozen=True, slots=True)
class Bug:
    """A patch, and every test that fails on the tree with it."""

    name: str
    mistake: str  #: in a sentence
    caught_by: tuple[str, ...]  #: node ids of pytest; without a parameter any of them will do
    invariant: str  #: the checker's name for the promise that is broken
    own_words: str = ""  #: how a test says it that does not ask the checker

    @property
    def says(self) -> str:
        """What stands in the errors of the tests that catch it: red for another reason is not caught."""
        return self.own_words or f"{self.invariant}: "

    @property
    def patch(self) -> Path:
        return FOLDER / f"{self.name}.patch"


BUGS = (
    Bug(
        "no_ledger",
        "Repeats are left to the primary keys of what they would store.",
        (f"{_CRASH}[written while dead-0]",),
        "I6",
    ),
    Bug(
        "ledger_before_the_lock",
        "The ledger is read before the members are locked.",
        (f"{_RACES}::test_who_waited_for_a_member_sees_what_was_recorded_meanwhile",),
        "I1",
        'violates unique constraint "pk_event"',
    ),
    Bug(
        "sent_before_the_commit",
        "Effects are handed over once they are written, not once they are committed.",
        (f"{_UNTIMELY}::test_what_a_refused_commit_would_have_sent_is_not_sent",),
        "I7",
    ),
    Bug(
        "deferred_begin",
        "SQLite is asked for the write lock at the first write only.",
        ("tests/storage/test_engines.py::test_a_transaction_holds_the_write_lock_from_its_beginning",),
        "I6",
        "Failed: two writers at once",
    ),
    Bug(
        "conversation_locked_instead_of_the_member",
        "PostgreSQL: the open conversation is locked, and who has none is not.",
        (
            f"{_RACES}::test_who_waited_for_a_member_sees_what_was_recorded_meanwhile",
            f"{_RACES}::test_two_openers_after_a_close_are_one_conversation",
        ),
        "I4",
        'violates unique constraint "ix_conversation_open"',
    ),
    Bug(
        "webhook_answered_before_the_commit",
        "A webhook is answered while what it tells is still being stored.",
        ("tests/web/test_webhooks.py::test_a_store_that_is_full_or_down_is_503_and_says_when_to_come_again",),
        "I2",
        "answered before it was stored",
    ),
    Bug(
        "acknowledged_only_once_stored",
        "A command is acknowledged when it is stored, however long that takes.",
        (
            "tests/discord/test_supervisor.py::test_a_command_is_acknowledged_in_time[before, if that takes too long]",
        ),
        "I9",
        "waited 5 s for: it is acknowledged",
    ),
    Bug(
        "marked_read_before_it_is_stored",
        "A direct message counts as read before what was read in it is stored.",
        (f"{_UNTIMELY}::test_what_was_read_and_never_stored_is_read_again",),
        "I1",
    ),
    Bug(
        "missed_while_away_is_forgotten",
        "What could not be read up after a start is not tried again.",
        (f"{_UNTIMELY}::test_what_was_missed_is_read_although_the_first_look_fails",),
        "I1",
    ),
    Bug(
        "gap_not_read_up",
        "A webhook with a later Index than the next is taken as it comes.",
        (
            f"{_ORDER}::test_replies_whose_webhooks_were_lost_are_not_overtaken_by_the_next_one",
            "tests/operate/test_missed.py::test_a_lost_webhook_is_read_up_before_the_next_message_goes_in[sqlite]",
        ),
        "I3",
    ),
    Bug(
        "parked_event_dropped",
        "What waits for a message is not woken by it: it waits for another spelling of its name.",
        ("tests/storage/test_parked.py::test_an_edit_that_overtook_its_message_waits_for_it[sqlite-False]",),
        "I2",
        "assert 'helo' == 'hello'",
    ),
    Bug(
        "random_nonce",
        "Every attempt of a message has a nonce of its own.",
        (f"{_AMBIGUOUS}[discord.send-opening-done, answer lost]",),
        "I7",
    ),
    Bug(
        "posted_again_without_looking",
        "A message to Twilio whose answer was lost is posted again at once.",
        (f"{_AMBIGUOUS}[twilio.post-opening-done, answer lost]",),
        "I7",
    ),
    Bug(
        "trusted_after_a_restart",
        "What a dead process may have sent is sent again without a doubt.",
        (
            f"{_UNTIMELY}::test_what_a_dead_service_may_have_sent_long_ago_is_looked_for_before_it_is_sent_again",
        ),
        "I2",
    ),
    Bug(
        "order_of_a_lane_dropped",
        "What is tried again goes to the end of its lane.",
        (
            f"{_ORDER}::test_what_has_to_be_tried_again_is_not_overtaken",
            f"{_AMBIGUOUS}[twilio.create_conversation-opening-reset]",
        ),
        "I3",
    ),
    Bug(
        "lane_never_cold",
        "After a commit of unknown outcome lanes go on with what they remember.",
        ("tests/faults/test_unknown_commit.py::test_a_busy_lane_is_read_before_it_sends_the_next",),
        "I3",
        "assert ['a#0', 'a#3'] == ['a#0', 'a#1', 'a#3']",
    ),
    Bug(
        "timer_without_epoch",
        "A timer fires for an earlier setting of itself.",
        (
            "tests/storage/test_timers.py::test_a_timer_that_was_set_anew_does_not_fire_for_its_old_setting[sqlite]",
        ),
        "I13",
        "Receipt(outcome=<Outcome.STAYED",
    ),
    Bug(
        "answer_after_the_hand_off",
        "What the chatbot finds is said although the member waits for a person by now.",
        (f"{_UNTIMELY}::test_an_answer_that_comes_after_the_hand_off_is_not_said",),
        "I13",
    ),
    Bug(
        "stale_request_accepted",
        "Word of an earlier request is taken for word of the current one.",
        (f"{_UNTIMELY}::test_word_of_a_request_that_was_given_up_does_not_end_the_next_one",),
        "I1",
        "nobody is free right now",
    ),
    Bug(
        "lost_catch_up",
        "The desk is shown what was said since just now, not since it last listened.",
        (f"{_UNTIMELY}::test_an_agent_who_comes_late_reads_what_the_member_said_since_nobody_came",),
        "I1",
        "what was said since is shown once",
    ),
    Bug(
        "case_opened_twice",
        "The next conversation opens a help case beside the one that is open.",
        (f"{_UNTIMELY}::test_a_help_case_that_is_open_is_joined_by_the_next_conversation",),
        "I4",
    ),
    Bug(
        "relayed_after_the_close",
        "What an agent writes after the close is brought as if it had been written before.",
        (
            f"{_ORDER}::test_what_an_agent_writes_after_the_close_is_not_relayed",
            "tests/machines/test_closed_stories.py::test_an_agents_message_from_after_the_close_is_not_delivered",
        ),
        "I8",
    ),
    Bug(
        "notice_about_a_notice",
        "Of a text of ours that cannot be delivered the member is told, of a notice as well.",
        ("tests/operate/test_letters.py::test_a_notice_that_dies_is_a_letter_and_no_further_notice[sqlite]",),
        "I7",
        "assert 10 == 2",
    ),
    Bug(
        "button_of_another_member",
        "A press goes to the conversation that it names, whoever pressed.",
        (
            "tests/storage/test_targets.py::test_another_members_button_never_touches_their_conversation[sqlite-solved]",
        ),
        "I5",
        "'closed' != 'awaiting_agent'",
    ),
    Bug(
        "task_left_behind",
        "The reading of every few minutes goes on after the stop.",
        (f"{_UNTIMELY}::test_what_was_read_and_never_stored_is_read_again",),
        "I11",
    ),
    Bug(
        "report_joined",
        "Whoever asks for a person joins their oldest open case, a bug report as well.",
        ("tests/storage/test_reports.py::test_who_asks_for_a_person_does_not_join_a_report[sqlite-False]",),
        "I4",
        "'bug'",
    ),
    Bug(
        "back_of_the_line",
        "Who comes back to a request that still stands in line is put behind everybody.",
        (
            "tests/storage/test_line.py::test_who_was_told_that_nobody_came_comes_back_to_where_they_stood[sqlite]",
        ),
        "I15",
        "assert (1, 0) == (2, 0)",
    ),
    Bug(
        "webhook_named_by_the_attempt",
        "Every attempt of a case's webhook has an id of its own.",
        (f"{_CRASH}[case followed by a CRM-0]",),
        "I17",
    ),
    Bug(
        "first_contact_every_time",
        "Every conversation is taken for its member's first.",
        (f"{_UNTIMELY}::test_a_help_case_that_is_open_is_joined_by_the_next_conversation",),
        "I16",
    ),
    Bug(
        "withheld_and_called_sent",
        "An agent is told that their words are on their way, though the end overtook them.",
        (
            "tests/desk/test_counter.py::test_words_that_the_end_overtook_are_withheld_and_their_author_is_told[sqlite]",
        ),
        "I14",
        "assert '' == 'over'",
    ),
    Bug(
        "closed_sooner_than_said",
        "A warning names the time at which it would end had it come when it was due.",
        ("tests/simulation/test_simulation.py::test_every_promise_is_kept[41+10]",),
        "I18",
    ),
)
