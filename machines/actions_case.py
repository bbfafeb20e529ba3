"""What a case does with what it is told: what it remembers, and what its member is told of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

from machines import sla
from machines.draft_case import CaseDraft
from machines.effects import Kind
from machines.events import CaseTrigger, Source
from machines.snapshot import BUG, HELP

#: The button below what a member may want to answer to.
TALK = "case_talk"

# --- what is remembered


def _added(known: tuple[str, ...], *more: str) -> tuple[str, ...]:
    return tuple(dict.fromkeys([*known, *filter(None, more)]))


def _remember(draft: CaseDraft, **values: Any) -> None:
    draft.context = replace(draft.context, **values)


def _remember_opening(draft: CaseDraft) -> None:
    data = draft.event.data
    texts = {name: str(data.get(name, "")) for name in ("title", "summary", "steps", "follows")}
    channel = str(data.get("asked_in", ""))
    _remember(draft, kind=str(data.get("kind", HELP)), channel=channel, **texts)
    _remember_conversation(draft)
    _remember_agent(draft)


def _remember_edit(draft: CaseDraft) -> None:
    """What the event names is replaced; the rest stays."""
    data = draft.event.data
    _remember(draft, **{name: str(data[name]) for name in ("title", "summary", "priority") if name in data})
    if "tags" in data:
        _remember(draft, tags=_added((), *map(str, data["tags"])))


def _confirm_report(draft: CaseDraft) -> None:
    bug = draft.context.kind == BUG
    draft.answer("bug_reported" if bug else "feature_requested", title=draft.context.title)


def _confirm_by_message(draft: CaseDraft) -> None:
    """Who filed a report and was not shown its number, because the command's answer is dead, reads it in the DM."""
    if draft.event.data.get("kind") == Kind.ANSWER_INTERACTION and not draft.context.confirmed:
        draft.context = replace(draft.context, confirmed=True)
        draft.say("report_filed", title=draft.context.title)


def _answer_blocked(draft: CaseDraft) -> None:
    draft.answer("blocked")


def _answer_empty(draft: CaseDraft) -> None:
    draft.answer("report_empty")


def _remember_conversation(draft: CaseDraft) -> None:
    conversation = str(draft.event.data.get("conversation", ""))
    _remember(draft, conversations=_added(draft.context.conversations, conversation))


def _remember_agent(draft: CaseDraft) -> None:
    _remember(draft, agents=_added(draft.context.agents, str(draft.event.data.get("agent", ""))))


def _remember_assignee(draft: CaseDraft) -> None:
    to = str(draft.event.data.get("to", ""))
    _remember(draft, assignee=to, agents=_added(draft.context.agents, to))


def _forget_assignee(draft: CaseDraft) -> None:
    _remember(draft, assignee="")


def _remember_response(draft: CaseDraft) -> None:
    draft.context = sla.answered(draft.context, draft.now)


def _respond_by_resolving(draft: CaseDraft) -> None:
    """An agent who resolves it answers; a member who wants nothing more does not."""
    if draft.event.source is Source.PAGE:
        _remember_response(draft)


def _remember_resolution(draft: CaseDraft) -> None:
    _remember(draft, reason=str(draft.event.data.get("reason", "")))


def _forget_resolution(draft: CaseDraft) -> None:
    _remember(draft, reason="")


def _remember_survivor(draft: CaseDraft) -> None:
    _remember(draft, merged_into=str(draft.event.data.get("into", "")))


def _remember_merged(draft: CaseDraft) -> None:
    """The other case, those that it had taken up itself, and what was said about them."""
    data, context = draft.event.data, draft.context
    _remember(
        draft,
        merged=_added(context.merged, str(data.get("case", "")), *data.get("merged", ())),
        conversations=_added(context.conversations, *data.get("conversations", ())),
    )


def _remember_feedback(draft: CaseDraft) -> None:
    """A second rating replaces the first."""
    data = draft.event.data
    _remember(
        draft,
        rating=int(data.get("rating") or draft.context.rating),
        comment=str(data.get("comment") or draft.context.comment),
    )


def _watch_resolved(draft: CaseDraft) -> None:
    due = draft.given.received_at + timedelta(seconds=draft.given.limits.case_close)
    draft.timers[CaseTrigger.CASE_CLOSE] = due


# --- what the member is told


def _say_asked(draft: CaseDraft) -> None:
    if draft.is_news:
        draft.say("case_asked", TALK)


def _say_resolved(draft: CaseDraft) -> None:
    if not draft.is_news:
        return
    match draft.context.reason:
        case "declined":
            draft.say("case_declined", TALK)
        case "duplicate":
            draft.say("case_duplicate")
        case "no_reply":
            draft.say("case_no_reply", TALK)
        case _:
            draft.say("case_resolved", TALK)


def _say_reopened(draft: CaseDraft) -> None:
    if draft.is_news:
        draft.say("case_reopened")


def _say_merged(draft: CaseDraft) -> None:
    if draft.is_news:
        draft.say("case_merged", into=draft.context.merged_into)


CASE_ACTIONS: dict[str, Callable[[CaseDraft], None]] = {
    action.__name__.removeprefix("_"): action
    for action in (
        _remember_opening,
        _confirm_report,
        _confirm_by_message,
        _answer_blocked,
        _answer_empty,
        _remember_edit,
        _remember_conversation,
        _remember_agent,
        _remember_assignee,
        _forget_assignee,
        _remember_response,
        _respond_by_resolving,
        _remember_resolution,
        _forget_resolution,
        _remember_survivor,
        _remember_merged,
        _remember_feedback,
        _watch_resolved,
        _say_asked,
        _say_resolved,
        _say_reopened,
        _say_merged,
    )
}
