"""The built-in desk as a desk: it carries out what Flex does, and it never calls anybody."""

from __future__ import annotations

from typing import Any, cast

import pytest

from machines.effects import OPEN_DESK, Kind
from machines.events import Trigger
from orchestrator.desk.builtin import BuiltinDesk, nothing_missed
from orchestrator.ports import Done, Job
from orchestrator.twilio.desk import FlexDesk
from storage.values import Pending

HANDLERS = BuiltinDesk().handlers()


async def carried_out(kind: Kind, *, in_doubt: bool = False, **payload: Any) -> Done:
    effect = Pending(
        "conversation:c:2:0:0",
        "conversation:c",
        "4001",
        "desk:c:1",
        kind,
        {"request": 1, **payload},
        due_at=0.0,
    )
    return await HANDLERS[kind](Job(effect, in_doubt, 30.0, 30.0))


def test_both_desks_carry_out_the_same_kinds() -> None:
    nothing = cast("Any", None)
    flex = FlexDesk(nothing, nothing, nothing, public_url="", workspace="", workflow="", words=nothing)
    assert HANDLERS.keys() == flex.handlers().keys()
    assert {kind for kind in Kind if "desk" in kind} == HANDLERS.keys()


async def test_the_chain_ends_with_the_report_that_the_desk_is_open() -> None:
    reports = [(await carried_out(kind)).trigger for kind in OPEN_DESK]
    assert reports == [None, None, None, None, Trigger.DESK_OPENED]
    assert (await carried_out(Kind.DESK_ROUTE)).request == 1


@pytest.mark.parametrize("in_doubt", [False, True])
async def test_a_message_is_its_own_copy(in_doubt: bool) -> None:
    for op in ("create", "edit"):
        done = await carried_out(Kind.RELAY_TO_DESK, in_doubt=in_doubt, message="discord:1", op=op)
        assert (done.message, done.refs) == ("discord:1", ("discord:1",))
    gone = await carried_out(Kind.RELAY_TO_DESK, in_doubt=in_doubt, message="discord:1", op="delete")
    assert (gone.message, gone.refs) == ("discord:1", ())


@pytest.mark.parametrize("in_doubt", [False, True])
async def test_what_is_in_doubt_is_done_as_if_it_were_not(in_doubt: bool) -> None:
    """No call goes out, so none can be lost: there is no ambiguous outcome at this desk."""
    for kind in (Kind.DESK_INVITE, Kind.DESK_CLOSE, Kind.DESK_WITHDRAW):
        assert await carried_out(kind, in_doubt=in_doubt) == Done()
    note = await carried_out(Kind.DESK_NOTE, in_doubt=in_doubt, text="unreachable")
    assert note == Done(ref="conversation:c:2:0:0")


async def test_there_is_nothing_to_read_up() -> None:
    read = await nothing_missed()
    assert (read.events, read.rest, read.made) == ((), None, ())
    await read.remember()
