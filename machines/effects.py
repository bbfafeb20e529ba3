"""Effects: what a transition wants done outside, recorded with it and carried out after the commit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from machines.events import Trigger


class Kind(StrEnum):
    """What is to be done. One kind is one call of one provider (a split text: one call per part)."""

    # lane `dm:{member}`
    SAY = "say"  #: a text of ours in the member's DM
    RELAY_TO_MEMBER = "relay_to_member"  #: create, edit or delete an agent's message in the DM
    REACT = "react"  #: a reaction on one of the member's messages
    PLACE = "place"  #: the one message with the place in the queue: create it, later edit it
    SEND_TRANSCRIPT = "send_transcript"  #: the conversation as a file
    # lane `interaction:{id}`
    ANSWER_INTERACTION = "answer_interaction"
    # lane `chatbot:{member}`
    ASK_CHATBOT = "ask_chatbot"
    # lane `desk:{conversation}:{request}`; the first five are the chain that opens a desk
    DESK_CREATE = "desk_create"
    DESK_JOIN = "desk_join"
    DESK_WIRE = "desk_wire"
    DESK_TRANSCRIPT = "desk_transcript"
    DESK_ROUTE = "desk_route"
    RELAY_TO_DESK = "relay_to_desk"  #: create, edit or delete a member's message at the desk
    DESK_NOTE = "desk_note"  #: a text of ours for the agent
    DESK_INVITE = "desk_invite"  #: another agent for the same request
    DESK_CLOSE = "desk_close"  #: the talk is over: close the channel and complete the task
    DESK_WITHDRAW = "desk_withdraw"  #: nobody is wanted any more: close the channel, cancel the task
    # lane `webhook:cases`
    CASE_WEBHOOK = "case_webhook"  #: a change of a case, for whoever follows cases outside
    # lane `operator`
    ALERT = "alert"


#: The links of the chain that opens a desk, in their order.
OPEN_DESK = (Kind.DESK_CREATE, Kind.DESK_JOIN, Kind.DESK_WIRE, Kind.DESK_TRANSCRIPT, Kind.DESK_ROUTE)

#: What else is done to a desk, but for the notes.
FOLLOW_DESK = (Kind.RELAY_TO_DESK, Kind.DESK_INVITE, Kind.DESK_CLOSE, Kind.DESK_WITHDRAW)

#: What a conversation is told when an effect of this kind is dead. Kinds that are not listed die silently:
#: they are seen in the dead letters only.
ON_DEATH: Mapping[Kind, Trigger] = {
    Kind.SAY: Trigger.DELIVERY_FAILED,
    Kind.PLACE: Trigger.DELIVERY_FAILED,
    Kind.SEND_TRANSCRIPT: Trigger.DELIVERY_FAILED,
    Kind.RELAY_TO_MEMBER: Trigger.DELIVERY_FAILED,
    Kind.RELAY_TO_DESK: Trigger.DELIVERY_FAILED,
    Kind.DESK_NOTE: Trigger.DELIVERY_FAILED,
    Kind.ASK_CHATBOT: Trigger.BOT_FAILED,
    Kind.DESK_CREATE: Trigger.DESK_FAILED,
    Kind.DESK_JOIN: Trigger.DESK_FAILED,
    Kind.DESK_WIRE: Trigger.DESK_FAILED,
    Kind.DESK_TRANSCRIPT: Trigger.DESK_FAILED,
    Kind.DESK_ROUTE: Trigger.DESK_FAILED,
    Kind.DESK_INVITE: Trigger.DESK_FAILED,
}


#: Not meant for a member: a case is not told that these are dead, as it is of all others of its effects. What it was
#: told, it would have to tell outside again.
UNTOLD = frozenset({Kind.CASE_WEBHOOK, Kind.ALERT})


@dataclass(frozen=True, slots=True)
class Effect:
    """Something to do outside. It carries keys and ids, never rendered text: texts are made at send time."""

    kind: Kind
    lane: str  #: one per destination address; effects of a lane run in order
    payload: Mapping[str, Any] = field(default_factory=dict)
    replaces: str | None = None  #: an unsent effect of the same lane with this mark becomes void
    delay: float = 0.0  #: seconds before it is due


def dm_lane(member: str) -> str:
    return f"dm:{member}"


def chatbot_lane(member: str) -> str:
    return f"chatbot:{member}"


def desk_lane(conversation: str, request: int) -> str:
    return f"desk:{conversation}:{request}"


def interaction_lane(interaction: str) -> str:
    return f"interaction:{interaction}"


OPERATOR_LANE = "operator"
#: One address follows all cases, in the order in which they changed.
CASE_WEBHOOK_LANE = "webhook:cases"


def effect_key(subject: str, version: int, n: int, part: int = 0) -> str:
    """The name of an effect, the same in every replay: `subject:version:n:part`."""
    return f"{subject}:{version}:{n}:{part}"
