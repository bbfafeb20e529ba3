"""Flows that make every call of both ports, each with the moment from which one of its calls is spoiled."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace

from orchestrator.sandbox.twilio.routes import FLEX, TASKROUTER
from orchestrator.sandbox.wire import Answer, Call
from tests.english import ENGLISH
from tests.faults.outcomes import OUTCOMES
from tests.faults.stage import UNKNOWN_WORDS, Stage
from tests.inprocess.casework import Caseworker
from tests.inprocess.reporting import numbers, report
from tests.inprocess.world import Task, World

Flow = Callable[[Stage], Awaitable[None]]
LOST = OUTCOMES["done, answer lost"]


async def opening(stage: Stage) -> None:
    """From the first command to the first words that an agent hears."""
    stage.spoil()
    task = await _opened(stage)
    await _talk(stage, task)


async def acknowledged(stage: Stage) -> None:
    """The same. A command that Discord saw no acknowledgement of cannot be answered any more."""
    stage.dead = ("answer_interaction",)
    stage.unanswered = len(stage.outcomes)
    await opening(stage)


async def opening_in_doubt(stage: Stage) -> None:
    """The same, but every call that makes something at the desk loses its answer once: it is looked for."""
    for call in ("create_conversation", "add_webhook", "post", "create_interaction"):
        stage.spoiler.plant(f"twilio.{call}", LOST)
    await opening(stage)


async def talking(stage: Stage) -> None:
    """Both sides write, correct themselves and take back what they wrote."""
    task = await stage.world.handed_off(stage.mia)
    stage.spoil()
    mine, taken_back = stage.mia.write("one"), stage.mia.write("two")
    theirs, gone = task.write("four"), task.write("five")
    await stage.mia.gets("four", "five")
    await task.gets("one", "two")
    stage.mia.edit(mine, "one, corrected")
    stage.mia.unsend(taken_back)
    task.edit(theirs, "four, corrected")
    task.unsend(gone)
    stage.says("three")
    stage.replies(task, "six")
    stage.said.insert(0, "one, corrected")
    stage.replied.insert(0, "four, corrected")
    world = stage.world
    await world.until("it stands at the desk", lambda: task.from_member() == stage.said)
    await world.until("it stands in the DM", lambda: stage.mia.from_agent() == stage.replied)


async def thanking(stage: Stage) -> None:
    """A thank-you after the goodbye gets a reaction, and starts nothing."""
    task = await stage.world.handed_off(stage.mia)
    await _talk(stage, task)
    task.complete()
    await stage.mia.hears("goodbye")
    stage.spoil()
    thanks = stage.mia.write("thank you")

    def reactions() -> list[object]:
        return [m["reactions"] for m in stage.mia.dm() if m["id"] == thanks and m["reactions"]]

    await stage.world.until("a reaction", reactions)


async def ending(stage: Stage) -> None:
    """The member has had enough before anybody came: everything that was made is taken back."""
    task = await stage.world.handed_off(stage.mia, agent=None)
    stage.spoil()
    stage.mia.press("agent_request_cancelled")
    await task.becomes("canceled", "completed")
    await stage.world.until("the Twilio Conversation closes", task.is_closed)


async def moving_up(stage: Stage) -> None:
    """Who is in front gives up, and the place of who waits behind them is edited; then they are talked to."""
    tom = stage.world.member("tom")
    first = await stage.world.handed_off(tom, agent=None)
    task = await stage.world.handed_off(stage.mia, agent=None)
    stage.tasks = 2
    stage.spoil()
    tom.press("agent_request_cancelled")
    await first.becomes("canceled", "completed")
    await stage.mia.reads(ENGLISH.member["place_first"])
    assert len(stage.mia.heard("place")) == 1
    task.accept("ada")
    await stage.mia.hears("agent_joined")
    stage.replies(task, "your turn")


async def ending_unnamed(stage: Stage) -> None:
    """Twilio never said which task and channel it made: they are looked up when they are to be closed."""
    assert await stage.ends() == []
    stop = _says_nothing_of_tasks(stage.world)
    await stage.comes_back()
    task = await stage.world.handed_off(stage.mia, agent=None)
    await stage.world.time.sleep(20)
    stop()
    stage.spoil()
    stage.mia.press("agent_request_cancelled")
    await task.becomes("canceled", "completed")
    await stage.world.until("the Twilio Conversation closes", task.is_closed)


async def inviting(stage: Stage) -> None:
    """The agent leaves and another is asked for, who comes."""
    task = await stage.world.handed_off(stage.mia)
    await _talk(stage, task)
    stage.spoil()
    task.leave()
    stage.tasks = 2
    second = await stage.world.task(2)
    second.accept("ben")
    await stage.mia.hears("agent_joined", times=2)
    stage.says("still me")
    stage.replies(second, "ben here")
    await stage.heard()


async def writing_first(stage: Stage) -> None:
    """An agent opens a case for a member, writes to them, and is offered the talk in Flex."""
    stage.mia.helpme()
    await stage.mia.hears("greeting")
    stage.spoil()
    ada = Caseworker(stage.world)
    stage.replied.append("about your account")
    await ada.contact(await ada.open(stage.mia, "Account"), stage.replied[0])
    task = await stage.world.task()
    task.accept("ada")
    await stage.mia.hears("agent_joined")
    await _talk(stage, task)


async def coming_back(stage: Stage) -> None:
    """The service dies, both sides go on writing, and what was missed is read up."""
    task = await stage.world.handed_off(stage.mia)
    await _talk(stage, task)
    await stage.dies()
    stage.says("meanwhile")
    stage.replies(task, "are you there?")
    await stage.world.time.sleep(30)
    stage.spoil()
    await stage.comes_back()
    await stage.heard()
    stage.says("after")
    stage.replies(task, "welcome back")
    await stage.heard()


async def reporting(stage: Stage) -> None:
    """A bug is reported, in the form that the command opens, and its number is told."""
    stage.tasks = 0
    stage.spoil()
    fields = {"title": "It crashes", "summary": "As soon as I jump"}
    await report(stage.mia, "bug", fields, lambda: numbers(stage.mia))
    assert len(set(numbers(stage.mia))) == len(numbers(stage.mia))


async def reporting_unacknowledged(stage: Stage) -> None:
    """The same. What Discord saw no acknowledgement of is answered in the direct message."""
    stage.dead = ("answer_interaction",)
    stage.unanswered = len(stage.outcomes)
    await reporting(stage)


async def followed(stage: Stage) -> None:
    """A CRM follows the case from its opening to its end."""
    assert await stage.ends() == []
    stage.world.followed = True
    await stage.comes_back()
    stage.spoil()
    task = await stage.world.handed_off(stage.mia)
    await _talk(stage, task)
    task.complete()
    await stage.mia.hears("goodbye")
    crm = stage.world.crm
    await stage.world.until("the CRM knows", lambda: "case.resolved" in crm.types())
    assert crm.types() == ["case.opened", "case.agent_joined", "case.resolved"]
    assert crm.unsigned == 0


async def _opened(stage: Stage) -> Task:
    stage.mia.helpme()
    await stage.mia.hears("greeting")
    stage.mia.write(UNKNOWN_WORDS)
    await stage.mia.hears("unsure")
    stage.mia.press("agent_requested")
    task = await stage.world.task()
    await stage.mia.hears("place")
    task.accept("ada")
    await stage.mia.hears("agent_joined")
    return task


async def _talk(stage: Stage, task: Task) -> None:
    for n in range(2):
        stage.says(f"question {n}")
        stage.replies(task, f"reply {n}")
    await stage.heard()


def _says_nothing_of_tasks(world: World) -> Callable[[], None]:
    """Twilio accepts an Interaction without naming its task, and lists none. Returns what ends that."""
    real = world.twilio_rest
    silent = True

    def rest(host: str, call: Call) -> Answer:
        answer = real(host, call)
        if silent and host == FLEX and call.path == "/v1/Interactions" and isinstance(answer.body, dict):
            return replace(answer, body={**answer.body, "routing": None})
        if silent and host == TASKROUTER and call.path.endswith("/Tasks") and isinstance(answer.body, dict):
            return replace(answer, body={**answer.body, "tasks": []})
        return answer

    def stop() -> None:
        nonlocal silent
        silent = False

    world.twilio_rest = rest  # type: ignore[method-assign]
    return stop


#: Every call of the ports, and the flows in which it is spoiled. `discord.login` is the supervisor's to repeat.
FLOWS: Mapping[str, tuple[Flow, ...]] = {
    "discord.acknowledge": (acknowledged, reporting_unacknowledged),
    "discord.open_dm": (opening,),
    "discord.send": (opening, talking),
    "discord.edit": (talking, moving_up),
    "discord.delete": (talking,),
    "discord.react": (thanking,),
    "discord.history": (coming_back,),
    "discord.answer": (opening, reporting),
    "twilio.create_conversation": (opening,),
    "twilio.conversation": (opening_in_doubt, coming_back),
    "twilio.close_conversation": (ending,),
    "twilio.add_participant": (opening,),
    "twilio.participants": (coming_back,),
    "twilio.webhooks": (opening,),
    "twilio.add_webhook": (opening,),
    "twilio.post": (opening, talking),
    "twilio.edit": (talking,),
    "twilio.delete": (talking,),
    "twilio.messages": (opening_in_doubt, coming_back),
    "twilio.create_interaction": (opening, writing_first),
    "twilio.channel_of": (ending_unnamed,),
    "twilio.find_tasks": (opening_in_doubt, inviting),
    "twilio.worker": (writing_first,),
    "twilio.close_channel": (ending,),
    "twilio.invite": (inviting,),
    "crm.post": (followed,),
}
#: Calls that are not recorded, or that are repeated by others than the engine.
ELSEWHERE = frozenset({"discord.typing", "discord.login"})
