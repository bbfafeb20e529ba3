"""What has to be true of the story, judged by what the sandboxes saw and by nothing else."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from orchestrator.demo import history
from orchestrator.demo.history import Said
from orchestrator.demo.seen import BOT, Exchange, Line, Seen, says
from orchestrator.texts.say import words

#: Discord: an interaction has to be acknowledged within three seconds.
ACKNOWLEDGED_WITHIN = timedelta(seconds=3)
#: Twilio: a Conversations webhook is given up after five seconds.
ANSWERED_WITHIN = timedelta(seconds=5)
#: Between two messages of one question.
BURST = timedelta(seconds=1)
#: Twilio: the error for a write to a closed conversation.
CONVERSATION_CLOSED = 50377


@dataclass(frozen=True, slots=True)
class Check:
    """A sentence that is true or not, and what was seen."""

    name: str
    ok: bool
    detail: str

    def __str__(self) -> str:
        return f"ok   {self.name}" if self.ok else f"FAIL {self.name}: {self.detail}"


def judge(seen: Seen) -> list[Check]:
    """All checks, in the order of the story."""
    return [check(seen) for check in CHECKS]


# --- the bot's part


def dm_opens(seen: Seen) -> Check:
    command = next(iter(seen.acts("member:", "POST", r"/commands$")), None)
    first = seen.dm[0] if seen.dm else None
    ok = command is not None and first is not None and first.author == BOT
    found = f"the DM begins with {first.text!r} by {first.author}" if first else "the DM is empty"
    return Check("/helpme opens the DM", ok, found)


def burst_is_one_question(seen: Seen) -> Check:
    """The premise of the next check: typed within a second, so that it has to be taken as one."""
    first = next(iter(history.questions(seen)), None)
    ok = first is not None and len(first.lines) == 2 and first.lines[1].at - first.lines[0].at < BURST
    found = f"{[line.text for line in first.lines]}" if first else "nothing was asked"
    return Check("the first question is typed in two messages within a second", ok, found)


def one_answer_per_question(seen: Seen) -> Check:
    """I13: the bot answers each question once, a burst as one."""
    asked = history.questions(seen)
    wrong = [f"{len(q.answers)} to {q.lines[-1].text!r}" for q in asked if len(q.answers) != 1]
    return _check(f"every question has exactly one answer ({len(asked)})", bool(asked), wrong)


def answered_with_an_article(seen: Seen) -> Check:
    """An answer is the bot's line that asks whether it solved the problem and is no apology."""
    first = next(iter(history.questions(seen)), None)
    answers = first.answers if first else ()
    ok = any(words("en").button["solved"] in line.labels and not _is_unsure(line) for line in answers)
    return Check("the first question is answered with an article", ok, f"{[line.text for line in answers]}")


def unsure_offers_a_person(seen: Seen) -> Check:
    unsure = [line for line in seen.bot_lines() if _is_unsure(line)]
    ok = len(unsure) == 1 and words("en").button["agent_requested"] in unsure[0].labels
    found = f"{[(line.text, line.labels) for line in unsure]}"
    return Check("a question without an article is met with the offer of a person", ok, found)


# --- the hand-off


def case_and_place(seen: Seen) -> Check:
    pressed = history.presses(seen, "agent_requested")
    told = history.handoffs(seen)
    complete = all(h.number.isdecimal() and h.place.strip() for h in told)
    ok = 0 < len(pressed) == len(told) and complete
    found = f"{len(pressed)} presses, {[h.line.text for h in told]}"
    return Check("each call for a person is answered with case number and place", ok, found)


def transcript_precedes(seen: Seen) -> Check:
    """The first task holds everything that was written before the hand-off, in words that are no relay."""
    told = history.handoffs(seen)
    if not told or not seen.tasks:
        return Check("the task shows the transcript so far", False, "no hand-off or no task")
    said = history.member_said(seen)
    later = [s.text for s in said if s.at > told[0].line.at]
    lines = [line.text for line in history.from_service(seen, seen.tasks[0])]
    transcript = "\n".join(text for text in lines if not any(relayed in text for relayed in later))
    earlier = [s.text for s in said if s.at < told[0].line.at]
    missing = [f"missing {text!r}" for text in earlier if text not in transcript]
    return _check("the task shows the transcript so far", bool(earlier), missing)


def one_task_per_call(seen: Seen) -> Check:
    """As many tasks and Twilio Conversations as calls for a person, none shared."""
    calls = len(history.handoffs(seen))
    conversations = {task.conversation for task in seen.tasks}
    ok = 0 < calls == len(seen.tasks) == len(conversations)
    found = f"{calls} calls, {len(seen.tasks)} tasks, {len(conversations)} Twilio Conversations"
    return Check("one task for each call for a person", ok, found)


def member_hears_who_joined(seen: Seen) -> Check:
    accepted = [e.by.removeprefix("agent:") for e in seen.acts("agent:", "POST", r"^/tasks/\w+/accept$")]
    joined = [m["name"] for line in seen.bot_lines() if (m := says("agent_joined", line.text))]
    ok = 0 < len(accepted) == len(joined) and all(
        agent in name.lower() for agent, name in zip(accepted, joined, strict=True)
    )
    return Check("the member is told who joined, once", ok, f"accepted by {accepted}, told of {joined}")


def bot_is_silent(seen: Seen) -> Check:
    """I13: until the goodbye the bot's account brings the agent's words and who joined, nothing else."""
    from_agents = [said.text for task in seen.tasks for said in history.agent_said(seen, task)]
    told = history.handoffs(seen)
    spoke = [
        repr(line.text)
        for line in seen.bot_lines()
        if any(handoff.covers(line.at) for handoff in told)
        and not says("agent_joined", line.text)
        and not any(text in line.text for text in from_agents)
    ]
    return _check("the bot is silent after the hand-off", bool(told), spoke)


# --- between member and agent


def interleaved(seen: Seen) -> Check:
    """At least five messages each way before the kill, and the word passes to and fro."""
    told, killed = history.handoffs(seen), history.killed(seen)
    if not told or killed is None:
        return Check("five messages each way, interleaved", False, "no hand-off or no kill")
    by_member = [s for s in history.member_said(seen) if told[0].covers(s.at) and s.at < killed]
    by_agent = [s for task in seen.tasks for s in history.agent_said(seen, task) if s.at < killed]
    turns = history.count_turns(by_member, by_agent)
    ok = min(len(by_member), len(by_agent)) >= 5 and turns >= 8
    found = f"{len(by_member)} by the member, {len(by_agent)} by the agent, {turns} turns"
    return Check("five messages each way, interleaved", ok, found)


def member_reaches_agent(seen: Seen) -> Check:
    """I1, I3, I5: what the member wrote after a hand-off stands in that call's task and in no other."""
    wrong: list[str] = []
    count = 0
    for number, handoff in enumerate(history.handoffs(seen)):
        said = [s for s in history.member_said(seen) if handoff.covers(s.at)]
        count += len(said)
        task = seen.tasks[number] if number < len(seen.tasks) else None
        wrong += _once_in_order(said, history.from_service(seen, task) if task else ())
        strangers = [line.text for other in seen.tasks if other is not task for line in other.lines]
        wrong += [f"{s.text!r} in another task" for s in said if any(s.text in text for text in strangers)]
    name = f"each message of the member reaches the agent exactly once, in order ({count})"
    return _check(name, count > 0, wrong)


def agent_reaches_member(seen: Seen) -> Check:
    """I2, I3: what agents wrote in a task stands in the DM."""
    wrong: list[str] = []
    count = 0
    for task in seen.tasks:
        said = history.agent_said(seen, task)
        count += len(said)
        wrong += _once_in_order(said, seen.bot_lines())
    name = f"each message of the agent reaches the member exactly once, in order ({count})"
    return _check(name, count > 0, wrong)


# --- the crash


def killed_in_flight(seen: Seen) -> Check:
    """A request of the killed service was answered after the kill."""
    killed = history.killed(seen)
    if killed is None:
        return Check("the kill cuts an effect in flight", False, "the service was not killed")
    again = history.started_again(seen)
    answered_late = [e for e in seen.log if e.by == "app" and e.method != "GET" and e.at > killed]
    cut = [e for e in answered_late if history.began(e) < again]
    return Check("the kill cuts an effect in flight", bool(cut), "no request was under way")


def both_write_while_down(seen: Seen) -> Check:
    down = history.down_times(seen)
    by_member = [s for s in history.member_said(seen) if history.within(s.at, down)]
    by_agent = [s for t in seen.tasks for s in history.agent_said(seen, t) if history.within(s.at, down)]
    found = f"{len(by_member)} by the member, {len(by_agent)} by the agent"
    return Check("both write while the service is down", bool(by_member and by_agent), found)


# --- the end, and after it


def goodbye_names_the_case(seen: Seen) -> Check:
    """Once for each completed task, with the number the member was given."""
    completed = len(history.completions(seen))
    goodbyes = [line.text for line in seen.bot_lines() if says("goodbye", line.text)]
    over = [h for h in history.handoffs(seen) if h.goodbye]
    ok = 0 < completed == len(goodbyes) == len(over) and all(h.goodbye_number == h.number for h in over)
    return Check("the goodbye names the case", ok, f"{completed} completed, {goodbyes}")


def rating_is_taken(seen: Seen) -> Check:
    """The goodbye asks for it; the member gives one, and it is thanked for."""
    asked = [h for h in history.handoffs(seen) if h.goodbye and h.goodbye.buttons]
    rated = history.presses(seen, "rating")
    thanks = [line.text for line in seen.private if says("rating_thanks", line.text)]
    ok = 0 < len(asked) == len(rated) == len(thanks)
    found = f"{len(asked)} goodbyes ask for one, {len(rated)} given, {len(thanks)} thanked for"
    return Check("the rating is asked for and taken", ok, found)


def nothing_after_the_close(seen: Seen) -> Check:
    """I8: no line in a task's conversation after it was completed, and no attempt at one."""
    completed = history.completions(seen)
    wrong = [repr(line.text) for at, task in completed for line in task.lines if line.at > at]
    wrong += [f"entry {e.seq} was refused" for e in seen.log if _is_refused_as_closed(e)]
    return _check("nothing is written into a closed conversation", bool(completed), wrong)


def begins_anew(seen: Seen) -> Check:
    """After the goodbye the bot answers again; the next call has another case and another task."""
    told = history.handoffs(seen)
    numbers = [h.number for h in told]
    goodbye = told[0].goodbye if told else None
    again = [q for q in history.questions(seen) if goodbye and q.lines[0].at > goodbye.at and q.answers]
    tasks = {task.sid for task in seen.tasks}
    ok = bool(again) and len(set(numbers)) == len(tasks) == 2
    found = f"{len(again)} answers after the goodbye, cases {numbers}, {len(tasks)} tasks"
    return Check("writing again begins a new conversation", ok, found)


# --- at all times


def webhooks_are_taken(seen: Seen) -> Check:
    """They are signed, so none is refused; I9: each is answered in time unless the service was down."""
    down = history.down_times(seen)
    hooks = [e for e in seen.log if e.to == "webhook"]
    wrong = [f"entry {e.seq}: {e.status or e.response}" for e in hooks if not _is_taken(e, down)]
    return _check(f"every webhook is accepted within 5 s ({len(hooks)})", bool(hooks), wrong)


def presses_are_acknowledged(seen: Seen) -> Check:
    """I9: interactions."""
    begun = [*seen.acts("member:", "POST", r"/clicks$"), *seen.acts("member:", "POST", r"/commands$")]
    taken = history.acknowledgements(seen)
    late = [
        f"entry {e.seq}"
        for e in begun
        if taken.get(history.interaction(e), e.at + ACKNOWLEDGED_WITHIN) - e.at >= ACKNOWLEDGED_WITHIN
    ]
    return _check(f"every press and command is acknowledged within 3 s ({len(begun)})", bool(begun), late)


CHECKS: tuple[Callable[[Seen], Check], ...] = (
    dm_opens,
    burst_is_one_question,
    one_answer_per_question,
    answered_with_an_article,
    unsure_offers_a_person,
    case_and_place,
    transcript_precedes,
    one_task_per_call,
    member_hears_who_joined,
    bot_is_silent,
    interleaved,
    killed_in_flight,
    both_write_while_down,
    member_reaches_agent,
    agent_reaches_member,
    goodbye_names_the_case,
    rating_is_taken,
    nothing_after_the_close,
    begins_anew,
    webhooks_are_taken,
    presses_are_acknowledged,
)


def _check(name: str, happened: bool, wrong: Sequence[str]) -> Check:
    """True when something happened at all and nothing of it was wrong."""
    return Check(name, happened and not wrong, "; ".join(wrong) or "nothing of it was seen")


def _once_in_order(said: Sequence[Said], lines: Sequence[Line]) -> list[str]:
    """What is wrong with the lines that should carry these words, each once and in this order."""
    places = [[n for n, line in enumerate(lines) if s.text in line.text] for s in said]
    wrong = [f"{s.text!r} arrived {len(p)} times" for s, p in zip(said, places, strict=True) if len(p) != 1]
    first = [p[0] for p in places if p]
    wrong += [] if first == sorted(first) else [f"out of order: {[lines[n].text for n in first]}"]
    return wrong


def _is_unsure(line: Line) -> bool:
    return says("unsure", line.text) is not None


def _is_refused_as_closed(exchange: Exchange) -> bool:
    answer = exchange.response
    return exchange.by == "app" and isinstance(answer, dict) and answer.get("code") == CONVERSATION_CLOSED


def _is_taken(hook: Exchange, down: Sequence[tuple[datetime, datetime]]) -> bool:
    if hook.status is None or not 200 <= hook.status < 300:
        return hook.status != 403 and history.within(hook.at, down)
    created = hook.request.get("DateCreated")
    if created is None or hook.request.get("EventType") != "onMessageAdded":
        return True
    return hook.at - datetime.fromisoformat(str(created)) < ANSWERED_WITHIN
