"""Every invariant goes red on a history that breaks it, and only that one."""

from __future__ import annotations

from dataclasses import replace

import pytest

from machines.conversation import State
from machines.table import Outcome
from machines.testing.checker import RULES, check
from machines.testing.history import By, Deed, Desk, Dm, Entry, Exchange, HelpCase, History, Line, Talk, Told

MIA, TOM = "1", "2"


def line(ref: str, at: float, by: By, text: str, **more: object) -> Line:
    return Line(ref, at, by, text, **more)  # type: ignore[arg-type]


def entry(ref: str, before: str | None, after: str, trigger: str = "member_message", **more: object) -> Entry:
    found = Entry("discord", ref, "conversation:c", trigger, Outcome.STAYED, 0.0, before, after)
    return replace(found, **more)  # type: ignore[arg-type]


#: A member asks, is answered, is handed off, and talks to an agent, who closes.
GOOD = History(
    dms=(
        Dm(
            MIA,
            (
                line("d1", 1, By.MEMBER, "how?"),
                line("d0", 1.5, By.SERVICE, "people read along", says="first_contact"),
                line("d2", 2, By.SERVICE, "like this", says="answer"),
                line("d3", 3, By.SERVICE, "your place", says="place"),
                line("d4", 4, By.MEMBER, "hello"),
                line("d5", 5, By.SERVICE, "**ada:** hi", carries="hi"),
                line("d6", 6, By.MEMBER, "thanks"),
                line("d7", 7, By.SERVICE, "goodbye", says="goodbye"),
            ),
        ),
    ),
    desks=(
        Desk(
            "CH1",
            MIA,
            "c",
            1,
            (
                line("t1", 3.5, By.SERVICE, "how?", says="transcript"),
                line("t2", 4.1, By.SERVICE, "hello", carries="hello"),
                line("t3", 4.5, By.AGENT, "hi"),
                line("t4", 6.1, By.SERVICE, "thanks", carries="thanks"),
            ),
            closed_at=8,
            tasks=("completed",),
        ),
    ),
    journal=(
        entry("d1", "bot_faq", "bot_faq"),
        entry("p1", "bot_faq", "awaiting_agent", "agent_requested", outcome=Outcome.MOVED),
        entry("d4", "awaiting_agent", "awaiting_agent"),
        entry("d6", "with_agent", "with_agent"),
        entry("t3", "with_agent", "with_agent", "agent_message", source="twilio"),
        entry("x1", "with_agent", "closed", "desk_closed", source="twilio", outcome=Outcome.MOVED),
    ),
    outbox=(
        Deed("k0", "conversation:c", "say", "done", "d0", says="first_contact"),
        Deed("k1", "conversation:c", "say", "done", "d2"),
        Deed("k2", "conversation:c", "place", "done", "d3"),
        Deed("k3", "conversation:c", "relay_to_member", "done", "d5", "twilio:t3"),
        Deed("k4", "conversation:c", "say", "done", "d7"),
        Deed("k5", "conversation:c", "alert", "void"),
    ),
    talks=(Talk("c", MIA, "closed", 1, 7),),
    cases=(HelpCase("a", MIA, "resolved"),),
    exchanges=(Exchange("interaction", 1, 2), Exchange("conversations", 4, 5)),
    claimed=frozenset({"d0", "d2", "d3", "d5", "d7", "t1", "t2", "t4"}),
)


def with_dm(*lines: Line, without: str = "", at: int | None = None) -> History:
    """The member's DM with further lines, or without one."""
    kept = [one for one in GOOD.dms[0].lines if one.id != without]
    kept[len(kept) if at is None else at : len(kept) if at is None else at] = lines
    claimed = GOOD.claimed | {one.id for one in lines}
    return replace(GOOD, dms=(Dm(MIA, tuple(kept)),), claimed=claimed)


def with_desk(*lines: Line, without: str = "", **more: object) -> History:
    kept = tuple(one for one in GOOD.desks[0].lines if one.id != without)
    desk = replace(GOOD.desks[0], lines=(*kept, *lines), **more)  # type: ignore[arg-type]
    return replace(GOOD, desks=(desk,), claimed=GOOD.claimed | {one.id for one in lines})


def swapped() -> History:
    """The agent reads the member's words the wrong way round."""
    one, two, three, four = GOOD.desks[0].lines
    return replace(GOOD, desks=(replace(GOOD.desks[0], lines=(one, four, three, two)),))


def looked(ref: str, at: float) -> Entry:
    """Their timer: the line was looked at."""
    here = State.AWAITING_AGENT
    return entry(ref, here, here, "place", source="timer", at=at)


def second_in_line(told: int) -> History:
    """One is next, and the member behind them was told a place and has looked since."""
    waiting = with_dm(line("d3", 3, By.SERVICE, "your place", says="place", place=told), without="d3", at=3)
    here = State.AWAITING_AGENT
    talks = (Talk("e", TOM, here, 1, queued_at=1.0), Talk("c", MIA, here, 1, queued_at=2.0))
    return replace(waiting, talks=talks, journal=(*GOOD.journal, looked("p2", 40.0)))


def fell_silent(*closes_at: float) -> History:
    """The member was warned that it ends then, once or twice; it ended at 100."""
    warnings = tuple(
        Deed(f"conversation:c:{7 + n}:0:0", "conversation:c", "say", "done", f"w{n}", closes_at=at)
        for n, at in enumerate(closes_at)
    )
    silent = with_dm(*(line(f"w{n}", 6.5, By.SERVICE, "closes soon") for n in range(len(closes_at))))
    ended = entry("x1", "with_agent", "closed", "member_idle", outcome=Outcome.MOVED, version=9)
    return replace(
        silent,
        journal=(*GOOD.journal[:-1], replace(ended, received_at=100.0)),
        outbox=(*GOOD.outbox, *(replace(deed, says="member_idle_warn") for deed in warnings)),
    )


OPENED = Told("case:a:1:0:0", "case.opened", "open", "open", 1, 1)
JOINED = Told("case:a:2:0:0", "case.agent_joined", "open", "in_progress", 2, 2)


def followed(
    *told: Told, status: str = "done", generation: int = 0, outbox: tuple[Deed, ...] | None = None
) -> History:
    """A CRM that follows the member's case took these. The first change is told by an effect with that end."""
    case: dict[str, object] = {"source": "tell", "subject": "case:a"}
    journal = (
        entry("k1", "open", "open", "opened", version=1, **case),
        entry("k2", "open", "in_progress", "agent_joined", version=2, outcome=Outcome.MOVED, **case),
    )
    deeds = outbox or (
        Deed(OPENED.id, "case:a", "case_webhook", status, generation=generation),
        Deed(JOINED.id, "case:a", "case_webhook", "done"),
    )
    return replace(GOOD, journal=(*GOOD.journal, *journal), outbox=(*GOOD.outbox, *deeds), told=told)


HELLO_AGAIN = line("t5", 4.2, By.SERVICE, "hello", carries="hello")
HI_AGAIN = line("d8", 5.1, By.SERVICE, "**ada:** hi", carries="hi")
STRANGER = Dm(TOM, (line("s1", 1, By.MEMBER, "my secret"),))
SEEN = entry("s1", "with_agent", "with_agent", subject="conversation:s")

BROKEN = {
    "I1 lost": with_desk(without="t2"),
    "I1 doubled": with_desk(HELLO_AGAIN),
    "I1 never committed": replace(GOOD, journal=tuple(e for e in GOOD.journal if e.id != "d4")),
    "I1 garbled": with_dm(line("d4", 4, By.MEMBER, "hello!", earlier=("hello",)), without="d4", at=4),
    "I2 lost": with_dm(without="d5"),
    "I2 doubled": with_dm(HI_AGAIN, at=6),
    "I3 overtaken": swapped(),
    "I4 two open": replace(GOOD, talks=(Talk("c", MIA, "with_agent", 1), Talk("e", MIA, "bot_faq", 2))),
    "I4 overlapping": replace(GOOD, talks=(*GOOD.talks, Talk("e", MIA, "bot_faq", 6))),
    "I4 two cases": replace(GOOD, cases=(HelpCase("a", MIA, "open"), HelpCase("b", MIA, "pending"))),
    "I5 from nowhere": with_dm(line("d9", 5, By.SERVICE, "**ben:** ho", carries="ho"), at=6),
    "I5 in a note": replace(
        with_desk(line("t6", 6.2, By.SERVICE, "so far: my secret", says="transcript")),
        dms=(*GOOD.dms, replace(STRANGER, lines=(replace(STRANGER.lines[0], deleted_at=2),))),
    ),
    "I6 no edge": replace(GOOD, journal=(*GOOD.journal, entry("x", "closed", "bot_faq", "member_message"))),
    "I6 refused, yet moved": replace(
        GOOD, journal=(*GOOD.journal, entry("x", "closed", "bot_faq", "rating", outcome=Outcome.REFUSED))
    ),
    "I6 replay": replace(GOOD, differences=lambda: ["conversation:c: stored closed, replayed bot_faq"]),
    "I7 pending": replace(GOOD, outbox=(*GOOD.outbox, Deed("k", "conversation:c", "say", "pending"))),
    "I7 claimed twice": replace(
        GOOD, outbox=(*GOOD.outbox, Deed("k", "conversation:c", "say", "done", "d2"))
    ),
    "I7 of no effect": replace(GOOD, claimed=GOOD.claimed - {"d7"}),
    "I7 two tasks": with_desk(tasks=("assigned", "pending")),
    "I8 to the agent": with_desk(line("t7", 8, By.SERVICE, "bye", carries="bye")),
    "I8 into a closed desk": with_desk(line("t8", 9, By.SERVICE, "so long", says="it_is_over")),
    "I9 interaction": replace(GOOD, exchanges=(Exchange("interaction", 1, 4.5),)),
    "I9 never": replace(GOOD, exchanges=(Exchange("studio", 1, None),)),
    "I11 task": replace(GOOD, leaks=("lane dm:1",)),
    "I13 unanswered": with_dm(without="d2"),
    "I13 twice": with_dm(line("d14", 2, By.SERVICE, "like that", says="answer"), at=3),
    "I13 after the hand-off": with_dm(line("d14", 3, By.SERVICE, "like that", says="answer"), at=5),
    "I15 told twice": with_dm(line("d14", 3.2, By.SERVICE, "your place", says="place"), at=4),
    "I15 edited without a pause": with_dm(
        line("d3", 3, By.SERVICE, "your place", says="place", edits=(40, 45, 50)), without="d3", at=3
    ),
    "I15 looked at without a pause": replace(
        GOOD, journal=(*GOOD.journal, looked("p2", 40.0), looked("p3", 60.0))
    ),
    "I15 untrue": second_in_line(told=3),
    "I16 told twice": with_dm(
        line("d14", 1.6, By.SERVICE, "people read along", says="first_contact_privacy"), at=2
    ),
    "I16 meant twice": replace(
        GOOD, outbox=(*GOOD.outbox, Deed("k6", "conversation:c", "say", "void", says="first_contact"))
    ),
    "I16 never told": with_dm(without="d0"),
    "I17 lost": followed(JOINED),
    "I17 overtaken": followed(JOINED, OPENED),
    "I17 never meant": followed(OPENED, JOINED, outbox=(Deed(OPENED.id, "case:a", "case_webhook", "done"),)),
    "I17 made up": followed(OPENED, JOINED, replace(JOINED, id="case:a:3:0:0", version=3, as_of=3)),
    "I17 another change": followed(OPENED, replace(JOINED, type="case.resolved")),
    "I17 another state": followed(OPENED, replace(JOINED, after="resolved")),
    "I17 of before": followed(OPENED, replace(JOINED, as_of=1)),
    "I18 too soon": fell_silent(101.0),
    "I18 sooner than told last": fell_silent(90.0, 101.0),
}
# what was written after the close is committed in the next conversation
BROKEN["I8 to the agent"] = replace(
    BROKEN["I8 to the agent"],
    dms=(Dm(MIA, (*GOOD.dms[0].lines, line("d10", 7.5, By.MEMBER, "bye"))),),
    journal=(*GOOD.journal, entry("d10", "with_agent", "with_agent")),
)
# the hand-off covers what was asked before it
BROKEN["I13 unanswered"] = with_dm(line("d11", 9, By.MEMBER, "anybody?"))
BROKEN["I13 unanswered"] = replace(
    BROKEN["I13 unanswered"], journal=(*GOOD.journal, entry("d11", "bot_faq", "bot_faq"))
)


def test_a_good_history_breaks_nothing() -> None:
    assert check(GOOD) == []


@pytest.mark.parametrize("name", BROKEN)
def test_a_doctored_history_breaks_what_it_should(name: str) -> None:
    found = check(BROKEN[name])
    assert {violation.invariant for violation in found} == {name.split(maxsplit=1)[0]}, [
        str(v) for v in found
    ]


def test_every_rule_is_shown_red() -> None:
    """I14 in `test_commands`."""
    assert {name.split()[0] for name in BROKEN} | {"I14"} == set(RULES)


def test_a_message_that_could_not_be_delivered_is_excused_once_its_author_was_told() -> None:
    lost = with_desk(without="t2")
    told = (*lost.dms[0].lines, line("d12", 6.5, By.SERVICE, "sorry", says="not_delivered"))
    history = replace(lost, dms=(Dm(MIA, told),), claimed=lost.claimed | {"d12"})
    assert check(history) == []


def test_what_an_operator_had_sent_after_all_comes_late_and_may() -> None:
    history = swapped()
    retried = Deed("k6", "conversation:c", "relay_to_desk", "done", "t2", "discord:d4", generation=1)
    assert check(replace(history, outbox=(*history.outbox, retried))) == []


def test_a_later_wording_of_what_an_earlier_request_was_told_may_come_as_a_new_line() -> None:
    second = Desk(
        "CH2",
        MIA,
        "c",
        2,
        (
            line("t9", 6.2, By.SERVICE, "thanks", carries="thanks"),
            line("t0", 6.4, By.SERVICE, "hello!", carries="hello!"),
        ),
        tasks=("completed",),
    )
    corrected = with_dm(
        line("d4", 4, By.MEMBER, "hello!", earlier=("hello",), edited_at=6.3), without="d4", at=3
    )
    history = replace(
        corrected,
        desks=(replace(GOOD.desks[0], lines=GOOD.desks[0].lines[:3]), second),
        claimed=GOOD.claimed | {"t9", "t0"},
    )
    assert [str(v) for v in check(history) if v.invariant == "I3"] == []
    never_there = replace(history, desks=(replace(second, request=1),))
    assert "I3" in [v.invariant for v in check(never_there)]


def test_a_correction_that_did_not_arrive_is_excused_only_where_its_author_was_told_or_could_not_be() -> None:
    corrected = line("d4", 4, By.MEMBER, "hello!", earlier=("hello",), edited_at=6.2)
    history = with_dm(corrected, without="d4", at=4)
    apology = Deed("k6", "conversation:c", "say", "dead", says="not_delivered")
    assert [violation.invariant for violation in check(history)] == ["I1"]
    assert check(replace(history, outbox=(*GOOD.outbox, apology))) == []
    elsewhere = replace(apology, subject="conversation:e")
    assert [v.invariant for v in check(replace(history, outbox=(*GOOD.outbox, elsewhere)))] == ["I1"]


def test_nobody_is_late_while_nobody_serves() -> None:
    assert check(replace(GOOD, exchanges=(Exchange("interaction", 1, None),), down=((2, 6),))) == []


def test_what_was_deleted_need_not_arrive() -> None:
    unsent = line("d13", 5.5, By.MEMBER, "never mind", deleted_at=5.6)
    assert check(with_dm(unsent)) == []


def test_who_was_told_the_place_where_they_stand_was_told_the_truth() -> None:
    assert check(second_in_line(told=2)) == []


def test_who_could_not_be_told_the_truth_is_told_no_lie() -> None:
    history = second_in_line(told=3)
    died = Deed("k6", "conversation:c", "place", "dead")
    away = entry("u1", State.AWAITING_AGENT, State.AWAITING_AGENT, "unreachable", source="effect")
    assert check(replace(history, outbox=(*history.outbox, died))) == []
    assert check(replace(history, journal=(*history.journal, away))) == []


def test_who_has_not_looked_since_the_line_moved_may_still_read_where_they_stood() -> None:
    history = second_in_line(told=3)
    moved = entry("m1", State.AWAITING_AGENT, State.BOT_FAQ, "wait", subject="conversation:x")
    moved = replace(moved, outcome=Outcome.MOVED, source="timer")
    assert check(replace(history, journal=(*history.journal, moved))) == []


def test_who_asks_again_is_told_again() -> None:
    again = line("d14", 3.2, By.SERVICE, "your place", says="place")
    asked = entry("p2", "awaiting_agent", "awaiting_agent", "agent_requested")
    assert check(replace(with_dm(again, at=4), journal=(*GOOD.journal, asked))) == []


def test_a_follower_who_took_every_change_in_turn_was_told_the_truth() -> None:
    assert check(followed(OPENED, JOINED)) == []


def test_a_change_that_nobody_took_is_missing_and_one_that_is_tried_again_comes_late() -> None:
    assert check(followed(JOINED, status="dead")) == []
    assert check(followed(JOINED, OPENED, generation=1)) == []


def test_who_is_closed_when_the_last_warning_said_was_told_the_truth() -> None:
    assert check(fell_silent(100.0)) == []
    assert check(fell_silent(101.0, 100.0)) == []
    assert check(fell_silent()) == []


def test_who_could_not_be_reached_at_first_was_not_told_who_reads() -> None:
    died = Deed("k0", "conversation:c", "say", "dead", says="first_contact")
    assert check(replace(with_dm(without="d0"), outbox=(died, *GOOD.outbox[1:]))) == []
