"""Small writes besides the one transaction: where reading a provider stands."""

from __future__ import annotations

from machines.events import Trigger
from storage import schema
from storage.marks import mark_desks, mark_dms
from storage.values import Link, Result, Status
from tests.storage.facts import ANN, pressed
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
