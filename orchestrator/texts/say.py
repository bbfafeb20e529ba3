"""What people read, by key. The machines name keys; the words are chosen here, at send time.

Placeholders in braces are filled from the effect's arguments and the rows; `number` is the case's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

#: In the member's DM.
MEMBER: Mapping[str, str] = {
    "greeting": (
        "Hi! Ask me anything about this community in your own words. I am a bot: I look for an answer first, "
        "and you can talk to a person at any time."
    ),
    "asked": "You asked: {question}",
    "answer": "{body}",
    "answer_greeting": "Hello! What can I help you with?",
    "answer_thanks": "You're welcome! Is there anything else?",
    "articles": "This should help:",
    "suggestions": "Is it one of these?",
    "unsure": (
        "I found nothing that fits. Could you say it in other words? If you would rather talk to a person, "
        "press the button."
    ),
    "bot_failed": "Sorry, I could not look that up. Try again, or talk to a person.",
    "offer_person": "Sorry about that. Try other words, or talk to a person.",
    "place": "Your case is #{number}. {place} An agent answers right here; write on if you like.",
    "place_first": "You are next in line.",
    "place_nth": "You are number {n} in line.",
    "withdrawn": "Done, nobody is being called. You can ask me or call a person again at any time.",
    "nobody_came": (
        "I am sorry, nobody is free right now. Your case #{number} stays open and will be followed up. "
        "You can go on asking me."
    ),
    "desk_failed": (
        "I am sorry, I could not reach the agents just now. Your case #{number} stays open. "
        "Try again in a moment, or leave a message."
    ),
    "desk_lost": "The line to the agent broke. I am asking for another one; nothing you wrote is lost.",
    "outside_hours": (
        "Nobody is here right now. {opens} Your case is #{number}; leave a message and it goes on the case."
    ),
    "outside_hours_at": "Someone will be here from {opens_at}.",
    "message_kept": "Thank you, your message is on case #{number}.",
    "other_case": "This is a case of its own now: #{number}.",
    "agent_joined": "**{name}** joined. You are talking to a person now.",
    "agent_left": "{name} left.",
    "all_left": "The agent left. I am asking for another one; you are at the front of the line.",
    "agent_silent": (
        "The agent seems to be away. I am asking for another one; you are at the front of the line."
    ),
    "transfer": "You are being handed to a colleague.",
    "who_is_here": "{name} is here with you.",
    "somebody_comes": "Somebody is on the way to you.",
    "contact": "**{name}** from the team is writing to you about case #{number}.",
    "contact_ended": "That's all for now about case #{number}. Press the button to talk to a person.",
    "agent_reacted": "The agent reacted with {emoji}",
    "member_idle_warn": "Are you still there? I will close this conversation if I hear nothing more.",
    "bot_idle_warn": "Is there anything else? I will close this conversation if I hear nothing more.",
    "idle_goodbye": "I have closed this conversation because it went quiet. Write to me at any time.",
    "goodbye": "The agent has closed this conversation (case #{number}). Goodbye! How was it?",
    "solved": "Great! Goodbye, and write to me at any time.",
    "closed_by_member": "Closed. Goodbye, and write to me at any time.",
    "was_closed": "The agent had closed the conversation just before you wrote this. I am happy to go on.",
    "already_closed": "That conversation is closed already.",
    "not_closed": "You can rate this conversation once it is closed.",
    "rating_thanks": "Thank you for your rating!",
    "comment_thanks": "Thank you, your comment is on the case.",
    "not_delivered": "Sorry, your last message could not be delivered. Please send it again.",
    "not_delivered_closed": (
        "Sorry, your last message did not reach the agent before the conversation closed. It is on the case."
    ),
    "blocked": "This service is not available to you.",
    "step_failed": "Sorry, something went wrong here. The team has been told.",
    "before_end": "-# sent before the conversation ended",
}

#: Shown only to the one who gave a command.
COMMAND: Mapping[str, str] = {
    "look_in_dm": "I wrote you a direct message.",
    "dm_closed": (
        "I cannot write to you: your direct messages are closed. Allow direct messages from members of this "
        "server (server menu, Privacy Settings), then try again."
    ),
    "message_kept": "Thank you, your message is on your case.",
    "blocked": "This service is not available to you.",
    "not_closed": "You can rate this conversation once it is closed.",
    "step_failed": "Sorry, something went wrong here. The team has been told.",
    "guild_only": "Please use this command in the server.",
}

#: For the agent, in the desk's transcript.
DESK: Mapping[str, str] = {
    "transcript": "What was said so far:\n{lines}",
    "transcript_empty": "Nothing was said so far.",
    "transcript_since": "What was said in the meantime:\n{lines}",
    "member_waits": "The member is waiting for an answer.",
    "agent_silent": "The member was told that another agent is being asked for. Write to take it up again.",
    "withdrawn_not_delivered": "The member withdrew the request. Your message was not delivered.",
    "nobody_waits": "Nobody is waiting here any more. Your message was not delivered.",
    "it_is_over": "This conversation is over.",
    "other_case": "The member says this is something else: it goes on as a case of its own.",
    "reachable_again": "The member can be reached again.",
    "unreachable": "The member cannot be reached: their direct messages are closed or they left the server.",
    "not_delivered": "Your last message did not reach the member ({reason}).",
    "not_delivered_over": "This conversation had ended. Your message was not delivered; it is on the case.",
    "member_reacted": "The member reacted with {emoji}",
    "desk_lost": "The connection to this conversation broke. The member was told that another agent is asked for.",
    "written_before_close": (
        "The member wrote something just before this conversation was closed. It starts a new conversation "
        "and is noted on the case."
    ),
    "member_blocked": "The member has been blocked; this conversation is closed.",
}

#: On buttons. Discord: at most 80 characters.
BUTTON: Mapping[str, str] = {
    "solved": "Solved",
    "not_helpful": "Not what I meant",
    "agent_requested": "Talk to a person",
    "agent_request_cancelled": "Cancel",
    "other_case": "This is something else",
    "member_closed": "End the conversation",
    "message_left": "Leave a message",
    "transcript_requested": "Transcript",
    "reopen": "Reopen",
}

#: Names in a transcript.
NAME: Mapping[str, str] = {"member": "Member", "bot": "Bot", "agent": "Agent"}


def text(table: Mapping[str, str], key: str, args: Mapping[str, Any]) -> str:
    """The words for a key. A key or placeholder that is missing is a bug and raises KeyError."""
    return table[key].format_map(args)
