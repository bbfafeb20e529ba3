"""Where every flow is killed over sockets, what brings it there, and how it is seen to have gone on."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.crash import acts
from tests.crash.acts import Act
from tests.crash.stories import BUG, WISH

POSTED = ("discord", "POST", "/messages$")
ANSWERED = ("discord", "PATCH", "/messages/@original$")
NOTED = ("twilio", "POST", "/Messages$")
TOLD = ("crm", "POST", "/cases$")
EDITED = ("discord", "PATCH", r"/messages/\d+$")


@dataclass(frozen=True, slots=True)
class Crash:
    """Where a flow is killed, and how it is seen to have gone on."""

    flow: str
    start: str  #: nobody, greeted, queued, talking or ended; two greeted, two queued, two talking
    point: tuple[str, str, str]  #: service, method and path of the call whose answer nobody gets
    does: Act
    sees: Act
    settings: Mapping[str, float | str] = field(
        default_factory=dict
    )  #: where the usual ones do not lead there
    desk: str = "flex"


QUICK = {"timer_place": 1}
SOON = {"timer_member_idle_warn": 2, "timer_member_idle": 4}
CRASHES = (
    Crash("helpme", "nobody", POSTED, lambda _s, mia, _t: mia.helpme(), acts.heard_once("greeting")),
    Crash("question answered", "greeted", POSTED, acts.wrote("I forgot my password"), acts.answered_once),
    Crash(
        "hand-off",
        "greeted",
        ("twilio", "POST", "/Interactions$"),
        acts.pressed("agent_requested"),
        acts.one_task,
    ),
    Crash(
        "bug reported", "nobody", ANSWERED, acts.reported("bug", **BUG), acts.told_its_number(BUG["title"])
    ),
    Crash(
        "wish while talking",
        "talking",
        ANSWERED,
        acts.reported("new_feature", **WISH),
        acts.told_its_number(WISH["title"]),
    ),
    Crash("cancel", "queued", POSTED, acts.pressed("agent_request_cancelled"), acts.canceled),
    Crash(
        "agent accepts", "queued", POSTED, acts.agent("accept", agent="ada"), acts.heard_once("agent_joined")
    ),
    Crash("second miss", "greeted", ("twilio", "POST", "/Conversations$"), acts.misses_twice, acts.one_task),
    Crash(
        "nobody comes, message left",
        "queued",
        POSTED,
        acts.waits,
        acts.heard_once("nobody_came"),
        {"timer_wait": 6},
    ),
    Crash(
        "outside hours, message left",
        "greeted",
        POSTED,
        acts.pressed("agent_requested"),
        acts.told_once_and_leaves_a_message,
        {"opening_hours": "never"},
    ),
    Crash("member edits", "talking", NOTED, acts.member_edits, acts.agent_reads_edit),
    Crash(
        "taken back",
        "talking",
        ("discord", "DELETE", r"/messages/\d+$"),
        acts.takes_back,
        acts.nothing_stands,
    ),
    Crash("unreachable", "talking", POSTED, acts.shuts_the_door, acts.agent_knows),
    Crash(
        "falls silent",
        "talking",
        POSTED,
        acts.agent("messages", body="anything else?"),
        acts.goodbye_for_silence,
        SOON,
    ),
    Crash("rating", "ended", POSTED, acts.pressed("rating"), acts.heard_once("rating_thanks")),
    Crash("transcript", "ended", POSTED, acts.pressed("transcript_requested"), acts.has_the_file),
    Crash(
        "reopened", "ended", ("twilio", "POST", "/Interactions$"), acts.pressed("reopen"), acts.second_task
    ),
    Crash("both ways", "talking", NOTED, acts.wrote("one"), acts.agent_gets("one")),
    Crash("both ways, back", "talking", POSTED, acts.agent("messages", body="one"), acts.member_gets("one")),
    Crash("agent edits", "talking", POSTED, acts.edited, acts.reads_edit),
    Crash("case followed by a CRM", "queued", TOLD, acts.agent("accept", agent="ada"), acts.crm_knows),
    Crash("agent leaves, another is invited", "talking", POSTED, acts.leaves, acts.another_comes),
    Crash("member closes", "talking", POSTED, acts.pressed("member_closed"), acts.talk_ends),
    Crash("agent completes", "talking", POSTED, acts.agent("complete"), acts.heard_once("goodbye")),
    Crash("accepted, and cancelled at once", "queued", POSTED, acts.is_accepted_and_gives_up, acts.both_know),
    Crash("cancelled, and accepted at once", "queued", POSTED, acts.gives_up_and_is_accepted, acts.both_know),
    Crash(
        "two ask at once",
        "two greeted",
        ("twilio", "POST", "/Interactions$"),
        acts.both_ask,
        acts.each_has_an_agent,
    ),
    Crash("agent writes first", "ended", POSTED, acts.writes_first, acts.is_asked_by_the_agent_who_has_it),
    Crash("agent writes first, in vain", "ended", POSTED, acts.writes_in_vain, acts.the_case_says_so),
    Crash("case worked on", "ended", POSTED, acts.takes_it_up_again, acts.heard_once("case_reopened")),
    Crash("cases merged", "queued", NOTED, acts.merges, acts.both_hear_of_the_merge),
    Crash(
        "built-in desk: agent writes first",
        "ended",
        POSTED,
        acts.writes_first,
        acts.has_it_at_once,
        desk="builtin",
    ),
    Crash(
        "built-in desk: hand-off",
        "greeted",
        POSTED,
        acts.pressed("agent_requested"),
        acts.one_task,
        desk="builtin",
    ),
    Crash(
        "built-in desk: both ways",
        "talking",
        POSTED,
        acts.agent_wrote("one"),
        acts.member_gets("one"),
        desk="builtin",
    ),
    Crash(
        "built-in desk: agent reacts",
        "talking",
        POSTED,
        acts.reacts,
        acts.heard_once("agent_reacted"),
        desk="builtin",
    ),
    Crash("built-in desk: handed over", "talking", POSTED, acts.hands_over, acts.ben_has_it, desk="builtin"),
    Crash(
        "built-in desk: agent closes",
        "talking",
        POSTED,
        acts.closes,
        acts.heard_once("goodbye"),
        desk="builtin",
    ),
    Crash("place changes", "two queued", EDITED, acts.who_is_in_front_gives_up, acts.told_to_be_next, QUICK),
    Crash(
        "built-in desk: place changes",
        "two queued",
        EDITED,
        acts.who_is_in_front_gives_up,
        acts.told_to_be_next,
        QUICK,
        desk="builtin",
    ),
    Crash("two talk, one ends", "two talking", NOTED, acts.both_write, acts.one_ends_the_other_goes_on),
)
