"""Small writes besides the one transaction: where reading a provider stands."""

from __future__ import annotations

from machines.events import Trigger
from machines.snapshot import DEFAULT_LIMITS
from storage import schema
from storage.marks import LONGEST_PAUSE_S, mark_desks, mark_dms, pull_in, rearm_idle
from storage.values import Link, Result, Status
from tests.storage.facts import ANN, BEN, answered_by_agent, pressed
from tests.storage.house import House, subject_id


def test_the_position_of_a_channel_is_kept_and_moved(house: House) -> None:
    mark_dms(house.engine, {"dm:1": "100", "dm:2": "200"})
    mark_dms(house.engine, {"dm:1": "150"})
    positions = {row.channel: row.position for row in house.rows(schema.watermark)}
    assert positions == {"dm:1": "150", "dm:2": "200"}


def test_a_desk_is_marked_with_its_index_and_when_it_is_done(house: House) -> None:
    talk = subject_id(house.arrives(pressed(ANN, Trigger.AGENT_REQUESTED, "")))
    create = house.rows(schema.effect, kind="desk_create")[0]
    links = tuple(
        Link(kind, ref, talk, 1) for kind, ref in (("conversation_sid", "CH1"), ("task_sid", "WT1"))
    )
    house.arrives(Result(create.key, 0, Status.DONE, 1, links=links))

    mark_desks(house.engine, [("CH1", 7, False)])
    assert house.row(schema.link, ref="CH1").read_up_to == 7
    mark_desks(house.engine, [("CH1", 9, True), ("CH2", 1, True)])

    row = house.row(schema.link, ref="CH1")
    assert (row.read_up_to, bool(row.done)) == (9, True)
    assert house.row(schema.link, ref="WT1").read_up_to is None


def test_idle_timers_that_fell_due_count_from_now_and_the_others_stay(house: House) -> None:
    idle, waits = house.talks(ANN), house.waits(BEN)
    house.arrives(answered_by_agent(idle, "IM1"))
    before = (
        house.timer(idle, "member_idle_warn"),
        house.timer(idle, "member_idle"),
        house.timer(waits, "wait"),
    )
    now = before[0].due_at + 1

    rearm_idle(house.engine, now, DEFAULT_LIMITS)

    assert house.timer(idle, "member_idle_warn").due_at == now + DEFAULT_LIMITS.member_idle_warn
    assert house.timer(idle, "member_idle") == before[1]
    assert house.timer(waits, "wait") == before[2]

    rearm_idle(house.engine, now, DEFAULT_LIMITS, every=True)
    assert house.timer(idle, "member_idle").due_at == now + DEFAULT_LIMITS.member_idle
    assert house.timer(waits, "wait") == before[2]


def test_after_a_clock_was_set_back_nothing_waits_longer_than_its_whole_length(house: House) -> None:
    talk = house.waits(BEN)
    today = house.now - 24 * 3600
    pull_in(house.engine, today, DEFAULT_LIMITS)
    assert house.timer(talk, "wait").due_at == today + DEFAULT_LIMITS.wait
    assert house.timer(talk, "place").due_at == today + DEFAULT_LIMITS.place
    assert {row.due_at for row in house.rows(schema.effect, status="pending")} == {today + LONGEST_PAUSE_S}
    assert pull_in(house.engine, today, DEFAULT_LIMITS) == 0
