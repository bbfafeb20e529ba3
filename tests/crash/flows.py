"""The flows: every story under its name, with the starting point that it is reached from without a crash."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial

from machines.hours import ALWAYS, Hours
from machines.snapshot import DEFAULT_LIMITS, Limits
from machines.timetable import hours
from tests.crash import casework, races, stories
from tests.crash.play import Play

Story = Callable[[Play], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Flow:
    """A story, and what it starts from."""

    name: str
    story: Story
    start: Story | None = None  #: plays before it, without crashes, in a life of its own
    meanwhile: Callable[[Play], None] | None = None  #: happens while nobody serves, between the two
    limits: Limits = DEFAULT_LIMITS
    hours: Hours = ALWAYS
    desk: str = "flex"  #: where agents work
    followed: bool = False  #: a CRM follows cases


#: Longer than the quiet time after the start of a flow.
SHORT_WAIT = Limits(wait=80, wait_reminder=60)
SHORT_SILENCE = Limits(member_idle_warn=30, member_idle=45)
#: Stories begin on the Monday before.
TOMORROW = hours("tue 09:00-17:00")

FLOWS: dict[str, Flow] = {
    flow.name: flow
    for flow in (
        Flow("helpme", stories.helpme, stories.nothing),
        Flow("question answered", stories.answered, stories.greeted),
        Flow("second miss", stories.second_miss, stories.greeted),
        Flow("bug reported", stories.bug_reported, stories.nothing),
        Flow("wish while talking", stories.wished_while_talking, stories.talking),
        Flow("hand-off", stories.hand_off, stories.greeted),
        Flow("cancel", stories.cancelled, stories.queued),
        Flow("nobody comes, message left", stories.nobody_comes, stories.queued, limits=SHORT_WAIT),
        Flow("outside hours, message left", stories.outside_hours, stories.greeted, hours=TOMORROW),
        Flow("agent accepts", stories.accepted, stories.queued),
        Flow("accepted, and cancelled at once", partial(races.cancel_meets_accept, turns=0), stories.queued),
        Flow("cancelled, and accepted at once", partial(races.cancel_meets_accept, turns=2), stories.queued),
        Flow("both ways", stories.both_ways, stories.talking),
        Flow("member edits", stories.member_edits, stories.talking),
        Flow("agent edits", stories.agent_edits, stories.talking),
        Flow("taken back", stories.taken_back, stories.talking),
        Flow("agent leaves, another is invited", stories.leaves, stories.talking),
        Flow("unreachable", stories.unreachable, stories.talking),
        Flow("member closes", stories.closed_by_member, stories.talking),
        Flow("falls silent", stories.falls_silent, stories.talking, limits=SHORT_SILENCE),
        Flow("two ask at once", races.two_ask, races.two_greeted),
        Flow("place changes", races.place_changes, races.two_queued),
        Flow("built-in desk: place changes", races.place_changes, races.two_queued, desk="builtin"),
        Flow("two talk, one ends", races.two_talk, races.two_talking),
        Flow("agent completes", stories.completed, stories.talking),
        Flow("rating", stories.rated, stories.ended),
        Flow("transcript", stories.transcript, stories.ended),
        Flow("reopened", stories.reopened, stories.ended),
        Flow("written while dead", stories.read_up, stories.talking, stories.both_write),
        Flow("completed while dead", stories.closed_meanwhile, stories.talking, stories.agent_completes),
        Flow("agent writes first", casework.contacted, stories.ended),
        Flow("agent writes first, in vain", casework.out_of_reach, stories.ended),
        Flow("case worked on", casework.worked_on, stories.ended),
        Flow("cases merged", casework.merged, stories.queued),
        Flow("built-in desk: agent writes first", casework.contacted_at_once, stories.ended, desk="builtin"),
        Flow("case followed by a CRM", stories.followed, stories.queued, followed=True),
        Flow("built-in desk: hand-off", stories.taken_up, stories.greeted, desk="builtin"),
        Flow("built-in desk: both ways", stories.both_ways, stories.talking, desk="builtin"),
        Flow("built-in desk: agent reacts", stories.agent_reacts, stories.talking, desk="builtin"),
        Flow("built-in desk: handed over", stories.handed_over, stories.talking, desk="builtin"),
        Flow("built-in desk: agent closes", stories.completed, stories.talking, desk="builtin"),
    )
}
