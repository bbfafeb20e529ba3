"""Each check holds for the story as it should go, and is shown to fail on a history that breaks its promise."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from orchestrator.demo import checks
from orchestrator.demo.checks import Check
from orchestrator.demo.seen import Seen
from tests.demo.told import Json, Told, whole_story
from tests.english import ENGLISH


def test_every_check_holds_for_the_whole_story() -> None:
    failed = [str(check) for check in checks.judge(whole_story().seen()) if not check.ok]
    assert failed == []


def test_no_check_holds_where_nothing_happened() -> None:
    held = [check.name for check in checks.judge(Told().seen()) if check.ok]
    assert held == []


def test_a_line_per_check_says_what_was_wrong() -> None:
    assert str(Check("one answer", True, "1")) == "ok   one answer"
    assert str(Check("one answer", False, "2 of them")) == "FAIL one answer: 2 of them"


def test_what_a_busy_machine_delays_for_longer_than_planted_was_cut_all_the_same() -> None:
    told = whole_story()
    next(e for e in told.log if e["fault"] == "delay=2s").update(fault="delay=1.6s")
    assert checks.killed_in_flight(told.seen()).ok


def doctored(told: Told) -> Iterator[tuple[Callable[[Seen], Check], Callable[[], None], str]]:
    """(check, how to break the story, what the detail names)."""
    task, again = told.tasks

    def dm(text: str) -> Json:
        return next(line for line in told.inbox if text in line["content"])

    def desk(text: str) -> Json:
        return next(line for line in task["messages"] if line["body"] == text)

    def entry(by: str, part: str) -> Json:
        return next(e for e in told.log if e["from"].startswith(by) and part in e["path"])

    def forget(by: str, part: str) -> None:
        told.log[:] = [e for e in told.log if not (e["from"].startswith(by) and part in e["path"])]

    def insert(text: str, behind: Json, author: str = "bot", seconds: float = 0.01, **more: Any) -> None:
        twin = behind | {"author": author, "content": text, "at": later(behind["at"], seconds), **more}
        told.inbox.insert(told.inbox.index(behind) + 1, twin)

    def exchange(one: Json, other: Json, field: str) -> None:
        one[field], other[field] = other[field], one[field]

    yield checks.dm_opens, lambda: told.inbox.remove(dm(ENGLISH.member["greeting"])), "by mia"
    yield checks.dm_opens, lambda: forget("member:", "/commands"), "Hi!"
    yield checks.burst_is_one_question, lambda: insert("Hm?", dm("I forgot")), "I forgot"
    yield (
        checks.burst_is_one_question,
        lambda: dm("I forgot").update(at=later(dm("I forgot")["at"], -2)),
        "no mail",
    )
    yield checks.one_answer_per_question, lambda: insert("And this.", dm("This should")), "2 to 'and no mail"
    yield (
        checks.one_answer_per_question,
        lambda: told.inbox.remove(dm("nothing that fits")),
        "0 to 'Which bus?'",
    )
    yield (
        checks.answered_with_an_article,
        lambda: dm("This should").update(content=ENGLISH.member["unsure"]),
        "nothing",
    )
    yield checks.unsure_offers_a_person, lambda: dm("nothing that fits").update(components=[]), "()"
    yield checks.case_and_place, lambda: dm("#1001").update(content="An agent is coming."), "2 presses"
    yield checks.case_and_place, lambda: insert(dm("#1001")["content"], dm("#1001")), "2 presses"
    yield checks.transcript_precedes, lambda: task["messages"].pop(0), "missing 'I forgot my password'"
    yield checks.one_task_per_call, lambda: again.update(conversation_sid="CH1"), "1 Twilio Conversations"
    yield checks.one_task_per_call, lambda: told.tasks.append(again), "3 tasks"
    yield checks.member_hears_who_joined, lambda: told.inbox.remove(dm("**ada** joined")), "told of ['ben']"
    yield (
        checks.member_hears_who_joined,
        lambda: insert(dm("**ada**")["content"], dm("reply 0")),
        "'ada', 'ada'",
    )
    yield checks.bot_is_silent, lambda: insert("This should help!", dm("question 1")), "This should help!"
    yield checks.interleaved, lambda: forget("agent:ada", "/messages"), "0 by the agent"
    yield checks.killed_in_flight, lambda: entry("app", "/Messages").update(fault=None), "no request"
    yield (
        checks.killed_in_flight,
        lambda: told.log.remove(next(e for e in told.log if e["method"] == "KILL")),
        "not",
    )
    yield checks.both_write_while_down, lambda: forget("member:", "/messages"), "0 by the member"
    yield (
        checks.member_reaches_agent,
        lambda: task["messages"].remove(desk("question cut")),
        "arrived 0 times",
    )
    yield checks.member_reaches_agent, lambda: task["messages"].append(desk("question 3")), "arrived 2 times"
    yield (
        checks.member_reaches_agent,
        lambda: exchange(desk("question 1"), desk("question 2"), "body"),
        "order",
    )
    yield checks.member_reaches_agent, lambda: again["messages"].append(desk("question 4")), "another task"
    yield checks.agent_reaches_member, lambda: told.inbox.remove(dm("reply while down")), "arrived 0 times"
    yield checks.agent_reaches_member, lambda: insert("reply 2", dm("reply 2")), "arrived 2 times"
    yield checks.agent_reaches_member, lambda: exchange(dm("reply 1"), dm("reply 2"), "content"), "order"
    yield checks.goodbye_names_the_case, lambda: dm("Goodbye").update(content=goodbye(1002)), "#1002"
    yield checks.goodbye_names_the_case, lambda: insert(goodbye(1001), dm("Goodbye")), "1 completed"
    yield checks.rating_is_taken, lambda: told.inbox.remove(dm(ENGLISH.member["rating_thanks"])), "0 thanked"
    yield checks.rating_is_taken, lambda: dm("Goodbye").update(components=[]), "0 goodbyes"
    yield checks.nothing_after_the_close, lambda: told.at_desk(task, "Bot", "too late"), "too late"
    yield checks.nothing_after_the_close, lambda: refuse(entry("app", "/Messages")), "was refused"
    yield checks.begins_anew, lambda: dm("#1002").update(content=dm("#1001")["content"]), "'1001', '1001'"
    yield checks.begins_anew, lambda: told.inbox.remove(dm("Choose Friends")), "0 answers"
    yield checks.webhooks_are_taken, lambda: told.webhook(status=403), "403"
    yield checks.webhooks_are_taken, lambda: told.webhook(status=None), "None"
    yield checks.webhooks_are_taken, lambda: told.webhook(took=5.5), "204"
    yield checks.presses_are_acknowledged, lambda: told.press("solved:c2", acknowledged_after=3.5), "entry"
    yield checks.presses_are_acknowledged, lambda: told.press("solved:c2", acknowledged_after=None), "entry"


def later(at: str, seconds: float) -> str:
    return (datetime.fromisoformat(at) + timedelta(seconds=seconds)).isoformat()


def goodbye(number: int) -> str:
    return ENGLISH.member["goodbye"].format(number=number)


def refuse(entry: Json) -> None:
    entry.update(status=400, response={"code": 50377, "message": "closed"})


CASES = [(n, check.__name__) for n, (check, _, _) in enumerate(doctored(whole_story()))]


@pytest.mark.parametrize("number", [n for n, _ in CASES], ids=[f"{name}-{n}" for n, name in CASES])
def test_a_check_fails_where_its_promise_is_broken(number: int) -> None:
    told = whole_story()
    check, break_it, named = list(doctored(told))[number]
    assert check(told.seen()).ok

    break_it()

    verdict = check(told.seen())
    assert not verdict.ok
    assert named in verdict.detail


def test_each_check_is_broken_at_least_once() -> None:
    broken = {check for check, _, _ in doctored(whole_story())}
    assert broken == set(checks.CHECKS)
