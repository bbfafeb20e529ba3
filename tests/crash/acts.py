"""What is done around a kill over sockets, and how it is seen to have gone on."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from tests.acceptance.playing import Json, Member, Stage, Task, Work, until
from tests.acceptance.tasks import DeskTask
from tests.crash.stories import GIBBERISH, MORE_GIBBERISH
from tests.english import ENGLISH

#: A message to the desk that may have arrived is looked for after 20 s.
SETTLED_S = 40.0

Act = Callable[[Stage, Member, Any], Awaitable[object]]


def wrote(text: str) -> Act:
    return lambda _stage, mia, _task: mia.write(text)


def pressed(action: str) -> Act:
    return lambda _stage, mia, _task: mia.press(action)


def agent(what: str, **more: str) -> Act:
    async def act(_stage: Stage, _mia: Member, task: Task | None) -> None:
        assert task is not None
        await task.act(what, **more)

    return act


def heard_once(key: str) -> Act:
    async def look(_stage: Stage, mia: Member, _task: Task | None) -> None:
        await mia.hears(key)
        assert len(await mia.heard(key)) == 1

    return look


def agent_gets(*texts: str) -> Act:
    async def look(_stage: Stage, _mia: Member, task: Task | None) -> None:
        assert task is not None
        await task.gets(*texts, within=SETTLED_S)

    return look


def member_gets(*texts: str) -> Act:
    return lambda _stage, mia, _task: mia.gets(*texts)


async def one_task(stage: Stage, mia: Member, _task: Task | None) -> None:
    task = await stage.task(within=SETTLED_S)
    await mia.hears("place")
    await task.accept("ada")
    await mia.hears("agent_joined")
    assert len(await stage.tasks()) == 1


async def told_once_and_leaves_a_message(stage: Stage, mia: Member, _task: Task | None) -> None:
    told = await mia.hears("outside_hours")
    assert len(await mia.heard("outside_hours")) == 1
    await mia.fills_in(await mia.press("message_left", told), "call me back")
    await mia.hears("message_kept")
    assert stage.messages_left() == ["call me back"]
    assert await stage.tasks() == []


async def crm_knows(stage: Stage, mia: Member, task: Task | None) -> None:
    """What it had taken when the service was killed came again, and was known by its id."""
    assert task is not None
    assert stage.receiver is not None
    await mia.hears("agent_joined")
    await task.complete()
    await mia.hears("goodbye")
    crm, whole = stage.receiver.crm, ["case.opened", "case.agent_joined", "case.resolved"]

    async def look() -> bool:
        return len(crm.types()) >= len(whole)

    await until("the CRM knows", look, SETTLED_S)
    assert crm.types() == whole
    assert len(crm.arrived) > len(whole)
    assert crm.unsigned == 0


async def canceled(_stage: Stage, mia: Member, task: Task | None) -> None:
    assert task is not None
    await mia.hears("withdrawn")
    await task.becomes("canceled")


async def talk_ends(_stage: Stage, mia: Member, task: Task | None) -> None:
    assert task is not None
    await mia.hears("closed_by_member")
    await task.closes()


async def edited(_stage: Stage, _mia: Member, task: Task | None) -> None:
    assert task is not None
    await task.edit(await task.write("frist"), "first")


async def reads_edit(_stage: Stage, mia: Member, _task: Task | None) -> None:
    async def look() -> bool:
        return await mia.from_agent() == ["first"]

    await until("the edit", look, SETTLED_S)


async def answered_once(_stage: Stage, mia: Member, _task: Task | None) -> None:
    await mia.reads("This should help:")
    assert len([text for text in await mia.texts() if "This should help:" in text]) == 1


async def misses_twice(_stage: Stage, mia: Member, _task: Task | None) -> None:
    await mia.write(GIBBERISH)
    await mia.hears("unsure")
    await mia.write(MORE_GIBBERISH)


async def member_edits(_stage: Stage, mia: Member, _task: Task | None) -> None:
    await mia.edit(await mia.write("frist"), "first")


async def agent_reads_edit(_stage: Stage, _mia: Member, task: Task | None) -> None:
    assert task is not None

    async def look() -> bool:
        return await task.from_member() == ["first"]

    await until("the edit", look, SETTLED_S)


async def takes_back(_stage: Stage, mia: Member, task: Task | None) -> None:
    assert task is not None
    said = await task.write("my mistake")
    await mia.gets("my mistake")
    await task.unsend(said)


async def nothing_stands(_stage: Stage, mia: Member, task: Task | None) -> None:
    assert task is not None
    await task.write("as I said")
    await mia.gets("as I said")


async def shuts_the_door(_stage: Stage, mia: Member, task: Task | None) -> None:
    assert task is not None
    await mia.set(dms_open=False)
    await task.write("can you read this?")


async def agent_knows(_stage: Stage, _mia: Member, task: Task | None) -> None:
    assert task is not None
    await task.noted("unreachable", within=SETTLED_S)


async def waits(_stage: Stage, _mia: Member, _task: Task | None) -> None:
    """Nobody does anything: a timer will."""


async def goodbye_for_silence(_stage: Stage, mia: Member, task: Task | None) -> None:
    assert task is not None
    await mia.gets("anything else?")
    await mia.hears("idle_resolved", within=SETTLED_S)
    await task.closes()


async def has_the_file(_stage: Stage, mia: Member, _task: Task | None) -> None:
    async def look() -> list[Json]:
        return [m for m in await mia.dm() if m["attachments"]]

    assert len(await until("the transcript", look)) == 1


async def second_task(stage: Stage, mia: Member, _task: Task | None) -> None:
    again = await stage.task(2, within=SETTLED_S)
    await again.accept("ben")
    await mia.hears("agent_joined", times=2)
    assert len(await stage.tasks()) == 2


async def leaves(_stage: Stage, _mia: Member, task: Task | None) -> None:
    assert task is not None
    await task.act("leave")


async def another_comes(stage: Stage, mia: Member, _task: Task | None) -> None:
    await mia.hears("all_left")
    other = await stage.task(2)
    await other.accept("ben")
    await mia.hears("agent_joined", times=2)


async def gives_up_and_is_accepted(stage: Stage, mia: Member, task: Task | None) -> None:
    assert task is not None
    await mia.press("agent_request_cancelled")
    accept = f"{stage.sandbox.url}/control/tasks/{task.sid}/accept"
    async with stage.session.post(accept, json={"agent": "ada"}) as answer:
        assert answer.status in (201, 409)  # the task may be gone


async def is_accepted_and_gives_up(_stage: Stage, mia: Member, task: Task | None) -> None:
    assert task is not None
    await task.accept("ada")
    await mia.press("agent_request_cancelled")


async def both_know(_stage: Stage, mia: Member, task: Task | None) -> None:
    """Whoever was quicker: the talk begins, or the request is over, and nothing of the other."""
    assert task is not None

    async def look() -> list[Json]:
        return await mia.heard("withdrawn") + await mia.heard("agent_joined")

    assert len(await until("who was quicker", look, SETTLED_S)) == 1
    if await mia.heard("withdrawn"):
        await task.closes()
    else:
        await task.write("ada here")
        await mia.gets("ada here")


async def both_ask(stage: Stage, mia: Member, _task: Task | None) -> None:
    await asyncio.gather(*(member.press("agent_requested") for member in (mia, stage.member("tom"))))


async def each_has_an_agent(stage: Stage, mia: Member, _task: Task | None) -> None:
    for member, agent in ((mia, "ada"), (stage.member("tom"), "ben")):
        task = await task_of(stage, member)
        await task.accept(agent)
        await member.hears("agent_joined")
        await member.write(f"{member.name} to {agent}")
        await task.write(f"{agent} to {member.name}")
        await task.gets(f"{member.name} to {agent}")
        await member.gets(f"{agent} to {member.name}")
    assert len(await stage.tasks()) == 2


async def both_write(stage: Stage, mia: Member, _task: Task | None) -> None:
    await asyncio.gather(mia.write("mia to ada"), stage.member("tom").write("tom to ben"))


async def one_ends_the_other_goes_on(stage: Stage, mia: Member, task: Task | None) -> None:
    assert task is not None
    tom = stage.member("tom")
    his = await task_of(stage, tom)
    await task.gets("mia to ada", within=SETTLED_S)
    await his.gets("tom to ben", within=SETTLED_S)
    await tom.press("member_closed")
    await his.closes()
    await task.write("ada to mia")
    await mia.gets("ada to mia")
    assert await tom.from_agent() == []


async def who_is_in_front_gives_up(stage: Stage, _mia: Member, _task: Work | None) -> None:
    await stage.member("tom").press("agent_request_cancelled")


async def told_to_be_next(_stage: Stage, mia: Member, _task: Work | None) -> None:
    await mia.reads(ENGLISH.member["place_first"])
    assert len(await mia.heard("place")) == 1


async def task_of(stage: Stage, member: Member) -> Task:
    """The task that shows this member as the customer."""

    async def look() -> list[Task]:
        found = await stage.tasks()
        return [task for task in found if (await task.show())["attributes"]["from"].lower() == member.name]

    found: list[Task] = await until(f"the task of {member.name}", look, SETTLED_S)
    return found[0]


def agent_wrote(text: str) -> Act:
    async def act(_stage: Stage, _mia: Member, task: Work | None) -> None:
        assert task is not None
        await task.write(text)

    return act


async def closes(_stage: Stage, _mia: Member, task: Work | None) -> None:
    assert task is not None
    await task.complete()


async def reacts(_stage: Stage, mia: Member, task: Work | None) -> None:
    assert isinstance(task, DeskTask)
    message = await mia.write("it works now")
    await task.gets("it works now")
    await task.react(message, "🎉")


async def hands_over(_stage: Stage, _mia: Member, task: Work | None) -> None:
    assert isinstance(task, DeskTask)
    await task.done("transfer", to="ben")


async def ben_has_it(_stage: Stage, mia: Member, task: Work | None) -> None:
    assert task is not None
    await mia.hears("transfer")
    await mia.hears("colleague_comes")
    await task.accept("ben")
    await mia.hears("agent_joined", times=2)
    assert len(await mia.heard("transfer")) == 1


async def writes_first(stage: Stage, _mia: Member, _task: Work | None) -> None:
    await stage.agent().contact(1, "one more thing")


async def writes_in_vain(stage: Stage, mia: Member, task: Work | None) -> None:
    await mia.set(dms_open=False)
    await writes_first(stage, mia, task)


async def the_case_says_so(stage: Stage, _mia: Member, _task: Work | None) -> None:
    await stage.agent().sees(
        "a note", 1, lambda found: [n for n in found["notes"] if n["note"] == "not_delivered"]
    )


async def is_asked_by_the_agent_who_has_it(stage: Stage, mia: Member, _task: Work | None) -> None:
    await mia.gets("one more thing")
    assert len(await mia.heard("contact")) == 1
    again = await stage.task(2, within=SETTLED_S)
    await again.accept("ada")
    await again.write("are you there?")
    await mia.gets("one more thing", "are you there?")
    assert len(await stage.tasks()) == 2


async def has_it_at_once(stage: Stage, mia: Member, _task: Work | None) -> None:
    await mia.gets("one more thing")
    assert len(await mia.heard("contact")) == 1
    [talk] = [t for t in (await stage.agent().show(1))["conversations"] if t["state"] == "with_agent"]
    await mia.write("what is it?")
    await stage.desk_task(talk["conversation"]).gets("what is it?")


async def takes_it_up_again(stage: Stage, _mia: Member, _task: Work | None) -> None:
    await stage.agent().done("POST", "/1/reopen")


async def merges(stage: Stage, _mia: Member, _task: Work | None) -> None:
    ada = stage.agent()
    await ada.merge(1, await ada.open((await ada.show(1))["member"]["id"], "No sound"))


async def both_hear_of_the_merge(_stage: Stage, mia: Member, task: Work | None) -> None:
    assert task is not None
    await mia.hears("case_merged")
    told = await task.noted("case_merged", within=SETTLED_S)
    assert len(await mia.heard("case_merged")) == 1
    assert (await task.notes()).count(told) == 1


def reported(command: str, **fields: str) -> Act:
    return lambda _stage, mia, _task: mia.reports(command, **fields)


def told_its_number(title: str) -> Act:
    """Where it was sent off, or in the DM if Discord was not answered in time; and it is one case."""

    async def look(stage: Stage, mia: Member, _task: Task | None) -> None:
        async def told() -> list[Json]:
            return [m for m in await mia.inbox() if m["author"] == "bot" and title in m["content"]]

        assert len(await until("the number of the case", told, SETTLED_S)) == 1
        assert [case["title"] for case in stage.cases() if case["kind"] != "help"] == [title]

    return look
