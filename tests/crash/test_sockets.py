"""One crash point of every flow over real sockets: a real child process, the SDKs in it, and a real SIGKILL.

Each story brings the service to a call that is done while nobody knows yet, kills it there, starts its successor
and sees the story end as if nothing had happened.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

import pytest

from orchestrator.setup.provision import provision
from tests.acceptance.conftest import bare
from tests.acceptance.playing import Json, Member, Stage, Task, until
from tests.crash.flows import FLOWS, GIBBERISH, MORE_GIBBERISH

__all__ = ["bare"]

#: A message to the desk that may have arrived is looked for after 20 s.
SETTLED_S = 40.0

POSTED = ("discord", "POST", "/messages$")
NOTED = ("twilio", "POST", "/Messages$")
Act = Callable[[Stage, Member, Task | None], Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Crash:
    """Where a flow is killed, and how it is seen to have gone on."""

    flow: str
    start: str  #: nobody, greeted, queued, talking or ended
    point: tuple[str, str, str]  #: service, method and path of the call whose answer nobody gets
    does: Act
    sees: Act
    timers: Mapping[str, float] = field(default_factory=dict)  #: settings, where the usual ones take minutes


def _wrote(text: str) -> Act:
    return lambda _stage, mia, _task: mia.write(text)


def _pressed(action: str) -> Act:
    return lambda _stage, mia, _task: mia.press(action)


def _agent(what: str, **more: str) -> Act:
    async def act(_stage: Stage, _mia: Member, task: Task | None) -> None:
        assert task is not None
        await task.act(what, **more)

    return act


def _heard_once(key: str) -> Act:
    async def look(_stage: Stage, mia: Member, _task: Task | None) -> None:
        await mia.hears(key)
        assert len(await mia.heard(key)) == 1

    return look


def _agent_gets(*texts: str) -> Act:
    async def look(_stage: Stage, _mia: Member, task: Task | None) -> None:
        assert task is not None
        await task.gets(*texts, within=SETTLED_S)

    return look


def _member_gets(*texts: str) -> Act:
    return lambda _stage, mia, _task: mia.gets(*texts)


async def _one_task(stage: Stage, mia: Member, _task: Task | None) -> None:
    task = await stage.task(within=SETTLED_S)
    await mia.hears("place")
    await task.accept("ada")
    await mia.hears("agent_joined")
    assert len(await stage.tasks()) == 1


async def _canceled(_stage: Stage, mia: Member, task: Task | None) -> None:
    assert task is not None
    await mia.hears("withdrawn")
    await task.becomes("canceled")


async def _talk_ends(_stage: Stage, mia: Member, task: Task | None) -> None:
    assert task is not None
    await mia.hears("closed_by_member")
    await task.closes()


async def _edited(_stage: Stage, mia: Member, task: Task | None) -> None:
    assert task is not None
    await task.edit(await task.write("frist"), "first")


async def _reads_edit(_stage: Stage, mia: Member, _task: Task | None) -> None:
    await mia.reads("first")
    await mia.gets("first")


async def _answered_once(_stage: Stage, mia: Member, _task: Task | None) -> None:
    await mia.reads("This should help:")
    assert len([text for text in await mia.texts() if "This should help:" in text]) == 1


async def _misses_twice(_stage: Stage, mia: Member, _task: Task | None) -> None:
    await mia.write(GIBBERISH)
    await mia.hears("unsure")
    await mia.write(MORE_GIBBERISH)


async def _member_edits(_stage: Stage, mia: Member, _task: Task | None) -> None:
    await mia.edit(await mia.write("frist"), "first")


async def _agent_reads_edit(_stage: Stage, _mia: Member, task: Task | None) -> None:
    assert task is not None

    async def look() -> bool:
        return await task.from_member() == ["first"]

    await until("the edit", look, SETTLED_S)


async def _takes_back(_stage: Stage, mia: Member, task: Task | None) -> None:
    assert task is not None
    said = await task.write("my mistake")
    await mia.gets("my mistake")
    await task.unsend(said)


async def _nothing_stands(_stage: Stage, mia: Member, task: Task | None) -> None:
    assert task is not None
    await task.write("as I said")
    await mia.gets("as I said")


async def _shuts_the_door(_stage: Stage, mia: Member, task: Task | None) -> None:
    assert task is not None
    await mia.set(dms_open=False)
    await task.write("can you read this?")


async def _agent_knows(_stage: Stage, _mia: Member, task: Task | None) -> None:
    assert task is not None
    await task.noted("unreachable", within=SETTLED_S)


async def _waits(_stage: Stage, _mia: Member, _task: Task | None) -> None:
    """Nobody does anything: a timer will."""


async def _goodbye_for_silence(_stage: Stage, mia: Member, task: Task | None) -> None:
    assert task is not None
    await mia.gets("anything else?")
    await mia.hears("idle_goodbye", within=SETTLED_S)
    await task.closes()


async def _has_the_file(_stage: Stage, mia: Member, _task: Task | None) -> None:
    async def look() -> list[Json]:
        return [m for m in await mia.dm() if m["attachments"]]

    assert len(await until("the transcript", look)) == 1


async def _second_task(stage: Stage, mia: Member, _task: Task | None) -> None:
    again = await stage.task(2, within=SETTLED_S)
    await again.accept("ben")
    await mia.hears("agent_joined", times=2)
    assert len(await stage.tasks()) == 2


async def _leaves(_stage: Stage, _mia: Member, task: Task | None) -> None:
    assert task is not None
    await task.act("leave")


async def _another_comes(stage: Stage, mia: Member, _task: Task | None) -> None:
    await mia.hears("all_left")
    other = await stage.task(2)
    await other.accept("ben")
    await mia.hears("agent_joined", times=2)


SOON = {"timer_member_idle_warn": 2, "timer_member_idle": 4}
CRASHES = (
    Crash("helpme", "nobody", POSTED, lambda _s, mia, _t: mia.helpme(), _heard_once("greeting")),
    Crash("question answered", "greeted", POSTED, _wrote("I forgot my password"), _answered_once),
    Crash(
        "hand-off", "greeted", ("twilio", "POST", "/Interactions$"), _pressed("agent_requested"), _one_task
    ),
    Crash("cancel", "queued", POSTED, _pressed("agent_request_cancelled"), _canceled),
    Crash("agent accepts", "queued", POSTED, _agent("accept", agent="ada"), _heard_once("agent_joined")),
    Crash("second miss", "greeted", ("twilio", "POST", "/Conversations$"), _misses_twice, _one_task),
    Crash(
        "nobody comes, message left", "queued", POSTED, _waits, _heard_once("nobody_came"), {"timer_wait": 6}
    ),
    Crash("member edits", "talking", NOTED, _member_edits, _agent_reads_edit),
    Crash("taken back", "talking", ("discord", "DELETE", r"/messages/\d+$"), _takes_back, _nothing_stands),
    Crash("unreachable", "talking", POSTED, _shuts_the_door, _agent_knows),
    Crash(
        "falls silent",
        "talking",
        POSTED,
        _agent("messages", body="anything else?"),
        _goodbye_for_silence,
        SOON,
    ),
    Crash("rating", "ended", POSTED, _pressed("rating"), _heard_once("rating_thanks")),
    Crash("transcript", "ended", POSTED, _pressed("transcript_requested"), _has_the_file),
    Crash("reopened", "ended", ("twilio", "POST", "/Interactions$"), _pressed("reopen"), _second_task),
    Crash("both ways", "talking", NOTED, _wrote("one"), _agent_gets("one")),
    Crash("both ways, back", "talking", POSTED, _agent("messages", body="one"), _member_gets("one")),
    Crash("agent edits", "talking", POSTED, _edited, _reads_edit),
    Crash("agent leaves, another is invited", "talking", POSTED, _leaves, _another_comes),
    Crash("member closes", "talking", POSTED, _pressed("member_closed"), _talk_ends),
    Crash("agent completes", "talking", POSTED, _agent("complete"), _heard_once("goodbye")),
)


@pytest.mark.parametrize("crash", CRASHES, ids=[crash.flow for crash in CRASHES])
async def test_a_kill_over_sockets_loses_and_doubles_nothing(bare: Stage, crash: Crash) -> None:
    bare.timers |= crash.timers
    await provision(bare.settings(), lambda _line: None)
    await bare.spawn()
    mia = bare.member()
    task = await _begin(bare, mia, crash.start)
    service, method, path = crash.point
    await bare.control.fault(service, method, path, lose_reply=True)
    await crash.does(bare, mia, task)
    await _met(bare)
    await bare.kill()

    await bare.serve()
    await crash.sees(bare, mia, task)


def test_every_flow_is_killed_over_sockets_too() -> None:
    """What both do while the service is dead is `tests/acceptance/test_restart.py`."""
    while_dead = {name for name, flow in FLOWS.items() if flow.meanwhile}
    assert {crash.flow for crash in CRASHES} >= set(FLOWS) - while_dead


async def _begin(stage: Stage, mia: Member, start: str) -> Task | None:
    if start in ("queued", "talking", "ended"):
        task = await stage.handed_off(mia, None if start == "queued" else "ada")
        if start == "ended":
            await task.act("complete")
            await mia.hears("goodbye")
        return task
    if start == "greeted":
        await mia.helpme()
        await mia.hears("greeting")
    return None


async def _met(stage: Stage) -> None:
    """Wait until the call has been made, whose answer is lost."""

    async def look() -> bool:
        return not stage.sandbox.faults.planted

    await until("the fault is met", look)
